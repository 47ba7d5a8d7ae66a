#include "solvers/iterate.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"
#include "solvers/centre.hpp"

namespace mdp::solvers {
namespace {

// MacQueen's bounds on V* - TV, rounding left out.
bounds::Interval computed_increment(const Mdp& mdp, const Iterate& it) {
  return bounds::value_increment({it.residual.min, it.residual.max}, mdp.exact_discount());
}

}  // namespace

Iterate Iterate::from(const Mdp& mdp, std::span<const char> finite, std::span<const double> start, int threads) {
  Iterate it;
  reserve_large(it.v, finite.size());
  reserve_large(it.tv, finite.size());
  reserve_large(it.policy, finite.size());
  it.v.assign(finite.size(), 0.0);
  for (std::size_t s = 0; s < finite.size(); ++s) {
    if (!finite[s])
      it.v[s] = infinity;
    else if (!start.empty() && std::isfinite(start[s]))
      it.v[s] = start[s];
  }
  it.tv.resize(finite.size());
  it.size = centre(mdp, it.v, threads);
  return it;
}

bounds::Interval Goal::increment(const Mdp& mdp, const Iterate& it) const {
  if (!(it.residual.min <= it.residual.max)) return {0.0, 0.0};
  if (!rounding_) return computed_increment(mdp, it);
  const double error = bounds::sweep_error(mdp, it.size);
  const auto increment = bounds::value_increment(bounds::residual_enclosure(it.residual.min, it.residual.max, error),
                                                 mdp.exact_discount());
  return {bounds::round_down(increment.lower - error), bounds::round_up(increment.upper + error)};
}

double Goal::half_width(const Mdp& mdp, const Iterate& it) const {
  if (!(it.residual.min <= it.residual.max)) return it.residual.min > it.residual.max ? 0.0 : infinity;
  if (!rounding_) {
    const auto increment = computed_increment(mdp, it);
    return 0.5 * (increment.upper - increment.lower);
  }
  const double error = bounds::sweep_error(mdp, it.size);
  const auto residual = bounds::residual_enclosure(it.residual.min, it.residual.max, error);
  const auto increment = bounds::value_increment(residual, mdp.exact_discount());
  const double largest = it.size + std::max(std::abs(increment.lower), std::abs(increment.upper));
  return 0.5 * (increment.upper - increment.lower) + error + 4.0 * unit_roundoff * largest;
}

double Goal::aim(const Mdp& mdp, const Iterate& it) const {
  const auto increment = computed_increment(mdp, it);
  return accuracy_.at(0.5 * increment.lower + 0.5 * increment.upper);
}

bool Goal::reached(const Mdp& mdp, const Iterate& it, double half_width) const {
  if (!(half_width < infinity)) return false;
  const auto increment = computed_increment(mdp, it);
  const double middle = it.residual.min <= it.residual.max ? 0.5 * increment.lower + 0.5 * increment.upper : 0.0;
  const double needed = half_width * (1.0 + 1e-6);
  const auto fails = [&](std::size_t s) { return it.tv[s] < infinity && needed > accuracy_.at(it.tv[s] + middle); };
  if (accuracy_.relative == 0.0) return needed <= accuracy_.at(0.0);
  if (fails(last_failure_)) return false;
  for (std::size_t s = 0; s < it.tv.size(); ++s) {
    if (!fails(s)) continue;
    last_failure_ = s;
    return false;
  }
  return true;
}

std::vector<double> extrapolated(const Mdp& mdp, const Iterate& it) {
  const auto increment = computed_increment(mdp, it);
  const double middle = it.residual.min <= it.residual.max ? 0.5 * increment.lower + 0.5 * increment.upper : 0.0;
  std::vector<double> values(it.tv);
  for (double& x : values) x += middle;
  return values;
}

}  // namespace mdp::solvers
