// What is lost in doubles: against the operator of the model without tails, in rationals.
#include "equivalence/tail_effect.hpp"

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

/// The model without the tails of its costs, or of its transitions.
Mdp in_doubles(const Mdp& m, bool costs) {
  MdpBuilder b(m.n_states());
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows()[s]; row < m.state_rows()[s + 1]; ++row) {
      b.row(s, costs ? TwoDouble(m.cost()[row]) : TwoDouble(m.cost()[row], m.cost_tail()[row]));
      for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
        b.to(m.next_state()[k],
             costs ? TwoDouble(m.probability()[k], m.probability_tail()[k]) : TwoDouble(m.probability()[k]));
      }
    }
  }
  return b.discount(m.exact_discount()).build();
}

/// max |T'V - TV| over the rows.
Rational moved(const Mdp& x, const Mdp& y, const std::vector<Rational>& v) {
  const auto q = exact_q(exact_model_of(x), v), r = exact_q(exact_model_of(y), v);
  Rational largest = 0;
  for (std::size_t row = 0; row < q.size(); ++row) largest = std::max<Rational>(largest, abs(q[row] - r[row]));
  return largest;
}

}  // namespace

TEST_CASE("T9: what dropping tails moves is within its bound, and the bound within ten times of it") {
  const auto seed = 20261126U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  Rational largest_cost_share = 0, largest_share = 0;
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    MdpBuilder b(4);
    const auto part = [&] { return TwoDouble(static_cast<double>(1 + random() % 50)) / 149.0; };
    for (State s = 0; s < 4; ++s) {
      const TwoDouble p = part(), r = part();
      b.row(s, part() * 1000.0).to(0, p).to(2, r).to(3, TwoDouble(1.0) - p - r);
    }
    const Mdp m = b.discount(0.75).build();
    REQUIRE_FALSE(m.probability_tail().empty());
    const std::vector<Rational> v{ratio(-5, 1), ratio(1, 3), ratio(static_cast<long>(random() % 100), 7), ratio(5, 1)};
    Rational half = 0;
    for (const auto& x : v) half = std::max<Rational>(half, (x + 5) / 2);
    const Rational costs = cost_tail_effect(m);
    const Rational transitions = transition_tail_effect(m, bounds::round_up(half.get_d()));
    const Rational by_costs = moved(in_doubles(m, true), m, v);
    const Rational by_transitions = moved(in_doubles(m, false), m, v);
    CHECK(by_costs <= costs);
    CHECK(by_transitions <= transitions);
    largest_cost_share = std::max<Rational>(largest_cost_share, by_costs / costs);
    largest_share = std::max<Rational>(largest_share, by_transitions / transitions);
  }
  CHECK(largest_cost_share > ratio(9, 10));
  CHECK(largest_share > ratio(1, 10));
}

TEST_CASE("Models of doubles lose nothing, and infinite costs have no tail") {
  MdpBuilder b(1);
  b.row(0, infinity).to(0, 1.0);
  b.row(0, TwoDouble(1.0) / 3.0).to(0, 1.0);
  const Mdp m = b.discount(0.5).build();
  CHECK(cost_tail_effect(m) == std::abs((TwoDouble(1.0) / 3.0).lo));
  CHECK(transition_tail_effect(m, 1.0) == 0.0);
}
