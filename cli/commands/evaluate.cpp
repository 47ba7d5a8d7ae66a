#include <string>

#include "cli/commands/commands.hpp"
#include "cli/criterion_flags.hpp"
#include "cli/criterion_result.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/trace_file.hpp"
#include "cli/watch.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/write_certificate.hpp"

namespace mdp::cli {
namespace {

void set_policies_by_stage(Result& result, const std::vector<io::PolicyFile>& stages) {
  std::vector<std::vector<std::int64_t>> actions;
  for (const io::PolicyFile& stage : stages) {
    if (!stage.deterministic) return;  // the policy file has them
    actions.emplace_back(stage.actions.begin(), stage.actions.end());
  }
  result.set("policy_by_stage", std::move(actions));
}

struct EvaluateCommand {
  std::string file;
  std::string policy;
  std::string trace;
  std::string certificate;
  ModelFlags model;
  CriterionFlags criterion;
  SolveFlags solve;
};

int run_evaluate(const EvaluateCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (!command.trace.empty()) require_folder_of(command.trace);
  if (!command.certificate.empty()) require_folder_of(command.certificate);
  solvers::SolveOptions options = command.solve.options(common);
  options.record_trace = !command.trace.empty();
  const Mdp mdp = command.model.read(command.file, common.threads);
  const solvers::Criterion criterion = command.criterion.choose(mdp, command.model);
  const std::vector<io::PolicyFile> stages = policies_by_stage(command.policy, mdp, criterion);
  const io::PolicyFile policy = stages.empty() ? io::read_policy(command.policy, mdp) : io::PolicyFile{};
  const solvers::ExactResult evaluated = [&] {
    Watch watch("evaluate", common, expected_half_width(mdp, options));
    const solvers::SolveOptions watched = watch.on(options);
    if (command.solve.exact()) {
      const auto exact = command.model.read_exactly(command.file, common.threads);
      return solvers::evaluate_exactly(exact, command.policy, criterion, command.criterion.exact_options(watched));
    }
    const auto how = command.criterion.options(mdp, watched);
    if (!stages.empty()) return solvers::ExactResult(solvers::evaluate_by_stage(mdp, randomised(stages), how));
    return solvers::ExactResult(
        policy.deterministic ? solvers::evaluate_criterion(mdp, std::span<const Action>(policy.actions), criterion, how)
                             : solvers::evaluate_criterion(mdp, policy.randomised(), criterion, how));
  }();
  if (!command.trace.empty()) write_trace(command.trace, mdp.objective(), evaluated.trace);
  const std::string missing =
      command.certificate.empty() ? ""
      : !stages.empty()
          ? "certificates of policies are about one policy for all stages"
          : write_certificate(command.certificate, command.model.read_exactly(command.file, common.threads),
                              command.policy, evaluated, command.criterion.exact_options(options));
  const auto set_policy = [&](Result& result) {
    if (!stages.empty()) {
      set_policies_by_stage(result, stages);
    } else if (policy.deterministic) {
      result.set("policy", std::span<const Action>(policy.actions));
    } else {
      result.set_rows("policy", mdp, policy.probabilities);
    }
  };
  Result result = to_result(mdp, evaluated, set_policy, common.threads);
  add_exact(result, mdp, evaluated);
  return present_answer(common, result, missing, mdp, evaluated, policy.actions);
}

}  // namespace

void add_evaluate(Command& command) {
  const auto it = std::make_shared<EvaluateCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz, .umb, .tra or .drn")->required();
  command.parser()
      .add_option("--policy", it->policy,
                  "JSON array: per state an action position or probabilities; or results of solve (finite: by stage)")
      ->required()
      ->type_name("P");
  it->criterion.add_to(command, true);
  it->solve.add_to(command, false);
  it->solve.allow_exact();
  it->model.add_to(command);
  command.parser().add_option("--trace", it->trace, "Write one JSON line per sweep to T")->type_name("T.jsonl");
  command.parser()
      .add_option("--certificate", it->certificate, "Write a proof of the answer, for verify-certificate, to C")
      ->type_name("C.json");
  command.add_common_flags();
  command.examples(
      "  mdp solve model.json --output solved.json && mdp evaluate world.json --policy solved.json\n"
      "  echo '[0, 1, [0.5, 0.5]]' > policy.json && mdp evaluate three.json --policy policy.json");
  command.run([it, &command] { return run_evaluate(*it, command.common()); });
}

}  // namespace mdp::cli
