// C1–C3 attacked with exact rationals: random models whose rows do not sum to 1, random values, true V*.
#include "libmdp/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "libmdp/builder.hpp"
#include "libmdp/kernels/bellman.hpp"

using namespace mdp;
using Rational = mpq_class;
using Vector = std::vector<Rational>;

namespace {

// A small discounted problem in rationals, rows summing to what they like.
struct Problem {
  std::size_t n = 0;
  std::vector<std::vector<Vector>> p;  // [state][action][successor]
  std::vector<Vector> cost;            // [state][action]
  Rational discount;
};

Vector solve(std::vector<Vector> a, Vector b) {  // Gauss–Jordan, exact
  const std::size_t n = b.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    while (a[pivot][c] == 0) ++pivot;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c || a[r][c] == 0) continue;
      const Rational f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      b[r] -= f * b[c];
    }
  }
  for (std::size_t r = 0; r < n; ++r) b[r] /= a[r][r];
  return b;
}

Rational q_value(const Problem& m, std::size_t s, std::size_t a, const Vector& v) {
  Rational q = m.cost[s][a];
  for (std::size_t t = 0; t < m.n; ++t) q += m.discount * m.p[s][a][t] * v[t];
  return q;
}

Vector evaluate(const Problem& m, const std::vector<std::size_t>& policy) {
  std::vector<Vector> a(m.n, Vector(m.n));
  Vector b(m.n);
  for (std::size_t s = 0; s < m.n; ++s) {
    for (std::size_t t = 0; t < m.n; ++t) a[s][t] = (s == t ? 1 : 0) - m.discount * m.p[s][policy[s]][t];
    b[s] = m.cost[s][policy[s]];
  }
  return solve(a, b);
}

Vector optimal_values(const Problem& m) {
  std::vector<std::size_t> policy(m.n, 0);
  while (true) {
    const Vector v = evaluate(m, policy);
    bool improved = false;
    for (std::size_t s = 0; s < m.n; ++s) {
      for (std::size_t a = 0; a < m.cost[s].size(); ++a) {
        if (q_value(m, s, a, v) < q_value(m, s, policy[s], v)) {
          policy[s] = a;
          improved = true;
        }
      }
    }
    if (!improved) return v;
  }
}

Rational small(std::mt19937& random, int low, int high, int denominator) {
  const int x = low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  Rational r(x, denominator);
  r.canonicalize();
  return r;
}

Problem random_problem(std::mt19937& random, bool defect) {
  Problem m;
  m.n = 2 + random() % 3;
  const int near_one[] = {2, 10, 1000, 1 << 20};
  const int d = near_one[random() % 4];
  m.discount = Rational(d - 1, d);
  m.p.resize(m.n);
  m.cost.resize(m.n);
  for (std::size_t s = 0; s < m.n; ++s) {
    const std::size_t n_actions = 1 + random() % 3;
    for (std::size_t a = 0; a < n_actions; ++a) {
      Vector row(m.n);
      Rational sum = 0;
      for (auto& x : row) sum += x = small(random, 0, 8, 1);
      if (sum == 0) sum += row[0] = 1;
      const Rational target = defect ? 1 + small(random, -4, 4, 8) / Rational(2 * d) : Rational(1);
      for (auto& x : row) x *= target / sum;
      m.p[s].push_back(row);
      m.cost[s].push_back(small(random, -20, 20, 4));
    }
  }
  return m;
}

double up(const Rational& x) { return bounds::round_up(x.get_d()); }  // get_d truncates: within an ulp
double down(const Rational& x) { return bounds::round_down(x.get_d()); }

Discount to_discount(const Rational& gamma) {
  const auto two = [](const Rational& x) {
    const double hi = x.get_d();
    const Rational rest = x - Rational(hi);
    return quick_two_sum(hi, rest.get_d());
  };
  return {two(gamma), two(Rational(1) - gamma)};
}

bounds::RowSums row_sums(const Problem& m) {
  Rational low = 1, high = 1;
  for (const auto& rows : m.p)
    for (const auto& row : rows) {
      Rational sum = 0;
      for (const auto& x : row) sum += x;
      low = std::min(low, sum);
      high = std::max(high, sum);
    }
  return {low == 1 ? 1.0 : down(low), high == 1 ? 1.0 : up(high)};
}

}  // namespace

TEST_CASE("C1 and C2 enclose the exact V* for any V, with row-sum defect, on either sign of the residual") {
  const auto seed = 20261101U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  double tightest = infinity;
  for (int trial = 0; trial < 400; ++trial) {
    const Problem m = random_problem(random, trial % 2 == 0);
    const Vector exact = optimal_values(m);
    const auto discount = to_discount(m.discount);
    const auto sums = row_sums(m);
    const int kind = trial % 4;
    Vector v(m.n);
    for (std::size_t s = 0; s < m.n; ++s) {  // near V*, or shifted so that all residuals have one sign, or anything
      v[s] =
          exact[s] + small(random, -100, 100, kind == 0 ? 1000000 : 7) + (kind == 2 ? 500 : 0) - (kind == 3 ? 500 : 0);
    }
    Vector tv(m.n);
    for (std::size_t s = 0; s < m.n; ++s) {
      tv[s] = q_value(m, s, 0, v);
      for (std::size_t a = 1; a < m.cost[s].size(); ++a) tv[s] = std::min(tv[s], q_value(m, s, a, v));
    }
    Rational low = tv[0] - v[0], high = low;
    for (std::size_t s = 0; s < m.n; ++s) {
      low = std::min(low, Rational(tv[s] - v[s]));
      high = std::max(high, Rational(tv[s] - v[s]));
    }
    const bounds::Interval residual{down(low), up(high)};

    const auto around_tv = bounds::value_increment(residual, discount, sums);
    const auto around_v = bounds::value_increment_around_v(residual, discount, sums);
    const double error =
        bounds::value_error(std::max(std::abs(residual.lower), std::abs(residual.upper)), discount, sums);

    for (std::size_t s = 0; s < m.n; ++s) {
      REQUIRE(tv[s] + Rational(around_tv.lower) <= exact[s]);
      REQUIRE(exact[s] <= tv[s] + Rational(around_tv.upper));
      REQUIRE(v[s] + Rational(around_v.lower) <= exact[s]);
      REQUIRE(exact[s] <= v[s] + Rational(around_v.upper));
      REQUIRE(abs(Rational(v[s] - exact[s])) <= Rational(error));
    }
    // Not vacuous: C1 around TV is at least as tight as around V.
    REQUIRE(around_tv.upper - around_tv.lower <= (around_v.upper - around_v.lower) * (1 + 1e-12) + 1e-300);
    tightest = std::min(tightest, around_tv.upper - around_tv.lower);
  }
  REQUIRE(tightest < 1e-2);
}

TEST_CASE("C1 is attained: a constant residual determines V* up to rounding") {
  for (const double gamma : {0.0, 0.5, 0.99, 1.0 - 0x1p-30}) {
    // One state, cost 3: V* = 3/(1-gamma). From V = 0: TV = 3, residual 3.
    const auto i = bounds::value_increment({3.0, 3.0}, gamma);
    const double exact = gamma == 0.0 ? 0.0 : 3.0 * gamma / (1.0 - gamma);
    REQUIRE(i.lower <= exact);
    REQUIRE(exact <= i.upper);
    REQUIRE(i.upper - i.lower <= 32 * unit_roundoff * exact);
  }
}

TEST_CASE("no bound where gamma times the row sum reaches 1") {
  const auto i = bounds::value_increment({-1.0, 1.0}, 1.0);
  REQUIRE(i.lower == -infinity);
  REQUIRE(i.upper == infinity);
  REQUIRE(bounds::value_error(1.0, 0.999, {1.0, 1.002}) == infinity);
  REQUIRE(bounds::value_increment({-1.0, 1.0}, 0.999, {1.0, 1.002}).upper == infinity);
}

TEST_CASE("the row-sum defect of 1e-9 at discount 0.999 costs 1e-3, as it must") {
  // One state, P = 1 + 1e-9, cost 1: V* = 1/(1 - 0.999(1 + 1e-9)), from V = 1000 with the classical bound 0 wide.
  const Rational gamma(999, 1000);
  const Rational sigma = Rational(1) + Rational(1, 1000000000);
  const Rational exact = 1 / (1 - gamma * sigma);
  const Rational v = 1000;
  const Rational d = 1 + gamma * sigma * v - v;

  const auto i = bounds::value_increment_around_v({down(d), up(d)}, to_discount(gamma), {1.0, up(sigma)});

  REQUIRE(v + Rational(i.lower) <= exact);
  REQUIRE(exact <= v + Rational(i.upper));
  REQUIRE(exact - v > Rational(99, 100000));
}

TEST_CASE("C3: the loss of a greedy policy is at most the span of Q - Q* within a state over 1 - gamma") {
  const auto seed = 5U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  bool some_loss = false;
  for (int trial = 0; trial < 300; ++trial) {
    const Problem m = random_problem(random, false);
    const Vector exact = optimal_values(m);
    std::vector<std::size_t> policy(m.n, 0);
    Rational span = 0;
    for (std::size_t s = 0; s < m.n; ++s) {
      Rational best = 0, low = 0, high = 0;
      for (std::size_t a = 0; a < m.cost[s].size(); ++a) {
        const Rational e = small(random, -50, 50, 16);
        const Rational q = q_value(m, s, a, exact) + e;
        if (a == 0 || q < best) {
          best = q;
          policy[s] = a;
        }
        low = a == 0 ? e : std::min(low, e);
        high = a == 0 ? e : std::max(high, e);
      }
      span = std::max(span, Rational(high - low));
    }
    const Vector of_policy = evaluate(m, policy);

    const double bound = bounds::policy_loss(up(span), to_discount(m.discount));

    for (std::size_t s = 0; s < m.n; ++s) {
      REQUIRE(of_policy[s] >= exact[s]);
      REQUIRE(of_policy[s] - exact[s] <= Rational(bound));
      some_loss = some_loss || of_policy[s] > exact[s];
    }
  }
  REQUIRE(some_loss);
}

TEST_CASE("C3 is tight: one state, two actions") {
  // Costs 0 and 1, Q off by -1 on the bad one: the greedy policy (ties broken badly) loses 1/(1-gamma) = span/(1-gamma).
  REQUIRE(bounds::policy_loss(1.0, 0.9) == Approx(10.0).epsilon(1e-12));
  REQUIRE(bounds::policy_loss(1.0, 0.9) >= 10.0);
}

TEST_CASE("the rounding of a sweep stays within sweep_error of the exact q of the MDP meant") {
  const auto seed = 11U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  double worst_ratio = 0.0;
  for (int trial = 0; trial < 300; ++trial) {
    const State n = 40;
    const int length = 1 + static_cast<int>(random() % 30);
    const bool off = trial % 3 == 0;  // a sum that is off by 1e-8: normalised, its tail kept
    std::vector<Rational> meant(static_cast<std::size_t>(n), 0);
    MdpBuilder b(1);
    std::vector<double> p(static_cast<std::size_t>(length));
    double sum = 0.0;
    for (double& x : p) sum += x = uniform(random);
    for (double& x : p) x /= sum * (off ? 1.0 + 1e-8 : 1.0);
    MdpBuilder rows(n);
    const double scale = std::ldexp(1.0, static_cast<int>(random() % 40) - 20);
    const double c = (uniform(random) - 0.5) * scale;
    rows.row(0, c);
    Rational exact_sum = 0;
    for (const double x : p) {
      const auto next = static_cast<State>(random() % static_cast<unsigned>(n));
      rows.to(next, x);
      meant[static_cast<std::size_t>(next)] += Rational(x);
      exact_sum += Rational(x);
    }
    for (State s = 1; s < n; ++s) rows.row(s, 0.0).to(s, 1.0);
    const double gamma = uniform(random);
    const Mdp m = rows.discount(gamma).build();
    std::vector<double> v(static_cast<std::size_t>(n));
    double largest = 0.0;
    for (double& x : v) largest = std::max(largest, std::abs(x = (uniform(random) - 0.5) * 10.0));
    Rational exact = 0;
    for (std::size_t s = 0; s < meant.size(); ++s) exact += meant[s] / exact_sum * Rational(v[s]);
    exact = Rational(c) + Rational(gamma) * exact;
    std::vector<double> q(static_cast<std::size_t>(m.n_rows()));

    kernels::q_values(m, v, q);

    const double bound = bounds::sweep_error(m, largest);
    const Rational error = abs(Rational(Rational(q[0]) - exact));
    REQUIRE(error <= Rational(bound));
    worst_ratio = std::max(worst_ratio, Rational(error / Rational(bound)).get_d());
  }
  REQUIRE(worst_ratio > 1e-3);  // the bound is of the size of what it bounds
}

TEST_CASE("the residual enclosure widens by the error of q and of the subtraction") {
  const auto i = bounds::residual_enclosure(-1.0, 2.0, 1e-10);
  REQUIRE(i.lower <= -1.0 - 1e-10);
  REQUIRE(i.upper >= 2.0 + 1e-10);
  REQUIRE(i.lower >= -1.0 - 1.001e-10);
  REQUIRE(i.upper <= 2.0 + 1.001e-10);
}
