#include "estimators/simulator.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "estimators/enumeration.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/support/random_mdp.hpp"
#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Action;
using mdp::Mdp;
using mdp::Offset;
using mdp::State;

/// Chi-square of observed transitions against P, rows of at least 100 samples pooled.
void check_transitions(const Mdp& m, const mdp::TransitionData& data) {
  std::vector<double> row_count(static_cast<std::size_t>(m.n_rows()));
  std::vector<double> count(static_cast<std::size_t>(m.n_transitions()));
  for (Offset i = 0; i < data.size(); ++i) {
    const Offset row = m.state_rows()[data.state[i]] + data.action[i];
    const auto first = m.next_state().begin() + m.row_begin()[row];
    const auto last = m.next_state().begin() + m.row_begin()[row + 1];
    const auto found = std::lower_bound(first, last, data.next_state[i]);
    REQUIRE(found != last);
    REQUIRE(*found == data.next_state[i]);
    row_count[row] += 1.0;
    count[static_cast<std::size_t>(found - m.next_state().begin())] += 1.0;
  }
  double chi_square = 0.0;
  std::size_t degrees_of_freedom = 0;
  for (Offset row = 0; row < m.n_rows(); ++row) {
    if (row_count[row] < 100.0) continue;
    for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
      const double expected = row_count[row] * m.probability()[k];
      chi_square += (count[k] - expected) * (count[k] - expected) / expected;
    }
    degrees_of_freedom += static_cast<std::size_t>(m.row_begin()[row + 1] - m.row_begin()[row]) - 1;
  }
  REQUIRE(degrees_of_freedom > 0);
  CHECK(chi_square < mdp::tests::chi_square_threshold(degrees_of_freedom));
}

TEST_CASE("trajectories follow initial distribution, policy and transitions") {
  for (const std::int64_t successors : {4, 12}) {  // scanned, by alias table
    const Mdp m = mdp::generate::garnet({.shape = {.states = 20, .actions = 3, .successors = successors}, .seed = 6});
    const auto policy = mdp::tests::random_policy(1, m);
    const Trajectories t = simulate(m, policy, {.n_trajectories = 4000, .horizon = 10, .seed = 2});
    check_transitions(m, transitions_of(t));

    std::vector<double> start(20), action(60), state(20);
    for (std::int64_t i = 0; i < t.n_trajectories; ++i) {
      start[t.state[i * 11]] += 1.0;
      for (std::int64_t k = 0; k < 10; ++k) {
        const State s = t.state[i * 11 + k];
        const Offset row = m.state_rows()[s] + t.action[i * 10 + k];
        CHECK(t.cost[i * 10 + k] == m.cost()[row]);
        action[row] += 1.0;
        state[s] += 1.0;
      }
    }
    double chi_start = 0.0;
    for (const double count : start) chi_start += (count - 200.0) * (count - 200.0) / 200.0;
    CHECK(chi_start < mdp::tests::chi_square_threshold(19));
    double chi_action = 0.0;
    for (std::size_t row = 0; row < 60; ++row) {
      const double expected = state[row / 3] * policy[row];
      chi_action += (action[row] - expected) * (action[row] - expected) / expected;
    }
    CHECK(chi_action < mdp::tests::chi_square_threshold(40));
  }
}

TEST_CASE("X1: every trajectory is drawn as often as its probability says") {
  const Mdp m = mdp::tests::random_mdp(14, 3, 0.9);
  const auto policy = mdp::tests::random_policy(14, m);
  std::map<std::vector<Offset>, double> expected;
  const std::int64_t n = 200000;
  for_each_path(m, policy, 3, [&](const Path& path) {
    expected[{path.row.begin(), path.row.end()}] = static_cast<double>(n) * path.probability;
  });
  std::map<std::vector<Offset>, double> drawn;
  const Simulator simulator(m, policy);
  std::vector<Offset> row(3);
  std::vector<State> state(4);
  for (std::int64_t i = 0; i < n; ++i) {
    simulator.draw(77, static_cast<std::uint64_t>(i), row, state, [](State) { return false; });
    drawn[row] += 1.0;
  }
  double chi_square = 0.0, rare_drawn = 0.0, rare_expected = 0.0;
  std::size_t cells = 0;
  for (const auto& [path, count] : drawn) REQUIRE(expected.count(path) == 1);
  for (const auto& [path, count] : expected) {
    if (count < 20.0) {  // pooled
      rare_drawn += drawn[path];
      rare_expected += count;
      continue;
    }
    chi_square += (drawn[path] - count) * (drawn[path] - count) / count;
    ++cells;
  }
  if (rare_expected > 0.0) chi_square += (rare_drawn - rare_expected) * (rare_drawn - rare_expected) / rare_expected;
  CHECK(cells > 30);
  CHECK(chi_square < mdp::tests::chi_square_threshold(cells));
}

TEST_CASE("trajectory i of a seed is the same for any number of threads and of trajectories") {
  const Mdp m = mdp::generate::garnet({.shape = {.states = 50, .actions = 3, .successors = 4}});
  const auto policy = mdp::uniform_policy(m);
  const Trajectories one = simulate(m, policy, {.n_trajectories = 300, .horizon = 7, .seed = 5, .threads = 1});
  for (const int threads : {2, 4}) {
    const Trajectories many = simulate(m, policy, {.n_trajectories = 300, .horizon = 7, .seed = 5, .threads = threads});
    CHECK(one.state == many.state);
    CHECK(one.action == many.action);
    CHECK(one.cost == many.cost);
  }
  const Trajectories few = simulate(m, policy, {.n_trajectories = 10, .horizon = 7, .seed = 5});
  CHECK(std::equal(few.state.begin(), few.state.end(), one.state.begin()));
  const Trajectories other = simulate(m, policy, {.n_trajectories = 300, .horizon = 7, .seed = 6});
  CHECK(one.state != other.state);

  const Simulator simulator(m, policy);
  std::vector<Offset> row(7);
  std::vector<State> state(8);
  CHECK(simulator.draw(5, 123, row, state, [](State) { return false; }) == 7);
  CHECK(std::equal(state.begin(), state.end(), one.state.begin() + 123 * 8));
}

TEST_CASE("a trajectory that stops is the beginning of the one that does not") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const Simulator simulator(lake, mdp::uniform_policy(lake));
  CHECK(simulator.is_final(5));
  CHECK(simulator.is_final(15));
  CHECK_FALSE(simulator.is_final(0));
  std::vector<Offset> row(100), stopped_row(100);
  std::vector<State> state(101), stopped(101);
  for (std::uint64_t i = 0; i < 50; ++i) {
    simulator.draw(1, i, row, state, [](State) { return false; });
    const auto steps = simulator.draw(1, i, stopped_row, stopped, [&](State s) { return simulator.is_final(s); });
    CHECK(std::equal(stopped.begin(), stopped.begin() + steps + 1, state.begin()));
    CHECK(std::equal(stopped_row.begin(), stopped_row.begin() + steps, row.begin()));
    CHECK(std::all_of(state.begin() + steps, state.end(), [&](State s) { return s == state[steps]; }));
  }
}

TEST_CASE("a deterministic policy takes its actions, as its stochastic form does") {
  const Mdp m = mdp::generate::garnet({.shape = {.states = 10, .actions = 3, .successors = 2}});
  const mdp::Policy policy = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
  const Trajectories t = simulate(m, policy, {.n_trajectories = 20, .horizon = 5});
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t k = 0; k < 5; ++k) CHECK(t.action[i * 5 + k] == policy[t.state[i * 6 + k]]);
  }
  CHECK(simulate(m, mdp::to_stochastic(m, policy), {.n_trajectories = 20, .horizon = 5}).state == t.state);
}

TEST_CASE("common random numbers: a seed gives models that differ a little the same trajectories, but for few") {
  const Mdp m = mdp::generate::garnet({.shape = {.states = 20, .actions = 2, .successors = 3}});
  const double move = 1e-3;
  mdp::MdpBuilder b(m.n_states());
  b.discount(0.9);
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows()[s]; row < m.state_rows()[s + 1]; ++row) {
      auto&& to = b.row(s, m.cost()[row]);
      for (Offset i = m.row_begin()[row]; i < m.row_begin()[row + 1]; ++i)
        to.to(m.next_state()[i], (1.0 - move) * m.probability()[i] + move / 3.0);
    }
  }
  const Mdp moved = b.build();
  const auto policy = mdp::uniform_policy(m);
  const auto first = simulate(m, policy, {.n_trajectories = 4000, .horizon = 10, .seed = 6});
  const auto differing = [&](const Trajectories& other) {
    int n = 0;
    for (std::size_t i = 0; i < 4000; ++i)
      n += std::equal(first.state.begin() + 11 * i, first.state.begin() + 11 * (i + 1), other.state.begin() + 11 * i)
               ? 0
               : 1;
    return n;
  };
  // A draw differs with probability at most 2 x 1e-3 (two ends between three successors, each moved by less): 80 of 4000 in
  // ten steps, deviation 9.
  const int n = differing(simulate(moved, policy, {.n_trajectories = 4000, .horizon = 10, .seed = 6}));
  CHECK(n > 0);
  CHECK(n < 80 + 6 * 9);
  CHECK(differing(simulate(moved, policy, {.n_trajectories = 4000, .horizon = 10, .seed = 7})) > 3900);
}

TEST_CASE("sampled transitions: so many of each row, in order, the first ones whatever the number") {
  const Mdp m = mdp::generate::garnet({.shape = {.states = 30, .actions = 2, .successors = 10}, .seed = 3});
  const mdp::TransitionData data = sample_transitions(m, 200, 4, 1);
  CHECK(data.size() == m.n_rows() * 200);
  CHECK(data.state[2 * 200 * 7] == 7);
  CHECK(data.action[200 * 15] == 1);
  check_transitions(m, data);
  CHECK(sample_transitions(m, 200, 4, 3).next_state == data.next_state);
  const mdp::TransitionData few = sample_transitions(m, 50, 4);
  CHECK(std::equal(few.next_state.begin() + 50, few.next_state.begin() + 100, data.next_state.begin() + 200));
}

TEST_CASE("simulation refuses what it cannot do") {
  using Catch::Matchers::Contains;
  const Mdp m = mdp::generate::garnet({.shape = {.states = 3, .actions = 2, .successors = 2}});
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(simulate(m, policy, {.n_trajectories = 0}), Contains("n_trajectories = 0, required >= 1"));
  CHECK_THROWS_WITH(simulate(m, policy, {.horizon = 0}), Contains("horizon = 0, required >= 1"));
  CHECK_THROWS_AS(simulate(m, mdp::Policy{0, 2, 0}), mdp::InvalidArgument);
  CHECK_THROWS_AS(simulate(m, std::vector<double>(6, 0.4)), mdp::InvalidArgument);
  CHECK_THROWS_WITH(sample_transitions(m, 0), Contains("samples_per_row = 0, required >= 1"));
}

}  // namespace
