#include "cli/criterion_result.hpp"

#include <cmath>

#include <fmt/format.h>

#include "cli/exit_code.hpp"
#include "cli/present.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"

namespace mdp::cli {
namespace {

using solvers::Criterion;
using solvers::CriterionResult;

bool discounts(Criterion criterion) { return criterion == Criterion::discounted || criterion == Criterion::finite; }

/// P V of every row.
std::vector<double> expectations(const Mdp& mdp, std::span<const double> values, int threads) {
  const Mdp free =
      mdp.with_cost(Buffer<double>(static_cast<std::size_t>(mdp.n_rows()), 0.0)).with_discount(Discount(1.0));
  return q_of(free, values, threads);
}

void make_inadmissible_infinite(const Mdp& mdp, std::vector<double>& q) {
  for (std::size_t row = 0; row < q.size(); ++row) {
    if (mdp.cost()[row] == infinity) q[row] = infinity;
  }
}

/// L - g + P h of the actions that keep the gain, +inf of those that lose it (theory.md, section 0).
std::vector<double> average_q(const Mdp& mdp, const CriterionResult& solved, int threads) {
  std::vector<double> q = q_of(mdp.with_discount(Discount(1.0)), solved.bias, threads);
  make_inadmissible_infinite(mdp, q);
  const std::vector<double> next_gain = expectations(mdp, solved.gain, threads);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const double gain = solved.gain[static_cast<std::size_t>(s)];
    const double slack = 2.0 * solved.value_error_bound + 1e-12 * std::abs(gain);
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]);
    const auto last = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s) + 1]);
    for (std::size_t row = first; row < last; ++row) q[row] = next_gain[row] > gain + slack ? infinity : q[row] - gain;
  }
  return q;
}

/// Q = L + gamma P V with what the criterion means by L, gamma and V; empty without a stage.
std::vector<double> q_by_criterion(const Mdp& mdp, const CriterionResult& solved, int threads) {
  switch (solved.criterion) {
    case Criterion::discounted: return q_of(mdp, solved.values, threads);
    case Criterion::finite:
      return solved.value_by_stage.size() < 2 ? std::vector<double>{} : q_of(mdp, solved.value_by_stage[1], threads);
    case Criterion::reach: return expectations(mdp, solved.values, threads);
    case Criterion::average: return average_q(mdp, solved, threads);
    case Criterion::total:
    case Criterion::goal: break;
  }
  std::vector<double> q = q_of(mdp.with_discount(Discount(1.0)), solved.values, threads);
  make_inadmissible_infinite(mdp, q);
  return q;
}

void add_stages(Result& result, const Mdp& mdp, const CriterionResult& solved) {
  std::vector<std::vector<double>> values;
  for (const auto& stage : solved.value_by_stage) values.push_back(in_sense(mdp.objective(), stage));
  std::vector<std::vector<std::int64_t>> policies;
  for (const Policy& stage : solved.policy_by_stage) policies.emplace_back(stage.begin(), stage.end());
  result.set("value_by_stage", std::move(values));
  if (!policies.empty()) result.set("policy_by_stage", std::move(policies));
}

void add_gain(Result& result, const Mdp& mdp, const CriterionResult& solved) {
  const SensedValues gain(mdp.objective(), solved.gain, solved.gain_lower, solved.gain_upper);
  result.set("gain", gain.value);
  if (!gain.lower.empty()) {
    result.set("gain_lower", gain.lower);
    result.set("gain_upper", gain.upper);
  }
  const SensedValues bias(mdp.objective(), solved.bias, solved.bias_lower, solved.bias_upper);
  result.set("bias", bias.value);
  if (bias.lower.empty()) return;
  result.set("bias_lower", bias.lower);
  result.set("bias_upper", bias.upper);
}

std::string criterion_text(const Mdp& mdp, const CriterionResult& solved) {
  std::string text(to_string(solved.criterion));
  if (solved.criterion == Criterion::finite) text += fmt::format(", {} stages", solved.value_by_stage.size() - 1);
  text += fmt::format(", {}", objective_word(mdp.objective()));
  return discounts(solved.criterion) ? fmt::format("{}, discount {}", text, mdp.discount()) : text;
}

}  // namespace

Result to_result(const Mdp& mdp, const CriterionResult& solved, const std::function<void(Result&)>& set_policy,
                 int threads) {
  Result result;
  result.set("status", to_string(solved.status));
  result.set("message", solved.message);
  result.set("level", to_string(solved.level));
  result.set("criterion", to_string(solved.criterion));
  result.set("objective", objective_word(mdp.objective()));
  if (discounts(solved.criterion)) result.set("discount", mdp.discount());
  const bool answered = !(solved.values.empty() && solved.gain.empty() && solved.value_by_stage.empty());
  if (answered && solved.criterion == Criterion::average) {
    add_gain(result, mdp, solved);
  } else if (answered) {
    SensedValues(mdp.objective(), solved.values, solved.value_lower, solved.value_upper).add_to(result);
  }
  set_policy(result);
  if (std::vector<double> q = answered ? q_by_criterion(mdp, solved, threads) : std::vector<double>{}; !q.empty()) {
    result.set_rows("q", mdp, in_sense(mdp.objective(), q));
  }
  if (answered && solved.criterion == Criterion::finite) add_stages(result, mdp, solved);
  if (!solved.witness.empty())
    result.set("witness", std::vector<std::int64_t>(solved.witness.begin(), solved.witness.end()));
  result.set("value_error_bound", solved.value_error_bound);
  result.set("policy_loss_bound", solved.policy_loss_bound);
  result.set("method", solved.method);
  if (solved.sweeps >= 0) result.set("sweeps", solved.sweeps);
  if (solved.iterations >= 0) result.set("iterations", solved.iterations);
  result.set("seconds", solved.seconds);
  return result;
}

std::vector<std::vector<std::int64_t>> optimal_actions(const Mdp& mdp, std::span<const char> optimal) {
  std::vector<std::vector<std::int64_t>> positions;
  for (State s = 0; s < mdp.n_states(); ++s) {
    auto& actions = positions.emplace_back();
    for (Action a = 0; a < mdp.n_actions(s); ++a) {
      if (optimal[static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)] + a)] != 0)
        actions.push_back(a);
    }
  }
  return positions;
}

void add_exact(Result& result, const Mdp& mdp, const solvers::ExactResult& solved) {
  if (!solved.value_exact.empty()) result.set("value_exact", solved.value_exact);
  if (!solved.gain_exact.empty()) result.set("gain_exact", solved.gain_exact);
  if (!solved.bias_exact.empty()) result.set("bias_exact", solved.bias_exact);
  if (!solved.optimal_bias_exact.empty()) result.set("optimal_bias_exact", solved.optimal_bias_exact);
  if (!solved.value_by_stage_exact.empty()) result.set("value_by_stage_exact", solved.value_by_stage_exact);
  if (solved.optimal.size() != static_cast<std::size_t>(mdp.n_rows())) return;  // of a chain: nothing to choose
  result.set("optimal_actions", optimal_actions(mdp, solved.optimal));
}

std::string criterion_tables(const Mdp& mdp, const CriterionResult& solved, std::span<const Action> policy) {
  const bool average = solved.criterion == Criterion::average;
  const SensedValues values(mdp.objective(), average ? solved.gain : solved.values,
                            average ? solved.gain_lower : solved.value_lower,
                            average ? solved.gain_upper : solved.value_upper);
  Facts facts;
  facts.add("status", status_text(solved.status, solved.message));
  facts.add("level", std::string(to_string(solved.level)));
  if (solved.status == Status::refused) return facts.text();
  facts.add("criterion", criterion_text(mdp, solved));
  facts.add("method", solved.sweeps < 0 ? fmt::format("{}, {}", solved.method, seconds_text(solved.seconds))
                                        : fmt::format("{}, {} sweeps, {}", solved.method, count_text(solved.sweeps),
                                                      seconds_text(solved.seconds)));
  if (!std::isnan(solved.value_error_bound)) {
    facts.add(average ? "gain error" : "value error", "<= " + bound_text(solved.value_error_bound) + " at every state");
  }
  if (!std::isnan(solved.policy_loss_bound)) facts.add("policy loss", "<= " + bound_text(solved.policy_loss_bound));
  if (!solved.witness.empty()) facts.add("witness", fmt::format("states {}", fmt::join(solved.witness, " -> ")));
  if (values.value.empty()) return facts.text();
  facts.add(average ? "initial gain" : "initial value", number_text(initial_average(mdp, values.value)));
  return facts.text() + "\n" + value_table(mdp, values, policy, average ? "gain" : "value");
}

int present_answer(const CommonFlags& flags, Result& result, const std::string& no_certificate, const Mdp& mdp,
                   const CriterionResult& solved, std::span<const Action> policy) {
  if (!no_certificate.empty()) result.set("no_certificate", no_certificate);
  present(flags, result, [&] {
    return (no_certificate.empty() ? "" : "no certificate: " + no_certificate + "\n") +
           criterion_tables(mdp, solved, policy);
  });
  return no_certificate.empty() ? exit_code_of(solved.status) : exit_not_met;
}

}  // namespace mdp::cli
