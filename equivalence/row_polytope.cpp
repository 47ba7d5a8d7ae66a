#include "equivalence/row_polytope.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::equivalence {
namespace {

// A positive number m 2^e: products of thousands of weights leave the range of double.
struct Scaled {
  double m = 0.0;
  int e = 0;

  Scaled() = default;
  Scaled(double x, int exponent) {
    m = std::frexp(x, &e);
    e += exponent;
  }
};

Scaled operator*(double x, const Scaled& y) { return {x * y.m, y.e}; }

Scaled operator+(const Scaled& x, const Scaled& y) {
  if (x.m == 0.0 || y.m == 0.0) return x.m == 0.0 ? y : x;
  const int e = std::max(x.e, y.e);
  return {std::ldexp(x.m, std::max(x.e - e, -1100)) + std::ldexp(y.m, std::max(y.e - e, -1100)), e};
}

// x / (x + y)
double share(const Scaled& x, const Scaled& y) {
  if (x.m == 0.0) return 0.0;
  const double ratio = std::ldexp(y.m / x.m, std::clamp(y.e - x.e, -1100, 1100));
  return 1.0 / (1.0 + ratio);
}

}  // namespace

RowPolytope::RowPolytope(std::span<const double> x, double tie, double slack) : x_(x.begin(), x.end()) {
  double low = infinity, high = -infinity;
  for (const double v : x_) {
    if (v < infinity) low = std::min(low, v), high = std::max(high, v);
  }
  if (low > high) return;
  const bool is_interior = low < -tie && high > tie;
  const bool is_constant = high - low <= tie;
  const double end = high <= tie ? high : low;
  if (!is_interior && std::abs(end) > slack && !(is_constant && std::min(std::abs(low), std::abs(high)) <= slack))
    return;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (!(x_[i] < infinity)) continue;
    if (!is_interior) {
      if (is_constant || std::abs(x_[i] - end) <= tie) on_.push_back(i);
    } else {
      (std::abs(x_[i]) <= tie ? on_ : x_[i] < 0.0 ? below_ : above_).push_back(i);
    }
  }
}

Offset RowPolytope::dimension() const noexcept {
  const auto n = static_cast<Offset>(below_.size() + on_.size() + above_.size());
  return below_.empty() ? n - 1 : n - 2;
}

Offset RowPolytope::n_vertices() const noexcept {
  return static_cast<Offset>(on_.size()) + static_cast<Offset>(below_.size()) * static_cast<Offset>(above_.size());
}

RowPolytope::Vertex RowPolytope::pair(std::size_t i, std::size_t j) const { return {i, j, x_[j] / (x_[j] - x_[i])}; }

RowPolytope::Vertex RowPolytope::vertex(Offset k) const {
  auto index = static_cast<std::size_t>(k);
  if (index < on_.size()) return {on_[index], on_[index], 1.0};
  index -= on_.size();
  return pair(below_[index / above_.size()], above_[index % above_.size()]);
}

void RowPolytope::sample(RandomSequence& random, std::span<double> p) const {
  std::vector<Vertex> corners;
  for (const std::size_t i : on_) corners.push_back({i, i, 1.0});
  if (!below_.empty()) {
    // volume[a, b] of the polytope of below[a..] and above[b..], up to a factor that depends on a + b only.
    const std::size_t na = below_.size(), nb = above_.size(), width = nb + 1;
    std::vector<Scaled> volume((na + 1) * width);
    for (std::size_t a = na; a-- > 0;) {
      for (std::size_t b = nb; b-- > 0;) {
        const Vertex w = pair(below_[a], above_[b]);
        Scaled& v = volume[a * width + b];
        if (a + 1 == na && b + 1 == nb) {
          v = Scaled(w.weight / x_[above_[b]], 0);  // 1/(x_j - x_i)
        } else {
          v = w.weight * volume[(a + 1) * width + b] + (1.0 - w.weight) * volume[a * width + b + 1];
        }
      }
    }
    for (std::size_t a = 0, b = 0;;) {
      const Vertex w = pair(below_[a], above_[b]);
      corners.push_back(w);
      if (a + 1 == na && b + 1 == nb) break;
      const double drops_below =
          share(w.weight * volume[(a + 1) * width + b], (1.0 - w.weight) * volume[a * width + b + 1]);
      ++(random.uniform() < drops_below ? a : b);
    }
  }
  std::vector<double> cut{0.0, 1.0};
  for (std::size_t i = 1; i < corners.size(); ++i) cut.push_back(random.uniform());
  std::sort(cut.begin(), cut.end());
  std::fill(p.begin(), p.end(), 0.0);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const double mass = cut[i + 1] - cut[i];
    p[corners[i].first] += mass * corners[i].weight;
    p[corners[i].second] += mass * (1.0 - corners[i].weight);
  }
}

}  // namespace mdp::equivalence
