#include "estimators/truncation.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::estimators {
namespace {

// The formulas below take some ten operations and one power (within 2 ulp): far less than 2^-40, relatively.
constexpr double outward = 1.0 + 0x1p-40;

double power(const Mdp& mdp, std::int64_t horizon) {
  return std::pow(mdp.discount(), static_cast<double>(horizon)) *
         (1.0 + static_cast<double>(horizon) * 0x1p-52);  // the discount's own rounding, N times
}

}  // namespace

double return_truncation_bound(const Mdp& mdp, std::int64_t horizon) {
  const double complement = mdp.exact_discount().complement.hi;
  if (complement == 0.0) return infinity;
  return outward * power(mdp, horizon) * mdp.max_abs_cost() / complement;
}

double gradient_truncation_bound(const Mdp& mdp, std::int64_t horizon) {
  const double complement = mdp.exact_discount().complement.hi;
  if (complement == 0.0) return infinity;
  double lowest = infinity;
  double highest = -infinity;
  for (const double cost : mdp.cost()) {
    if (cost == infinity) continue;
    lowest = std::min(lowest, cost);
    highest = std::max(highest, cost);
  }
  if (lowest > highest) return infinity;
  return outward * power(mdp, horizon) * (highest - lowest) / (4.0 * complement) *
         (static_cast<double>(horizon) + 1.0 / complement);
}

}  // namespace mdp::estimators
