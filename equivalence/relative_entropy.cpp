#include "equivalence/relative_entropy.hpp"

#include <cmath>
#include <cstddef>

#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {
namespace {

// With d = (p - r)/r the term is r times (1 + d) log(1 + d) - d = d^2/2 - d^3/6 + d^4/12 - ...
double term(double p, double r) {
  if (p == 0.0) return r;
  if (r == 0.0) return infinity;
  const double d = (p - r) / r;
  if (std::abs(d) > 1e-2) return p * (std::log(p) - std::log(r)) - p + r;
  double sum = 0.0;
  double power = d * d;
  for (int n = 2; n <= 10; ++n, power *= -d) sum += power / (n * (n - 1.0));
  return r * sum;
}

}  // namespace

double relative_entropy(std::span<const double> p, std::span<const double> r) {
  double sum = 0.0;
  for (std::size_t i = 0; i < r.size(); ++i) sum += term(p[i], r[i]);
  return sum;
}

void normalise(std::span<double> p) {
  TwoDouble mass;
  for (const double value : p) mass = mass + TwoDouble(value);
  for (double& value : p) value /= mass.hi;
}

}  // namespace mdp::equivalence
