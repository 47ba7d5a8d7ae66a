// T2', T3: condition M(c) against the Cesaro sums of every policy, by enumeration in exact rationals.
#include "equivalence/boundary_term.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using oracles::TinyModel;

namespace {

// The trap of T2': V* = (5, 10), A* = (0, 4 | 0).
Mdp trap() {
  MdpBuilder b(2);
  b.row(0, 0.0, "stay").to(0, 1.0);
  b.row(0, 0.0, "go").to(1, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  return b.discount(1.0).build();
}

struct Instance {
  TinyModel model;  // costs A + V - P V
  std::vector<double> values, advantage;
};

// Small integers for V and A, so that doubles are exact.
Instance random_instance(std::uint64_t seed) {
  oracles::Shape shape;
  shape.with_goal = false;
  Instance instance{oracles::random_model(seed, shape), {}, {}};
  std::mt19937_64 random(seed);
  for (std::size_t s = 0; s < instance.model.n(); ++s) instance.values.push_back(static_cast<double>(random() % 4));
  for (std::size_t s = 0; s < instance.model.n(); ++s) {
    const std::size_t n = instance.model.rows[s].size(), best = random() % n;
    for (std::size_t a = 0; a < n; ++a) {
      const double advantage = a == best || random() % 3 == 0 ? 0.0 : static_cast<double>(1 + random() % 3);
      instance.advantage.push_back(advantage);
      auto& row = instance.model.rows[s][a];
      row.cost = advantage + instance.values[s];
      for (std::size_t t = 0; t < row.p.size(); ++t) row.cost -= row.p[t] * mpq_class(instance.values[t]);
    }
  }
  return instance;
}

// The least bias among policies of gain 0, state by state: the Cesaro total cost.
std::vector<mpq_class> cesaro_total(const TinyModel& model) {
  std::vector<std::optional<mpq_class>> best(model.n());
  oracles::for_every_policy(model, [&](const std::vector<int>& policy) {
    const auto chain = oracles::chain_of(model, policy);
    for (std::size_t s = 0; s < model.n(); ++s) {
      if (chain.gain[s] == 0 && (!best[s] || chain.bias[s] < *best[s])) best[s] = chain.bias[s];
    }
  });
  std::vector<mpq_class> result;
  result.reserve(best.size());
  for (const auto& value : best) result.push_back(value.value());  // a zero-advantage policy has gain 0
  return result;
}

}  // namespace

TEST_CASE("T2': the trap fails M, and `go` is the policy that breaks it") {
  const std::vector<double> values{5.0, 10.0}, advantage{0.0, 4.0, 0.0};
  const auto term = boundary_term(trap(), values, advantage);
  REQUIRE(term.holds == Verdict::no);
  REQUIRE(term.components.size() == 2);
  REQUIRE(term.constant.lower == 10.0);
  REQUIRE(term.constant.upper == 10.0);
  REQUIRE(term.state == 0);
  REQUIRE(term.breaking_state == 0);
  REQUIRE(term.action == 1);
  REQUIRE(term.rise[0] == Approx(4.0));  // going costs 4, staying 10 - 5
  REQUIRE(term.rise[1] == Approx(0.0));
  REQUIRE(term.reason.find("action go") != std::string::npos);
}

TEST_CASE(
    "T2': with advantage above the difference of the means no action breaks it, but the shift is not one constant") {
  const std::vector<double> values{5.0, 10.0}, advantage{0.0, 6.0, 0.0};
  const auto term = boundary_term(trap(), values, advantage);
  REQUIRE(term.holds == Verdict::no);
  REQUIRE(term.breaking_state == -1);
  REQUIRE(term.rise[0] == Approx(5.0));
}

TEST_CASE("T3: M(0) where V* is 0 on the only component, M(c) and not M(0) elsewhere") {
  const std::vector<double> advantage{1.0, 0.0, 0.0};
  const auto zero = boundary_term(trap(), std::vector<double>{5.0, 0.0}, advantage);
  REQUIRE(zero.holds == Verdict::yes);
  REQUIRE(zero.holds_at_zero() == Verdict::yes);
  REQUIRE(zero.spread == 0.0);
  const auto shifted = boundary_term(trap(), std::vector<double>{5.0, 3.0}, advantage);
  REQUIRE(shifted.holds == Verdict::yes);
  REQUIRE(shifted.holds_at_zero() == Verdict::no);
  REQUIRE(shifted.constant.upper == 3.0);
  // Equal means in two components do as well.
  const auto equal = boundary_term(trap(), std::vector<double>{3.0, 3.0}, std::vector<double>{0.0, 1.0, 0.0});
  REQUIRE(equal.holds == Verdict::yes);
  REQUIRE(equal.components.size() == 2);
}

TEST_CASE("T3: M(c) is decided as enumeration decides, and V^ = V - c + rise") {
  int n_holds = 0, n_fails = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    const auto instance = random_instance(seed);
    const auto total = cesaro_total(instance.model);
    const auto term = boundary_term(instance.model.build(), instance.values, instance.advantage);

    bool is_constant = true;
    mpq_class largest = instance.values[0] - total[0];
    for (std::size_t s = 0; s < total.size(); ++s) {
      const mpq_class shift = instance.values[s] - total[s];
      is_constant = is_constant && shift == largest;
      largest = std::max(largest, shift);
    }
    REQUIRE(term.holds != (is_constant ? Verdict::no : Verdict::yes));
    REQUIRE(mpq_class(term.constant.lower) <= largest);
    REQUIRE(largest <= mpq_class(term.constant.upper));
    if (is_constant) {
      ++n_holds;
      REQUIRE(term.spread <= 1e-8);
      continue;
    }
    ++n_fails;
    for (std::size_t s = 0; s < total.size(); ++s) {
      REQUIRE(term.rise[s] == Approx(mpq_class(total[s] - instance.values[s] + largest).get_d()).margin(1e-7));
    }
  }
  REQUIRE(n_holds > 50);
  REQUIRE(n_fails > 20);
}

TEST_CASE("T3: means that differ by less than V* is known to are not told apart") {
  // Two absorbing states, and one that is split between them: M(c) fails unless their V* are equal.
  MdpBuilder b(3);
  b.row(0, 0.0).to(0, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  b.row(2, 0.0).to(0, 0.5).to(1, 0.5);
  const Mdp model = b.discount(1.0).build();
  const std::vector<double> v{1.0, 1.0 - 0x1p-53, 2.0}, zero{0.0, 0.0, 0.0};
  CHECK(boundary_term(model, v, zero).holds == Verdict::no);
  const auto unsure = boundary_term(model, v, zero, {}, 0x1p-53);
  CHECK(unsure.holds == Verdict::undecided);
  CHECK(unsure.spread >= 0x1p-52);
  CHECK(unsure.spread < 0x1p-50);
  CHECK(unsure.constant.lower <= 1.0 - 0x1p-53);
  CHECK(unsure.constant.upper > 1.0);
  const std::vector<double> apart{1.0, 1.0 - 0x1p-50, 2.0};
  CHECK(boundary_term(model, apart, zero, {}, 0x1p-53).holds == Verdict::no);
}

TEST_CASE("Boundary term: misuse names the pair") {
  const std::vector<double> values{5.0, 10.0};
  REQUIRE_THROWS_WITH(boundary_term(trap(), values, std::vector<double>{0.0, 0.0}),
                      Catch::Contains("required n_states = 2"));
  REQUIRE_THROWS_WITH(boundary_term(trap(), values, std::vector<double>{0.0, -1.0, 0.0}),
                      Catch::Contains("state 0, action go: advantage -1"));
  REQUIRE_THROWS_WITH(boundary_term(trap(), values, std::vector<double>{1.0, 1.0, 0.0}),
                      Catch::Contains("state 0 has no pair of zero advantage"));
  REQUIRE_THROWS_WITH(boundary_term(trap(), std::vector<double>{5.0, infinity}, std::vector<double>{0.0, 1.0, 0.0}),
                      Catch::Contains("leads to a state of infinite value"));
}
