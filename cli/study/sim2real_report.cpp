#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/study/sim2real.hpp"
#include "cli/table.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli::study {
namespace {

double sign_of(const Mdp& world) { return world.objective() == Objective::maximize ? -1.0 : 1.0; }

Result trace_result(const Mdp& world, const std::vector<equivalence::TuneRecord>& trace) {
  const double sign = sign_of(world);
  std::vector<std::int64_t> iteration, evaluations;
  std::vector<double> performance, lower, upper, epsilon, likelihood, gradient;
  std::vector<std::string> level;
  for (const auto& r : trace) {
    iteration.push_back(r.iteration);
    evaluations.push_back(r.evaluations);
    performance.push_back(sign * r.performance);
    lower.push_back(r.regret.lower);
    upper.push_back(r.regret.upper);
    epsilon.push_back(r.epsilon);
    level.push_back(r.level);
    likelihood.push_back(r.log_likelihood);
    gradient.push_back(r.gradient_norm);
  }
  Result result;
  result.set("iteration", std::move(iteration));
  result.set("evaluations", std::move(evaluations));
  result.set("world_value", std::move(performance));
  result.set("regret_lower", std::move(lower));
  result.set("regret_upper", std::move(upper));
  result.set("epsilon", std::move(epsilon));
  result.set("level", std::move(level));
  result.set("log_likelihood", std::move(likelihood));
  result.set("gradient_norm", std::move(gradient));
  return result;
}

Result check_result(const Mdp& world, const ThetaCheck& check) {
  const double sign = sign_of(world);
  std::vector<Result> entries;
  for (const auto& p : check.parameters) {
    Result one;
    one.set("parameter", p.parameter);
    one.set("exact", sign * p.exact);
    one.set("finite_difference", sign * p.difference_quotient);
    entries.push_back(std::move(one));
  }
  Result family, result;
  family.set("max_error", check.family.max_error);
  family.set("parameter", check.family.parameter);
  family.set("entry", check.family.entry);
  family.set("adjoint_defect", check.family.adjoint_defect);
  result.set("entries", std::move(entries));
  result.set("max_relative_error", check.max_relative_error);
  result.set("family", std::move(family));
  result.set("agrees", check.agrees());
  return result;
}

Result learner_result(const Mdp& world, const LearnerOutcome& learner) {
  const auto& r = learner.result;
  Result one;
  one.set("name", learner.config.name);
  one.set("status", to_string(r.status));
  one.set("ending", to_string(r.ending));
  one.set("message", r.message);
  one.set("iterations", r.state.iteration);
  one.set("evaluations", r.state.evaluations);
  if (!r.trace.empty()) {
    const auto& last = r.trace.back();
    one.set("world_value", sign_of(world) * last.performance);
    one.set("world_value_error_bound", last.performance_error);
    one.set("regret_lower", last.regret.lower);
    one.set("regret_upper", last.regret.upper);
    one.set("epsilon", last.epsilon);
    one.set("level", last.level);
    one.set("log_likelihood", last.log_likelihood);
  }
  one.set("policy_gradient_norm", r.policy_gradient_norm);
  one.set("improvement_left", r.improvement_left);
  one.set("theta", r.state.x);
  one.set("trace", trace_result(world, r.trace));
  if (learner.check) one.set("check", check_result(world, *learner.check));
  return one;
}

double optimal_value(const ExperimentOutcome& e) {
  return e.learners.empty() || e.learners.front().result.trace.empty()
             ? not_computed
             : sign_of(e.parts.world) * e.learners.front().result.trace.front().optimum;
}

}  // namespace

Result sim2real_json(const Sim2RealConfig& config, const std::vector<ExperimentOutcome>& outcomes) {
  Result result;
  result.set("status", all_ended(outcomes) ? "converged" : "sweep_limit");
  result.set("config", to_result(config));
  std::vector<Result> experiments;
  for (const ExperimentOutcome& e : outcomes) {
    Result one;
    one.set("name", e.config.name);
    one.set("objective", objective_word(e.parts.world.objective()));
    one.set("discount", e.parts.world.discount());
    one.set("temperature", e.config.temperature);
    one.set("n_states", std::int64_t{e.parts.world.n_states()});
    one.set("n_rows", e.parts.world.n_rows());
    one.set("n_parameters", e.parts.family.n_parameters());
    one.set("optimal_value", optimal_value(e));
    std::vector<Result> learners;
    for (const LearnerOutcome& learner : e.learners) learners.push_back(learner_result(e.parts.world, learner));
    one.set("learners", std::move(learners));
    experiments.push_back(std::move(one));
  }
  result.set("experiments", std::move(experiments));
  return result;
}

std::string sim2real_tables(const std::vector<ExperimentOutcome>& outcomes, bool markdown) {
  std::string text;
  for (const ExperimentOutcome& e : outcomes) {
    Table table({{"learner", Align::left},
                 {"world value"},
                 {"regret at most"},
                 {"epsilon"},
                 {"level"},
                 {"log-likelihood"},
                 {"steps"},
                 {"ending", Align::left}});
    const auto add = [&](const std::string& name, const equivalence::TuneRecord& r, std::int64_t steps,
                         std::string ending) {
      table.add({name, number_text(sign_of(e.parts.world) * r.performance), bound_text(r.regret.upper),
                 fmt::format("{:.3g}", r.epsilon), r.level, fmt::format("{:.4g}", r.log_likelihood),
                 std::to_string(steps), std::move(ending)});
    };
    if (!e.learners.empty() && !e.learners.front().result.trace.empty())
      add("(start)", e.learners.front().result.trace.front(), 0, "");
    for (const LearnerOutcome& learner : e.learners) {
      if (!learner.result.trace.empty())
        add(learner.config.name, learner.result.trace.back(), learner.result.state.iteration,
            std::string(to_string(learner.result.ending)));
    }
    text += fmt::format("{}{}: {} states, {} parameters, temperature {}, best possible world value {}\n\n{}\n",
                        markdown ? "## " : "", e.config.name, e.parts.world.n_states(), e.parts.family.n_parameters(),
                        number_text(e.config.temperature), number_text(optimal_value(e)),
                        markdown ? table.markdown() : table.text());
    for (const LearnerOutcome& learner : e.learners) {
      if (!learner.check) continue;
      text += fmt::format("check at the start of {}: dJ/dtheta and differences within {} of the largest, {}\n",
                          learner.config.name, bound_text(learner.check->max_relative_error),
                          learner.check->agrees() ? "agree" : "DISAGREE");
    }
  }
  return text;
}

bool all_ended(const std::vector<ExperimentOutcome>& outcomes) {
  return std::ranges::all_of(outcomes, [](const ExperimentOutcome& e) {
    return std::ranges::all_of(e.learners, [](const LearnerOutcome& learner) {
      const auto ending = learner.result.ending;
      return ending != equivalence::TuneEnding::limit && ending != equivalence::TuneEnding::interrupted &&
             (!learner.check || learner.check->agrees());
    });
  });
}

Report run_sim2real(StudyFile& file, const StudyContext& context) {
  const Sim2RealConfig config = read_sim2real(file);
  Sim2RealOptions options;
  options.threads = context.threads;
  options.check = true;
  options.observer = [&](const std::string& where, const TuneProgress&) {
    context.step(where);
    return true;
  };
  const std::vector<ExperimentOutcome> outcomes = run_learners(config, options);
  Report report;
  for (const ExperimentOutcome& e : outcomes) {
    Result arrays;
    for (const LearnerOutcome& learner : e.learners) {
      const auto& last = learner.result.trace.back();
      report.highlights.push_back(fmt::format("{}, {}: regret at most {} ({})", e.config.name, learner.config.name,
                                              bound_text(last.regret.upper), to_string(learner.result.ending)));
      arrays.set(learner.config.name + ".theta", learner.result.state.x);
      report.models.emplace_back(fmt::format("{}.{}.npz", e.config.name, learner.config.name),
                                 e.parts.family.at(learner.result.state.x));
    }
    report.arrays.push_back(
        {e.config.name + ".theta.npz", "parameters that each learner ended with", std::move(arrays)});
    report.models.emplace_back(e.config.name + ".world.npz", e.parts.world);
  }
  report.json = sim2real_json(config, outcomes);
  report.markdown = fmt::format(
      "# {}\n\nEach learner moves parameters of a family of models that need not contain the world. World value: of "
      "the "
      "model's soft policy. Regret: proved upper bound for the model's optimal policy. Epsilon: distance to Q\\* (T9). "
      "Level: "
      "first level of equivalence that is proved (T4').\n\n{}",
      config.title, sim2real_tables(outcomes, true));
  report.holds = all_ended(outcomes);
  return report;
}

}  // namespace mdp::cli::study
