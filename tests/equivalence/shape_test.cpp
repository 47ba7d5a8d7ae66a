// World and model are matched by position: what agrees passes, what differs is named.
#include "equivalence/shape.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"

using namespace mdp;

namespace {

struct Look {
  Objective objective = Objective::minimize;
  std::vector<std::string> states = {};
  std::string first_action = {};
  bool extra_action = false;
  bool extra_state = false;
};

Mdp build_like(const Look& look) {
  const int n = look.extra_state ? 3 : 2;
  MdpBuilder b(n, look.objective);
  b.row(0, 1.0, look.first_action).to(1, 1.0);
  if (look.extra_action) b.row(0, 1.0).to(0, 1.0);
  for (int s = 1; s < n; ++s) b.row(s, 1.0, "stay").to(s, 1.0);
  if (!look.states.empty()) b.state_names(look.states);
  return b.discount(Discount(0.5)).build();
}

std::string difference(const Look& world, const Look& model) {
  try {
    equivalence::require_same_shape(build_like(world), build_like(model));
  } catch (const InvalidArgument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("world and model of the same shape match, named or not") {
  REQUIRE(difference({}, {}) == "");
  REQUIRE(difference({.states = {"a", "b"}}, {}) == "");
  REQUIRE(difference({.states = {"a", "b"}}, {.states = {"a", "b"}}) == "");
  REQUIRE(difference({.first_action = "go"}, {}) == "");
  REQUIRE(difference({.first_action = "go"}, {.first_action = "go"}) == "");
}

TEST_CASE("the first difference of world and model is named") {
  const std::string start = "world and model do not match: ";
  REQUIRE(difference({}, {.objective = Objective::maximize}) ==
          start + "objective minimize in the world, maximize in the model");
  REQUIRE(difference({}, {.extra_state = true}) == start + "2 states in the world, 3 in the model");
  REQUIRE(difference({.states = {"a", "b"}}, {.extra_action = true}) ==
          start + "state a has 1 actions in the world, 2 in the model");
  REQUIRE(difference({.states = {"a", "b"}}, {.states = {"a", "c"}}) ==
          start + "state 1 is \"b\" in the world, \"c\" in the model");
  REQUIRE(difference({.first_action = "go"}, {.first_action = "run"}) ==
          start + "action 0 of state 0 is \"go\" in the world, \"run\" in the model");
}
