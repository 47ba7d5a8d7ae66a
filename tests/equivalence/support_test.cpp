// Supports of equivalent models, row by row; and what else the options of equivalent_model() choose.
#include "equivalence/support.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "equivalence/equivalent_model.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

// Five states in a line; row 0 of state 0 goes where `to` says, the others rest. V* = (v0, 0, 1, 2, 10).
Mdp line(const std::vector<std::pair<int, double>>& to) {
  MdpBuilder b(5);
  b.row(0, 1.0);
  for (const auto& [next, p] : to) b.to(next, p);
  const double v[] = {0.0, 1.0, 2.0, 10.0};
  for (int s = 1; s < 5; ++s) b.row(s, 0.5 * v[s - 1]).to(s, 1.0);
  return b.discount(Discount(0.5)).build();
}

struct Chosen {
  std::vector<State> states;
  std::vector<char> allowed;
};
Chosen chosen(const Support& support, const Mdp& world, const Mdp& reference, bool only_reference = false) {
  const auto graph = graph::neighbour_graph(world);
  SupportRows rows(support, world, reference, &graph, only_reference);
  rows.set(0, 0);
  return {rows.states, rows.allowed};
}

EquivalentModelResult solve(const Mdp& world, const Mdp& reference, const EquivalentModelOptions& options) {
  const Known known(solve_exactly(world).values);
  return equivalent_model(world, known.view(), reference, options);
}

}  // namespace

TEST_CASE("support: every rule, with the reference's states beside it") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}}), reference = line({{1, 0.5}, {3, 0.5}});
  const auto of = [&](SupportRule rule, int distance = 1) { return chosen({rule, distance, {}}, world, reference); };
  REQUIRE(of(SupportRule::reference).states == std::vector<State>{1, 3});
  REQUIRE(of(SupportRule::world).states == std::vector<State>{1, 2, 3});
  REQUIRE(of(SupportRule::world).allowed == std::vector<char>{0, 1, 1});
  REQUIRE(of(SupportRule::world_reference).allowed == std::vector<char>{1, 1, 1});
  REQUIRE(of(SupportRule::all).states == std::vector<State>{0, 1, 2, 3, 4});
  REQUIRE(of(SupportRule::within, 0).allowed == std::vector<char>{1, 0, 0});
  REQUIRE(of(SupportRule::within, 1).states ==
          std::vector<State>{0, 1, 2, 3});  // neighbours 2 and 3, the seen 1 outside
  REQUIRE(of(SupportRule::within, 1).allowed == std::vector<char>{1, 0, 1, 1});
  const Mdp mask = line({{3, 0.5}, {4, 0.5}});
  REQUIRE(chosen({SupportRule::mask, 0, mask}, world, reference).allowed == std::vector<char>{0, 1, 1});
  const auto only = chosen({SupportRule::all, 0, {}}, world, reference, true);
  REQUIRE(only.states == std::vector<State>{1, 3});
  REQUIRE_FALSE(Support{SupportRule::within, -1, {}}.check().empty());
  REQUIRE_FALSE(Support{SupportRule::mask, 0, {}}.check().empty());
  REQUIRE(Support{}.check().empty());
}

TEST_CASE("T6: what the support allows decides feasibility") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});  // tau = 1.5
  const Mdp reference = line({{3, 0.25}, {4, 0.75}});
  REQUIRE(solve(world, reference, {}).n_infeasible == 1);
  const auto wide =
      solve(world, reference, {.divergence = Divergence::l1, .support = {SupportRule::world_reference, 0, {}}});
  REQUIRE(wide.status == Status::converged);
  // D = {2, 3, 4}, V* = (1, 2, 10): the mean 8 has to fall to 1.5, from 4 to 2 as far as that goes (by 9 each), then from 3.
  REQUIRE(wide.divergence[0] == Approx(2.0 * 6.5 / 9.0));
  const auto fixed = solve(
      world, reference, {.divergence = Divergence::l1, .support = {SupportRule::mask, 0, line({{1, 0.5}, {4, 0.5}})}});
  REQUIRE(fixed.model->probability()[1] == Approx(0.15));  // the only row on {1, 4}
  const InfeasibleRow infeasible = solve(world, reference, {}).infeasible.front();
  REQUIRE(infeasible.row == 0);
  REQUIRE(infeasible.target == Approx(1.5));
  REQUIRE(infeasible.low == 2.0);
  REQUIRE(infeasible.high == 10.0);
}

TEST_CASE("likelihood: counts scale the divergence of a row, bad ones and a reference outside D name the pair") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}}), reference = line({{2, 0.25}, {3, 0.75}});
  const std::vector<double> counts{40.0, 1.0, 1.0, 1.0, 1.0};
  const auto one = solve(world, reference, {.divergence = Divergence::likelihood});
  const auto many = solve(world, reference, {.divergence = Divergence::likelihood, .counts = counts});
  REQUIRE(many.divergence[0] == Approx(40.0 * one.divergence[0]));
  REQUIRE(one.divergence[0] == Approx(0.25 * std::log(0.25 / 0.5) + 0.75 * std::log(0.75 / 0.5)));
  const std::vector<double> negative{-1.0, 1.0, 1.0, 1.0, 1.0};
  REQUIRE_THROWS_WITH(solve(world, reference, {.divergence = Divergence::likelihood, .counts = negative}),
                      Catch::Contains("state 0, action 0") && Catch::Contains("-1"));
  const std::vector<double> few{1.0};
  REQUIRE_THROWS_AS(solve(world, reference, {.divergence = Divergence::likelihood, .counts = few}), InvalidArgument);
  const Mdp elsewhere = line({{2, 0.5}, {4, 0.5}});
  REQUIRE_THROWS_WITH(
      solve(world, elsewhere, {.divergence = Divergence::reverse_kl, .support = {SupportRule::world, 0, {}}}),
      Catch::Contains("state 0, action 0") && Catch::Contains("support"));
}

TEST_CASE("Wasserstein-1: steps in the world's graph by default, another graph or metric on request") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}}), reference = line({{3, 1.0}});
  const EquivalentModelOptions options{.divergence = Divergence::wasserstein, .support = {SupportRule::world, 0, {}}};
  // Half of the mass moves from 3 to 2: two steps over state 0.
  REQUIRE(solve(world, reference, options).divergence[0] == Approx(1.0));
  auto other = options;
  other.metric = [](State i, State j) { return 5.0 * std::abs(static_cast<double>(i - j)); };
  REQUIRE(solve(world, reference, other).divergence[0] == Approx(2.5));
  const graph::NeighbourGraph chain{{0, 0, 0, 1, 2, 2}, {3, 2}};
  auto near = options;
  near.graph = &chain;
  REQUIRE(solve(world, reference, near).divergence[0] == Approx(0.5));
  const graph::NeighbourGraph small{{0, 0}, {}};
  near.graph = &small;
  REQUIRE_THROWS_AS(solve(world, reference, near), InvalidArgument);
}

TEST_CASE("T6: the table of polytopes; directions are checked") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});
  const Known known(solve_exactly(world).values);
  const auto table = equivalent_polytopes(world, known.view(), world, {.support = {SupportRule::all, 0, {}}});
  REQUIRE(table.dimension[0] == 0);  // kl stays on the reference's two states: one solution
  const auto wide = equivalent_polytopes(world, known.view(), world,
                                         {.divergence = Divergence::uniform, .support = {SupportRule::all, 0, {}}});
  REQUIRE(wide.dimension[0] == 3);
  REQUIRE(wide.dimension[1] == 0);  // tau = 0 is the lowest value
  REQUIRE_THROWS_AS(equivalent_polytopes(world, known.view(), world, {.shift = {}}), InvalidOption);
  const std::vector<double> g{1.0, 2.0, NAN, 0.0, 0.0};
  REQUIRE_THROWS_WITH(solve(world, world, {.divergence = Divergence::linear, .direction = g}),
                      Catch::Contains("state 2"));
  REQUIRE_THROWS_AS(solve(world, world, {.divergence = Divergence::linear}), InvalidArgument);
}
