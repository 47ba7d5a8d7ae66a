// T1 in rationals: Q^* = Q* without an error, in the file that equivalent-cost writes too.
#include "equivalence/exact_cost.hpp"

#include <fstream>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/io/exact_json.hpp"
#include "solvers/exact/exact_answer.hpp"
#include "tests/equivalence/instances.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

io::ExactModel with_discount(const Mdp& mdp, const Rational& discount) {
  auto model = exact_model_of(mdp);
  model.discount = discount;
  return model;
}

}  // namespace

TEST_CASE("T1: in rationals the model has the world's Q* exactly, ties included") {
  const auto seed = 41U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 6);
    const Rational discounts[] = {0, Rational(1, 3), Rational(9, 10), Rational(999999, 1000000)};
    const auto world = with_discount(random_mdp(random, shape, 0.5), discounts[random() % 4]);
    const auto model = with_discount(random_mdp(random, shape, 0.5), discounts[random() % 4]);
    const auto found = exact_equivalent_cost(world, model, {});
    REQUIRE(found.status == Status::converged);
    const auto truth = solve_exactly(world), carried = solve_exactly(found.model);
    REQUIRE(carried.q == truth.q);
    REQUIRE(carried.values == truth.values);
  }
}

TEST_CASE("T1, TC(a): in rationals infinite Q* is inadmissible, and leaving the feasible set is refused") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, infinity).to(1, 1.0);
  const auto world = exact_model_of(b.discount(0.5).build());
  const auto kept = exact_equivalent_cost(world, world, {});
  REQUIRE(kept.status == Status::converged);
  REQUIRE(kept.model.rows[0].cost == 1);
  REQUIRE(kept.model.rows[1].inadmissible);
  auto model = world;
  model.rows[0].to = {{1, 1}};
  REQUIRE(exact_equivalent_cost(world, model, {}).status == Status::refused);
  model.discount = 0;  // nothing is asked of the transitions
  REQUIRE(exact_equivalent_cost(world, model, {}).status == Status::converged);
}

TEST_CASE("An exact model comes back from its text") {
  std::mt19937 random(2);
  auto model = with_discount(random_mdp(random, {2, 1, 3}, 0.5), Rational(2, 7));
  model.objective = Objective::maximize;
  model.names = {"home", "a \"quoted\" one", "work"};
  model.initial = {{0, Rational(1, 3)}, {2, Rational(2, 3)}};
  model.rows[1].inadmissible = true;
  model.rows[1].cost = 0;
  model.rows[2].action = "stay";
  model.rows[3].cost = Rational("123456789012345678901234567890/7007");
  model.rows[3].cost.canonicalize();
  const tests::TemporaryFolder folder;
  const auto path = (folder.path() / "model.json").string();
  std::ofstream(path) << io::exact_json_text(model);
  const auto again = io::read_exact_model(path);
  REQUIRE(again.n_states == model.n_states);
  REQUIRE(again.discount == model.discount);
  REQUIRE(again.names == model.names);
  REQUIRE(again.initial == model.initial);
  REQUIRE(again.objective == Objective::maximize);
  for (std::size_t r = 0; r < model.rows.size(); ++r) {
    REQUIRE(again.rows[r].to == model.rows[r].to);
    REQUIRE(again.rows[r].cost == model.rows[r].cost);
    REQUIRE(again.rows[r].inadmissible == model.rows[r].inadmissible);
  }
}
