#include "solvers/exact/evidence.hpp"

#include <algorithm>
#include <functional>

#include "libmdp/error.hpp"
#include "solvers/end_components.hpp"
#include "solvers/exact/exact_context.hpp"

namespace mdp::solvers {
namespace {

using certificate::Certificate;
using certificate::Rank;
using graph::RowMask;
using graph::StateSet;

// The model with what every rank needs.
class Ranks {
 public:
  Ranks(const io::ExactModel& model, const ExactAnswer& answer)
      : model_(model), answer_(answer), structure_(structure_of(model)) {}

  [[nodiscard]] const Mdp& structure() const { return structure_; }
  [[nodiscard]] std::size_t n_states() const { return at(model_.n_states); }

  // States join round by round: one does if `needs` holds for it with those that have joined. The round is the rank.
  [[nodiscard]] Rank rounds(const StateSet& candidates, const std::function<bool(std::size_t, const StateSet&)>& needs,
                            std::int64_t first = 0) const {
    Rank rank(n_states(), -1);
    StateSet joined(n_states(), 0);
    for (std::int64_t round = first;; ++round) {
      std::vector<std::size_t> next;
      for (std::size_t s = 0; s < n_states(); ++s) {
        if (candidates[s] != 0 && joined[s] == 0 && needs(s, joined)) next.push_back(s);
      }
      if (next.empty()) return rank;
      for (const std::size_t s : next) {
        joined[s] = 1;
        rank[s] = round;
      }
    }
  }

  [[nodiscard]] bool leads(Offset row, const StateSet& set) const {
    const auto& to = model_.rows[at(row)].to;
    return std::any_of(to.begin(), to.end(), [&](const auto& t) { return set[at(t.first)] != 0; });
  }
  [[nodiscard]] bool every_row(std::size_t s, const std::function<bool(Offset)>& f) const {
    for (Offset row = model_.state_rows[s]; row < model_.state_rows[s + 1]; ++row) {
      if (!f(row)) return false;
    }
    return true;
  }
  [[nodiscard]] Offset policy_row(std::size_t s, const Policy& policy) const {
    return model_.state_rows[s] + policy[s];
  }

  // Towards `target` by every row of `rows`, or by the row of a policy.
  [[nodiscard]] Rank towards(const StateSet& states, const StateSet& target, const RowMask& rows) const {
    return rounds(states, [&](std::size_t s, const StateSet& joined) {
      return every_row(s, [&](Offset row) { return rows[at(row)] == 0 || leads(row, target) || leads(row, joined); });
    });
  }
  [[nodiscard]] Rank towards(const StateSet& states, const StateSet& target, const Policy& policy,
                             std::int64_t first = 0) const {
    return rounds(
        states,
        [&](std::size_t s, const StateSet& joined) {
          return leads(policy_row(s, policy), target) || leads(policy_row(s, policy), joined);
        },
        first);
  }

  // All of an end component of `rows` has one rank; every other row of `rows` leads to a smaller one.
  [[nodiscard]] Rank of_components(const StateSet& states, const RowMask& rows) const {
    const graph::Components ends = graph::maximal_end_components(structure_, rows);
    const RowMask inside = rows_inside(structure_, ends, rows);
    std::vector<std::vector<std::size_t>> members(at(ends.count));
    for (std::size_t s = 0; s < n_states(); ++s) {
      if (ends.of_state[s] >= 0) members[at(ends.of_state[s])].push_back(s);
    }
    const auto descends = [&](std::size_t s, const StateSet& joined) {
      return every_row(s, [&](Offset row) { return rows[at(row)] == 0 || inside[at(row)] != 0 || leads(row, joined); });
    };
    return rounds(states, [&](std::size_t s, const StateSet& joined) {
      if (ends.of_state[s] < 0) return descends(s, joined);
      const auto& own = members[at(ends.of_state[s])];
      return std::all_of(own.begin(), own.end(), [&](std::size_t t) { return descends(t, joined); });
    });
  }

  // Every policy may meet an inadmissible row.
  [[nodiscard]] Rank dead(const mpq_class& discount) const {
    return rounds(StateSet(n_states(), 1), [&](std::size_t s, const StateSet& joined) {
      return every_row(
          s, [&](Offset row) { return model_.rows[at(row)].inadmissible || (discount != 0 && leads(row, joined)); });
    });
  }

  // By when a policy that avoids what is caught so far cannot reach `free` any more.
  [[nodiscard]] Rank caught(const StateSet& infinite, const StateSet& free, const RowMask& open) const {
    const graph::Predecessors into(structure_);
    Rank rank(n_states(), -1);
    StateSet caught(n_states(), 0);
    for (std::int64_t level = 0;; ++level) {
      RowMask usable = open;
      for (std::size_t row = 0; row < usable.size(); ++row) {
        if (leads(static_cast<Offset>(row), caught)) usable[row] = 0;
      }
      const StateSet reaching =
          graph::backward_closure(structure_, into, free, usable, graph::Needs::any, graph::Needs::any);
      bool any = false;
      for (std::size_t s = 0; s < n_states(); ++s) {
        if (infinite[s] == 0 || caught[s] != 0 || reaching[s] != 0) continue;
        rank[s] = level;
        any = true;
      }
      if (!any) return rank;
      for (std::size_t s = 0; s < n_states(); ++s) caught[s] = rank[s] >= 0 ? 1 : 0;
    }
  }

  [[nodiscard]] StateSet where(const std::function<bool(std::size_t)>& f) const {
    StateSet set(n_states(), 0);
    for (std::size_t s = 0; s < n_states(); ++s) set[s] = f(s) ? 1 : 0;
    return set;
  }
  [[nodiscard]] StateSet of_sign(const Rank& dead, const std::function<bool(int)>& f) const {
    return where([&](std::size_t s) { return dead[s] < 0 && f(answer_.value[s].infinite); });
  }
  // Rows that are admissible and lead to no dead state.
  [[nodiscard]] RowMask open_rows(const Rank& dead) const {
    const StateSet dead_states = where([&](std::size_t s) { return dead[s] >= 0; });
    RowMask open(model_.rows.size(), 0);
    for (std::size_t row = 0; row < open.size(); ++row) {
      open[row] = !model_.rows[row].inadmissible && !leads(static_cast<Offset>(row), dead_states) ? 1 : 0;
    }
    return open;
  }
  [[nodiscard]] RowMask policy_rows(const StateSet& states, const Policy& policy) const {
    RowMask rows(model_.rows.size(), 0);
    for (std::size_t s = 0; s < n_states(); ++s) rows[at(policy_row(s, policy))] = states[s];
    return rows;
  }

 private:
  const io::ExactModel& model_;
  const ExactAnswer& answer_;
  Mdp structure_;
};

void add_reach(Certificate& c, const Ranks& ranks, const ExactAnswer& answer, Objective objective) {
  const StateSet goal = graph::goal_states(ranks.structure());
  StateSet target = goal;
  for (std::size_t s = 0; s < target.size(); ++s) {
    if (answer.value[s] == Extended()) target[s] = 1;
  }
  const StateSet states = graph::complement(target);
  if (objective == Objective::maximize)
    c.policy_rank = ranks.towards(states, target, answer.policy);
  else
    c.row_rank = ranks.towards(states, target, RowMask(answer.optimal.size(), 1));
}

std::vector<std::int64_t> loop_flags(const ExactAnswer& answer) {
  return {answer.in_loop.begin(), answer.in_loop.end()};
}

void add_goal(Certificate& c, const Ranks& ranks, const ExactAnswer& answer) {
  const StateSet goal = graph::goal_states(ranks.structure());
  const auto outside_goal = [&](StateSet set) {
    for (std::size_t s = 0; s < set.size(); ++s) set[s] = set[s] != 0 && goal[s] == 0 ? 1 : 0;
    return set;
  };
  const StateSet unbounded = ranks.of_sign(c.dead_rank, [](int sign) { return sign < 0; });
  const StateSet finite = outside_goal(ranks.of_sign(c.dead_rank, [](int sign) { return sign == 0; }));
  c.in_loop = loop_flags(answer);
  c.loop_rank = ranks.towards(unbounded, answer.in_loop, answer.policy);
  if (c.improper == "infinite" && c.objective == Objective::maximize) {
    c.policy_rank = ranks.towards(finite, goal, answer.policy);
    c.row_rank = ranks.towards(finite, goal, ranks.open_rows(c.dead_rank));
    return;
  }
  c.loop_potential.assign(answer.potential.begin(), answer.potential.end());
  c.proper_policy = answer.proper_policy;
  Policy proper = answer.policy;
  for (std::size_t s = 0; s < proper.size(); ++s) {
    if (unbounded[s] != 0) proper[s] = answer.proper_policy[s];
  }
  const StateSet bounded = ranks.of_sign(c.dead_rank, [](int sign) { return sign <= 0; });
  c.policy_rank = ranks.towards(outside_goal(bounded), goal, proper);
  c.infinite_rank = ranks.caught(ranks.of_sign(c.dead_rank, [](int sign) { return sign > 0; }), bounded,
                                 ranks.open_rows(c.dead_rank));
}

void add_total(Certificate& c, const Ranks& ranks, const ExactAnswer& answer) {
  const Mdp& m = ranks.structure();
  const RowMask open = ranks.open_rows(c.dead_rank);
  const StateSet unbounded = ranks.of_sign(c.dead_rank, [](int sign) { return sign < 0; });
  const StateSet finite = ranks.of_sign(c.dead_rank, [](int sign) { return sign == 0; });
  const StateSet no_gain = ranks.of_sign(c.dead_rank, [](int sign) { return sign >= 0; });
  StateSet no_pay = unbounded;
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t row = 0; row < open.size(); ++row) {
      if (open[row] == 0 || no_pay[at(m.state_of(static_cast<Offset>(row)))] == 0) continue;
      for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
        char& known = no_pay[at(m.next_state()[at(k)])];
        grown = grown || known == 0;
        known = 1;
      }
    }
  }
  c.no_gain_rank = ranks.of_components(no_gain, rows_of(m, no_gain, open));
  c.no_pay_rank = ranks.of_components(no_pay, rows_of(m, no_pay, open));
  c.rest_rank = ranks.of_components(no_gain, free_rows(m, rows_of(m, no_gain, open)));
  c.policy_rank = ranks.of_components(finite, ranks.policy_rows(finite, answer.policy));
  c.infinite_rank = ranks.caught(ranks.of_sign(c.dead_rank, [](int sign) { return sign > 0; }), finite, open);
  c.in_loop = loop_flags(answer);
  c.loop_rank = ranks.towards(unbounded, answer.in_loop, answer.policy);
  const StateSet pays = ranks.where(
      [&](std::size_t s) { return answer.in_loop[s] != 0 && m.cost()[at(ranks.policy_row(s, answer.policy))] < 0.0; });
  const Rank in_loop = ranks.rounds(answer.in_loop, [&](std::size_t s, const StateSet& joined) {
    return pays[s] != 0 || ranks.leads(ranks.policy_row(s, answer.policy), joined);
  });
  for (std::size_t s = 0; s < in_loop.size(); ++s) {
    if (answer.in_loop[s] != 0) c.loop_rank[s] = in_loop[s];
  }
}

}  // namespace

Certificate certificate_of(const io::ExactModel& model, const ExactAnswer& answer, const ExactOptions& options) {
  if (!answer.converged())
    throw Error("a certificate needs an answer at every state, and the status is " +
                std::string(to_string(answer.status)));
  Certificate c;
  c.model_sha256 = certificate::model_sha256(model);
  c.criterion = to_string(answer.criterion);
  c.level = "exact";
  c.objective = model.objective;
  c.discount = model.discount;
  c.policy = {answer.policy};
  c.lower = {answer.value};
  if (answer.criterion == Criterion::goal) c.improper = to_string(options.criterion.improper);
  if (answer.criterion == Criterion::finite) {
    c.horizon = options.criterion.horizon;
    c.terminal = answer.value_by_stage.back();
    c.lower = answer.value_by_stage;
    c.policy = answer.policy_by_stage;
  }
  c.upper = c.lower;
  if (answer.criterion == Criterion::finite) return c;
  const Ranks ranks(model, answer);
  if (answer.criterion == Criterion::reach) {
    add_reach(c, ranks, answer, model.objective);
    return c;
  }
  c.dead_rank = ranks.dead(answer.criterion == Criterion::discounted ? model.discount : mpq_class(1));
  if (answer.criterion == Criterion::goal) add_goal(c, ranks, answer);
  if (answer.criterion == Criterion::total) add_total(c, ranks, answer);
  if (answer.criterion == Criterion::average)
    c.potential_lower.assign(answer.potential.begin(), answer.potential.end());
  return c;
}

namespace {

// The dyadic number of 64 significant bits next to x, not above it.
mpq_class dyadic_below(const mpq_class& x) {
  if (x == 0) return x;
  const auto shift = 64 - static_cast<long>(mpz_sizeinbase(x.get_num_mpz_t(), 2)) +
                     static_cast<long>(mpz_sizeinbase(x.get_den_mpz_t(), 2));
  mpq_class scaled = x;
  shift >= 0 ? mpq_mul_2exp(scaled.get_mpq_t(), scaled.get_mpq_t(), static_cast<mp_bitcnt_t>(shift))
             : mpq_div_2exp(scaled.get_mpq_t(), scaled.get_mpq_t(), static_cast<mp_bitcnt_t>(-shift));
  mpz_class whole;
  mpz_fdiv_q(whole.get_mpz_t(), scaled.get_num_mpz_t(), scaled.get_den_mpz_t());
  mpq_class result(whole);
  shift >= 0 ? mpq_div_2exp(result.get_mpq_t(), result.get_mpq_t(), static_cast<mp_bitcnt_t>(shift))
             : mpq_mul_2exp(result.get_mpq_t(), result.get_mpq_t(), static_cast<mp_bitcnt_t>(-shift));
  return result;
}

}  // namespace

Certificate discounted_certificate(const io::ExactModel& model, std::span<const double> values, const Policy& policy) {
  ExactAnswer answer;
  answer.criterion = Criterion::discounted;
  answer.status = Status::converged;
  answer.policy = policy;
  for (const double v : values) answer.value.push_back(v == infinity ? Extended::infinity(1) : Extended(mpq_class(v)));
  Certificate c = certificate_of(model, answer, {});
  c.level = "certified";
  const std::vector<Extended> q = exact_q(model, model.discount, answer.value);
  mpq_class least, largest;
  bool first = true;
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (!answer.value[s].is_finite()) continue;
    const auto row = q.begin() + model.state_rows[s];
    const Extended best = *std::min_element(row, q.begin() + model.state_rows[s + 1]);
    const mpq_class below = best.finite - answer.value[s].finite;
    const mpq_class above = (row + policy[s])->finite - answer.value[s].finite;
    if (first || below < least) least = below;
    if (first || above > largest) largest = above;
    first = false;
  }
  const mpq_class lower_shift = dyadic_below(least / (1 - model.discount));
  const mpq_class upper_shift = -dyadic_below(-largest / (1 - model.discount));
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (!answer.value[s].is_finite()) continue;
    c.lower.front()[s].finite += lower_shift;
    c.upper.front()[s].finite += upper_shift;
  }
  return c;
}

}  // namespace mdp::solvers
