// Construction and validation of an Mdp: what is kept to the bit, what is normalised, what is refused.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/policy.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

// home {stay: 1/2; go: 0 -> work 1/3, bar 2/3}, work {x}, bar {x}.
MdpBuilder three_states() {
  MdpBuilder b(3);
  b.state_names({"home", "work", "bar"}).discount(0.9);
  b.row(0, 0.5, "stay").to(0, 1.0);
  b.row(0, 0.0, "go").to(1, 1.0 / 3).to(2, 2.0 / 3);
  b.row(1, 2.0, "x").to(0, 0.5).to(2, 0.5);
  b.row(2, 0.0, "x").to(2, 1.0);
  return b;
}

template <class T>
std::vector<T> list(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("a small model comes out as it went in") {
  const Mdp m = three_states().build();

  REQUIRE(m.n_states() == 3);
  REQUIRE(m.n_rows() == 4);
  REQUIRE(m.n_transitions() == 6);
  REQUIRE(list(m.state_rows()) == std::vector<Offset>{0, 2, 3, 4});
  REQUIRE(list(m.row_begin()) == std::vector<Offset>{0, 1, 3, 5, 6});
  REQUIRE(list(m.next_state()) == std::vector<State>{0, 1, 2, 0, 2, 2});
  REQUIRE(list(m.probability()) == std::vector<double>{1.0, 1.0 / 3, 2.0 / 3, 0.5, 0.5, 1.0});
  REQUIRE(list(m.cost()) == std::vector<double>{0.5, 0.0, 2.0, 0.0});
  REQUIRE(list(m.initial()) == std::vector<double>(3, 1.0 / 3));
  REQUIRE(m.discount() == 0.9);
  REQUIRE(m.state_name(2) == "bar");
  REQUIRE(m.action_name(1) == "go");
  REQUIRE(m.state_of(0) == 0);
  REQUIRE(m.state_of(1) == 0);
  REQUIRE(m.state_of(3) == 2);
  REQUIRE(m.max_row_length() == 2);
  REQUIRE(m.max_abs_cost() == 2.0);
  REQUIRE(!m.has_inadmissible());
}

TEST_CASE("rows may come in any order; within a state they keep the order of arrival") {
  MdpBuilder b(3);
  b.state_names({"home", "work", "bar"}).discount(0.9);
  b.row(2, 0.0, "x").to(2, 1.0);
  b.row(0, 0.5, "stay").to(0, 1.0);
  b.row(1, 2.0, "x").to(2, 0.5).to(0, 0.5);
  b.row(0, 0.0, "go").to(2, 2.0 / 3).to(1, 1.0 / 3);
  const Mdp ordered = three_states().build();

  const Mdp m = b.build();

  REQUIRE(list(m.state_rows()) == list(ordered.state_rows()));
  REQUIRE(list(m.row_begin()) == list(ordered.row_begin()));
  REQUIRE(list(m.next_state()) == list(ordered.next_state()));
  REQUIRE(list(m.probability()) == list(ordered.probability()));
  REQUIRE(list(m.cost()) == list(ordered.cost()));
  for (Offset row = 0; row < 4; ++row) REQUIRE(m.action_name(row) == ordered.action_name(row));
}

TEST_CASE("duplicates add up, zeros go, transition costs are paid in expectation") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 0.25, 4.0).to(0, 0.5).to(1, 0.25, 8.0).to(0, 0.0, infinity);
  b.row(1, 0.0).to(0, 0.0).to(1, 1.0);

  const Mdp m = b.build();

  REQUIRE(list(m.next_state()) == std::vector<State>{0, 1, 1});
  REQUIRE(list(m.probability()) == std::vector<double>{0.5, 0.5, 1.0});
  REQUIRE(m.cost()[0] == 1.0 + 0.25 * 4.0 + 0.25 * 8.0);
}

TEST_CASE("rewards are negated once; inadmissible is +inf inside whatever the sense") {
  MdpBuilder b(1, Objective::maximize);
  b.row(0, 3.0).to(0, 1.0).row(0, 0.0).to(0, 1.0).row(0, -infinity).to(0, 1.0);

  const Mdp m = b.build();

  REQUIRE(list(m.cost()) == std::vector<double>{-3.0, 0.0, infinity});
  REQUIRE(!std::signbit(m.cost()[1]));
  REQUIRE(m.has_inadmissible());
  REQUIRE(m.max_abs_cost() == 3.0);
  REQUIRE(in_sense(m.objective(), m.cost()) == std::vector<double>{3.0, 0.0, -infinity});
}

TEST_CASE("a row within rounding of 1 keeps its bits; one within tolerance is divided by its sum") {
  MdpBuilder b(2);
  const double third = 1.0 / 3;
  b.row(0, 1.0).to(0, 0.1).to(1, 0.9);
  b.row(1, 1.0).to(0, third + 1e-9).to(1, 1.0 - third);

  const Mdp m = b.build();

  REQUIRE(m.probability()[0] == 0.1);
  REQUIRE(m.probability()[1] == 0.9);
  REQUIRE(m.row_sum_defect() == Approx(1e-9).epsilon(1e-6));
  REQUIRE(m.row_defect()[1] >= m.row_sum_defect());
  REQUIRE(m.probability()[2] + m.probability()[3] == Approx(1.0).margin(2 * unit_roundoff));
  REQUIRE(m.probability()[2] == Approx((third + 1e-9) / (1.0 + 1e-9)).epsilon(1e-15));
  // What the division lost is kept: sums of head and tail are 1 to 2^-100.
  TwoDouble sum;
  for (Offset k = 2; k < 4; ++k) sum = sum + TwoDouble(m.probability()[k], m.probability_tail()[k]);
  REQUIRE(std::abs((sum + TwoDouble(-1.0)).value()) < 0x1p-100);
  REQUIRE(m.entry_error().probability <= 0x1p-51);
}

TEST_CASE("building again what was built changes no bit") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 0.3 + 1e-8).to(1, 0.7);
  b.row(1, 1.0).to(0, 0.1).to(1, 0.9);
  const Mdp first = b.build();
  MdpBuilder again(2);
  for (Offset r = 0; r < 2; ++r) {
    again.row(r, first.cost()[r]);
    for (Offset k = first.row_begin()[r]; k < first.row_begin()[r + 1]; ++k)
      again.to(first.next_state()[k], first.probability()[k]);
  }

  REQUIRE(list(again.build().probability()) == list(first.probability()));
}

TEST_CASE("goal states become cost-free self-loops, wherever they stand") {
  MdpBuilder b(4);
  b.row(1, 1.0, "a").to(0, 0.5).to(3, 0.5).row(2, 5.0, "b").to(1, 1.0).goal(3).goal(0).goal(3);

  const Mdp m = b.build();

  REQUIRE(list(m.goal()) == std::vector<State>{0, 3});
  REQUIRE(list(m.state_rows()) == std::vector<Offset>{0, 1, 2, 3, 4});
  REQUIRE(list(m.cost()) == std::vector<double>{0.0, 1.0, 5.0, 0.0});
  REQUIRE(list(m.next_state()) == std::vector<State>{0, 0, 3, 1, 3});
  REQUIRE(m.action_name(1) == "a");
  REQUIRE(m.action_name(0) == "0");
}

TEST_CASE("goal states alone, without any row, are a model") {
  MdpBuilder b(3);
  for (const State s : {0, 1, 2}) b.goal(s);
  const Mdp m = b.build();
  CHECK(m.n_rows() == 3);
  for (const double c : m.cost()) CHECK(c == 0.0);
  for (Offset k = 0; k < 3; ++k) CHECK(m.next_state()[k] == k);
}

TEST_CASE("a goal state with another row than a cost-free self-loop is refused") {
  MdpBuilder paid(1);
  paid.row(0, 1.0).to(0, 1.0).goal(0);
  MdpBuilder leaving(2);
  leaving.row(0, 0.0).to(1, 1.0).goal(0).goal(1);

  REQUIRE_THROWS_WITH(paid.build(), Contains("cost-free self-loop"));
  REQUIRE_THROWS_WITH(leaving.build(), Contains("state 0") && Contains("cost-free self-loop"));
}

TEST_CASE("all problems are reported, with state and action named") {
  MdpBuilder b(4);
  b.state_names({"a", "b", "c", "d"});
  b.row(0, 1.0, "up").to(0, 0.5).to(1, 0.4);
  b.row(0, std::nan(""), "down").to(0, 1.0);
  b.row(1, -infinity, "up").to(0, 1.0);
  b.row(2, 0.0, "up").to(0, -0.5).to(1, 1.5);
  b.row(2, 0.0, "down").to(0, std::nan("")).to(1, 0.5);

  try {
    (void)b.build();
    FAIL("accepted");
  } catch (const InvalidModel& e) {
    const std::string what = e.what();
    CHECK_THAT(what, Contains("state 3 (d) has no actions"));
    CHECK_THAT(what, Contains("state 0 (a), action 0 (up): probabilities sum to 0.9, required within 1e-06 of 1"));
    CHECK_THAT(what, Contains("state 0 (a), action 1 (down): cost is nan"));
    CHECK_THAT(what, Contains("state 1 (b), action 0 (up): cost is -inf"));
    CHECK_THAT(what, Contains("state 2 (c), action 0 (up): probability -0.5 of successor 0"));
    CHECK_THAT(what, Contains("probability 1.5 of successor 1"));
    CHECK_THAT(what, Contains("state 2 (c), action 1 (down): probability nan"));
    CHECK(e.n_problems() == 7);
  }
}

TEST_CASE("many problems are counted, the first are listed") {
  MdpBuilder b(100);
  for (State s = 0; s < 100; ++s) b.row(s, 1.0).to(s, 0.5);
  BuildOptions options;
  options.max_problems = 3;

  try {
    (void)b.build(options);
    FAIL("accepted");
  } catch (const InvalidModel& e) {
    CHECK(e.problems().size() == 3);
    CHECK(e.n_problems() == 100);
    CHECK_THAT(std::string(e.what()), Contains("97 more problems"));
  }
}

TEST_CASE("states, successors and goals that do not exist are named") {
  MdpBuilder b(2);
  b.row(5, 1.0).to(0, 1.0).row(0, 1.0).to(-1, 1.0).row(1, 0.0).to(7, 1.0).goal(9);

  REQUIRE_THROWS_WITH(b.build(), Contains("row of state 5 does not exist") && Contains("successor -1 does not exist") &&
                                     Contains("successor 7 does not exist") && Contains("goal state 9 does not exist"));
}

TEST_CASE("an announced number of states takes no memory before it is believed") {
  for (const std::int64_t n : {std::int64_t{4'000'000'000'000}, std::int64_t{2'000'000'000}}) {
    MdpBuilder b(n);
    b.row(0, 1.0).to(1, 1.0).row(1, 1.0).to(0, 1.0).row(2, 0.0).to(2, 1.0);
    REQUIRE_THROWS_AS(b.build(), InvalidModel);
  }
  REQUIRE_THROWS_WITH(MdpBuilder(0).build(), Contains("at least one state"));
}

TEST_CASE("dead ends become absorbing on request") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0);
  BuildOptions options;
  options.dead_ends = DeadEnds::absorbing;

  const Mdp m = b.build(options);

  REQUIRE(m.n_rows() == 2);
  REQUIRE(m.cost()[1] == 0.0);
  REQUIRE(m.goal().empty());
}

TEST_CASE("the row-sum tolerance is an option with a range") {
  const auto with_sum = [](double sum, double tolerance) {
    MdpBuilder b(1);
    BuildOptions options;
    options.row_sum_tolerance = tolerance;
    return b.row(0, 0.0).to(0, sum).build(options);
  };

  REQUIRE(with_sum(0.999, 0.01).probability()[0] == 1.0);
  REQUIRE_THROWS_AS(with_sum(0.999, 1e-6), InvalidModel);
  REQUIRE_THROWS_AS(with_sum(1.0, -1.0), InvalidOption);
  REQUIRE_THROWS_AS(with_sum(1.0, std::nan("")), InvalidOption);
}

TEST_CASE("initial probabilities") {
  const auto base = [] {
    MdpBuilder b(2);
    b.row(0, 0.0).to(1, 1.0).row(1, 0.0).to(0, 1.0);
    return b;
  };

  REQUIRE(list(base().initial(1, 0.25).initial(1, 0.75).build().initial()) == std::vector<double>{0.0, 1.0});
  REQUIRE_THROWS_WITH(base().initial(1, 0.5).build(), Contains("initial probabilities sum to 0.5"));
  REQUIRE_THROWS_WITH(base().initial(1, -0.5).initial(0, 1.5).build(), Contains("initial probability of state 1"));
  REQUIRE_THROWS_WITH(base().initial(2, 1.0).build(), Contains("initial state 2 does not exist"));
}

TEST_CASE("a discount keeps the digits of its complement") {
  REQUIRE(Discount(0.9).complement.value() == 1.0 - 0.9);
  // "0.999999999" from a text: its complement is 1e-9 to all digits, not the seven that the double gives.
  const Discount near_one({0.999999999, (1.0 - 0.999999999) - 1e-9}, 1e-9);
  REQUIRE(near_one.complement.hi == 1e-9);
  REQUIRE(std::abs(Discount(0.999999999).complement.hi - 1e-9) > 1e-18);
  REQUIRE_THROWS_AS(Discount(1.5), InvalidOption);
  REQUIRE_THROWS_AS(Discount(-0.1), InvalidOption);
  REQUIRE_THROWS_AS(Discount(std::nan("")), InvalidOption);
  REQUIRE_THROWS_AS(Discount({0.9, 0.0}, {0.2, 0.0}), InvalidOption);
}

TEST_CASE("copies that differ in cost, discount, sense or start share the transitions") {
  const Mdp m = three_states().build();

  const Mdp other = m.with_cost({1.0, infinity, 3.0, 4.0})
                        .with_discount(0.5)
                        .with_objective(Objective::maximize)
                        .with_initial(std::vector<double>{0.0, 0.0, 1.0});

  REQUIRE(other.probability().data() == m.probability().data());
  REQUIRE(other.cost()[3] == 4.0);
  REQUIRE(other.has_inadmissible());
  REQUIRE(other.max_abs_cost() == 4.0);
  REQUIRE(other.discount() == 0.5);
  REQUIRE(other.initial()[2] == 1.0);
  REQUIRE(m.cost()[0] == 0.5);
  REQUIRE_THROWS_AS(m.with_cost({1.0}), InvalidArgument);
  REQUIRE_THROWS_AS(m.with_cost({1.0, std::nan(""), 3.0, 4.0}), InvalidArgument);
  REQUIRE_THROWS_AS(m.with_initial(std::vector<double>{1.0}), InvalidArgument);
}

TEST_CASE("arrays whose lengths or offsets do not fit are refused") {
  const auto arrays = [] {
    MdpArrays a;
    a.state_rows = {0, 1, 2};
    a.row_begin = {0, 1, 2};
    a.next_state = {1, 0};
    a.probability = {1.0, 1.0};
    a.cost = {0.0, 0.0};
    return a;
  };
  const auto refused = [&](auto&& change) {
    MdpArrays a = arrays();
    change(a);
    REQUIRE_THROWS_AS(build(std::move(a)), InvalidModel);
  };

  REQUIRE(build(arrays()).n_states() == 2);
  refused([](MdpArrays& a) { a.state_rows = {0}; });
  refused([](MdpArrays& a) { a.state_rows = {1, 1, 2}; });
  refused([](MdpArrays& a) { a.state_rows = {0, 2, 1}; });
  refused([](MdpArrays& a) { a.state_rows = {0, 1, 3}; });
  refused([](MdpArrays& a) { a.row_begin = {0, 3, 2}; });
  refused([](MdpArrays& a) { a.row_begin = {}; });
  refused([](MdpArrays& a) { a.cost = {0.0}; });
  refused([](MdpArrays& a) { a.probability = {1.0}; });
  refused([](MdpArrays& a) { a.next_state = {1, 2}; });
  refused([](MdpArrays& a) { a.next_state = {1, -1}; });
  refused([](MdpArrays& a) { a.goal = {2}; });
  refused([](MdpArrays& a) { a.names.states = {"a"}; });
  refused([](MdpArrays& a) { a.names.row_action = {0, 0}; });
}

TEST_CASE("policies are checked against the model") {
  const Mdp m = three_states().build();

  REQUIRE(to_stochastic(m, Policy{1, 0, 0}) == StochasticPolicy{0.0, 1.0, 1.0, 1.0});
  REQUIRE(uniform_policy(m) == StochasticPolicy{0.5, 0.5, 1.0, 1.0});
  REQUIRE_THROWS_WITH(to_stochastic(m, Policy{2, 0, 0}), Contains("action 2 in state home"));
  REQUIRE_THROWS_AS(to_stochastic(m, Policy{0, 0}), InvalidArgument);
  REQUIRE_THROWS_WITH(require_valid(m, StochasticPolicy{0.5, 0.4, 1.0, 1.0}), Contains("state home sum to 0.9"));
  REQUIRE_THROWS_WITH(require_valid(m, StochasticPolicy{1.5, -0.5, 1.0, 1.0}), Contains("action stay of state home"));
  REQUIRE_THROWS_AS(require_valid(m, StochasticPolicy{1.0}), InvalidArgument);
}
