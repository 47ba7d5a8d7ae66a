#include "libmdp/generate/inventory.hpp"

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "tests/support/array_hash.hpp"

namespace {

using mdp::Mdp;
using mdp::Offset;
using namespace mdp::generate;

TEST_CASE("inventory: one row worked out by hand") {
  InventoryOptions options;
  options.capacity = 5;
  options.lots = {0, 4};
  options.demand = {{0, 0.5}, {3, 0.5}};
  options.holding_cost = 0.25;
  const Mdp m = inventory(options);
  CHECK(m.n_states() == 36);
  CHECK(m.n_rows() == 36 * 4);
  // Stock (2, 1), order 4 of the first only: z = (5, 1) after clipping at the capacity.
  const Offset row = m.state_rows()[2 * 6 + 1] + 2;
  CHECK(m.action_name(row) == "4+0");
  // first: 4 + 3 * 1 + 5/4 - 3 * 3/2; second: 1/4 - 2 * 1/2
  CHECK(m.cost()[row] == (4.0 + 3.0 + 1.25 - 4.5) + (0.25 - 1.0));
  std::map<mdp::State, double> next;
  for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) next[m.next_state()[k]] = m.probability()[k];
  CHECK(next == std::map<mdp::State, double>{{5 * 6 + 1, 0.25}, {5 * 6, 0.25}, {2 * 6 + 1, 0.25}, {2 * 6, 0.25}});
}

TEST_CASE("inventory: the default is a proper model of thousands of states, the mean model keeps its costs") {
  const Mdp world = inventory();
  const Mdp model = inventory_mean_demand();
  CHECK(world.n_states() == 2500);
  CHECK(world.n_rows() == 40000);
  CHECK(world.max_row_length() == 25);
  CHECK(model.n_transitions() == model.n_rows());
  CHECK(std::equal(world.cost().begin(), world.cost().end(), model.cost().begin(), model.cost().end()));
  // Mean demand 6 of each: stock (20, 30) without orders becomes (14, 24).
  CHECK(model.next_state()[model.row_begin()[model.state_rows()[20 * 50 + 30]]] == 14 * 50 + 24);
}

TEST_CASE("inventory: the arrays of the benchmark script, to the bit") {
  InventoryOptions options;  // a NumPy script that computes the same law made arrays with this hash
  options.capacity = 11;
  CHECK(mdp::tests::array_hash(inventory(options)) == 0x50e06f218328a6ac);
}

TEST_CASE("inventory refuses what is not a demand") {
  using Catch::Matchers::Contains;
  InventoryOptions options;
  options.demand = {{0, 0.5}, {1, 0.4}};
  CHECK_THROWS_WITH(inventory(options), Contains("demand probabilities sum to 0.9"));
  options.demand = {};
  CHECK_THROWS_WITH(inventory_mean_demand(options), Contains("demand is empty"));
  options = {};
  options.capacity = 0;
  CHECK_THROWS_WITH(inventory(options), Contains("capacity = 0, required 1 to"));
  options = {};
  options.price = {1.0};
  CHECK_THROWS_WITH(inventory(options), Contains("price has 1 entries, required 2"));
}

}  // namespace
