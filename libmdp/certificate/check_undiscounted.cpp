// The conditions of `goal` and `total`.
#include "libmdp/certificate/conditions.hpp"

namespace mdp::certificate {
namespace {

/// States of u = -inf under the policy: one in the loop keeps to the loop; any other moves towards it. `loop_step` is what makes
/// the loop lose for ever.
void check_unbounded(const Conditions& k, const std::function<void(std::int64_t s, std::int64_t row)>& loop_step) {
  const auto unbounded = [&](std::int64_t t) { return !k.dead(t) && k.u(t).infinite < 0; };
  const auto in_loop = [&](std::int64_t t) {
    return unbounded(t) && !k.c.in_loop.empty() && k.c.in_loop[k.at(t)] == 1;
  };
  k.each_state([&](std::int64_t s) {
    if (!unbounded(s)) return;
    const std::int64_t row = k.row_of(s, k.c.policy.front()[k.at(s)]);
    k.require(!k.banned(row), "the policy keeps to admissible rows", s, row);
    if (in_loop(s)) {
      k.require(k.all_successors(row, in_loop), "the loop is not left", s, row);
      loop_step(s, row);
      return;
    }
    const std::int64_t own = k.number(k.c.loop_rank, "loop_rank", s);
    k.require(k.any_successor(row,
                              [&](std::int64_t t) {
                                const std::int64_t rank = k.c.loop_rank[k.at(t)];
                                return in_loop(t) || (unbounded(t) && rank >= 0 && rank < own);
                              }),
              "loop_rank", s, row);
  });
}

/// Only policies that reach the goal with probability 1 compete. Upper: the policy (the proper one where u = -inf) stays in {u < inf}
/// and moves towards the goal, so that it is proper, and u >= c + P u gives u >= V. u = -inf: along the loop h falls by
/// at least some e > 0 a step, so that N rounds of it cost at most a constant - N e; then the proper policy ends it.
/// Lower: l <= c + P l on every row, at most 0 on the goal: summed along any proper policy, l <= V.
/// l = +inf: with positive probability the goal is never reached (check_never_left; the goal has l <= 0).
void check_among_proper(const Conditions& k) {
  const auto is_goal = [&](std::int64_t t) { return k.goal[k.at(t)] != 0; };
  k.each_state([&](std::int64_t s) {
    if (k.dead(s) || is_goal(s) || k.u(s).infinite > 0) return;
    const bool unbounded = k.u(s).infinite < 0;
    k.require(!unbounded || !k.c.proper_policy.empty(), "proper_policy", s);
    const std::int64_t row = unbounded ? k.row_of(s, k.c.proper_policy[k.at(s)]) : k.check_upper_step(s);
    k.require(!k.banned(row), "the policy keeps to admissible rows", s, row);
    k.require(k.all_successors(row, [&](std::int64_t t) { return k.u(t).infinite <= 0; }),
              "the policy reaches the goal", s, row);
    k.require(k.descends(row, k.c.policy_rank, "policy_rank", s, is_goal), "policy_rank", s, row);
  });
  check_unbounded(k, [&](std::int64_t s, std::int64_t row) {
    (void)k.finite(k.c.loop_potential, "loop_potential", s);
    (void)k.all_successors(
        row, [&](std::int64_t t) { return k.finite(k.c.loop_potential, "loop_potential", t).is_finite(); });
    const mpq_class next = k.model.rows[k.at(row)].cost + k.mean(row, k.c.loop_potential);
    k.require(next < k.c.loop_potential[k.at(s)].finite, "loop_potential", s, row);
  });
  k.check_lower_step();
  k.check_never_left();
}

/// In a maximising file a policy that may miss the goal is worth +inf there, -inf here. u = -inf: the policy comes with positive
/// probability into a loop without a goal. l > -inf: every row moves towards the goal and stays in {l > -inf}: nobody
/// misses, and l <= c + P l, u >= c + P u bound the sums.
void check_nobody_misses(const Conditions& k) {
  const auto is_goal = [&](std::int64_t t) { return k.goal[k.at(t)] != 0; };
  k.each_state([&](std::int64_t s) {
    if (k.dead(s) || is_goal(s)) return;
    k.require(k.l(s).infinite <= 0 && k.u(s).infinite <= 0, "the value of a state that is not dead is below +inf", s);
    if (k.u(s).is_finite()) {
      const std::int64_t row = k.check_upper_step(s);
      k.require(k.descends(row, k.c.policy_rank, "policy_rank", s, is_goal), "policy_rank", s, row);
    }
    if (k.l(s).infinite < 0) return;
    k.each_open_row(s, [&](std::int64_t row) {
      k.require(k.all_successors(row, [&](std::int64_t t) { return k.l(t).infinite == 0; }), "nobody misses the goal",
                s, row);
      k.require(k.descends(row, k.c.row_rank, "row_rank", s, is_goal), "row_rank", s, row);
    });
  });
  check_unbounded(k, [&](std::int64_t s, std::int64_t) { k.require(!is_goal(s), "the loop misses the goal", s); });
  k.check_lower_step();
}

}  // namespace

void check_goal(Conditions& k) {
  k.each_state([&](std::int64_t s) {
    if (k.goal[k.at(s)] == 0) return;
    k.require(k.l(s) <= Extended() && Extended() <= k.u(s), "the value is 0 on the goal", s);
  });
  if (k.c.improper == "infinite" && k.c.objective == Objective::maximize)
    check_nobody_misses(k);
  else
    check_among_proper(k);
}

/// Three ranks speak of end components E (sets of states and rows in which one can stay for ever). In each, a row has a successor of
/// smaller rank, or all its successors have the rank of its state and it has a property. On the states of E of least rank only
/// the second is possible, so that all of E has that rank and all its rows have the property:
/// - no_gain_rank (states of l > -inf, which no row leaves): cost >= 0, so that E[negative part] < inf under every policy;
/// - no_pay_rank (states of u = -inf and all that can be reached from them): cost <= 0, so that E[positive part] < inf;
/// - rest_rank (the same states as no_gain_rank, cost-free rows only): l <= 0.
/// A policy of finite cost ends in an end component of cost-free rows; there l <= 0, so that summing l <= c + P l gives l <= V.
/// By check_never_left and the same, states of l = +inf have V = +inf. Upper: policy_rank, in the same way for the
/// rows of the policy, shows that it ends where it pays nothing and u >= 0, so that u >= c + P u gives u >= V.
/// u = -inf: in the loop, a cost < 0 is paid within as many steps as loop_rank says with positive probability, again and again.
void check_total(Conditions& k) {
  const Certificate& c = k.c;
  const auto cost = [&](std::int64_t row) -> const mpq_class& { return k.model.rows[k.at(row)].cost; };
  const auto nowhere = [](std::int64_t) { return false; };
  const auto require_ranked = [&](std::int64_t s, std::int64_t row, const Rank& rank, const char* name, bool property) {
    k.require((property && k.stays_level(row, rank, name, s)) || k.descends(row, rank, name, s, nowhere), name, s, row);
  };
  const auto no_pay = [&](std::int64_t t) { return !c.no_pay_rank.empty() && c.no_pay_rank[k.at(t)] >= 0; };
  k.each_state([&](std::int64_t s) {
    if (k.dead(s)) return;
    k.require(k.u(s).infinite >= 0 || no_pay(s), "no_pay_rank", s);
    k.each_open_row(s, [&](std::int64_t row) {
      if (no_pay(s)) {
        k.require(k.all_successors(row, no_pay), "no_pay_rank", s, row);
        require_ranked(s, row, c.no_pay_rank, "no_pay_rank", cost(row) <= 0);
      }
      if (k.l(s).infinite < 0) return;
      k.require(k.all_successors(row, [&](std::int64_t t) { return k.l(t).infinite >= 0; }), "a bound below is kept", s,
                row);
      require_ranked(s, row, c.no_gain_rank, "no_gain_rank", cost(row) >= 0);
      if (cost(row) == 0) require_ranked(s, row, c.rest_rank, "rest_rank", k.l(s) <= Extended());
    });
    if (!k.u(s).is_finite()) return;
    const std::int64_t taken = k.check_upper_step(s);
    k.require(k.all_successors(taken, [&](std::int64_t t) { return k.u(t).is_finite(); }),
              "the policy's value is finite", s, taken);
    k.require(k.l(s).infinite >= 0, "a finite value is bounded below", s);
    require_ranked(s, taken, c.policy_rank, "policy_rank", cost(taken) == 0 && k.u(s) >= Extended());
  });
  check_unbounded(k, [&](std::int64_t s, std::int64_t row) {
    k.require(cost(row) < 0 || k.descends(row, c.loop_rank, "loop_rank", s, nowhere), "loop_rank", s, row);
  });
  k.check_lower_step();
  k.check_never_left();
}

}  // namespace mdp::certificate
