#include "solvers/certify.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/criterion_flags.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/watch.hpp"
#include "libmdp/io/read.hpp"

namespace mdp::cli {
namespace {

using solvers::CertifyResult;
using solvers::Criterion;
using solvers::Verdict;

struct CertifyCommand {
  std::string file;
  std::string values;
  std::string policy;
  ModelFlags model;
  CriterionFlags criterion;
  SolveFlags solve;
};

CertifyResult certify(const CertifyCommand& command, const Mdp& mdp, Criterion criterion,
                      const solvers::CriterionOptions& options, const io::PolicyFile& policy,
                      const std::vector<io::PolicyFile>& stages) {
  const char* key = criterion == Criterion::average ? "bias" : "value";
  const auto values = in_sense(mdp.objective(), io::read_values(command.values, mdp.n_states(), key));
  if (command.policy.empty()) return solvers::certify(mdp, criterion, values, options);
  if (!stages.empty()) return solvers::certify_by_stage(mdp, values, randomised(stages), options);
  if (policy.deterministic) {
    return solvers::certify(mdp, criterion, values, std::span<const Action>(policy.actions), options);
  }
  return solvers::certify(mdp, criterion, values, policy.randomised(), options);
}

SensedValues sensed(const Mdp& mdp, const CertifyResult& r) {
  if (r.criterion == Criterion::average) return {mdp.objective(), r.gain, r.gain_lower, r.gain_upper};
  return {mdp.objective(), r.values, r.value_lower, r.value_upper};
}

Result to_result(const Mdp& mdp, const CertifyResult& r, const io::PolicyFile& policy) {
  const bool average = r.criterion == Criterion::average;
  Result result;
  result.set("status", to_string(r.status));
  result.set("message", r.message);
  result.set("level", to_string(r.level));
  result.set("criterion", to_string(r.criterion));
  result.set("objective", objective_word(mdp.objective()));
  if (r.criterion == Criterion::discounted || r.criterion == Criterion::finite) result.set("discount", mdp.discount());
  const SensedValues values = sensed(mdp, r);
  result.set(average ? "gain_lower" : "value_lower", values.lower);
  result.set(average ? "gain_upper" : "value_upper", values.upper);
  result.set("value_error_bound", r.value_error_bound);
  result.set("given_error_bound", r.given_error_bound);
  if (policy.deterministic || policy.probabilities.empty()) {
    if (!r.policy.empty()) result.set("policy", std::span<const Action>(r.policy));
  } else {
    result.set_rows("policy", mdp, policy.probabilities);
  }
  result.set("policy_loss_bound", r.policy_loss_bound);
  std::vector<std::string> verdicts;
  for (const Verdict verdict : r.action_verdict) verdicts.emplace_back(to_string(verdict));
  result.set_rows("action_verdict", mdp, std::move(verdicts));
  if (!r.gap_lower.empty()) {
    result.set("gap_lower", r.gap_lower);
    result.set("gap_upper", r.gap_upper);
  }
  result.set("method", r.method);
  result.set("seconds", r.seconds);
  return result;
}

std::string state_verdict(const Mdp& mdp, const CertifyResult& r, State s) {
  std::vector<std::string> optimal;
  std::int64_t undecided = 0;
  for (Action a = 0; a < mdp.n_actions(s); ++a) {
    const Verdict verdict =
        r.action_verdict[static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)] + a)];
    if (verdict == Verdict::optimal) optimal.push_back(action_label(mdp, s, a));
    undecided += verdict == Verdict::undecided ? 1 : 0;
  }
  if (undecided > 0) optimal.push_back(fmt::format("{} undecided", undecided));
  return fmt::format("{}", fmt::join(optimal, ", "));
}

std::string tables(const Mdp& mdp, const CertifyResult& r) {
  Facts facts;
  facts.add("status", status_text(r.status, r.message));
  facts.add("criterion", fmt::format("{}, {}", to_string(r.criterion), objective_word(mdp.objective())));
  facts.add("method", fmt::format("{}, {}", r.method, seconds_text(r.seconds)));
  facts.add("enclosure", fmt::format("half-width <= {}", bound_text(r.value_error_bound)));
  if (r.criterion != Criterion::average) facts.add("given values", "within " + bound_text(r.given_error_bound));
  facts.add("policy loss", "<= " + bound_text(r.policy_loss_bound));
  const auto count = [&](Verdict v) { return count_text(std::ranges::count(r.action_verdict, v)); };
  facts.add("actions", fmt::format("{} optimal, {} not, {} undecided", count(Verdict::optimal),
                                   count(Verdict::not_optimal), count(Verdict::undecided)));
  const SensedValues values = sensed(mdp, r);
  Table table({{"state", Align::left}, {"lower"}, {"upper"}, {"optimal actions", Align::left}});
  for (State s = 0; s < std::min<std::int64_t>(mdp.n_states(), max_table_rows); ++s) {
    const auto i = static_cast<std::size_t>(s);
    table.add(
        {state_label(mdp, s), number_text(values.lower[i]), number_text(values.upper[i]), state_verdict(mdp, r, s)});
  }
  note_the_rest(table, mdp.n_states() - max_table_rows, "states");
  return facts.text() + "\n" + table.text();
}

int run_certify(const CertifyCommand& command, const CommonFlags& common) {
  require_writable(common);
  const solvers::SolveOptions solve = command.solve.options(common);
  if (solve.level != Level::certified) throw UsageError("--level: certify proves bounds, its level is certified");
  const Mdp mdp = command.model.read(command.file, common.threads);
  const Criterion criterion = command.criterion.choose(mdp, command.model);
  const std::vector<io::PolicyFile> stages = policies_by_stage(command.policy, mdp, criterion);
  const bool one_policy = !command.policy.empty() && stages.empty();
  const io::PolicyFile policy = one_policy ? io::read_policy(command.policy, mdp) : io::PolicyFile{};
  const CertifyResult r = [&] {
    Watch watch("certify", common);
    return certify(command, mdp, criterion, command.criterion.options(mdp, watch.on(solve)), policy, stages);
  }();
  present(common, to_result(mdp, r, policy), [&] { return tables(mdp, r); });
  return exit_code_of(r.status);
}

}  // namespace

void add_certify(Command& command) {
  const auto it = std::make_shared<CertifyCommand>();
  command.parser().add_option("FILE", it->file, "The model file")->required();
  command.parser()
      .add_option("--values", it->values,
                  "JSON array, .npy, or results of solve: one number per state (average: the bias)")
      ->required()
      ->type_name("V");
  command.parser()
      .add_option("--policy", it->policy, "Bound the loss of this policy [of the one that is greedy for the values]")
      ->type_name("P");
  it->criterion.add_to(command, true);
  it->solve.add_to(command, false);
  it->model.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp solve model.json --level approximate --output solved.json && mdp certify model.json --values solved.json\n"
      "  mdp certify model.json --values v.npy --policy p.json --tolerance 1e-6");
  command.run([it, &command] { return run_certify(*it, command.common()); });
}

}  // namespace mdp::cli
