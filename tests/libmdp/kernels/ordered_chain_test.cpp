// Sweeps of a renumbered chain against the equations they solve (C4).
#include "libmdp/kernels/ordered_chain.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/generate/gridworld.hpp"
#include "libmdp/graph/approach.hpp"
#include "libmdp/kernels/gauss_seidel.hpp"
#include "libmdp/kernels/interval_sweep.hpp"
#include "libmdp/policy.hpp"

using namespace mdp;

namespace {

struct Grid {
  Mdp mdp;
  graph::Approach way;
  Policy policy;
};

Grid grid(State width) {
  generate::GridworldOptions options;
  options.width = width;
  options.height = width;
  options.slip = 0.1;
  const Mdp mdp = generate::gridworld(options).with_discount(1.0);
  graph::Approach way =
      graph::approach(mdp, graph::Predecessors(mdp), graph::goal_states(mdp), graph::admissible_rows(mdp));
  Policy policy(static_cast<std::size_t>(mdp.n_states()), 0);
  for (const State s : way.order) policy[s] = static_cast<Action>(way.rows[s] - mdp.state_rows()[s]);
  return {mdp, way, policy};
}

}  // namespace

TEST_CASE("The limit of the sweeps solves the chain's equations, with the same bits for any number of threads") {
  const Grid g = grid(200);  // enough states for several parts
  kernels::OrderedChain chain(g.mdp, g.way.order);
  CHECK(chain.assign(g.policy) == static_cast<State>(g.way.order.size()));
  CHECK(chain.assign(g.policy) == 0);
  std::vector<double> x(chain.size(), 0.0);
  std::vector<double> y(chain.size());
  std::vector<double> other(chain.size());
  int sweeps = 0;
  for (; sweeps < 5000; ++sweeps) {
    const double change = chain.gauss_seidel(x, y, 1);
    if (sweeps < 3) {
      for (const int threads : {2, 4}) {
        CHECK(chain.gauss_seidel(x, other, threads) == change);
        CHECK(other == y);
      }
    }
    x.swap(y);
    if (!(change > 1e-10)) break;
  }
  CHECK(sweeps < 500);  // few: the order follows the drift
  std::vector<double> v(static_cast<std::size_t>(g.mdp.n_states()), 0.0);
  chain.scatter(x, v, 1);
  for (const State s : g.way.order) {
    const Offset row = selected_row(g.mdp, g.policy, s);
    double q = g.mdp.cost()[row];
    for (Offset k = g.mdp.row_begin()[row]; k < g.mdp.row_begin()[row + 1]; ++k) {
      q += g.mdp.probability()[k] * v[g.mdp.next_state()[k]];
    }
    REQUIRE(std::abs(q - v[s]) <= 1e-9);
  }
  CHECK(chain.residual(x, y, 2) <= 1e-9);
  // Unit costs: the time. The grid costs 1 a step, so nothing changes.
  chain.use_unit_costs(true);
  CHECK(chain.residual(x, y, 1) <= 1e-9);
}

TEST_CASE("A row that never leaves its state is not taken") {
  MdpArrays a;
  a.state_rows = {0, 2};
  a.row_begin = {0, 1, 2};
  a.next_state = {0, 1};
  a.probability = {1.0, 1.0};
  a.cost = {1.0, 5.0};
  a.goal = {1};
  a.state_rows.push_back(2);
  const Mdp mdp = build(std::move(a));
  const State order[] = {0};
  kernels::OrderedChain chain(mdp, order);
  const Policy stay{0, 0};
  const Policy go{1, 0};
  CHECK(chain.assign(stay) == 0);  // no row yet: no number
  std::vector<double> none{0.0};
  std::vector<double> written{0.0};
  chain.gauss_seidel(none, written, 1);
  CHECK(!std::isfinite(written[0]));
  CHECK(chain.assign(go) == 1);
  CHECK(chain.assign(stay) == 0);
  std::vector<double> x{0.0};
  std::vector<double> y{0.0};
  chain.gauss_seidel(x, y, 1);
  CHECK(y[0] == 5.0);
  CHECK(kernels::update_state(mdp, std::vector<double>{0.0, 0.0}, 0).value == 5.0);
  CHECK(kernels::update_state(mdp, std::vector<double>{0.0, 0.0}, 0).action == 1);
}

TEST_CASE("Lower and upper values enclose those of value iteration and close in") {
  const Grid g = grid(12);
  const auto n = static_cast<std::size_t>(g.mdp.n_states());
  std::vector<double> v(n, 0.0);
  Policy policy(n, 0);
  while (kernels::gauss_seidel_sweep(g.mdp, g.way.order, v, policy) > 1e-13) {
  }
  std::vector<double> lower(n, 0.0);
  std::vector<double> upper(n, 1000.0);
  for (const State s : g.mdp.goal()) upper[s] = 0.0;
  std::vector<char> active(static_cast<std::size_t>(g.mdp.n_rows()), 1);
  kernels::IntervalSweep sweep{lower, upper, active, 1e-12, 1e-15};
  double change = 1.0;
  for (int k = 0; k < 2000 && change > 0.0; ++k) {
    change = kernels::interval_sweep(g.mdp, g.way.order, sweep);
    for (const State s : g.way.order) {
      REQUIRE(lower[s] <= v[s] + 1e-10);
      REQUIRE(upper[s] >= v[s] - 1e-10);
    }
  }
  double widest = 0.0;
  for (const State s : g.way.order) widest = std::max(widest, upper[s] - lower[s]);
  CHECK(widest <= 1e-9);
  // Rows were excluded, but never an optimal one.
  CHECK(std::count(active.begin(), active.end(), char{0}) > static_cast<std::ptrdiff_t>(n));
  for (const State s : g.way.order) REQUIRE(active[static_cast<std::size_t>(selected_row(g.mdp, policy, s))] == 1);
}

TEST_CASE("A discounted chain is V = c + gamma P V (section 0) with its self-loops solved for") {
  const Grid g = grid(8);
  std::vector<State> all;
  for (State s = 0; s < g.mdp.n_states(); ++s) all.push_back(s);
  const double discount = 0.95;
  kernels::OrderedChain chain(g.mdp, all, discount);
  chain.assign(g.policy, 1);
  std::vector<double> x(chain.size(), 0.0);
  std::vector<double> y(chain.size());
  for (int k = 0; k < 2000; ++k) {
    static_cast<void>(chain.gauss_seidel(x, y, 1));
    x.swap(y);
  }
  for (State s = 0; s < g.mdp.n_states(); ++s) {
    const Offset row = selected_row(g.mdp, g.policy, s);
    double value = g.mdp.cost()[row];
    for (Offset k = g.mdp.row_begin()[row]; k < g.mdp.row_begin()[row + 1]; ++k) {
      value += discount * g.mdp.probability()[k] * x[g.mdp.next_state()[k]];
    }
    CHECK(x[s] == Approx(value).epsilon(1e-13));
  }
}
