#include "solvers/soft.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/soft.hpp"
#include "solvers/centre.hpp"
#include "solvers/policy_system.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {
namespace {

using kernels::ResidualRange;

// [n_rows] log mu, or empty for the counting measure.
std::vector<double> log_of(const std::vector<double>& reference) {
  std::vector<double> logs(reference.size());
  std::transform(reference.begin(), reference.end(), logs.begin(), [](double mu) { return std::log(mu); });
  return logs;
}

void require_reference(const Mdp& mdp, const std::vector<double>& mu) {
  if (mu.empty()) return;
  if (static_cast<Offset>(mu.size()) != mdp.n_rows()) {
    throw InvalidArgument("reference measure: " + std::to_string(mu.size()) + " entries for " +
                          std::to_string(mdp.n_rows()) + " rows");
  }
  for (State s = 0; s < mdp.n_states(); ++s) {
    bool positive = false;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (!(mu[row] >= 0.0 && mu[row] < infinity)) {
        throw InvalidArgument("reference measure: " + std::to_string(mu[row]) + " at state " + mdp.state_name(s) +
                              ", action " + mdp.action_name(row) + "; it must be finite and >= 0");
      }
      positive = positive || mu[row] > 0.0;
    }
    if (!positive) throw InvalidArgument("reference measure: zero on every action of state " + mdp.state_name(s));
  }
}

// Accuracy and limits, as all solvers know them.
SolveOptions common(const SoftOptions& options) {
  SolveOptions same;
  same.tolerance = options.tolerance;
  same.relative_tolerance = options.relative_tolerance;
  same.max_sweeps = options.max_sweeps;
  same.time_limit_seconds = options.time_limit_seconds;
  same.threads = options.threads;
  same.record_trace = options.record_trace;
  same.observer = options.observer;
  return same;
}

// States of finite V_beta: those of the MDP in which rows that mu forbids are inadmissible.
graph::StateSet finite_states(const Mdp& mdp, const std::vector<double>& mu) {
  if (mu.empty()) return graph::finite_value_states(mdp);
  Buffer<double> cost(mdp.cost().begin(), mdp.cost().end());
  for (std::size_t row = 0; row < mu.size(); ++row) {
    if (mu[row] == 0.0) cost[row] = infinity;
  }
  return graph::finite_value_states(mdp.with_cost(std::move(cost)));
}

// Numbers of the rounding bound that depend on the MDP and on mu only.
struct SoftSize {
  Offset max_actions = 1;
  double max_abs_log_reference = 0.0;  // of the rows that mu allows

  SoftSize(const Mdp& mdp, const std::vector<double>& log_reference) {
    for (State s = 0; s < mdp.n_states(); ++s) max_actions = std::max(max_actions, mdp.n_actions(s));
    for (const double log_mu : log_reference) {
      if (log_mu > -infinity) max_abs_log_reference = std::max(max_abs_log_reference, std::abs(log_mu));
    }
  }
};

// Largest |fl(T V) - T V| over states for |V| <= values_max_abs.
//
// Proof. The soft minimum is monotone and commutes with constants, so it is 1-Lipschitz in its arguments
// x = q - beta log mu: the error of q (bounds::sweep_error) and of x (log within 2 ulp = 4u, a product, a difference:
// 6u beta |log mu| + u |x|) pass undiminished at most. With y = (x - m)/beta, computed as y(1 + t), |t| <= 2.1u, a term
// exp(-y) <= 1 moves by y exp(-y) |t| (1 + ...) <= u plus 4u of exp. The sum S of n terms lies in [1, n]; its relative error
// is at most 5.1 n u + (n - 1) u; the logarithm turns it into an absolute one, its own rounding adds 4u log n, the product
// with beta u log n: together below 14 n u beta. The last difference adds u |m - beta log S|.
double soft_sweep_error(const Mdp& mdp, double values_max_abs, double beta, const SoftSize& size) {
  const double shift = beta * size.max_abs_log_reference;
  const double x = mdp.max_abs_cost() + mdp.discount() * values_max_abs + shift;
  const double n = static_cast<double>(size.max_actions);
  const double sum = bounds::sweep_error(mdp, values_max_abs) + bounds::rounding(6) * shift + bounds::rounding(2) * x +
                     beta * (bounds::rounding(14 * size.max_actions) + unit_roundoff * n);
  return bounds::round_up(sum * (1.0 + 16.0 * unit_roundoff));
}

// An iterate with what its residual proves: values + increment.lower <= V_beta <= values + increment.upper.
struct Iterate {
  std::vector<double> values;
  double size = 0.0;  // bound of |values| where finite
  bounds::Interval increment = {};

  [[nodiscard]] double value(std::size_t s) const { return values[s] + 0.5 * (increment.lower + increment.upper); }
  [[nodiscard]] double lower(std::size_t s) const { return bounds::round_down(values[s] + increment.lower); }
  [[nodiscard]] double upper(std::size_t s) const { return bounds::round_up(values[s] + increment.upper); }
  // Proved |value - V_beta| at a state of finite value.
  [[nodiscard]] double error(std::size_t s) const {
    return bounds::round_up(std::max(upper(s) - value(s), value(s) - lower(s)));
  }
};

// Sweeps after which their rate of convergence is judged.
constexpr std::size_t trial_sweeps = 5;

class SoftRun {
 public:
  SoftRun(const Mdp& mdp, const SoftOptions& options)
      : mdp_(mdp),
        options_(options),
        common_(common(options)),
        run_(common_),
        accuracy_(resolve_accuracy(common_, mdp.max_abs_cost())),
        log_reference_(log_of(options.reference)),
        size_(mdp, log_reference_),
        v_(mdp.n_states(), 0.0),
        tv_(v_),
        q_(mdp.n_rows()),
        policy_(mdp.n_rows()) {
    const auto finite = finite_states(mdp, options.reference);
    for (std::size_t s = 0; s < v_.size(); ++s) v_[s] = finite[s] ? 0.0 : infinity;
    best_.values = v_;
  }

  SoftResult run() {
    result_.status = Status::not_run;
    while (true) {
      sweep();
      result_.status = decide();
      if (result_.status != Status::not_run) break;
      step();
    }
    return finish();
  }

 private:
  // T V and what it proves about V_beta (C1); the best enclosure is kept. V is known up to a constant and centred: rows
  // of the MDP meant sum to 1, so that T(V + m) = T V + gamma m, and rounding is less with smaller numbers.
  void sweep() {
    const kernels::SoftOutput output{.q = q_, .policy = policy_, .log_policy = {}};
    const ResidualRange range =
        kernels::soft_sweep(mdp_, v_, options_.temperature, log_reference_, tv_, output, options_.threads);
    const double error = soft_sweep_error(mdp_, v_size_, options_.temperature, size_);
    bounds::Interval increment{0.0, 0.0};  // no state of finite value
    if (range.min <= range.max) {
      increment = bounds::value_increment_around_v(bounds::residual_enclosure(range.min, range.max, error),
                                                   mdp_.exact_discount());
    }
    const double width = increment.upper - increment.lower;
    run_.count_sweep(range, 0.5 * width);
    widths_.push_back(width);
    if (width < 0.9 * checkpoint_width_) {
      checkpoint_width_ = width;
      checkpoint_sweep_ = run_.sweeps();
    }
    if (run_.sweeps() == 1 || width < best_.increment.upper - best_.increment.lower) {
      best_ = {v_, v_size_, increment};
    }
  }

  // Whether every state of finite value meets the tolerance.
  [[nodiscard]] bool accurate() const {
    return kernels::reduce_states(
        mdp_.blocks(), options_.threads, true,
        [&](State first, State last) {
          for (State s = first; s < last; ++s) {
            const auto i = static_cast<std::size_t>(s);
            if (best_.values[i] < infinity && !(best_.error(i) <= accuracy_.at(best_.value(i)))) return false;
          }
          return true;
        },
        [](bool x, bool y) { return x && y; });
  }

  // not_run: go on.
  [[nodiscard]] Status decide() {
    const bool done = accurate();
    if (done && !options_.polish) return Status::converged;
    if (!run_.may_sweep()) return done ? Status::converged : run_.stopped();
    if (static_cast<double>(run_.sweeps() - checkpoint_sweep_) < patience()) return Status::not_run;
    return done ? Status::converged : Status::precision_limit;
  }

  // Sweeps without a factor 0.9 that mean that rounding has stopped the contraction: those in which value iteration in
  // exact arithmetic gains 1/e; Newton's quadratic convergence needs no more than a few.
  [[nodiscard]] double patience() const {
    switch (options_.method) {
      case SoftMethod::newton: return 3.0;
      case SoftMethod::value_iteration: return std::ceil(1.0 / mdp_.exact_discount().complement.value());
      default: return 3.0 * trial_sweeps;
    }
  }

  // Whether the sweeps since the last Newton step converge too slowly: at their rate more than 100 are left.
  [[nodiscard]] bool newton_pays() const {
    if (options_.method != SoftMethod::automatic) return options_.method == SoftMethod::newton;
    if (widths_.size() < trial_sweeps) return false;
    const double target = 2.0 * accuracy_.at(std::abs(best_.increment.lower) + best_.size);
    const double log_rate = std::log(widths_.back() / widths_[widths_.size() - trial_sweeps]) / (trial_sweeps - 1);
    return !(std::log(target / widths_.back()) >= 100.0 * log_rate);
  }

  // Value iteration's or Newton's next V, up to a constant.
  void step() {
    if (newton_pays()) {
      newton();
    } else {
      std::swap(v_, tv_);
    }
    v_size_ = centre(mdp_, v_, options_.threads);
  }

  // V + (I - gamma P_pi)^-1 d. A constant in d gives a constant: the middle is taken out, so that the solver's digits go
  // to the rest.
  void newton() {
    std::vector<double>& d = tv_;
    for (std::size_t s = 0; s < v_.size(); ++s) d[s] = v_[s] < infinity ? tv_[s] - v_[s] : infinity;
    centre(mdp_, d, options_.threads);
    std::replace(d.begin(), d.end(), infinity, 0.0);
    const PolicySystem system(mdp_, std::span<const double>(policy_), {.threads = options_.threads});
    const LinearSolution solution = system.solve(d);
    for (std::size_t s = 0; s < v_.size(); ++s) v_[s] += solution.x[s];
    widths_.clear();
    run_.count_iteration();
  }

  SoftResult finish();
  void extract_policy();
  [[nodiscard]] std::string message() const;

  const Mdp& mdp_;
  const SoftOptions& options_;
  SolveOptions common_;
  Run run_;
  Accuracy accuracy_;
  std::vector<double> log_reference_;
  SoftSize size_;
  std::vector<double> v_, tv_, q_;
  StochasticPolicy policy_;
  double v_size_ = 0.0;  // bound of |v_| where finite
  Iterate best_;
  std::vector<double> widths_;  // of the enclosures since the last Newton step
  double checkpoint_width_ = infinity;
  std::int64_t checkpoint_sweep_ = 0;
  SoftResult result_;
};

SoftResult SoftRun::finish() {
  const std::size_t n = v_.size();
  result_.level = Level::certified;
  result_.method = run_.iterations() > 0 ? "soft policy iteration" : "soft value iteration";
  result_.message = message();
  result_.temperature = options_.temperature;
  result_.values.resize(n);
  result_.value_lower.resize(n);
  result_.value_upper.resize(n);
  result_.value_error_bound = 0.0;
  for (std::size_t s = 0; s < n; ++s) {
    const bool finite = best_.values[s] < infinity;
    result_.values[s] = finite ? best_.value(s) : infinity;
    result_.value_lower[s] = finite ? best_.lower(s) : infinity;
    result_.value_upper[s] = finite ? best_.upper(s) : infinity;
    if (finite) result_.value_error_bound = std::max(result_.value_error_bound, best_.error(s));
  }
  extract_policy();
  result_.sweeps = run_.sweeps() + 1;  // extract_policy()'s
  result_.iterations = run_.iterations();
  result_.seconds = run_.seconds();
  result_.trace = run_.take_trace();
  return std::move(result_);
}

// Q_beta and pi_beta. A constant in V does not move pi, so that the best iterate serves: with half-width e and rounding,
// x = q - beta log mu is within gamma e + soft_sweep_error of what is meant up to a constant, log pi = -(x - softmin x)/beta
// within 2/beta times that, and 3u |log pi|.
void SoftRun::extract_policy() {
  const Discount& gamma = mdp_.exact_discount();
  result_.log_policy.resize(policy_.size());
  const kernels::SoftOutput output{.q = q_, .policy = policy_, .log_policy = result_.log_policy};
  const ResidualRange range =
      kernels::soft_sweep(mdp_, best_.values, options_.temperature, log_reference_, tv_, output, options_.threads);
  const double middle = 0.5 * (best_.increment.lower + best_.increment.upper);
  for (double& q : q_) q += gamma.value.hi * middle;
  result_.residual_min = range.min - gamma.complement.hi * middle;
  result_.residual_max = range.max - gamma.complement.hi * middle;

  double largest = 0.0;
  for (const double log_pi : result_.log_policy) largest = log_pi > -infinity ? std::max(largest, -log_pi) : largest;
  const double half_width = 0.5 * (best_.increment.upper - best_.increment.lower);
  const double error = gamma.value.hi * half_width + soft_sweep_error(mdp_, best_.size, options_.temperature, size_);
  result_.log_policy_error_bound = bounds::round_up(
      (2.0 * error / options_.temperature + bounds::rounding(3) * largest) * (1.0 + 8.0 * unit_roundoff));
  result_.q = std::move(q_);
  result_.policy = std::move(policy_);
}

std::string SoftRun::message() const {
  switch (result_.status) {
    case Status::converged: return "the enclosure of every finite value is within the tolerance";
    case Status::interrupted: return "stopped on request; the bounds are the best so far";
    case Status::sweep_limit: return "max_sweeps reached";
    case Status::time_limit: return "time_limit_seconds reached";
    default: return "rounding keeps the enclosure from becoming narrower; the tolerance is out of reach";
  }
}

bool is_tolerance(const std::optional<double>& x) { return !x || (*x >= 0.0 && *x < infinity); }

}  // namespace

std::string SoftOptions::check() const {
  if (!(temperature > 0.0 && temperature < infinity)) {
    return "temperature: " + std::to_string(temperature) + " is not in (0, inf)";
  }
  if (!is_tolerance(tolerance)) return "tolerance: must be finite and >= 0";
  if (!is_tolerance(relative_tolerance)) return "relative_tolerance: must be finite and >= 0";
  if (max_sweeps < 1) return "max_sweeps: " + std::to_string(max_sweeps) + " is below 1";
  if (!(time_limit_seconds > 0.0)) return "time_limit_seconds: must be > 0";
  if (threads < 0) return "threads: " + std::to_string(threads) + " is below 0 (0 = all)";
  return "";
}

double relative_policy_error(const SoftResult& solution) {
  return bounds::round_up(std::expm1(solution.log_policy_error_bound + bounds::rounding(16)) *
                          (1.0 + 8.0 * unit_roundoff));
}

SoftResult solve_soft(const Mdp& mdp, const SoftOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  if (!(mdp.exact_discount().complement.value() > 0.0)) {
    throw InvalidArgument("soft solution: the discount is 1; the discounted criterion needs a discount below 1");
  }
  require_reference(mdp, options.reference);
  return SoftRun(mdp, options).run();
}

Linearisation linearise_soft(const Mdp& mdp, const SoftResult& solution, const DerivativeOptions& options) {
  const auto n_rows = static_cast<std::size_t>(mdp.n_rows());
  if (solution.values.size() != static_cast<std::size_t>(mdp.n_states()) || solution.policy.size() != n_rows) {
    throw InvalidArgument("derivative: the soft solution is not one of this MDP");
  }
  LinearisationPoint point;
  point.message = "derivative of the soft values";
  point.values = solution.values;
  point.value_error_bound = solution.value_error_bound;
  point.row_weights = solution.policy;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (solution.values[s] < infinity) continue;
    std::fill(point.row_weights.begin() + mdp.state_rows()[s], point.row_weights.begin() + mdp.state_rows()[s + 1],
              0.0);
  }
  point.row_weight_error = relative_policy_error(solution);
  point.temperature = solution.temperature;
  point.system = std::make_shared<const PolicySystem>(mdp, std::span<const double>(solution.policy),
                                                      LinearOptions{.threads = options.threads});
  return {mdp, std::move(point), options};
}

}  // namespace mdp::solvers
