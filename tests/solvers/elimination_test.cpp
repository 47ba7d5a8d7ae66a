// Elimination against exact rationals: relative errors within the bound, however ill-conditioned the chain.
#include "solvers/elimination.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <gmpxx.h>

using namespace mdp;
using namespace mdp::solvers;
using graph::ReducedMdp;

namespace {

mpq_class exact(TwoDouble x) { return mpq_class(x.hi) + mpq_class(x.lo); }

// One row per state, entries of any size down to 2^-60; state 0 leaves with probability 2^-60 at least.
ReducedMdp random_chain(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto n = static_cast<State>(2 + random() % 12);
  ReducedMdp m;
  m.state_rows.push_back(0);
  m.row_begin.push_back(0);
  for (State s = 0; s < n; ++s) {
    for (State t = 0; t < n; ++t) {
      if (t == s || (t != s - 1 && random() % 3 != 0)) continue;
      m.next_state.push_back(t);
      m.probability.emplace_back(
          std::ldexp(1.0 + static_cast<double>(random() % 7), -4 - static_cast<int>(random() % 60)));
    }
    m.row_begin.push_back(static_cast<Offset>(m.next_state.size()));
    m.exit.emplace_back(s == 0 ? 0x1p-60 : 0.0);
    m.cost.emplace_back();
    m.origin.push_back(s);
    m.state_rows.push_back(s + 1);
  }
  return m;
}

// (sum p + exit) x_i = b_i + sum p x_j by Gauss-Jordan.
std::vector<mpq_class> solve_exactly(const ReducedMdp& m, const std::vector<TwoDouble>& b) {
  const std::size_t n = b.size();
  std::vector<std::vector<mpq_class>> a(n, std::vector<mpq_class>(n + 1));
  for (std::size_t s = 0; s < n; ++s) {
    a[s][s] = exact(m.exit[s]);
    a[s][n] = exact(b[s]);
    for (auto k = static_cast<std::size_t>(m.row_begin[s]); k < static_cast<std::size_t>(m.row_begin[s + 1]); ++k) {
      a[s][s] += exact(m.probability[k]);
      a[s][static_cast<std::size_t>(m.next_state[k])] -= exact(m.probability[k]);
    }
  }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    while (a[pivot][c] == 0) ++pivot;
    std::swap(a[c], a[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c || a[r][c] == 0) continue;
      const mpq_class f = a[r][c] / a[c][c];
      for (std::size_t k = c; k <= n; ++k) a[r][k] -= f * a[c][k];
    }
  }
  std::vector<mpq_class> x;
  for (std::size_t s = 0; s < n; ++s) x.push_back(a[s][n] / a[s][s]);
  return x;
}

}  // namespace

TEST_CASE("elimination: relative errors against rationals", "[elimination]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    const ReducedMdp m = random_chain(seed);
    std::mt19937_64 random(seed + 1000);
    std::vector<Offset> rows;
    std::vector<TwoDouble> b;
    for (State s = 0; s < m.n_states(); ++s) {
      rows.push_back(s);
      b.emplace_back(random() % 2 == 0 ? 0.0 : std::ldexp(1.0, static_cast<int>(random() % 40)));
    }
    const Elimination chain(m, rows, 1e6);
    REQUIRE_FALSE(chain.too_large());
    const auto x = chain.solve(b);
    CHECK(chain.relative_error() < 1e-25);
    const auto truth = solve_exactly(m, b);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      const mpq_class error = abs(exact(x[s]) - truth[s]);
      CHECK(error <= mpq_class(chain.relative_error()) * truth[s]);
    }
  }
}

TEST_CASE("elimination: a chain that exits after 2^300 steps", "[elimination]") {
  // From s: to s+1 or back to 0, each with probability 1/2; from the last to the exit. x_0 = 2^(n+1) - 2.
  constexpr State n = 300;
  ReducedMdp m;
  m.state_rows.push_back(0);
  m.row_begin.push_back(0);
  std::vector<Offset> rows;
  for (State s = 0; s < n; ++s) {
    if (s > 0) {
      m.next_state.push_back(0);
      m.probability.emplace_back(0.5);
    }
    if (s + 1 < n) {
      m.next_state.push_back(s + 1);
      m.probability.emplace_back(0.5);
    }
    m.row_begin.push_back(static_cast<Offset>(m.next_state.size()));
    m.exit.emplace_back(s + 1 == n ? 0.5 : 0.0);
    m.cost.emplace_back(1.0);
    m.origin.push_back(s);
    m.state_rows.push_back(s + 1);
    rows.push_back(s);
  }
  const Elimination chain(m, rows, 1e6);
  const auto x = chain.solve(m.cost);
  const double truth = std::ldexp(1.0, n + 1) - 2.0;
  CHECK(x[0].hi == truth);
  CHECK(chain.relative_error() < 1e-23);
}

TEST_CASE("elimination says when products underflow and when it is too large", "[elimination]") {
  const ReducedMdp m = random_chain(5);
  std::vector<Offset> rows;
  for (State s = 0; s < m.n_states(); ++s) rows.push_back(s);
  CHECK(Elimination(m, rows, 0.0).too_large());
  CHECK(Elimination(m, rows, 1e6, [] { return false; }).too_large());
  const Elimination chain(m, rows, 1e6);
  CHECK(chain.relative_error() < infinity);
  const auto x = chain.solve(std::vector<TwoDouble>(rows.size(), 1e-300));
  CHECK(chain.relative_error() == infinity);
}

TEST_CASE("elimination gives up when what is left is too large already, not when it is done", "[elimination]") {
  // A random graph fills in: its last states become dense while few are gone.
  std::mt19937_64 random(1);
  ReducedMdp m;
  constexpr State n = 3000;
  m.state_rows.push_back(0);
  m.row_begin.push_back(0);
  for (State s = 0; s < n; ++s) {
    for (int k = 0; k < 4; ++k) {
      const auto next = static_cast<State>(random() % n);
      const auto row = m.next_state.begin() + m.row_begin.back();
      if (next == s || std::find(row, m.next_state.end(), next) != m.next_state.end()) continue;
      m.next_state.push_back(next);
      m.probability.emplace_back(0.125);
    }
    m.row_begin.push_back(static_cast<Offset>(m.next_state.size()));
    m.exit.emplace_back(0.5);
    m.cost.emplace_back();
    m.origin.push_back(s);
    m.state_rows.push_back(s + 1);
  }
  std::vector<Offset> rows;
  for (State s = 0; s < n; ++s) rows.push_back(s);
  int asked = 0;  // about once in a million products
  const Elimination chain(m, rows, 40.0 * n, [&] { return ++asked < 1000; });
  CHECK(chain.too_large());
  CHECK(asked < 30);
}
