#include "solvers/gain_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/residual.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/gaps.hpp"
#include "solvers/method_choice.hpp"

namespace mdp::solvers {
namespace {

// Exponents of 1 - beta. Where policies are still to be chosen a horizon of 4000 steps comes first: from nothing, problems of far longer
// ones take policies that lead nowhere seriously for long. Then deviations that last 10^6 steps lose three digits in a correction.
constexpr int choosing_exponent = -12;
constexpr int first_exponent = -30;
constexpr int last_exponent = -46;  // beyond, 1 - beta drowns in the rounding of the sums
constexpr int exponent_step = 8;
constexpr double per_correction = 1e-8;  // what a correction in doubles can bring a span down to, of itself
constexpr int patience = 3;              // corrections that bring nothing closer

// Costs of about 1, so that nothing overflows or is lost in the sums.
struct Scaled {
  Mdp mdp;
  int exponent = 0;
  EntryUncertainty uncertainty;
};

Scaled scaled(const Mdp& mdp, EntryUncertainty uncertainty) {
  const double largest = mdp.max_abs_cost();
  if (largest == 0.0 || (largest > 0x1p-100 && largest < 0x1p100)) return {mdp.with_discount(1.0), 0, uncertainty};
  const int exponent = std::ilogb(largest);
  const auto shifted = [exponent](std::span<const double> x) {
    Buffer<double> result(x.begin(), x.end());
    for (double& c : result) c = std::ldexp(c, -exponent);
    return result;
  };
  uncertainty.cost = bounds::round_up(std::ldexp(uncertainty.cost, -exponent)) + 0x1p-1070;  // what underflows
  return {mdp.with_cost(shifted(mdp.cost()), shifted(mdp.cost_tail())).with_discount(1.0), exponent, uncertainty};
}

class GainIteration {
 public:
  GainIteration(const Mdp& mdp, Accuracy accuracy, const EntryUncertainty& uncertainty, int threads,
                std::span<const double> start)
      : scaled_(scaled(mdp, uncertainty)),
        m_(scaled_.mdp),
        accuracy_(accuracy),
        threads_(threads),
        exponent_(mdp.n_rows() == mdp.n_states() ? first_exponent : choosing_exponent) {
    accuracy_.absolute = std::ldexp(accuracy_.absolute, -scaled_.exponent);
    h_.resize(at(m_.n_states()));
    for (std::size_t s = 0; s < start.size(); ++s) h_[s] = std::ldexp(start[s], -scaled_.exponent);
    gap_.resize(at(m_.n_rows()));
    result_.policy.assign(h_.size(), 0);
  }

  // Bounds from h as it is; the half-width of these alone.
  double look() {
    centre();
    const kernels::ResidualRange range = kernels::row_gaps(m_, h_, gap_, threads_);
    result_.gap_error =
        bounds::round_up(kernels::row_gap_error(m_, size_) + scaled_.uncertainty.of_q(bounds::round_up(2.0 * size_)));
    result_.gaps = bounds::residual_enclosure(range.min, range.max, result_.gap_error);
    if (!(std::isfinite(result_.gaps.lower) && std::isfinite(result_.gaps.upper))) return infinity;
    result_.lower = std::max(result_.lower, result_.gaps.lower);
    if (result_.gaps.upper < result_.upper) {
      result_.upper = result_.gaps.upper;
      take_policy(result_.policy);
    }
    return 0.5 * (result_.gaps.upper - result_.gaps.lower);
  }

  void solve(Run& run) {
    double closest = infinity;
    for (int idle = 0; idle < patience;) {
      const double half_width = look();
      run.count_traffic(m_.n_transitions(), m_.n_rows());
      run.count_sweep({result_.gaps.lower, result_.gaps.upper}, half_width);
      if (close_enough() || !(half_width < infinity) || !run.may_sweep()) break;
      if (half_width < 0.5 * closest) {
        if (half_width > 0x1p-6 * closest && closest < infinity) approach_one();
        idle = 0;
      } else {
        ++idle;
        approach_one();
      }
      closest = std::min(closest, half_width);
      correct(run);
    }
  }

  IteratedGain take() {
    const int exponent = scaled_.exponent;
    if (exponent != 0) {
      result_.lower = bounds::round_down(std::ldexp(result_.lower, exponent));
      result_.upper = bounds::round_up(std::ldexp(result_.upper, exponent));
      result_.gap_error = bounds::round_up(std::ldexp(result_.gap_error, exponent));
      result_.gaps = {bounds::round_down(std::ldexp(result_.gaps.lower, exponent)),
                      bounds::round_up(std::ldexp(result_.gaps.upper, exponent))};
      for (TwoDouble& h : h_) h = {std::ldexp(h.hi, exponent), std::ldexp(h.lo, exponent)};
    }
    result_.relative_value = std::move(h_);
    return std::move(result_);
  }

 private:
  void centre() {
    double least = infinity, most = -infinity;
    for (const TwoDouble h : h_) {
      least = std::min(least, h.hi);
      most = std::max(most, h.hi);
    }
    const double middle = 0.5 * least + 0.5 * most;
    size_ = 0.0;
    for (TwoDouble& h : h_) {
      h = h - TwoDouble(middle);
      size_ = std::max(size_, std::abs(h.hi));
    }
    size_ = bounds::round_up(size_);
  }

  // The rows of the least gaps, the lowest of each state.
  void take_policy(Policy& policy) const {
    for (State s = 0; s < m_.n_states(); ++s) {
      const auto first = gap_.begin() + m_.state_rows()[at(s)];
      const auto last = gap_.begin() + m_.state_rows()[at(s) + 1];
      policy[at(s)] = static_cast<Action>(std::min_element(first, last) - first);
    }
  }

  [[nodiscard]] double allowed() const { return accuracy_.at(middle(result_.lower, result_.upper).value); }
  [[nodiscard]] bool close_enough() const {
    return result_.lower == result_.upper || middle(result_.lower, result_.upper).half_width <= allowed();
  }

  void approach_one() {
    if (exponent_ <= last_exponent) return;
    exponent_ = std::max(last_exponent, std::min(first_exponent, exponent_ - exponent_step));
    improver_.reset();  // it may keep factors
  }

  // h <- h + D.
  void correct(Run& run) {
    const double middle_gap = 0.5 * result_.gaps.lower + 0.5 * result_.gaps.upper;
    Buffer<double> cost(gap_.begin(), gap_.end());
    for (double& c : cost) c -= middle_gap;
    const double away = std::ldexp(1.0, exponent_);
    const Mdp problem = m_.with_cost(std::move(cost)).with_discount(1.0 - away);
    if (!improver_) {
      improver_ = run.options().method == Method::policy_iteration
                      ? make_policy_iteration(problem, run.options(), false)
                      : make_automatic(problem, run.options());
    }
    const std::vector<char> finite(h_.size(), 1);  // within a component
    Iterate it = Iterate::from(problem, finite, {}, threads_);
    if (corrected_) take_policy(it.policy = Policy(h_.size()));
    const double half_width = 0.5 * (result_.gaps.upper - result_.gaps.lower);
    const double asked = std::max(0.25 * allowed(), per_correction * half_width);
    const Goal goal(asked * (1.0 - away) / away, half_width);
    static_cast<void>(improver_->improve(problem, it, run, goal));
    static_cast<void>(kernels::bellman_sweep(problem, it.v, it.tv, {}, threads_));
    for (std::size_t s = 0; s < h_.size(); ++s) {
      if (std::isfinite(it.tv[s])) h_[s] = h_[s] + TwoDouble(it.tv[s]);
    }
    corrected_ = true;
    result_.method = improver_->name();
  }

  Scaled scaled_;
  const Mdp& m_;
  Accuracy accuracy_;
  int threads_;
  std::vector<TwoDouble> h_;
  double size_ = 0.0;  // >= |h|
  Buffer<double> gap_;
  int exponent_;
  std::unique_ptr<Improver> improver_;
  bool corrected_ = false;
  IteratedGain result_;
};

}  // namespace

IteratedGain iterate_gain(const Mdp& mdp, const Accuracy& accuracy, const EntryUncertainty& uncertainty, Run& run,
                          std::span<const double> start) {
  GainIteration iteration(mdp, accuracy, uncertainty, run.threads(), start);
  iteration.solve(run);
  return iteration.take();
}

IteratedGain gain_around(const Mdp& mdp, std::span<const double> h, const EntryUncertainty& uncertainty, int threads) {
  GainIteration iteration(mdp, {}, uncertainty, threads, h);
  static_cast<void>(iteration.look());
  return iteration.take();
}

}  // namespace mdp::solvers
