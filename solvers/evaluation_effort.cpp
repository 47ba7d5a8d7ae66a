#include "solvers/evaluation_effort.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::solvers {
namespace {

double as_rate(double x) { return std::clamp(x, 1e-3, 1.0 - 1e-9); }

}  // namespace

void EvaluationEffort::observe(double span) {
  if (span_ > 0.0) {
    const double left = span / span_;
    if (evaluated_) {
      from_policy_ = 0.5 * std::clamp(left - reached_, 0.0, 1.0);
    } else {
      rate_ = as_rate(left);
      from_policy_ *= rate_;  // policies settle as values do
    }
  }
  span_ = span;
}

EvaluationEffort::Choice EvaluationEffort::choose(double to_go, const Costs& costs) {
  constexpr double step = 0.75;  // of the search
  constexpr double least = 1e-3;
  const auto iterations = [&](double left) { return std::max(1.0, std::ceil(to_go / -std::log(as_rate(left)))); };
  const double sweeps_per_e = 1.0 / -std::log(rate_);
  Choice best{1.0, iterations(rate_)};
  for (double left = 0.5; left >= least; left *= step) {
    const double sweeps = 1.0 + sweeps_per_e * std::log(1.0 / left);
    const double work = iterations(left + from_policy_) * (1.0 + costs.pack + costs.chain * sweeps);
    if (work < best.work) best = {left, work};
  }
  evaluated_ = best.left < 1.0;
  return best;
}

// The rate of the last half of the sweeps is nearest to what more of them would do.
void EvaluationEffort::learn(std::span<const double> spans) {
  reached_ = span_ > 0.0 ? spans.back() / span_ : 0.0;
  const std::size_t middle = (spans.size() - 1) / 2;
  const auto n = static_cast<double>(spans.size() - 1 - middle);
  if (n >= 1.0 && spans.back() > 0.0) rate_ = as_rate(std::pow(spans.back() / spans[middle], 1.0 / n));
}

}  // namespace mdp::solvers
