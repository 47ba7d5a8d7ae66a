// Chains in another order, incomplete factors, sweeps in place, the search backwards, sweeps that leave rows out (C1).
#include "libmdp/kernels/permuted_chain.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/kernels/backward_search.hpp"
#include "libmdp/kernels/elimination_sweep.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/kernels/shifted_gauss_seidel.hpp"
#include "solvers/solve.hpp"

using namespace mdp;

namespace {

Mdp garnet() {
  generate::GarnetOptions options;
  options.shape = {300, 3, 4};
  options.discount = 0.9;
  return generate::garnet(options);
}

// A walk of one way, and `slip` to each side of it.
Mdp corridor(std::int64_t length, double slip) {
  generate::GridworldOptions options;
  options.width = length;
  options.height = 1;
  options.slip = slip;
  options.discount = 0.99;
  return generate::gridworld(options);
}

std::vector<double> solved(const Mdp& mdp) {
  solvers::SolveOptions options;
  options.tolerance = 1e-10;
  const auto result = solvers::solve(mdp, options);
  REQUIRE(result.converged());
  return result.values;
}

std::vector<double> row_sums(const Mdp& mdp) {
  return std::vector<double>(static_cast<std::size_t>(mdp.n_states()), mdp.exact_discount().complement.value());
}

}  // namespace

TEST_CASE("order_by_value sorts by value, then by position, +inf last") {
  CHECK(kernels::order_by_value(std::vector<double>{3.0, infinity, -1.0, 3.0}) == std::vector<State>{2, 0, 3, 1});
}

TEST_CASE("A permuted chain is the chain with rows and columns renamed") {
  const Mdp mdp = garnet();
  const Policy policy(300, 1);
  const kernels::PolicyChain chain(mdp, policy);
  std::vector<State> order(300);
  for (State i = 0; i < 300; ++i) order[i] = (i * 7 + 5) % 300;
  const kernels::PermutedChain permuted(mdp, policy, order);
  std::vector<double> x(300);
  for (std::size_t i = 0; i < 300; ++i) x[i] = std::sin(static_cast<double>(i));
  std::vector<double> of_state(300);
  for (std::size_t i = 0; i < 300; ++i) of_state[order[i]] = x[i];
  std::vector<double> y(300);
  std::vector<double> expected(300);
  kernels::apply_system(permuted.rows(), 0.9, x, y);
  kernels::apply_system(chain.rows(), 0.9, of_state, expected);
  for (std::size_t i = 0; i < 300; ++i) CHECK(y[i] == Approx(expected[order[i]]).margin(1e-14));
  for (State i = 0; i < 300; ++i) {
    const auto rows = permuted.rows();
    REQUIRE(std::is_sorted(rows.index.begin() + rows.begin[i], rows.index.begin() + rows.begin[i + 1]));
  }
}

TEST_CASE("Incomplete LU keeps constants: (LU)^-1 (I - gamma P) 1 = 1") {
  const Mdp mdp = garnet();
  std::vector<State> order(300);
  for (State i = 0; i < 300; ++i) order[i] = 299 - i;
  const kernels::PermutedChain chain(mdp, Policy(300, 0), order);
  kernels::IncompleteLu lu;
  lu.factorise(chain.rows(), mdp.discount(), row_sums(mdp));
  std::vector<double> z = row_sums(mdp);  // (I - gamma P) 1
  lu.solve(z, z);
  for (const double one : z) CHECK(one == Approx(1.0).epsilon(1e-12));
}

TEST_CASE("Incomplete LU is elimination where there is no fill: a walk on a line") {
  const Mdp mdp = corridor(50, 0.0);
  std::vector<State> order(50);
  for (State i = 0; i < 50; ++i) order[i] = 49 - i;
  Policy policy(50);
  for (State s = 0; s < 50; ++s) policy[s] = static_cast<Action>(s % 3 == 0 ? 0 : 2);  // left now and then, else right
  const kernels::PermutedChain chain(mdp, policy, order);
  kernels::IncompleteLu lu;
  lu.factorise(chain.rows(), mdp.discount(), row_sums(mdp));
  std::vector<double> b(50);
  for (std::size_t i = 0; i < 50; ++i) b[i] = std::cos(static_cast<double>(i));
  std::vector<double> z(b);
  lu.solve(z, z);
  std::vector<double> back(50);
  kernels::apply_system(chain.rows(), mdp.discount(), z, back);
  for (std::size_t i = 0; i < 50; ++i) CHECK(back[i] == Approx(b[i]).margin(1e-12));
}

TEST_CASE("The fixed point of a sweep in place is V*, and with a shift V* less the constant") {
  const Mdp mdp = garnet();
  const auto expected = solved(mdp);
  for (const double constant : {0.0, 2.0}) {
    std::vector<double> v(300, 0.0);
    const auto order = kernels::order_by_value(expected);
    kernels::ResidualRange range;
    for (int k = 0; k < 400; ++k) {
      range = kernels::shifted_gauss_seidel_sweep(mdp, constant * mdp.exact_discount().complement.value(), order, v);
    }
    CHECK(std::max(-range.min, range.max) < 1e-12);
    for (std::size_t s = 0; s < 300; ++s) CHECK(v[s] == Approx(expected[s] - constant).margin(1e-9));
  }
}

TEST_CASE("The search backwards is exact where every row leads downwards, and reaches what can reach the end") {
  const Mdp straight = corridor(40, 0.0);
  const auto found = kernels::search_backward(straight);
  CHECK(found.n_reached == 40);
  const auto expected = solved(straight);
  for (std::size_t s = 0; s < 40; ++s) CHECK(found.value[s] == Approx(expected[s]).margin(1e-6));
  CHECK(kernels::has_absorbing_state(straight));
  CHECK(!kernels::has_absorbing_state(garnet()));
  CHECK(kernels::search_backward(garnet()).n_reached == 0);
}

TEST_CASE("C4: a sweep leaves out rows proved not optimal, and no optimal one") {
  const Mdp mdp = garnet();
  const auto expected = solved(mdp);
  std::vector<double> q(static_cast<std::size_t>(mdp.n_rows()));
  kernels::q_values(mdp, expected, q);
  std::vector<double> v(expected);
  for (std::size_t s = 0; s < v.size(); ++s) v[s] += 0.01 * std::sin(static_cast<double>(s));  // V* within 0.01 of it
  std::vector<char> skip(q.size(), 0);
  std::vector<double> tv(v.size());
  Policy policy(v.size(), 0);
  const auto swept = kernels::elimination_sweep(mdp, v, 0.9 * 0.02, tv, policy, skip, 2);
  CHECK(swept.n_eliminated > 300);
  CHECK(swept.n_eliminated == std::count(skip.begin(), skip.end(), 1));
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (skip[row] != 0) CHECK(q[row] > expected[s]);
      if (q[row] <= expected[s] + 1e-9) CHECK(skip[row] == 0);
    }
  }
  const auto again = kernels::elimination_sweep(mdp, v, 0.9 * 0.02, tv, policy, skip, 1);
  CHECK(again.n_eliminated == 0);
  CHECK(again.n_rows_read == mdp.n_rows() - swept.n_eliminated);
}
