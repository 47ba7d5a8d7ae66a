// Recurrent classes, periods and classes of MDPs against all policies of small models; large ones for the time it takes (C5).
#include "libmdp/graph/structure.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/graph/closure.hpp"

using namespace mdp;
using namespace mdp::graph;

namespace {

Mdp random_mdp(std::mt19937& random, State n) {
  MdpBuilder b(n);
  const auto draw = [&](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
  for (State s = 0; s + 1 < n; ++s) {
    const int actions = 1 + draw(2);
    for (int a = 0; a < actions; ++a) {
      b.row(s, 1.0);
      const int k = 1 + draw(2);
      for (int j = 0; j < k; ++j) b.to(draw(n), 1.0 / k);
    }
  }
  if (draw(3) == 0) {
    b.row(n - 1, 1.0).to(draw(n), 1.0);
  } else {
    b.goal(n - 1);
  }
  return b.build();
}

void for_every_policy(const Mdp& m, const std::function<void(const RowMask&)>& f) {
  std::vector<Action> policy(static_cast<std::size_t>(m.n_states()), 0);
  while (true) {
    f(rows_taken(m, policy));
    State s = 0;
    while (s < m.n_states() && ++policy[s] == m.n_actions(s)) policy[s++] = 0;
    if (s == m.n_states()) return;
  }
}

using Reach = std::vector<std::vector<char>>;

// step[k][s][t]: t after exactly k steps from s is possible.
Reach step(const Mdp& m, const RowMask& taken) {
  const auto n = static_cast<std::size_t>(m.n_states());
  Reach next(n, std::vector<char>(n, 0));
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows()[s]; row < m.state_rows()[s + 1]; ++row) {
      if (taken[row] == 0) continue;
      for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) next[s][m.next_state()[k]] = 1;
    }
  }
  return next;
}

Reach product(const Reach& a, const Reach& b) {
  Reach c(a.size(), std::vector<char>(a.size(), 0));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j)
      for (std::size_t k = 0; k < a.size(); ++k) c[i][k] = static_cast<char>(c[i][k] | (a[i][j] & b[j][k]));
  return c;
}

struct Brute {
  Reach reach;                // in any number of steps, 0 included
  std::vector<State> period;  // [n] of the state's cycles, 0 = none
  std::vector<char> recurrent;
};

Brute examine(const Mdp& m, const RowMask& taken) {
  const auto n = static_cast<std::size_t>(m.n_states());
  const Reach one = step(m, taken);
  Brute b;
  b.reach.assign(n, std::vector<char>(n, 0));
  b.period.assign(n, 0);
  b.recurrent.assign(n, 1);
  for (std::size_t s = 0; s < n; ++s) b.reach[s][s] = 1;
  Reach power = one;
  for (State k = 1; k <= 40; ++k, power = product(power, one)) {
    for (std::size_t s = 0; s < n; ++s) {
      if (power[s][s] != 0) b.period[s] = std::gcd(b.period[s], k);
      for (std::size_t t = 0; t < n; ++t) b.reach[s][t] = static_cast<char>(b.reach[s][t] | power[s][t]);
    }
  }
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) {
      if (b.reach[s][t] != 0 && b.reach[t][s] == 0) b.recurrent[s] = 0;
    }
  }
  return b;
}

}  // namespace

TEST_CASE("Recurrent classes and periods of every policy, and what holds for all of them") {
  std::mt19937 random(7);
  int unknown = 0;
  int unichain = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    const Mdp m = random_mdp(random, 2 + static_cast<State>(random() % 5));
    const auto n = static_cast<std::size_t>(m.n_states());
    bool one_class = true;
    StateSet surely(n, 1);
    StateSet almost(n, 1);
    StateSet possibly(n, 1);
    const StateSet goal = goal_states(m);
    for_every_policy(m, [&](const RowMask& taken) {
      const Brute b = examine(m, taken);
      const ChainStructure chain = chain_structure(m, taken);
      State n_classes = 0;
      for (std::size_t s = 0; s < n; ++s) {
        REQUIRE((chain.recurrent.of_state[s] >= 0) == (b.recurrent[s] != 0));
        n_classes = std::max(n_classes, chain.recurrent.of_state[s] + 1);
        if (b.recurrent[s] != 0) REQUIRE(chain.period[chain.recurrent.of_state[s]] == b.period[s]);
        bool misses = true;
        bool may_miss = false;
        for (std::size_t t = 0; t < n; ++t) {
          if (b.reach[s][t] == 0) continue;
          if (goal[t] != 0) misses = false;
          may_miss = may_miss || (b.recurrent[t] != 0 && goal[t] == 0);
          REQUIRE((b.recurrent[s] == 0 || chain.recurrent.of_state[s] == chain.recurrent.of_state[t]));
        }
        if (misses) possibly[s] = 0;
        if (misses || may_miss) almost[s] = 0;
      }
      REQUIRE(n_classes == chain.recurrent.count);
      one_class = one_class && n_classes == 1;
      // Surely: no path of n steps avoids the goal.
      StateSet avoids(n, 0);
      for (std::size_t s = 0; s < n; ++s) avoids[s] = goal[s] == 0 ? 1 : 0;
      const Reach one = step(m, taken);
      for (std::size_t k = 0; k < n; ++k) {
        StateSet next(n, 0);
        for (std::size_t s = 0; s < n; ++s)
          for (std::size_t t = 0; t < n; ++t)
            if (goal[s] == 0 && one[s][t] != 0 && avoids[t] != 0) next[s] = 1;
        avoids = next;
      }
      for (std::size_t s = 0; s < n; ++s) {
        if (avoids[s] != 0) surely[s] = 0;
      }
    });
    const auto always = goal_reachability_always(m);
    CHECK(always.possible == possibly);
    CHECK(always.almost_sure == almost);
    CHECK(always.sure == surely);
    const RowMask all(static_cast<std::size_t>(m.n_rows()), 1);
    const Brute b = examine(m, all);
    const ClassStructure structure = class_structure(m);
    bool communicating = true;
    for (const auto& row : b.reach)
      communicating = communicating && std::count(row.begin(), row.end(), char{1}) == m.n_states();
    CHECK(structure.communicating == communicating);
    if (structure.communicating) CHECK(structure.weakly_communicating);
    if (structure.unichain == Answer::unknown) {
      ++unknown;
    } else {
      CHECK((structure.unichain == Answer::yes) == one_class);
      if (one_class) CHECK(structure.weakly_communicating);
    }
    unichain += one_class ? 1 : 0;
  }
  CHECK(unknown <= 3);
  CHECK(unichain > 50);
}

TEST_CASE("Periods of known chains") {
  for (const State length : {1, 2, 6, 30}) {
    MdpBuilder b(2 * length);
    for (State s = 0; s < length; ++s) b.row(s, 0.0).to((s + 1) % length, 1.0);
    // Two lengths of cycles: length and length + 2 where that fits.
    for (State s = length; s < 2 * length; ++s) b.row(s, 0.0).to(s + 1 < 2 * length ? s + 1 : 0, 1.0);
    const Mdp m = b.build();
    const auto chain = chain_structure(m, RowMask(static_cast<std::size_t>(m.n_rows()), 1));
    REQUIRE(chain.recurrent.count == 1);
    CHECK(chain.period[0] == length);
    CHECK(chain.recurrent.of_state[length] == -1);
  }
}

TEST_CASE("End components and almost sure sets that fall apart one state at a time take no more than a few passes") {
  // Row a of state s leads to s + 1 and back to 0; the last state is a trap without the goal: all follow it out, one by one.
  const State n = 200'000;
  MdpBuilder b(n + 1);
  for (State s = 0; s < n; ++s) b.row(s, 1.0).to(s + 1 < n ? s + 1 : n, 0.5).to(0, 0.5);
  b.row(n, 1.0).to(n, 1.0);
  const Mdp m = b.build();
  const Components ends = maximal_end_components(m);
  CHECK(ends.count == 1);
  CHECK(ends.of_state[n] == 0);
  const auto structure = class_structure(m);
  CHECK(!structure.communicating);
  CHECK(structure.weakly_communicating);
  CHECK(structure.unichain == Answer::yes);
  // The goal is where the chain starts; state n cannot reach it, so no state reaches it almost surely but by luck of its own.
  MdpBuilder c(n + 1);
  c.goal(0);
  for (State s = 1; s < n; ++s) c.row(s, 1.0).to(s + 1, 0.5).to(0, 0.5);
  c.row(n, 1.0).to(n, 1.0);
  const auto reach = goal_reachability(c.build());
  CHECK(count(reach.possible) == n);
  CHECK(count(reach.almost_sure) == 1);
}

TEST_CASE("Structure of a model of ten million transitions", "[long]") {
  const State n = 1'000'000;
  MdpArrays a;
  a.state_rows.resize(static_cast<std::size_t>(n) + 1);
  a.row_begin.resize(2 * static_cast<std::size_t>(n) + 1);
  a.next_state.resize(10 * static_cast<std::size_t>(n));
  a.probability.assign(10 * static_cast<std::size_t>(n), 0.2);
  a.cost.assign(2 * static_cast<std::size_t>(n), 1.0);
  // Row 0 goes around a ring of each tenth of the states; row 1 leads into the next tenth, the last has none after it.
  const State tenth = n / 10;
  for (State s = 0; s < n; ++s) {
    a.state_rows[s] = 2 * s;
    for (State row = 0; row < 2; ++row) {
      a.row_begin[2 * s + row] = 5 * (2 * s + row);
      const State first = s / tenth * tenth;
      const State target = row == 0 ? first : std::min(first + tenth, n - tenth);
      for (State k = 0; k < 5; ++k) a.next_state[5 * (2 * s + row) + k] = target + (s + 1 + 2 * k) % tenth;
    }
  }
  a.state_rows[n] = 2 * n;
  a.row_begin[2 * n] = 10 * n;
  const Mdp m = build(std::move(a));
  REQUIRE(m.n_transitions() == 10'000'000);
  const Components parts = strongly_connected_components(m);
  const Components ends = maximal_end_components(m);
  CHECK(parts.count == 10);
  CHECK(ends.count == 10);
  for (State s = 0; s < n; s += tenth / 3) CHECK(parts.of_state[s] == 9 - s / tenth);  // successors first
  const auto chain = chain_structure(m, rows_taken(m, std::vector<Action>(n, 0)));
  CHECK(chain.recurrent.count == 10);
  CHECK(chain.period == std::vector<State>(10, 2));  // steps of 1, 3, 5, 7 and 9 around an even ring
  CHECK(!class_structure(m).weakly_communicating);
}
