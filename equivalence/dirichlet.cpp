#include "equivalence/dirichlet.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mdp::equivalence {
namespace {

// In (0, 1]: its logarithm is finite.
double positive_uniform(RandomSequence& random) { return 1.0 - random.uniform(); }

// Box and Muller (1958), the cosine alone: draws do not depend on what was drawn before.
double normal(RandomSequence& random) {
  const double radius = std::sqrt(-2.0 * std::log(positive_uniform(random)));
  return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
}

// log of a draw from Gamma(a, 1).
double log_gamma_draw(RandomSequence& random, double a) {
  if (a < 1.0) {
    const double boost = std::log(positive_uniform(random)) / a;
    return log_gamma_draw(random, a + 1.0) + boost;
  }
  const double d = a - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal(random);
    const double cube_root = 1.0 + c * x;
    if (cube_root <= 0.0) continue;
    const double v = cube_root * cube_root * cube_root;
    if (std::log(positive_uniform(random)) < 0.5 * x * x + d * (1.0 - v + std::log(v))) return std::log(d * v);
  }
}

}  // namespace

void draw_dirichlet(RandomSequence& random, std::span<double> weight) {
  for (double& w : weight) w = log_gamma_draw(random, w);
  const double largest = *std::max_element(weight.begin(), weight.end());
  double sum = 0.0;
  for (double& w : weight) sum += w = std::exp(w - largest);
  for (double& w : weight) w /= sum;
}

}  // namespace mdp::equivalence
