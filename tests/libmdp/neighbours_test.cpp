// The neighbour graph of the states: balls, distances, components of a set.
#include "libmdp/graph/neighbours.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/garnet.hpp"

using namespace mdp;
using namespace mdp::graph;

namespace {

// 0 -> 1 -> 2 <- 3, and 4 apart.
Mdp chain() {
  MdpBuilder b(5);
  b.row(0, 0.0).to(0, 0.5).to(1, 0.5);
  b.row(1, 0.0).to(2, 1.0);
  b.row(2, 0.0).to(2, 1.0);
  b.row(3, 0.0).to(2, 1.0);
  b.row(3, 0.0).to(2, 0.5).to(3, 0.5);
  b.row(4, 0.0).to(4, 1.0);
  return b.discount(Discount(0.5)).build();
}

}  // namespace

TEST_CASE("neighbours: transitions in both directions, once, no loops") {
  const NeighbourGraph graph = neighbour_graph(chain());
  REQUIRE(graph.begin == std::vector<Offset>{0, 1, 3, 5, 6, 6});
  REQUIRE(graph.neighbour == std::vector<State>{1, 0, 2, 1, 3, 2});
  REQUIRE(graph.adjacent(3, 2));
  REQUIRE_FALSE(graph.adjacent(3, 1));
}

TEST_CASE("neighbours: balls and distances, n_states where there is no path") {
  const NeighbourGraph graph = neighbour_graph(chain());
  NeighbourSearch search(graph);
  std::vector<State> ball;
  search.ball(0, 0, ball);
  REQUIRE(ball == std::vector<State>{0});
  search.ball(0, 2, ball);
  REQUIRE(ball == std::vector<State>{0, 1, 2});
  search.ball(4, 9, ball);
  REQUIRE(ball == std::vector<State>{4});
  const std::vector<State> to{3, 0, 4, 2};
  std::vector<double> steps(4);
  search.distances(0, to, steps);
  REQUIRE(steps == std::vector<double>{3.0, 0.0, 5.0, 2.0});
}

TEST_CASE("neighbours: distances are a metric on a random graph, those of Floyd and Warshall") {
  const Mdp mdp =
      generate::garnet({.shape = {.states = 30, .actions = 1, .successors = 1}, .discount = 0.9, .seed = 4});
  const NeighbourGraph graph = neighbour_graph(mdp);
  const int n = mdp.n_states();
  const auto size = static_cast<std::size_t>(n);
  std::vector<std::vector<double>> d(size, std::vector<double>(size, n));
  for (std::size_t i = 0; i < size; ++i) {
    d[i][i] = 0.0;
    for (const State j : graph.of(static_cast<State>(i))) d[i][static_cast<std::size_t>(j)] = 1.0;
  }
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) d[i][j] = std::min(d[i][j], d[i][k] + d[k][j]);
    }
  }
  NeighbourSearch search(graph);
  std::vector<State> all(size);
  for (std::size_t i = 0; i < size; ++i) all[i] = static_cast<State>(i);
  std::vector<double> steps(size);
  for (std::size_t i = 0; i < size; ++i) {
    search.distances(static_cast<State>(i), all, steps);
    REQUIRE(steps == d[i]);
  }
}

TEST_CASE("neighbours: components of a set of states") {
  const NeighbourGraph graph = neighbour_graph(chain());
  std::vector<int> label;
  REQUIRE(induced_components(graph, std::vector<State>{0, 1, 2, 3}, label) == 1);
  REQUIRE(induced_components(graph, std::vector<State>{0, 2, 3}, label) == 2);
  REQUIRE(label == std::vector<int>{0, 1, 1});
  REQUIRE(induced_components(graph, std::vector<State>{0, 3, 4}, label) == 3);
}
