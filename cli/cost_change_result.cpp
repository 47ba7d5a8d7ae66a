#include "cli/cost_change_result.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"
#include "equivalence/exact_cost.hpp"
#include "equivalence/levels.hpp"
#include "equivalence/tail_effect.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/io/extended.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli {
namespace {

Result interval_result(const bounds::Interval& interval) {
  Result result;
  result.set("lower", interval.lower);
  result.set("upper", interval.upper);
  return result;
}

// An enclosure of cost-sense numbers in the file's sense.
bounds::Interval sensed(Objective objective, const bounds::Interval& x) {
  return objective == Objective::minimize ? x : bounds::Interval{-x.upper, -x.lower};
}

// What the costs of T4 and T5, both of discounted models, have in common.
template <class Found>
Result discounted_head(const Mdp& world, const Mdp& model, const Found& found) {
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("level", to_string(Level::certified));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("discount", model.discount());
  return result;
}

Result violation_result(const Mdp& model, const equivalence::Violation& violation) {
  const State s = model.state_of(violation.row);
  Result result;
  result.set("state", std::int64_t{s});
  result.set("action", violation.row - model.state_rows()[static_cast<std::size_t>(s)]);
  result.set("next_state", std::int64_t{violation.next});
  result.set("probability", violation.probability);
  result.set("maybe_optimal", violation.maybe_optimal);
  result.set("reachable", violation.reachable);
  Result::Entries path{2, {}, {}};
  for (const auto& step : violation.path) path.positions.insert(path.positions.end(), {step.state, step.action});
  result.set("path", std::move(path));
  return result;
}

Result boundary_result(const Mdp& model, const equivalence::BoundaryTerm& term) {
  const Objective sense = model.objective();
  Result result;
  result.set("holds", equivalence::to_string(term.holds));
  result.set("holds_at_zero", equivalence::to_string(term.holds_at_zero()));
  result.set("constant", interval_result(sensed(sense, term.constant)));
  std::vector<Result> components;
  for (const auto& component : term.components) {
    Result one;
    one.set("first_state", std::int64_t{component.first});
    one.set("n_states", std::int64_t{component.n_states});
    one.set("mean", interval_result(sensed(sense, component.mean)));
    components.push_back(std::move(one));
  }
  result.set("components", std::move(components));
  if (term.state >= 0) result.set("state", std::int64_t{term.state});
  if (term.breaking_state >= 0) {
    result.set("breaking_state", std::int64_t{term.breaking_state});
    result.set("breaking_action", std::int64_t{term.action});
  }
  if (!term.policy.empty()) result.set("policy", std::span<const Action>(term.policy));
  result.set("reason", term.reason);
  return result;
}

std::string cost_table(const Mdp& world, const Mdp& model, std::span<const double> cost) {
  Table table({{"state", Align::left}, {"action", Align::left}, {"cost"}, {"its cost before"}});
  const Objective sense = world.objective();
  const auto now = in_sense(sense, cost);
  const auto before = in_sense(sense, model.cost());
  each_row_shown(world, table, [&](State s, Action a, std::size_t row) {
    return std::vector<std::string>{state_label(world, s), action_label(world, s, a), number_text(now[row]),
                                    number_text(before[row])};
  });
  return table.text();
}

}  // namespace

Result confirmation_result(const equivalence::Confirmation& confirmation) {
  Result result;
  result.set("by", confirmation.how);
  result.set("status", to_string(confirmation.status));
  result.set("certified", confirmation.certified);
  result.set("error", interval_result(confirmation.error));
  return result;
}

Result condition_result(const Mdp& model, const equivalence::EquivalentCostResult& found) {
  std::vector<Result> violations;
  for (const auto& violation : found.violations) violations.push_back(violation_result(model, violation));
  Result result;
  result.set("holds", found.n_violations == 0);
  result.set("n_violations", found.n_violations);
  result.set("violations", std::move(violations));
  return result;
}

Result to_result(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                 const equivalence::CriterionChange& found) {
  const Objective sense = world.objective();
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("level", to_string(found.cost.level));
  result.set("criterion", solvers::to_string(to));
  result.set("world_criterion", solvers::to_string(from));
  result.set("objective", objective_word(sense));
  result.set("discount", found.model ? found.model->discount() : model.discount());
  if (!found.model) return result;
  result.set_rows("cost", world, in_sense(sense, found.cost.cost));
  result.set_rows("q", world, in_sense(sense, found.cost.q));
  result.set("shift", interval_result(sensed(sense, found.shift)));
  result.set("spread", found.spread);
  result.set("condition_number", found.cost.condition_number);
  result.set("pair_condition_number", found.cost.pair_condition_number);
  result.set("n_zero_cost", found.cost.n_zero_cost);
  result.set("cost_error_bound", found.cost.cost_error_bound);
  result.set("technical_condition", condition_result(model, found.cost));
  if (found.boundary) result.set("boundary_term", boundary_result(*found.model, *found.boundary));
  if (!found.terminal.empty()) result.set("terminal", in_sense(sense, found.terminal));
  if (!found.cost_by_stage.empty()) {
    std::vector<std::vector<double>> stages;
    for (const auto& cost : found.cost_by_stage) stages.push_back(in_sense(sense, cost));
    result.set("cost_by_stage", std::move(stages));
  }
  if (found.confirmation) result.set("confirmation", confirmation_result(*found.confirmation));
  result.set("seconds", found.cost.seconds);
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                   const equivalence::CriterionChange& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  facts.add("criteria", fmt::format("world {}, model {}; {}", solvers::to_string(from), solvers::to_string(to),
                                    objective_word(world.objective())));
  if (!found.model) return facts.text();
  facts.add("level", std::string(to_string(found.cost.level)));
  const auto shift = sensed(world.objective(), found.shift);
  facts.add("shift", fmt::format("Q* of the model is the world's less {} to {}", number_text(shift.lower),
                                 number_text(shift.upper)));
  facts.add("condition", fmt::format("{:.3g} = max |g E V*| / max |L^|", found.cost.condition_number));
  facts.add("technical condition",
            found.cost.n_violations == 0 ? "holds" : fmt::format("fails at {} pairs", found.cost.n_violations));
  if (found.confirmation) {
    facts.add("solving the model", fmt::format("{}: values within {}{}", found.confirmation->how,
                                               bound_text(found.confirmation->error.upper),
                                               found.confirmation->certified ? ", certified" : ""));
  }
  return facts.text() + "\n" + cost_table(world, model, found.cost.cost);
}

Result to_result(const Mdp& world, solvers::Criterion from, solvers::Criterion to,
                 const equivalence::ExactTarget& target, const equivalence::ExactCost& found) {
  const Objective sense = world.objective();
  const auto texts = [sense](std::vector<io::Extended> x) {
    std::vector<std::string> written;
    for (const auto& value : io::in_sense(sense, std::move(x))) written.push_back(io::text_of(value));
    return written;
  };
  const auto doubles = [sense](std::vector<io::Extended> x) {
    std::vector<double> rounded;
    for (const auto& value : io::in_sense(sense, std::move(x))) rounded.push_back(io::nearest(value));
    return rounded;
  };
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("level", to_string(Level::exact));
  result.set("criterion", solvers::to_string(to));
  result.set("world_criterion", solvers::to_string(from));
  result.set("objective", objective_word(sense));
  result.set("discount", io::nearest_double(found.model.discount));
  if (target.status == Status::converged) {
    result.set_rows("q", world, doubles(target.q));
    result.set_rows("q_exact", world, texts(target.q));
    result.set("value", doubles(target.values));
    result.set("value_exact", texts(target.values));
  }
  if (found.status != Status::converged) return result;
  std::vector<io::Extended> cost;
  for (const auto& row : found.model.rows) {
    cost.push_back(row.inadmissible ? io::Extended::infinity(1) : io::Extended(row.cost));
  }
  result.set_rows("cost", world, doubles(cost));
  result.set_rows("cost_exact", world, texts(cost));
  if (!found.terminal.empty()) {
    result.set("terminal", doubles(found.terminal));
    result.set("terminal_exact", texts(found.terminal));
  }
  if (!found.cost_by_stage.empty()) {
    std::vector<std::vector<double>> stages;
    std::vector<std::vector<std::string>> stages_exact;
    for (const auto& stage : found.cost_by_stage) {
      stages.push_back(doubles(stage));
      stages_exact.push_back(texts(stage));
    }
    result.set("cost_by_stage", std::move(stages));
    result.set("cost_by_stage_exact", std::move(stages_exact));
  }
  const io::Extended shift = io::in_sense(sense, std::vector<io::Extended>{found.shift}).front();
  result.set("shift", interval_result({io::round_down(shift) + 0.0, io::round_up(shift) + 0.0}));
  result.set("shift_exact", texts({found.shift}).front());
  Result confirmation;
  confirmation.set("by", found.confirmation);
  result.set("confirmation", std::move(confirmation));
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                   const equivalence::ExactCost& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  facts.add("criteria", fmt::format("world {}, model {}; {}", solvers::to_string(from), solvers::to_string(to),
                                    objective_word(world.objective())));
  facts.add("level", std::string(to_string(Level::exact)));
  if (found.status != Status::converged) return facts.text();
  facts.add("solving the model", found.confirmation + ", in rationals");
  std::vector<double> cost;
  for (const auto& row : found.model.rows) cost.push_back(row.inadmissible ? infinity : io::nearest_double(row.cost));
  return facts.text() + "\n" + cost_table(world, model, cost);
}

bounds::Interval told_in_doubles(const equivalence::PotentialCost& found) {
  if (!found.model) return found.q_distance;
  const double told = bounds::value_error(equivalence::cost_tail_effect(*found.model), found.model->exact_discount());
  return {std::max(0.0, bounds::round_down(found.q_distance.lower - told)),
          bounds::round_up(found.q_distance.upper + told)};
}

Result to_result(const Mdp& world, const Mdp& model, const equivalence::PotentialCost& found) {
  const Objective sense = world.objective();
  Result result = discounted_head(world, model, found);
  result.set_rows("cost", world, in_sense(sense, found.cost));
  result.set("potential", in_sense(sense, found.potential));
  result.set_rows("slack", world, found.slack);
  result.set("keeps_optimal_sets", equivalence::to_string(found.keeps_optimal_sets));
  result.set("q_distance", interval_result(told_in_doubles(found)));
  result.set("condition_number", found.condition_number);
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, const equivalence::PotentialCost& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  facts.add("optimal actions", fmt::format("kept: {}", equivalence::to_string(found.keeps_optimal_sets)));
  facts.add("Q* of the model",
            "within " + bound_text(told_in_doubles(found).upper) + " of Phi + B, by solving the model");
  facts.add("condition", fmt::format("{:.3g} = max |g E Phi| / max |L^|", found.condition_number));
  return facts.text() + "\n" + cost_table(world, model, found.cost);
}

Result to_result(const Mdp& world, const Mdp& model, double temperature, const equivalence::SoftEquivalence& found) {
  const Objective sense = world.objective();
  Result result = discounted_head(world, model, found);
  result.set("temperature", temperature);
  if (!found.model) return result;
  result.set_rows("cost", world, in_sense(sense, found.cost));
  result.set("value", in_sense(sense, found.solved.values));
  result.set("value_distance_bound", found.value_distance_bound);
  result.set("log_policy_distance_bound", found.log_policy_distance_bound);
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, const equivalence::SoftEquivalence& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  if (!found.model) return facts.text();
  facts.add("soft values of the model", "within " + bound_text(found.value_distance_bound) + " of the world's");
  facts.add("log of its soft policy", "within " + bound_text(found.log_policy_distance_bound) + " of the world's");
  return facts.text() + "\n" + cost_table(world, model, found.cost);
}

Result to_result(const Mdp& world, const Mdp& model, const equivalence::LeastChangeOptions& options,
                 const equivalence::LeastChange& found) {
  const Objective sense = world.objective();
  Result result = discounted_head(world, model, found);
  result.set("norm", equivalence::to_string(options.norm));
  result.set("margin", options.margin);
  if (!found.model) return result;
  result.set_rows("cost", world, in_sense(sense, found.cost));
  result.set_rows("change", world, in_sense(sense, found.change));
  result.set("potential", in_sense(sense, found.potential));
  result.set("size", found.size);
  result.set("size_lower", found.size_lower);
  result.set("duality_gap", found.size - found.size_lower);
  result.set("condition_number", found.condition_number);
  result.set("n_optimal", found.n_optimal);
  result.set("optimal_gap", interval_result(found.optimal_gap));
  result.set("other_gap", interval_result(found.other_gap));
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, const equivalence::LeastChangeOptions& options,
                   const equivalence::LeastChange& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  if (!found.model) return facts.text();
  facts.add("change", fmt::format("{} in {}; none is below {}", number_text(found.size),
                                  equivalence::to_string(options.norm), number_text(found.size_lower)));
  facts.add("solving the model",
            fmt::format("{} pairs optimal within {}, the others worse by {} at least", found.n_optimal,
                        bound_text(found.optimal_gap.upper), number_text(found.other_gap.lower)));
  return facts.text() + "\n" + cost_table(world, model, found.cost);
}

}  // namespace mdp::cli
