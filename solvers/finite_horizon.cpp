#include "solvers/finite_horizon.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/residual.hpp"
#include "solvers/criterion_answer.hpp"

namespace mdp::solvers {
namespace {

constexpr double largest_value = 1e300;  // beyond, a sum could overflow

std::vector<TwoDouble> terminal_values(const Mdp& mdp, const CriterionOptions& options) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  if (options.terminal.empty()) return std::vector<TwoDouble>(n);
  if (options.terminal.size() != n) {
    throw InvalidArgument(
        fmt::format("terminal has {} entries, required 0 or n_states = {}", options.terminal.size(), n));
  }
  for (std::size_t s = 0; s < n; ++s) {
    if (!(options.terminal[s] > -infinity)) {
      throw InvalidArgument(fmt::format("terminal[{}] = {}, required a number or +inf", s, options.terminal[s]));
    }
  }
  return {options.terminal.begin(), options.terminal.end()};
}

double max_abs_finite(std::span<const TwoDouble> v) {
  double largest = 0.0;
  for (const TwoDouble x : v) {
    if (x.hi < infinity) largest = std::max(largest, std::abs(x.hi));
  }
  return largest > 0.0 ? largest * (1.0 + 4.0 * unit_roundoff) : 0.0;
}

std::vector<double> rounded(std::span<const TwoDouble> v) {
  std::vector<double> result;
  result.reserve(v.size());
  for (const TwoDouble x : v) result.push_back(x.hi < infinity ? x.value() : infinity);
  return result;
}

// Range of V_k - V_{k+1} over states where both are finite: what an observer sees.
kernels::ResidualRange difference(std::span<const TwoDouble> now, std::span<const TwoDouble> next) {
  kernels::ResidualRange range;
  for (std::size_t s = 0; s < now.size(); ++s) {
    if (!(now[s].hi < infinity && next[s].hi < infinity)) continue;
    range.min = std::min(range.min, now[s].hi - next[s].hi);
    range.max = std::max(range.max, now[s].hi - next[s].hi);
  }
  return range;
}

}  // namespace

CriterionResult solve_finite_horizon(const Mdp& mdp, const CriterionOptions& options) {
  require_valid(mdp, options);
  if (options.horizon < 0)
    throw InvalidOption("horizon is missing: the finite criterion needs a number of stages >= 0");
  const auto n_stages = static_cast<std::size_t>(options.horizon);
  std::vector<TwoDouble> next = terminal_values(mdp, options);
  std::vector<TwoDouble> now(next.size());
  Run run(options.solve);

  CriterionResult result;
  result.criterion = Criterion::finite;
  result.method = "backward induction";
  result.value_by_stage.resize(n_stages + 1);
  result.policy_by_stage.resize(n_stages);
  result.value_by_stage[n_stages] = rounded(next);
  double error = 0.0;
  std::size_t k = n_stages;
  for (; k > 0 && run.may_sweep(); --k) {
    const double size = (max_abs_finite(next) + error) * (1.0 + 4.0 * unit_roundoff);
    if (!(size + mdp.max_abs_cost() < largest_value)) break;
    const bool all_zero = size == 0.0 && mdp.max_abs_cost() == 0.0;
    const double of_sweep = all_zero ? 0.0 : kernels::row_gap_error(mdp, size) + options.uncertainty.of_q(size);
    if (!all_zero) error = bounds::round_up(bounds::round_up(bounds::round_up(mdp.discount()) * error) + of_sweep);
    result.policy_by_stage[k - 1].resize(next.size());
    // Two q that differ by more than their errors are told apart.
    kernels::precise_sweep(mdp, next, now, 2.0 * error, result.policy_by_stage[k - 1], options.solve.threads);
    run.count_sweep(difference(now, next), error);
    next.swap(now);
    result.value_by_stage[k - 1] = rounded(next);
  }
  if (k > 0) {  // stopped: nothing is known of stage 0
    result.value_by_stage.clear();
    result.policy_by_stage.clear();
    result.value_lower.assign(next.size(), -infinity);
    result.value_upper.assign(next.size(), infinity);
    result.message = fmt::format("stopped at stage {} of {}{}", k, n_stages,
                                 run.stopped() == Status::not_run ? ": values beyond 1e300" : "");
  } else {
    for (const TwoDouble v : next) {
      const bool finite = v.hi < infinity;
      result.value_lower.push_back(finite ? outward_lower(v, error) : infinity);
      result.value_upper.push_back(finite ? outward_upper(v, error) : infinity);
    }
    if (n_stages > 0) result.policy = result.policy_by_stage.front();
  }
  const double largest_terminal = options.terminal.empty() ? 0.0 : max_abs_finite(terminal_values(mdp, options));
  judge(result, resolve_accuracy(options.solve, std::max(mdp.max_abs_cost(), largest_terminal)), run.stopped(),
        options.solve.level);
  // Each stage's action is within 2 error of the best.
  result.policy_loss_bound = error > 0.0 ? bounds::round_up(4.0 * error * static_cast<double>(n_stages + 1)) : 0.0;
  close(result, run);
  return result;
}

}  // namespace mdp::solvers
