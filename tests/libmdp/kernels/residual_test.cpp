// C2: the residual in twice the precision against exact rationals, within its proved error.
#include "libmdp/kernels/residual.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/io/rational.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;

TEST_CASE("Row gaps are q - V of the MDP meant, to their proved error") {
  const int seed = GENERATE(range(0, 60));
  CAPTURE(seed);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  oracles::RandomOptions options;
  options.rational = seed % 3 == 0;
  options.row_sum_miss = seed % 3 == 1 ? 1e-7 : 0.0;
  options.max_successors = 12;
  options.cost_scale = seed % 5 == 0 ? 1e-300 : 1.0;
  options.discount = mpq_class(seed % 7, 7);
  const auto p = oracles::random_problem(random, options);
  std::vector<TwoDouble> v;
  oracles::ExactValues exact;
  double largest = 0.0;
  for (State s = 0; s < p.mdp.n_states(); ++s) {
    const double hi = std::uniform_real_distribution<double>(-1.0, 1.0)(random) * options.cost_scale;
    v.push_back(quick_two_sum(hi, hi * std::uniform_real_distribution<double>(-0x1p-54, 0x1p-54)(random)));
    exact.emplace_back(mpq_class(v.back().hi) + mpq_class(v.back().lo));
    largest = std::max(largest, std::abs(v.back().hi) * (1.0 + 0x1p-50));
  }
  std::vector<double> gap(static_cast<std::size_t>(p.mdp.n_rows()));
  const auto range = kernels::row_gaps(p.mdp, v, gap, 2);
  const mpq_class bound(kernels::row_gap_error(p.mdp, largest));
  double min = infinity;
  double max = -infinity;
  for (State s = 0; s < p.mdp.n_states(); ++s) {
    double least = infinity;
    for (Offset row = p.mdp.state_rows()[s]; row < p.mdp.state_rows()[s + 1]; ++row) {
      const mpq_class truth = *oracles::q_value(p.exact, row, exact) - *exact[s];
      const mpq_class error = abs(mpq_class(gap[row]) - truth);
      REQUIRE(error <= bound + abs(truth) * mpq_class(0x1p-53) * mpq_class(1.0 + 0x1p-40));
      least = std::min(least, gap[row]);
    }
    min = std::min(min, least);
    max = std::max(max, least);
  }
  REQUIRE(range.min == min);
  REQUIRE(range.max == max);
  // The promise is about twice the digits of double.
  REQUIRE(kernels::row_gap_error(p.mdp, largest) <= 1e-28 * (p.mdp.max_abs_cost() + largest) + 1e-320);
}

TEST_CASE("Infinite costs and values make infinite gaps, never NaN") {
  std::mt19937_64 random(5);
  oracles::RandomOptions options;
  options.inadmissible = 0.3;
  const auto p = oracles::random_problem(random, options);
  std::vector<TwoDouble> v(static_cast<std::size_t>(p.mdp.n_states()), 1.0);
  v[0] = infinity;
  std::vector<double> gap(static_cast<std::size_t>(p.mdp.n_rows()));
  kernels::row_gaps(p.mdp, v, gap);
  for (State s = 0; s < p.mdp.n_states(); ++s) {
    for (Offset row = p.mdp.state_rows()[s]; row < p.mdp.state_rows()[s + 1]; ++row) {
      bool infinite = s == 0 || p.exact.rows[row].inadmissible;
      for (const auto& t : p.exact.rows[row].to) infinite = infinite || t.first == 0;
      REQUIRE((gap[row] == infinity) == infinite);
      REQUIRE(!std::isnan(gap[row]));
    }
  }
}
