#include "libmdp/generate/dyadic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mdp::generate {

void round_to_grid(std::span<double> p, int grid_bits) {
  const double scale = std::ldexp(1.0, grid_bits);
  for (double& x : p) x = std::floor(x * scale + 0.5) / scale;
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);  // exact: multiples of the step, below 2
  *std::max_element(p.begin(), p.end()) += 1.0 - sum;
}

std::vector<double> binomial(std::int64_t n, double p) {
  std::vector<double> mass(static_cast<std::size_t>(n) + 1, 0.0);
  const auto mode = std::min(n, static_cast<std::int64_t>(static_cast<double>(n + 1) * p));
  mass[static_cast<std::size_t>(mode)] = 1.0;
  const auto up = [&](std::int64_t k) {
    return static_cast<double>(n - k) * p / (static_cast<double>(k + 1) * (1.0 - p));
  };
  for (std::int64_t k = mode; k < n && p < 1.0; ++k) {
    mass[static_cast<std::size_t>(k) + 1] = mass[static_cast<std::size_t>(k)] * up(k);
  }
  for (std::int64_t k = mode; k > 0 && p > 0.0 && p < 1.0; --k) {
    mass[static_cast<std::size_t>(k) - 1] = mass[static_cast<std::size_t>(k)] / up(k - 1);
  }
  const double sum = std::accumulate(mass.begin(), mass.end(), 0.0);
  for (double& x : mass) x /= sum;
  return mass;
}

double sine(double x) {
  constexpr double pi = 0x1.921fb54442d18p1;
  if (x > pi / 2) return sine(pi - x);
  if (x < -pi / 2) return sine(-pi - x);
  double sum = 0.0;
  for (int k = 27; k >= 3; k -= 2) sum = (1.0 + sum) * (-x * x / static_cast<double>(k * (k - 1)));
  return x * (1.0 + sum);
}

void add_rounded(MdpBuilder& builder, std::span<const std::int64_t> next, std::span<double> p) {
  round_to_grid(p);
  for (std::size_t k = 0; k < p.size(); ++k) {
    if (p[k] > 0.0) builder.to(next[k], p[k]);
  }
}

}  // namespace mdp::generate
