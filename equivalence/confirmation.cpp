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
                                   const Interval& shift, double radius, const solvers::CriterionOptions& options) {
  const auto least = solvers::solve_criterion(model, Criterion::average, options);
  const auto reached = solvers::evaluate_criterion(model, term.policy, Criterion::average, options);
  const bool solved = least.status == Status::converged;
  Confirmation found{solved ? reached.status : least.status,
                     "gain and bias",
                     {infinity, infinity},
                     false,
                     solved ? reached.message : least.message};
  if (least.gain.size() != w.size() || reached.gain.size() != w.size() || reached.bias.size() != w.size()) return found;
  double gain = 0.0;
  std::vector<double> bias = reached.bias;
  for (std::size_t s = 0; s < w.size(); ++s) {
    if (w[s] == infinity) {
      bias[s] = infinity;
    } else {
      gain = std::max({gain, std::abs(least.gain[s]), std::abs(reached.gain[s])});
    }
  }
  found.error = distance_of_values(bias, {}, {}, w, shift, radius);
  found.error = {std::max(found.error.lower, gain), std::max(found.error.upper, gain)};
  return found;
}

}  // namespace mdp::equivalence
