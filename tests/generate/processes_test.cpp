// Queues, machines, a pendulum and an epidemic: rows worked out by hand, means, and the same bits everywhere.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/epidemic.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/generate/queue.hpp"
#include "libmdp/generate/replacement.hpp"
#include "tests/support/array_hash.hpp"

namespace {

using mdp::Mdp;
using mdp::Offset;
using mdp::State;
using namespace mdp::generate;
using Row = std::map<State, double>;

Row row_of(const Mdp& m, Offset row) {
  Row entries;
  for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) entries[m.next_state()[k]] = m.probability()[k];
  return entries;
}

bool rows_sum_to_one_exactly(const Mdp& m) {  // multiples of 2^-48: their sums are exact
  for (Offset row = 0; row < m.n_rows(); ++row) {
    double sum = 0.0;
    for (const auto& [next, p] : row_of(m, row)) sum += p;
    if (sum != 1.0) return false;
  }
  return m.row_sum_defect() == 0.0;
}

TEST_CASE("queue: arrivals, completions and rejections as they were described") {
  const Mdp m = queue({.queues = 2, .capacity = 3});
  CHECK(m.n_states() == 16);
  CHECK(rows_sum_to_one_exactly(m));
  // (2, 0), the arrival to queue 1, the fast rate: 0.25 to (2,1), 0.375 to (1,0), the rest of the time nothing.
  const State s = 2 * 4;
  const Offset to_second = m.state_rows()[s] + 2 * 3 + 2;
  CHECK(m.action_name(to_second) == "to 1, rate 2");
  CHECK(row_of(m, to_second) == Row{{2 * 4 + 1, 0.25}, {1 * 4, 0.375}, {s, 0.375}});
  CHECK(m.cost()[to_second] == 2.0 + 3.0);
  const Offset reject = m.state_rows()[s] + 1;
  CHECK(row_of(m, reject) == Row{{1 * 4, 0.25}, {s, 0.75}});
  CHECK(m.cost()[reject] == 2.0 + 1.0 + 20.0 * 0.25);
  CHECK(m.n_actions(3 * 4 + 3) == 3);  // both full: reject at three rates
  CHECK(m.n_actions(3 * 4) == 6);
}

TEST_CASE("replacement: wear is binomial, a replaced machine is new") {
  const Mdp m = replacement({.machines = 2, .levels = 5});
  CHECK(m.n_states() == 25);
  CHECK(rows_sum_to_one_exactly(m));
  const State s = 1 * 5 + 3;  // wear (1, 3)
  const Offset keep = m.state_rows()[s];
  CHECK(row_of(m, keep) ==
        Row{{8, 1.0 / 16}, {9, 3.0 / 16}, {13, 2.0 / 16}, {14, 6.0 / 16}, {18, 1.0 / 16}, {19, 3.0 / 16}});
  CHECK(m.cost()[keep] == 0.01 * 1 + 0.01 * 9);
  CHECK(row_of(m, keep + 1) == Row{{3, 0.25}, {4, 0.75}});
  CHECK(m.cost()[keep + 1] == m.cost()[keep] + 8.0);
  CHECK(m.action_name(keep + 2) == "replace 1");
  CHECK(m.cost()[m.state_rows()[24]] == 2 * (0.01 * 16 + 20.0));
}

TEST_CASE("pendulum: interpolation keeps the mean of the next angle and velocity") {
  const PendulumOptions options{.angles = 20, .velocities = 17, .torques = 3};
  const Mdp m = pendulum(options);
  CHECK(m.n_states() == 340);
  CHECK(rows_sum_to_one_exactly(m));
  CHECK(m.max_row_length() <= 4);
  const double pi = std::numbers::pi;
  for (State s = 0; s < m.n_states(); ++s) {
    const double x = 2 * pi * (s / 17) / 20 - pi;
    const double v = (s % 17) - 8.0;
    for (int a = 0; a < 3; ++a) {
      const double u = 2.0 * (a - 1);
      const Offset row = m.state_rows()[s] + a;
      CHECK(m.cost()[row] == Approx(x * x + v * v / 10 + u * u / 1000).margin(1e-13));
      const double next_v = std::clamp(v + 0.05 * (15 * std::sin(x) + 3 * u), -8.0, 8.0);
      double mean_turn = 0.0, mean_v = 0.0;
      for (const auto& [next, p] : row_of(m, row)) {
        mean_turn += p * std::remainder(2 * pi * (next / 17) / 20 - pi - x, 2 * pi);
        mean_v += p * (next % 17 - 8.0);
      }
      CHECK(mean_turn == Approx(0.05 * next_v).margin(1e-9));
      CHECK(mean_v == Approx(next_v).margin(1e-9));
    }
  }
}

TEST_CASE("epidemic: infections and recoveries have the means of their binomials") {
  const EpidemicOptions options{.population = 12};
  const Mdp m = epidemic(options);
  CHECK(m.n_states() == 13 * 14 / 2);
  CHECK(rows_sum_to_one_exactly(m));
  CHECK(m.goal().size() == 13);
  std::vector<std::pair<int, int>> people;
  for (int s = 0; s <= 12; ++s) {
    for (int i = 0; i <= 12 - s; ++i) people.emplace_back(s, i);
  }
  for (State state = 0; state < m.n_states(); ++state) {
    const auto [s, i] = people[static_cast<std::size_t>(state)];
    CHECK((m.n_actions(state) == 3 || i == 0));
    for (int a = 0; a < 3 && i > 0; ++a) {
      const double factor = options.interventions[static_cast<std::size_t>(a)];
      const Offset row = m.state_rows()[state] + a;
      double fallen = 0.0, recovered = 0.0;
      for (const auto& [next, p] : row_of(m, row)) {
        const auto [s2, i2] = people[static_cast<std::size_t>(next)];
        fallen += p * (s - s2);
        recovered += p * (s + i - s2 - i2);
      }
      CHECK(fallen == Approx(s * (1 - std::pow(1 - factor * 0.75 / 12, i))).margin(1e-9));
      CHECK(recovered == Approx(0.25 * i).margin(1e-9));
      CHECK(m.cost()[row] == i + 0.5 * (1 - factor) * 12);
    }
  }
  CHECK(m.initial()[std::find(people.begin(), people.end(), std::pair{11, 1}) - people.begin()] == 1.0);
}

TEST_CASE("processes have the same bits everywhere") {
  CHECK(mdp::tests::array_hash(queue({.queues = 2, .capacity = 6})) == 0xcc4973dd88aef996);
  CHECK(mdp::tests::array_hash(replacement({.machines = 2, .levels = 7})) == 0xf2dc7b845867fcb8);
  CHECK(mdp::tests::array_hash(pendulum({.angles = 21, .velocities = 15})) == 0x581117f7d2ff97ef);
  CHECK(mdp::tests::array_hash(epidemic({.population = 15})) == 0x494d8238aae87c72);
}

TEST_CASE("processes refuse numbers that mean nothing, naming value and rule") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(queue({.capacity = 0}), Contains("queue: capacity = 0"));
  CHECK_THROWS_WITH(queue({.queues = 8, .capacity = 100}), Contains("exceeds 2^31 - 2 states"));
  CHECK_THROWS_WITH(queue({.arrival = 0.7}), Contains("= 1.075000, required at most 1"));
  CHECK_THROWS_WITH(queue({.rates = {}}), Contains("rates is empty"));
  CHECK_THROWS_WITH(replacement({.levels = 1}), Contains("levels = 1, required at least 2"));
  CHECK_THROWS_WITH(replacement({.max_wear = 13}), Contains("max_wear = 13"));
  CHECK_THROWS_WITH(replacement({.operating_cost = -1}), Contains("operating_cost = -1.0"));
  CHECK_THROWS_WITH(pendulum({.torques = 1}), Contains("torques = 1, required 2 to"));
  CHECK_THROWS_WITH(pendulum({.time_step = 0}), Contains("time_step = 0.000000, required above 0"));
  CHECK_THROWS_WITH(epidemic({.population = 0}), Contains("population = 0"));
  CHECK_THROWS_WITH(epidemic({.recovery = 0}), Contains("recovery = 0.000000, required 2^-20 to 1"));
  CHECK_THROWS_WITH(epidemic({.interventions = {1.5}}), Contains("factor = 1.500000, required 0 to 1"));
}

}  // namespace
