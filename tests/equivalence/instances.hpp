// tests/equivalence/instances.hpp — small random worlds and models, and their exact solutions as known values.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/builder.hpp"
#include "tests/oracles/exact_solver.hpp"

namespace mdp::tests {

using Rational = mpq_class;
using oracles::exact_model_of;

inline Rational ratio(long a, long b) {
  Rational x(a, b);
  x.canonicalize();
  return x;
}

/// L + gamma P v per row, for finite v.
inline std::vector<Rational> exact_q(const io::ExactModel& model, const std::vector<Rational>& v) {
  std::vector<Rational> q;
  for (const auto& row : model.rows) {
    Rational sum = 0;
    for (const auto& [next, p] : row.to) sum += p * v[static_cast<std::size_t>(next)];
    q.push_back(row.cost + model.discount * sum);
  }
  return q;
}

struct ExactSolution {
  std::vector<Rational> values;  ///< [n_states] V*; 0 where it is +inf
  std::vector<Rational> q;       ///< [n_rows] Q*
};

inline ExactSolution solve_exactly(const io::ExactModel& model) {
  ExactSolution solution;
  for (const auto& v : oracles::optimal_values(model)) solution.values.push_back(v.value_or(Rational(0)));
  solution.q = exact_q(model, solution.values);
  return solution;
}
inline ExactSolution solve_exactly(const Mdp& mdp) { return solve_exactly(exact_model_of(mdp)); }

/// Integers low..high, the same on every platform.
inline int draw(std::mt19937& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
}

/// Number of actions per state.
inline std::vector<int> random_shape(std::mt19937& random, int max_states) {
  std::vector<int> shape(static_cast<std::size_t>(draw(random, 2, max_states)));
  for (int& n : shape) n = draw(random, 1, 3);
  return shape;
}

/// Rows with probabilities k/sum (not dyadic), costs in quarters.
inline Mdp random_mdp(std::mt19937& random, const std::vector<int>& shape, const Discount& discount) {
  const int n = static_cast<int>(shape.size());
  MdpBuilder builder(n);
  for (int s = 0; s < n; ++s) {
    for (int a = 0; a < shape[static_cast<std::size_t>(s)]; ++a) {
      std::vector<int> weight(static_cast<std::size_t>(n));
      for (int& w : weight) w = std::max(0, draw(random, -3, 6));
      weight[static_cast<std::size_t>(draw(random, 0, n - 1))] += 1;
      double sum = 0.0;
      for (const int w : weight) sum += w;
      builder.row(s, draw(random, -40, 40) / 4.0);
      for (int t = 0; t < n; ++t) {
        if (weight[static_cast<std::size_t>(t)] > 0) builder.to(t, weight[static_cast<std::size_t>(t)] / sum);
      }
    }
  }
  return builder.discount(discount).build();
}

/// The tightest enclosure of exact values that doubles allow.
struct Known {
  std::vector<double> values, lower, upper;

  explicit Known(const std::vector<Rational>& exact, double blur = 0.0) {
    for (const Rational& v : exact) {
      const double x = v.get_d();
      values.push_back(x);
      lower.push_back(x - blur);
      upper.push_back(x + blur);
      while (Rational(lower.back()) > v) lower.back() = bounds::round_down(lower.back());
      while (Rational(upper.back()) < v) upper.back() = bounds::round_up(upper.back());
    }
  }
  [[nodiscard]] equivalence::KnownValues view() const { return {values, lower, upper}; }
};

/// max |x - y|.
inline Rational distance(const std::vector<Rational>& x, const std::vector<Rational>& y) {
  Rational largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, Rational(abs(x[i] - y[i])));
  return largest;
}

}  // namespace mdp::tests
