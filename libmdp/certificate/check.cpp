#include "libmdp/certificate/check.hpp"

#include "libmdp/certificate/conditions.hpp"
#include "libmdp/certificate/policy_chain.hpp"

namespace mdp::certificate {

/// With l <= T l and u >= T_pi u, both bounded on the states that are not dead and closed under what competes:
/// V* - l >= discount P (V* - l) under an optimal policy, so min (V* - l) >= discount min (V* - l) and V* >= l; as well u >= V^pi.
void check_discounted(Conditions& k) {
  k.require(k.discount >= 0 && k.discount < 1, "the discount is below 1");
  k.each_state([&](std::int64_t s) {
    if (k.dead(s)) return;
    k.require(k.l(s).is_finite() && k.u(s).is_finite(), "the value of a state that is not dead is finite", s);
    (void)k.check_upper_step(s);
  });
  k.check_lower_step();
}

/// By induction on the stages, last first.
void check_finite(Conditions& k) {
  const Certificate& c = k.c;
  const auto& lower = c.evidence_lower.empty() ? c.lower : c.evidence_lower;
  const auto& upper = c.evidence_upper.empty() ? c.upper : c.evidence_upper;
  k.require(c.discount >= 0 && c.discount <= 1, "the discount is at most 1");
  k.each_state([&](std::int64_t s) {
    const std::size_t i = k.at(s);
    k.require(lower.back()[i] <= c.terminal[i] && c.terminal[i] <= upper.back()[i],
              "the last stage is the terminal cost", s);
    for (std::size_t stage = 0; stage < c.policy.size(); ++stage) {
      const std::int64_t taken = k.row_of(s, c.policy[stage][i]);
      k.require(upper[stage][i] >= k.q(taken, upper[stage + 1]), "inductive upper bound", s, taken);
      k.each_row(s, [&](std::int64_t row) {
        k.require(lower[stage][i] <= k.q(row, lower[stage + 1]), "inductive lower bound", s, row);
      });
    }
  });
}

/// Probabilities. An upper bound u >= 0 with u = 1 on the goal and u >= P u on the rows that compete (all when maximising, the
/// policy's when minimising) is at least the probability: that is the least such function. A lower bound l, at most 1 on
/// the goal, with l <= P l where l > 0, on the rows that compete (the policy's when maximising, all when minimising), is
/// at most the probability if those rows reach {goal or l <= 0} surely, which a rank shows: stop there, l(s) <= E l <= P(goal).
void check_reach(Conditions& k) {
  const bool maximize = k.c.objective == Objective::maximize;
  Values low(k.lower.size()), high(k.upper.size());
  for (std::size_t s = 0; s < low.size(); ++s) {
    k.require(k.lower[s].is_finite() && k.upper[s].is_finite(), "a probability is finite",
              static_cast<std::int64_t>(s));
    low[s] = maximize ? -k.upper[s] : k.lower[s];
    high[s] = maximize ? -k.lower[s] : k.upper[s];
  }
  const Extended one(mpq_class(1));
  k.each_state([&](std::int64_t s) {
    const std::size_t i = k.at(s);
    k.require(high[i] >= Extended(), "an upper bound of a probability is at least 0", s);
    if (k.goal[i] != 0) {
      k.require(low[i] <= one && one <= high[i], "the probability is 1 on the goal", s);
      return;
    }
    const std::int64_t taken = k.row_of(s, k.c.policy.front()[i]);
    const auto check_upper = [&](std::int64_t row) {
      k.require(high[i] >= Extended(k.mean(row, high)), "inductive upper bound", s, row);
    };
    const auto check_lower = [&](std::int64_t row) {
      if (low[i] <= Extended()) return;
      k.require(low[i] <= Extended(k.mean(row, low)), "inductive lower bound", s, row);
      const Rank& rank = maximize ? k.c.policy_rank : k.c.row_rank;
      const char* name = maximize ? "policy_rank" : "row_rank";
      const auto ends = [&](std::int64_t t) { return k.goal[k.at(t)] != 0 || low[k.at(t)] <= Extended(); };
      k.require(k.descends(row, rank, name, s, ends), name, s, row);
    };
    maximize ? k.each_row(s, check_upper) : check_upper(taken);
    maximize ? check_lower(taken) : k.each_row(s, check_lower);
  });
}

/// Lower: P l >= l, and c + P h >= h + l where P l = l. With h + M l for h and M large the second holds on every row, so the sum
/// of N costs from s is at least N l(s) minus a constant under any policy. Upper: the same with the inequalities turned, on the
/// rows of the policy.
void check_average(Conditions& k) {
  const Values& low_h = k.c.potential_lower;
  const Values& high_h = k.c.potential_upper.empty() ? low_h : k.c.potential_upper;
  k.each_state([&](std::int64_t s) {
    if (k.dead(s)) return;
    k.require(k.l(s).is_finite() && k.u(s).is_finite(), "the gain of a state that is not dead is finite", s);
    (void)k.finite(low_h, "potential", s);
    (void)k.finite(high_h, "potential", s);
  });
  k.each_state([&](std::int64_t s) {
    if (k.dead(s)) return;
    const auto step = [&](std::int64_t row, const Values& h) {
      return mpq_class(k.model.rows[k.at(row)].cost + k.mean(row, h) - h[k.at(s)].finite);
    };
    k.each_open_row(s, [&](std::int64_t row) {
      const mpq_class next = k.mean(row, k.lower);
      k.require(next >= k.l(s).finite, "the lower gain does not fall", s, row);
      k.require(next > k.l(s).finite || step(row, low_h) >= k.l(s).finite, "inductive lower bound", s, row);
    });
    const std::int64_t taken = k.row_of(s, k.c.policy.front()[k.at(s)]);
    k.require(!k.banned(taken), "the policy keeps to admissible rows", s, taken);
    const mpq_class next = k.mean(taken, k.upper);
    k.require(next <= k.u(s).finite, "the upper gain does not rise", s, taken);
    k.require(next < k.u(s).finite || step(taken, high_h) <= k.u(s).finite, "inductive upper bound", s, taken);
  });
}

namespace {

// The claim follows from the evidence, and belongs to the model.
void check_claim(const Conditions& k) {
  const Certificate& c = k.c;
  k.require(c.objective == k.model.objective, "the objective is that of the model");
  const bool discounting = c.criterion == "discounted" || c.criterion == "finite";
  k.require(!discounting || c.discount == k.model.discount, "the discount is that of the model");
  k.require(c.level != "exact" || c.lower == c.upper, "an exact claim has one value per state");
  const auto& lower = c.evidence_lower.empty() ? c.lower : c.evidence_lower;
  const auto& upper = c.evidence_upper.empty() ? c.upper : c.evidence_upper;
  for (std::size_t stage = 0; stage < c.lower.size(); ++stage) {
    k.each_state([&](std::int64_t s) {
      const std::size_t i = k.at(s);
      k.require(c.lower[stage][i] <= lower[stage][i], "the claimed lower bound is below that of the evidence", s);
      k.require(upper[stage][i] <= c.upper[stage][i], "the claimed upper bound is above that of the evidence", s);
    });
  }
}

/// Probabilities over the rows of each state.
void check_evaluated_policy(const io::ExactModel& model, const Certificate& c) {
  if (c.evaluated_policy.size() != model.rows.size()) throw Violation{"the policy has one probability per row", ""};
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    mpq_class sum;
    bool negative = false;
    const auto first = model.state_rows[static_cast<std::size_t>(s)];
    const auto last = model.state_rows[static_cast<std::size_t>(s) + 1];
    for (auto row = first; row < last; ++row) {
      const mpq_class& p = c.evaluated_policy[static_cast<std::size_t>(row)];
      negative = negative || p < 0;
      sum += p;
    }
    if (negative || sum != 1) throw Violation{"probabilities are >= 0, sum 1", "state " + std::to_string(s)};
  }
}

void check_evidence(const io::ExactModel& model, const Certificate& certificate) {
  Conditions k(model, certificate);
  check_claim(k);
  if (certificate.criterion == "finite") return check_finite(k);
  k.check_dead();
  if (certificate.criterion == "discounted") check_discounted(k);
  if (certificate.criterion == "reach") check_reach(k);
  if (certificate.criterion == "goal") check_goal(k);
  if (certificate.criterion == "total") check_total(k);
  if (certificate.criterion == "average") check_average(k);
}

}  // namespace

std::optional<Violation> check(const io::ExactModel& model, const Certificate& certificate) {
  try {
    if (certificate.model_sha256 != model_sha256(model)) throw Violation{"model_sha256 is that of the model", ""};
    if (certificate.evaluated_policy.empty()) {
      check_evidence(model, certificate);
      return std::nullopt;
    }
    check_evaluated_policy(model, certificate);
    check_evidence(policy_chain(model, certificate.evaluated_policy, certificate.criterion == "total"), certificate);
    return std::nullopt;
  } catch (const Violation& violation) {
    return violation;
  }
}

}  // namespace mdp::certificate
