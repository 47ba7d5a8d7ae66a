// The fast sweep against the reference kernel, and against numbers checked by hand.
#include "libmdp/kernels/bellman.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/kernels/reference.hpp"
#include "libmdp/policy.hpp"

using namespace mdp;

namespace {

Mdp random_mdp(std::mt19937& random, State n, double discount) {
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) {
    const auto n_actions = 1 + random() % 4;
    for (std::size_t a = 0; a < n_actions; ++a) {
      const auto length = 1 + random() % 6;
      std::vector<double> p(length);
      double sum = 0.0;
      for (double& x : p) sum += x = uniform(random);
      b.row(s, random() % 9 == 0 ? infinity : uniform(random) - 0.5);
      for (const double x : p) b.to(static_cast<State>(random() % static_cast<unsigned>(n)), x / sum);
    }
  }
  return b.discount(discount).build();
}

}  // namespace

TEST_CASE("the reference kernel on numbers checked by hand") {
  // s0 {a: cost 1 -> s1; b: cost 2 -> s0 1/4, s1 3/4}, s1 {c: cost 4 -> s0}; gamma 1/2, V = (8, 4).
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0).row(0, 2.0).to(0, 0.25).to(1, 0.75).row(1, 4.0).to(0, 1.0).discount(0.5);
  const Mdp m = b.build();
  const std::vector<double> v{8.0, 4.0};
  std::vector<double> tv(2);
  Policy policy(2);

  const auto range = kernels::reference::bellman_sweep(m, v, tv, policy);

  REQUIRE(kernels::reference::q_values(m, v) == std::vector<double>{3.0, 4.5, 8.0});
  REQUIRE(tv == std::vector<double>{3.0, 8.0});
  REQUIRE(policy == Policy{0, 0});
  REQUIRE(range.min == -5.0);
  REQUIRE(range.max == 4.0);
}

TEST_CASE("the fast sweep is the reference to the bit where rows are equally long, in all blocks or in some") {
  const auto length = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  const auto discount = GENERATE(0.0, 0.9);
  const bool everywhere = GENERATE(true, false);
  CAPTURE(length, discount, everywhere);
  const State n = 30000;
  std::mt19937 random(length);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) {
    for (int a = 0; a < 2; ++a) {
      b.row(s, uniform(random));
      const bool short_row = !everywhere && s == n / 2 && length > 1;
      const unsigned n_next = short_row ? length - 1 : length;
      for (unsigned k = 0; k < n_next; ++k) {
        b.to(static_cast<State>((static_cast<unsigned>(s) + random() % 5000 + 5000 * k) % static_cast<unsigned>(n)),
             1.0 / n_next);
      }
    }
  }
  const Mdp m = b.discount(discount).build();
  REQUIRE(m.blocks().size() > 3);
  REQUIRE(m.max_row_length() == length);
  REQUIRE((m.n_transitions() == m.n_rows() * length) == (everywhere || length == 1));
  std::vector<double> v(static_cast<std::size_t>(n));
  for (double& x : v) x = random() % 50 == 0 ? infinity : uniform(random);
  std::vector<double> expected(v.size()), tv(v.size());
  Policy expected_policy(v.size()), policy(v.size());
  const auto expected_range = kernels::reference::bellman_sweep(m, v, expected, expected_policy);
  const auto range = kernels::bellman_sweep(m, v, tv, policy, 2);
  REQUIRE(tv == expected);
  REQUIRE(policy == expected_policy);
  REQUIRE(range.min == expected_range.min);
  REQUIRE(range.max == expected_range.max);
  const auto q = kernels::reference::q_values(m, v);
  const kernels::PolicyChain chain(m, policy);
  chain.sweep(discount, v, tv, 2);
  for (State s = 0; s < n; ++s) REQUIRE(tv[s] == q[selected_row(m, policy, s)]);
}

TEST_CASE("the fast sweep is the reference to the bit, for any number of threads") {
  const auto seed = 42U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const State n : {1, 2, 17, 5000, 40000}) {
    const Mdp m = random_mdp(random, n, 0.9);
    std::vector<double> v(static_cast<std::size_t>(n));
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    for (double& x : v) x = random() % 50 == 0 ? infinity : uniform(random);
    std::vector<double> expected(v.size()), tv(v.size());
    Policy expected_policy(v.size()), policy(v.size());
    const auto expected_range = kernels::reference::bellman_sweep(m, v, expected, expected_policy);
    const auto expected_q = kernels::reference::q_values(m, v);
    for (const int threads : {1, 2, 3, 7}) {
      const auto range = kernels::bellman_sweep(m, v, tv, policy, threads);
      std::vector<double> q(expected_q.size());
      kernels::q_values(m, v, q, threads);

      REQUIRE(tv == expected);
      REQUIRE(policy == expected_policy);
      REQUIRE(q == expected_q);
      REQUIRE(range.min == expected_range.min);
      REQUIRE(range.max == expected_range.max);
    }
  }
}

TEST_CASE("ties go to the lowest position") {
  MdpBuilder b(1);
  b.row(0, 2.0).to(0, 1.0).row(0, 1.0).to(0, 1.0).row(0, 1.0).to(0, 1.0).discount(0.5);
  std::vector<double> tv(1);
  Policy policy(1);

  kernels::bellman_sweep(b.build(), std::vector<double>{0.0}, tv, policy);

  REQUIRE(policy[0] == 1);
}

TEST_CASE("infinite values: inadmissible rows, and 0 times infinity") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0).row(0, 5.0).to(0, 1.0).row(1, infinity).to(1, 1.0).discount(0.5);
  const Mdp m = b.build();
  const std::vector<double> v{2.0, infinity};
  std::vector<double> tv(2);
  Policy policy(2);

  const auto range = kernels::bellman_sweep(m, v, tv, policy);

  REQUIRE(tv == std::vector<double>{6.0, infinity});
  REQUIRE(policy[0] == 1);
  REQUIRE(range.min == 4.0);
  REQUIRE(range.max == 4.0);

  kernels::bellman_sweep(m.with_discount(0.0), v, tv, policy);
  REQUIRE(tv == std::vector<double>{1.0, infinity});
}

TEST_CASE("a sweep of V = 0 reads costs only, and has the reference's bits") {
  std::mt19937 random(43);
  for (const double discount : {0.9, 0.0}) {
    Mdp m = random_mdp(random, 3000, discount);
    Buffer<double> cost(m.cost().begin(), m.cost().end());
    for (std::size_t row = 0; row < cost.size(); row += 7) cost[row] = -0.0;
    m = m.with_cost(std::move(cost));
    for (const double zero : {0.0, -0.0}) {
      const std::vector<double> v(3000, zero);
      std::vector<double> tv(3000);
      std::vector<double> expected(3000);
      Policy policy(3000);
      Policy expected_policy(3000);
      const auto range = kernels::bellman_sweep(m, v, tv, policy, 2);
      const auto reference = kernels::reference::bellman_sweep(m, v, expected, expected_policy);
      REQUIRE(policy == expected_policy);
      REQUIRE(range.min == reference.min);
      REQUIRE(range.max == reference.max);
      for (std::size_t s = 0; s < tv.size(); ++s) {
        REQUIRE(tv[s] == expected[s]);
        REQUIRE(std::signbit(tv[s]) == std::signbit(expected[s]));
      }
    }
  }
}

TEST_CASE(
    "the lead of a sweep is the smallest distance of a state's least q to its others (C1: the gap that proves an "
    "action optimal)") {
  std::mt19937 random(44);
  const Mdp m = random_mdp(random, 400, 0.9);
  std::vector<double> v(400);
  for (double& x : v) x = std::uniform_real_distribution<double>(-1.0, 1.0)(random);
  const auto q = kernels::reference::q_values(m, v);
  double lead = infinity;
  for (State s = 0; s < m.n_states(); ++s) {
    std::vector<double> own(q.begin() + m.state_rows()[s], q.begin() + m.state_rows()[s + 1]);
    std::sort(own.begin(), own.end());
    if (own.size() > 1 && own[0] < infinity) lead = std::min(lead, own[1] - own[0]);
  }
  std::vector<double> tv(400);
  Policy policy(400);
  REQUIRE(kernels::bellman_sweep(m, v, tv, policy, 3).lead == lead);

  MdpBuilder ties(2);
  ties.row(0, 1.0).to(1, 1.0).row(0, 1.0).to(1, 1.0).row(1, 0.0).to(1, 1.0).discount(0.5);
  std::vector<double> two(2);
  Policy first(2);
  REQUIRE(kernels::bellman_sweep(ties.build(), std::vector<double>{1.0, 2.0}, two, first).lead == 0.0);
}
