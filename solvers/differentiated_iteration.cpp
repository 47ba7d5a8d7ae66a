#include "solvers/differentiated_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;
constexpr std::size_t most_ties_listed = 10;

// max |a - b| where both are numbers.
double largest_change(std::span<const double> a, std::span<const double> b) {
  double largest = 0.0;
  for (std::size_t s = 0; s < a.size(); ++s) {
    const double change = std::abs(a[s] - b[s]);
    if (std::isfinite(change)) largest = std::max(largest, change);
  }
  return largest;
}

class Iteration {
 public:
  Iteration(const Mdp& mdp, const EntryDirection& direction, const DifferentiatedIterationOptions& options)
      : mdp_(mdp), direction_(direction), options_(options), q_(mdp.n_rows()), sources_(mdp.n_rows()) {
    const auto n = static_cast<std::size_t>(mdp.n_states());
    result_.values = options.terminal.empty() ? std::vector<double>(n, 0.0) : options.terminal;
    result_.derivative = options.terminal_direction.empty() ? std::vector<double>(n, 0.0) : options.terminal_direction;
  }

  DifferentiatedIteration run() {
    result_.status = Status::converged;
    while (result_.sweeps < options_.sweeps && result_.status == Status::converged) sweep();
    if (result_.n_ties > 0) result_.level = Level::approximate;
    result_.message = result_.n_ties == 0
                          ? "the derivative of the problem of that many stages"
                          : "several actions are optimal at some stage: one of the one-sided derivatives";
    return std::move(result_);
  }

 private:
  void sweep() {
    std::vector<double>& v = result_.values;
    kernels::q_values(mdp_, v, q_, options_.threads);
    const kernels::ChangeSize size =
        kernels::entry_sources(mdp_, v,
                               {direction_.cost, direction_.probability, direction_.discount,
                                options_.convention == EntryConvention::normalised},
                               sources_, options_.threads);
    add_errors(size);
    std::vector<double> next(v.size()), next_derivative(v.size());
    result_.policy.assign(v.size(), 0);
    kernels::add_expectation(mdp_, sources_, result_.derivative, sources_, options_.threads);
    for (State s = 0; s < mdp_.n_states(); ++s) {
      const Offset row = greedy(s);
      next[s] = q_[row];
      next_derivative[s] = q_[row] < infinity ? sources_[row] : not_computed;
    }
    ++result_.sweeps;
    const DifferentiatedSweep record{result_.sweeps, largest_change(next, v),
                                     largest_change(next_derivative, result_.derivative)};
    v = std::move(next);
    result_.derivative = std::move(next_derivative);
    if (options_.record_trace) result_.trace.push_back(record);
    if (options_.observer && !options_.observer(record)) result_.status = Status::interrupted;
  }

  // The bounds of the next V and dV from those of this one; see the header.
  void add_errors(const kernels::ChangeSize& size) {
    const double gamma = mdp_.discount();
    const double entries = mdp_.entry_error().probability + 2.0 * unit_roundoff;
    const Offset length = mdp_.max_row_length();
    const double inflate = 1.0 + 8.0 * (rounding(length + 8) + entries);
    const double derivative = max_abs_finite(result_.derivative);
    const double source_error = (rounding(length + 6) + entries) * size.magnitude +
                                (gamma * size.probability + std::abs(direction_.discount)) * result_.value_error_bound;
    result_.derivative_error_bound =
        inflate * (gamma * result_.derivative_error_bound + source_error +
                   rounding(length + 3) * (size.magnitude + gamma * derivative) + entries * gamma * derivative);
    result_.value_error_bound = bounds::round_up(gamma * result_.value_error_bound * (1.0 + 4.0 * unit_roundoff) +
                                                 bounds::sweep_error(mdp_, max_abs_finite(result_.values)));
  }

  // The row of the lowest q; notes a tie if another is within what rounding hides.
  Offset greedy(State s) {
    const Offset first = mdp_.state_rows()[s];
    const Offset last = mdp_.state_rows()[s + 1];
    const Offset best = std::min_element(q_.begin() + first, q_.begin() + last) - q_.begin();
    result_.policy[s] = static_cast<Action>(best - first);
    if (q_[best] == infinity) return best;
    for (Offset row = first; row < last; ++row) {
      if (row == best || q_[row] - q_[best] > 2.0 * result_.value_error_bound) continue;
      ++result_.n_ties;
      if (result_.first_ties.size() < most_ties_listed) result_.first_ties.push_back({result_.sweeps + 1, s});
      break;
    }
    return best;
  }

  const Mdp& mdp_;
  const EntryDirection& direction_;
  const DifferentiatedIterationOptions& options_;
  std::vector<double> q_, sources_;
  DifferentiatedIteration result_;
};

}  // namespace

std::string DifferentiatedIterationOptions::check() const {
  if (sweeps < 0) return "sweeps: " + std::to_string(sweeps) + " is below 0";
  if (threads < 0) return "threads: " + std::to_string(threads) + " is below 0 (0 = all)";
  return "";
}

DifferentiatedIteration differentiated_value_iteration(const Mdp& mdp, const EntryDirection& direction,
                                                       const DifferentiatedIterationOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  require_direction(mdp, direction);
  for (const auto& [name, x] :
       {std::pair{"terminal", &options.terminal}, std::pair{"terminal_direction", &options.terminal_direction}}) {
    if (x->empty()) continue;
    require_size(name, x->size(), mdp.n_states());
    require_finite(name, *x);
  }
  return Iteration(mdp, direction, options).run();
}

}  // namespace mdp::solvers
