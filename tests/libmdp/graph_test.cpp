// Components, end components and reachability against brute force on small models, closed forms on large ones.
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"

using namespace mdp;
using graph::StateSet;

namespace {

Mdp random_mdp(std::mt19937& random, State n, bool with_inadmissible) {
  MdpBuilder b(n);
  const auto draw = [&](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
  for (State s = 0; s < n; ++s) {
    for (int a = 0; a <= draw(3); ++a) {
      b.row(s, with_inadmissible && draw(3) == 0 ? infinity : 1.0);
      const int k = 1 + draw(2);
      for (int j = 0; j < k; ++j) b.to(draw(n), 1.0 / k);
    }
  }
  b.initial(draw(n), 1.0).discount(0.9);
  return b.build();
}

// Transitive closure of the usable rows' edges.
std::vector<std::vector<char>> closure(const Mdp& m, const graph::RowMask& usable) {
  const auto n = static_cast<std::size_t>(m.n_states());
  std::vector<std::vector<char>> reach(n, std::vector<char>(n, 0));
  for (std::size_t s = 0; s < n; ++s) {
    reach[s][s] = 1;
    for (Offset r = m.state_rows()[s]; r < m.state_rows()[s + 1]; ++r) {
      if (usable[static_cast<std::size_t>(r)] == 0) continue;
      for (Offset k = m.row_begin()[r]; k < m.row_begin()[r + 1]; ++k) reach[s][m.next_state()[k]] = 1;
    }
  }
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) reach[i][j] = static_cast<char>(reach[i][j] | (reach[i][k] & reach[k][j]));
  return reach;
}

// Whether the states of `set` with their rows that stay inside are connected, each state having such a row.
bool is_end_component(const Mdp& m, unsigned set) {
  graph::RowMask inside = graph::admissible_rows(m);
  for (State s = 0; s < m.n_states(); ++s) {
    bool some = false;
    for (Offset r = m.state_rows()[s]; r < m.state_rows()[s + 1]; ++r) {
      bool stays = (set >> s & 1U) != 0 && inside[r] != 0;
      for (Offset k = m.row_begin()[r]; k < m.row_begin()[r + 1]; ++k)
        stays = stays && (set >> m.next_state()[k] & 1U) != 0;
      inside[r] = stays ? 1 : 0;
      some = some || stays;
    }
    if ((set >> s & 1U) != 0 && !some) return false;
  }
  const auto reach = closure(m, inside);
  for (State i = 0; i < m.n_states(); ++i)
    for (State j = 0; j < m.n_states(); ++j)
      if ((set >> i & set >> j & 1U) != 0 && reach[i][j] == 0) return false;
  return true;
}

// Calls f(policy) for every deterministic policy of admissible rows (as selected row per state).
template <class F>
void for_every_policy(const Mdp& m, F&& f) {
  std::vector<Offset> row(m.state_rows().begin(), m.state_rows().end() - 1);
  while (true) {
    f(row);
    State s = 0;
    while (s < m.n_states() && ++row[s] == m.state_rows()[s + 1]) {
      row[s] = m.state_rows()[s];
      ++s;
    }
    if (s == m.n_states()) return;
  }
}

Mdp with_goal(const Mdp& m, std::mt19937& random) {
  const auto goal = static_cast<State>(random() % static_cast<unsigned>(m.n_states()));
  MdpBuilder b(m.n_states());
  for (State s = 0; s < m.n_states(); ++s) {
    if (s == goal) continue;
    for (Offset r = m.state_rows()[s]; r < m.state_rows()[s + 1]; ++r) {
      b.row(s, m.cost()[r]);
      for (Offset k = m.row_begin()[r]; k < m.row_begin()[r + 1]; ++k) b.to(m.next_state()[k], m.probability()[k]);
    }
  }
  return b.goal(goal).build();
}

}  // namespace

TEST_CASE("strongly connected components are the classes of mutual reachability, numbered backwards") {
  const auto seed = 20261123U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 200; ++trial) {
    const Mdp m = random_mdp(random, 1 + static_cast<State>(random() % 7), true);
    const auto usable = graph::admissible_rows(m);
    const auto reach = closure(m, usable);

    const auto c = graph::strongly_connected_components(m);

    for (State i = 0; i < m.n_states(); ++i) {
      REQUIRE(c.of_state[i] >= 0);
      REQUIRE(c.of_state[i] < c.count);
      for (State j = 0; j < m.n_states(); ++j) {
        REQUIRE((c.of_state[i] == c.of_state[j]) == (reach[i][j] != 0 && reach[j][i] != 0));
        if (reach[i][j] != 0) REQUIRE(c.of_state[i] >= c.of_state[j]);
      }
    }
  }
}

TEST_CASE("maximal end components are the unions of all end components") {
  const auto seed = 7U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 150; ++trial) {
    const Mdp m = random_mdp(random, 1 + static_cast<State>(random() % 6), true);

    const auto c = graph::maximal_end_components(m);

    for (State i = 0; i < m.n_states(); ++i) {
      for (State j = 0; j < m.n_states(); ++j) {
        bool together = false;
        for (unsigned set = 1; set < 1U << m.n_states(); ++set) {
          together = together || ((set >> i & set >> j & 1U) != 0 && is_end_component(m, set));
        }
        REQUIRE((c.of_state[i] >= 0 && c.of_state[i] == c.of_state[j]) == together);
      }
    }
  }
}

TEST_CASE("goal reachability is what the best deterministic policy achieves") {
  const auto seed = 99U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 150; ++trial) {
    const Mdp m = with_goal(random_mdp(random, 2 + static_cast<State>(random() % 5), true), random);
    const State goal = m.goal()[0];
    const auto n = static_cast<std::size_t>(m.n_states());
    StateSet possible(n, 0), almost_sure(n, 0), sure(n, 0);
    for_every_policy(m, [&](const std::vector<Offset>& row) {
      graph::RowMask chosen(static_cast<std::size_t>(m.n_rows()), 0);
      for (const Offset r : row) chosen[r] = m.cost()[r] < infinity ? 1 : 0;
      const auto reach = closure(m, chosen);
      for (std::size_t s = 0; s < n; ++s) {
        if (reach[s][goal] == 0) continue;
        possible[s] = 1;
        bool always = true;   // every reachable state can still reach the goal
        bool acyclic = true;  // and no other reachable state lies on a cycle
        for (std::size_t t = 0; t < n; ++t) {
          if (reach[s][t] == 0 || static_cast<State>(t) == goal) continue;
          always = always && reach[t][goal] != 0;
          for (Offset k = m.row_begin()[row[t]]; k < m.row_begin()[row[t] + 1]; ++k) {
            acyclic = acyclic && reach[m.next_state()[k]][t] == 0;
          }
        }
        if (always) almost_sure[s] = 1;
        if (always && acyclic) sure[s] = 1;
      }
    });

    const auto result = graph::goal_reachability(m);

    REQUIRE(result.possible == possible);
    REQUIRE(result.almost_sure == almost_sure);
    REQUIRE(result.sure == sure);
  }
}

TEST_CASE("finite values: some policy never meets an inadmissible row (C1, TC)") {
  const auto seed = 3U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 150; ++trial) {
    const Mdp m = random_mdp(random, 1 + static_cast<State>(random() % 6), true);
    const auto n = static_cast<std::size_t>(m.n_states());
    StateSet finite(n, 0);
    for_every_policy(m, [&](const std::vector<Offset>& row) {
      graph::RowMask chosen(static_cast<std::size_t>(m.n_rows()), 0);
      for (const Offset r : row) chosen[r] = 1;
      const auto reach = closure(m, chosen);
      for (std::size_t s = 0; s < n; ++s) {
        bool safe = true;
        for (std::size_t t = 0; t < n; ++t) safe = safe && (reach[s][t] == 0 || m.cost()[row[t]] < infinity);
        if (safe) finite[s] = 1;
      }
    });

    REQUIRE(graph::finite_value_states(m) == finite);
  }
}

TEST_CASE("with discount 0 only the own rows decide whether a value is finite") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0).row(1, infinity).to(1, 1.0).discount(0.0);

  REQUIRE(graph::finite_value_states(b.build()) == StateSet{1, 0});
}

TEST_CASE("reachable states follow admissible rows from the initial ones") {
  MdpBuilder b(4);
  b.row(0, 1.0).to(1, 0.5).to(0, 0.5).row(1, infinity).to(2, 1.0).row(1, 0.0).to(1, 1.0);
  b.row(2, 0.0).to(3, 1.0).goal(3).initial(0, 1.0);
  const Mdp m = b.build();

  const auto reached = graph::reachable_states(m);

  REQUIRE(reached == StateSet{1, 1, 0, 0});
  REQUIRE(graph::count(reached) == 2);
}

TEST_CASE("a chain of a million states needs no recursion") {
  const State n = 1'000'000;
  MdpBuilder cycle(n);
  cycle.reserve(n, n);
  for (State s = 0; s < n; ++s) cycle.row(s, 1.0).to((s + 1) % n, 1.0);
  MdpBuilder line(n);
  for (State s = 0; s + 1 < n; ++s) line.row(s, 1.0).to(s + 1, 1.0);
  const Mdp one_component = cycle.build();
  const Mdp all_components = line.goal(n - 1).build();

  REQUIRE(graph::strongly_connected_components(one_component).count == 1);
  REQUIRE(graph::strongly_connected_components(all_components).count == n);
  REQUIRE(graph::maximal_end_components(all_components).count == 1);
  REQUIRE(graph::count(graph::goal_reachability(all_components).sure) == n);
}
