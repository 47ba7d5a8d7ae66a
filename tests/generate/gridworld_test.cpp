#include "libmdp/generate/gridworld.hpp"

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "libmdp/error.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "tests/support/array_hash.hpp"
#include "tests/support/paths.hpp"

namespace {

using mdp::Action;
using mdp::Mdp;
using mdp::Offset;
using mdp::State;
using namespace mdp::generate;

/// V in the sense of the file, by plain iteration: error discount^4000 of the range, 3.5e-18 at 0.99.
std::vector<double> values(const Mdp& m) {
  std::vector<double> v(static_cast<std::size_t>(m.n_states())), tv(v.size());
  for (int sweep = 0; sweep < 4000; ++sweep, v.swap(tv)) mdp::kernels::bellman_sweep(m, v, tv, {}, 1);
  for (double& x : v) x = m.objective() == mdp::Objective::maximize ? -x : x;
  return v;
}

std::map<State, double> successors(const Mdp& m, State s, Action a) {
  std::map<State, double> result;
  const Offset row = m.state_rows()[s] + a;
  for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) result[m.next_state()[k]] = m.probability()[k];
  return result;
}

TEST_CASE("FrozenLake 4x4 at discount 0.99 is worth 0.542025932000 at the start") {
  const Mdp lake = gridworld(frozenlake4x4());
  CHECK(lake.n_states() == 16);
  CHECK(lake.n_rows() == 64);
  CHECK(lake.objective() == mdp::Objective::maximize);
  CHECK(std::vector<State>(lake.goal().begin(), lake.goal().end()) == std::vector<State>{15});
  CHECK(lake.initial()[0] == 1.0);
  CHECK(values(lake)[0] == Approx(0.542025932000).margin(5e-13).epsilon(0));
}

TEST_CASE("FrozenLake 8x8 has Gymnasium's rules") {
  const Mdp lake = gridworld(frozenlake8x8());
  CHECK(lake.n_states() == 64);
  CHECK(lake.n_rows() == 256);
  CHECK(lake.n_transitions() == 674);
  // Corner: left and up both stay.
  CHECK(successors(lake, 0, 0) == std::map<State, double>{{0, 2.0 / 3}, {8, 1.0 / 3}});
  CHECK(successors(lake, 0, 1) == std::map<State, double>{{0, 1.0 / 3}, {1, 1.0 / 3}, {8, 1.0 / 3}});
  CHECK(successors(lake, 18, 3) == std::map<State, double>{{10, 1.0 / 3}, {17, 1.0 / 3}, {19, 1.0 / 3}});
  for (Action a = 0; a < 4; ++a) CHECK(successors(lake, 19, a) == std::map<State, double>{{19, 1.0}});  // hole
  // A reward of 1 on entering the goal; up from 55 never does.
  CHECK(lake.cost()[4 * 55 + 0] == -1.0 / 3);
  CHECK(lake.cost()[4 * 55 + 3] == 0.0);
  for (Action a = 0; a < 4; ++a) CHECK(lake.cost()[4 * 63 + a] == 0.0);
  CHECK(lake.action_name(4 * 18 + 1) == "down");
  // Gymnasium's map, solved in exact rationals elsewhere.
  const std::vector<double> v = values(lake);
  CHECK(v[0] == Approx(0.41464036179998787).margin(1e-14).epsilon(0));
  CHECK(v[38] == Approx(0.53481945361976).margin(1e-13).epsilon(0));
}

TEST_CASE("FrozenLake 8x8 is the one that Gymnasium's tables were written from") {
  const Mdp lake = gridworld(frozenlake8x8());
  const Mdp file = mdp::io::read_mdp((mdp::tests::data_dir() / "cases/frozenlake8x8_disc099.json").string());
  const auto same = [](const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); };
  CHECK(same(lake.state_rows(), file.state_rows()));
  CHECK(same(lake.row_begin(), file.row_begin()));
  CHECK(same(lake.next_state(), file.next_state()));
  CHECK(same(lake.probability(), file.probability()));
  CHECK(same(lake.cost(), file.cost()));
  CHECK(same(lake.initial(), file.initial()));
  CHECK(lake.objective() == file.objective());
  CHECK(lake.exact_discount().value.lo == file.exact_discount().value.lo);
  CHECK(lake.exact_discount().complement.hi == file.exact_discount().complement.hi);
}

TEST_CASE("a third is a third: probabilities carry the digits that a double loses") {
  const Mdp lake = gridworld(frozenlake4x4());
  const mpq_class third(1, 3);
  const mpq_class tiny(1, mpz_class(1) << 100);
  for (Offset k = 0; k < lake.n_transitions(); ++k) {
    const mpq_class p = mpq_class(lake.probability()[k]) + mpq_class(lake.probability_tail()[k]);
    const bool exact = abs(p - third) < tiny || abs(p - 2 * third) < tiny || p == 1;
    CHECK(exact);
  }
  const mpq_class cost = mpq_class(lake.cost()[4 * 14 + 1]) + mpq_class(lake.cost_tail()[4 * 14 + 1]);
  CHECK(abs(cost + third) < tiny);
  CHECK(lake.row_sum_defect() < 0x1p-100);
}

TEST_CASE("without slip the value of an empty grid is the discounted number of steps") {
  const Mdp m = gridworld({.width = 4, .height = 3, .slip = 0.0, .discount = 0.5});
  const std::vector<double> v = values(m);
  for (State s = 0; s < 12; ++s) {
    const int steps = (3 - s % 4) + (2 - s / 4);
    CHECK(v[s] == 2.0 - std::pow(0.5, steps - 1));  // 1 + 1/2 + …; 0 at the goal
  }
}

TEST_CASE("walls are no states, holes cost once, moves into walls stay") {
  const Mdp m = gridworld({.map = {"S#G", "..H"}, .slip = 0.0, .discount = 0.5, .hole_cost = 7.0, .state_names = true});
  CHECK(m.n_states() == 5);
  CHECK(m.state_name(1) == "0,2");
  CHECK(successors(m, 0, 2) == std::map<State, double>{{0, 1.0}});  // right of S is a wall
  CHECK(successors(m, 0, 1) == std::map<State, double>{{2, 1.0}});
  CHECK(m.cost()[4 * 3 + 2] == 8.0);  // one step, into the hole
  CHECK(successors(m, 3, 2) == std::map<State, double>{{4, 1.0}});
  CHECK(successors(m, 4, 3) == std::map<State, double>{{4, 1.0}});
  CHECK(m.cost()[4 * 4] == 0.0);
  CHECK(std::vector<State>(m.goal().begin(), m.goal().end()) == std::vector<State>{1});
}

TEST_CASE("slip goes to each side of the chosen direction") {
  const Mdp m = gridworld({.width = 3, .height = 3, .slip = 0.125, .discount = 0.9});
  CHECK(successors(m, 4, 0) == std::map<State, double>{{3, 0.75}, {1, 0.125}, {7, 0.125}});
  CHECK(successors(m, 4, 3) == std::map<State, double>{{1, 0.75}, {3, 0.125}, {5, 0.125}});
}

TEST_CASE("with clockwise moves an empty grid has the arrays of the benchmark script, to the bit") {
  // A NumPy script that computes the same law (40 x 40, slip 0.1 to each side) made arrays with this hash.
  GridworldOptions grid{
      .width = 40, .height = 40, .slip = mdp::TwoDouble(1.0) / 10.0, .discount = 0.999, .order = MoveOrder::clockwise};
  CHECK(mdp::tests::array_hash(gridworld(grid)) == 0x3ffce28e3e739745);
  grid.discount = 1.0;
  CHECK(gridworld(grid).exact_discount().complement.hi == 0.0);
  CHECK(gridworld(grid).action_name(4 * 7 + 1) == "right");
  grid.order = MoveOrder::gymnasium;
  CHECK(mdp::tests::array_hash(gridworld(grid)) != 0x3ffce28e3e739745);
}

TEST_CASE("a gridworld refuses maps and numbers that mean nothing") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(gridworld({.width = 0}), Contains("width = 0, required >= 1"));
  CHECK_THROWS_WITH(gridworld({.width = 100000, .height = 100000}), Contains("exceeds"));
  CHECK_THROWS_WITH(gridworld({.map = {"SF", "F"}}), Contains("map line 1 has another length"));
  CHECK_THROWS_WITH(gridworld({.map = {"SX"}}), Contains("map line 0 has the character 'X'"));
  CHECK_THROWS_WITH(gridworld({.map = {"##"}}), Contains("no cell without a wall"));
  CHECK_THROWS_WITH(gridworld({.slip = 0.6}), Contains("slip = 0.600000, required 0 to 0.5"));
  CHECK_THROWS_WITH(gridworld({.step_cost = mdp::infinity}), Contains("finite"));
}

}  // namespace
