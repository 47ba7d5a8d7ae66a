#include "equivalence/confirmation.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mdp::equivalence {

using bounds::Interval;
using solvers::Criterion;

Interval distance_of_values(std::span<const double> values, std::span<const double> lower,
                            std::span<const double> upper, std::span<const double> w, const Interval& shift,
                            double radius) {
  Interval error{0.0, 0.0};
  for (std::size_t s = 0; s < w.size(); ++s) {
    if (w[s] == infinity && values[s] == infinity) continue;
    const double low = (lower.empty() ? values[s] : lower[s]) + shift.lower - w[s];
    const double high = (upper.empty() ? values[s] : upper[s]) + shift.upper - w[s];
    if (!(std::abs(low) < infinity && std::abs(high) < infinity)) return {infinity, infinity};
    const double slack =
        radius + 4.0 * unit_roundoff * (std::abs(w[s]) + std::abs(shift.upper) + std::abs(low) + std::abs(high));
    error.lower = std::max({error.lower, low - slack, -high - slack});
    error.upper = std::max({error.upper, bounds::round_up(high + slack), bounds::round_up(slack - low)});
  }
  return error;
}

Confirmation confirm_gain_and_bias(const Mdp& model, const BoundaryTerm& term, std::span<const double> w,
                                   const Interval& shift, double radius, bool certified,
                                   const solvers::CriterionOptions& options) {
  const auto least = solvers::solve_criterion(model, Criterion::average, options);
  const auto reached = solvers::evaluate_criterion(model, term.policy, Criterion::average, options);
  const bool solved = least.status == Status::converged;
  Confirmation found{solved ? reached.status : least.status,
                     "gain and bias",
                     {infinity, infinity},
                     false,
                     solved ? reached.message : least.message};
  if (least.gain.size() != w.size() || reached.gain.size() != w.size() || reached.bias.size() != w.size()) return found;
  const bool enclosed = !reached.bias_lower.empty() && !least.gain_lower.empty();
  Interval gain{0.0, 0.0};  // encloses max |gain|
  const auto take_gain = [&](double low, double high) {
    gain.lower = std::max({gain.lower, low, -high});
    gain.upper = std::max({gain.upper, high, -low});
  };
  solvers::CriterionResult bias = reached;
  bool all_known = enclosed;
  for (std::size_t s = 0; s < w.size(); ++s) {
    if (w[s] == infinity) {
      bias.bias[s] = infinity;
      if (enclosed) bias.bias_lower[s] = bias.bias_upper[s] = infinity;
    } else if (enclosed) {
      take_gain(least.gain_lower[s], least.gain_upper[s]);
      take_gain(reached.gain_lower[s], reached.gain_upper[s]);
      all_known = all_known && std::isfinite(bias.bias_lower[s]) && std::isfinite(bias.bias_upper[s]);
    } else {
      take_gain(least.gain[s], least.gain[s]);
      take_gain(reached.gain[s], reached.gain[s]);
    }
  }
  if (!all_known) bias.bias_lower.clear();
  if (!all_known) bias.bias_upper.clear();
  found.certified = certified && all_known;
  found.error = distance_of_values(bias.bias, bias.bias_lower, bias.bias_upper, w, shift, radius);
  found.error = {std::max(found.error.lower, gain.lower), std::max(found.error.upper, gain.upper)};
  return found;
}

}  // namespace mdp::equivalence
