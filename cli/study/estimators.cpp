#include "cli/study/estimators.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "cli/file_hash.hpp"
#include "cli/study/world_config.hpp"
#include "cli/table.hpp"
#include "estimators/composed.hpp"
#include "estimators/judgement.hpp"
#include "estimators/truth.hpp"
#include "solvers/soft.hpp"

namespace mdp::cli::study {
namespace {

using estimators::Judgement;
using estimators::Quantity;

const std::vector<Quantity> quantities = {Quantity::policy_gradient, Quantity::model_gradient, Quantity::policy_hessian,
                                          Quantity::mixed,           Quantity::model_hessian,  Quantity::sensitivity,
                                          Quantity::world_gradient};

/// One problem: trajectories are drawn in the model, which is the world itself unless it is said otherwise.
struct ProblemConfig {
  std::string name;
  WorldConfig world;
  std::string model;  ///< "world", or "mean-demand" (inventory)
  std::vector<Quantity> quantities;
  std::int64_t horizon = 0;
  double temperature = 0.0;  ///< of sensitivity and world-gradient
  std::vector<std::int64_t> samples;
  std::int64_t replications = 0;
};

std::vector<Quantity> read_quantities(TomlSection& section) {
  std::vector<Quantity> asked;
  for (const std::string& text : section.texts("quantities")) {
    const auto found = std::ranges::find_if(quantities, [&](Quantity q) { return word(q) == text; });
    if (found == quantities.end()) section.fail("quantities", fmt::format("'{}' is none", text));
    asked.push_back(*found);
  }
  if (asked.empty()) section.fail("quantities", "name at least one");
  return asked;
}

ProblemConfig read_problem(TomlSection section, const StudyFile& file) {
  ProblemConfig problem;
  problem.name = section.text("name");
  problem.world = read_world(section.section("world"), file.seed, file.folder);
  problem.model = section.word("model", {"world", "mean-demand"}, "world");
  if (problem.model == "mean-demand" && problem.world.kind != "inventory")
    section.fail("model", "mean-demand is a model of kind inventory");
  problem.quantities = read_quantities(section);
  problem.horizon = section.integer("horizon", 1, 10);
  problem.temperature = section.number("temperature", false, 1.0);
  problem.samples = section.integers("samples", {100, 1000});
  for (const std::int64_t n : problem.samples) {
    if (n < 20) section.fail("samples", "at least 20 each");
  }
  problem.replications = section.integer("replications", 1, 20);
  section.finish();
  return problem;
}

Result to_result(const ProblemConfig& problem) {
  Result result;
  result.set("name", problem.name);
  result.set("world", to_result(problem.world));
  if (problem.world.kind == "file") result.set("world_hash", file_hash(problem.world.file));
  result.set("model", problem.model);
  result.set("horizon", problem.horizon);
  result.set("temperature", problem.temperature);
  result.set("samples", problem.samples);
  result.set("replications", problem.replications);
  return result;
}

/// What one problem says about one quantity.
struct Answer {
  std::string problem;
  Quantity quantity = Quantity::policy_gradient;
  std::size_t n_derivatives = 0;
  double truth_norm = 0.0;
  double truncation_bias_norm = not_computed;
  std::vector<Judgement> judgements;
};

Answer ask_plain(const ProblemConfig& config, const Mdp& model, Quantity quantity, std::uint64_t seed,
                 const StudyContext& context) {
  const estimators::Problem problem(model, uniform_policy(model),
                                    {.horizon = config.horizon, .critic_seed = seed, .threads = context.threads});
  const estimators::Targets targets = estimators::targets_of(model, quantity);
  const std::vector<double> truth = estimators::stage_truth(problem, targets);
  const estimators::InfiniteTruth infinite = estimators::infinite_truth(problem, targets);
  Answer answer{config.name, quantity, targets.size(), estimators::norm(truth), not_computed, {}};
  if (!infinite.value.empty()) answer.truncation_bias_norm = estimators::distance(truth, infinite.value);
  for (const estimators::Estimator& estimator : estimators::all_estimators()) {
    if (!estimator.estimates(quantity)) continue;
    context.step(fmt::format("{}: {} of {}", config.name, estimator.name, word(quantity)));
    answer.judgements.push_back(estimators::judge(
        problem, targets, estimator, truth,
        {.samples = config.samples, .replications = config.replications, .seed = seed, .threads = context.threads}));
  }
  return answer;
}

Answer ask_composed(const ProblemConfig& config, const Mdp& world, const Mdp& model, Quantity quantity,
                    std::uint64_t seed, const StudyContext& context) {
  context.step(fmt::format("{}: {}", config.name, word(quantity)));
  const auto policy = solvers::solve_soft(model, {.temperature = config.temperature, .polish = true}).policy;
  const estimators::Problem in_sim(
      model, policy,
      {.horizon = config.horizon, .temperature = config.temperature, .critic_seed = seed, .threads = context.threads});
  const estimators::Problem in_real(world, policy, {.horizon = config.horizon, .threads = context.threads});
  const bool of_world = quantity == Quantity::world_gradient;
  const estimators::Sensitivity s(in_sim, of_world ? &in_real : nullptr);
  const std::vector<double>& truth = of_world ? s.total() : s.policy_derivative();
  Answer answer{config.name, quantity, truth.size(), estimators::norm(truth), not_computed, {}};
  const std::vector<double> infinite =
      of_world ? estimators::infinite_world_gradient(s) : estimators::infinite_policy_derivative(s);
  if (!infinite.empty()) answer.truncation_bias_norm = estimators::distance(truth, infinite);
  using enum estimators::ComposedForm;
  answer.judgements = estimators::judge_composed(
      s, std::vector{plug_in, ridge, jackknife, split, critic_exact, critic_lstd},
      {.samples = config.samples, .replications = config.replications, .seed = seed, .threads = context.threads});
  return answer;
}

std::vector<Answer> ask(const ProblemConfig& config, std::uint64_t seed, const StudyContext& context) {
  const Mdp world = make_world(config.world, context.threads);
  const Mdp model = config.model == "mean-demand" ? generate::inventory_mean_demand(config.world.inventory) : world;
  std::vector<Answer> answers;
  for (const Quantity quantity : config.quantities) {
    const bool composed = quantity == Quantity::sensitivity || quantity == Quantity::world_gradient;
    answers.push_back(composed ? ask_composed(config, world, model, quantity, seed, context)
                               : ask_plain(config, model, quantity, seed, context));
  }
  return answers;
}

std::string number(double x) { return std::isnan(x) ? "-" : fmt::format("{:.3g}", x); }

Result judgement_result(const Judgement& j) {
  Result result;
  result.set("name", j.name);
  result.set("exact_by", j.exact.meaning);
  result.set("exact_variance_trace", j.exact_variance_trace);
  result.set("exact_bias_norm", j.exact_bias_norm);
  result.set("bias_source", word(j.bias_source));
  result.set("predicted_bias_norm", j.predicted_bias_norm);
  result.set("z_max", j.z_max);
  result.set("z_limit", j.z_limit);
  result.set("n_judged", j.n_judged);
  result.set("n_by_chebyshev", j.n_by_chebyshev);
  result.set("n_constant", j.n_constant);
  result.set("n_second_order", j.n_second_order);
  result.set("judged_by", j.judged_by());
  result.set("verdict", j.verdict());
  result.set("verdict_reason", j.reason);
  std::vector<Result> sizes;
  for (const auto& size : j.sizes) {
    Result line;
    line.set("samples", size.samples);
    line.set("replications", size.sampled.replications);
    line.set("transitions", size.sampled.transitions);
    line.set("mean_squared_error", size.sampled.mean_squared_error);
    line.set("exact_mean_squared_error", size.exact_mean_squared_error);
    line.set("seconds", size.sampled.seconds);
    sizes.push_back(std::move(line));
  }
  result.set("by_samples", std::move(sizes));
  return result;
}

Result answer_result(const Answer& answer) {
  Result result;
  result.set("problem", answer.problem);
  result.set("quantity", word(answer.quantity));
  result.set("n_derivatives", static_cast<std::int64_t>(answer.n_derivatives));
  result.set("truth_norm", answer.truth_norm);
  result.set("truncation_bias_norm", answer.truncation_bias_norm);
  std::vector<Result> lines;
  for (const Judgement& j : answer.judgements) lines.push_back(judgement_result(j));
  result.set("estimators", std::move(lines));
  return result;
}

/// A line per problem, quantity, estimator and sample size, for log-log plots of bias and error against cost.
std::string comma_separated(const std::vector<Answer>& answers) {
  std::string text =
      "problem,quantity,estimator,samples,transitions_per_estimate,truth_norm,bias_norm,exact_deviation,"
      "root_mean_squared_error,exact_root_mean_squared_error\n";
  for (const Answer& a : answers) {
    for (const Judgement& j : a.judgements) {
      for (const auto& size : j.sizes) {
        const auto replications = static_cast<double>(std::max<std::int64_t>(1, size.sampled.replications));
        const double deviation = std::sqrt(j.exact_variance_trace / static_cast<double>(size.samples));
        const double bias = std::sqrt(
            std::max(0.0, size.exact_mean_squared_error - j.exact_variance_trace / static_cast<double>(size.samples)));
        text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", a.problem, word(a.quantity), j.name, size.samples,
                            static_cast<double>(size.sampled.transitions) / replications, a.truth_norm, bias, deviation,
                            std::sqrt(size.sampled.mean_squared_error), std::sqrt(size.exact_mean_squared_error));
      }
    }
  }
  return text;
}

std::string verdict_text(const Judgement& j) {
  if (!j.consistent) return "INCONSISTENT";
  const bool weakly = j.n_judged == 0 && j.n_by_chebyshev > 0;
  return std::string(j.verdict()) + (weakly ? " (by Chebyshev)" : "") + (j.by_plugged_in ? " (means plugged in)" : "");
}

/// How many estimators say what, and on what it rests.
std::string highlight(const std::vector<Answer>& answers) {
  std::int64_t all = 0, judged = 0, weakly = 0, plugged_in = 0, consistent = 0;
  for (const Answer& answer : answers) {
    for (const Judgement& j : answer.judgements) {
      ++all;
      judged += j.judged() ? 1 : 0;
      weakly += j.n_judged == 0 && j.n_by_chebyshev > 0 ? 1 : 0;
      plugged_in += j.judged() && j.by_plugged_in ? 1 : 0;
      consistent += j.judged() && j.consistent ? 1 : 0;
    }
  }
  std::string text = fmt::format("{} of {} judged estimators behave as their exact moments and predicted biases say",
                                 consistent, judged);
  if (weakly > 0) text += fmt::format(", {} of them by Chebyshev's inequality only", weakly);
  if (plugged_in > 0) text += fmt::format(", {} by the means that they plug in", plugged_in);
  return text + (judged == all ? "" : fmt::format("; {} are not judged (report.json says why)", all - judged));
}

std::string answer_text(const Answer& a) {
  Table table({{"estimator", Align::left},
               {"exact st. dev."},
               {"exact bias"},
               {"source", Align::left},
               {"r.m.s. error"},
               {"exact"},
               {"transitions"},
               {"max abs z"},
               {"limit"},
               {"verdict", Align::left}});
  for (const Judgement& j : a.judgements) {
    const auto& last = j.sizes.back();
    const bool has_z = j.n_judged + j.n_by_chebyshev > 0;
    table.add({j.name, number(std::sqrt(j.exact_variance_trace)), number(j.exact_bias_norm),
               j.bias_source == estimators::BiasSource::none ? "" : std::string(word(j.bias_source)),
               number(std::sqrt(last.sampled.mean_squared_error)), number(std::sqrt(last.exact_mean_squared_error)),
               count_text(last.sampled.transitions / std::max<std::int64_t>(1, last.sampled.replications)),
               has_z ? number(j.z_max) : "-", has_z ? number(j.z_limit) : "-", verdict_text(j)});
  }
  std::string text =
      fmt::format("### {} \u2014 {}\n\n{} derivatives, norm of the truth {}", a.problem, word(a.quantity),
                  count_text(static_cast<long long>(a.n_derivatives)), number(a.truth_norm));
  if (!std::isnan(a.truncation_bias_norm)) {
    text += fmt::format("; the infinite horizon's is {} away", number(a.truncation_bias_norm));
  }
  return text + ".\n\n" + table.markdown() + "\n";
}

}  // namespace

Report run_estimators(StudyFile& file, const StudyContext& context) {
  std::vector<ProblemConfig> problems;
  for (TomlSection& section : file.top.sections("problem")) problems.push_back(read_problem(std::move(section), file));
  if (problems.empty()) file.top.fail("problem", "a study of estimators has at least one [[problem]]");
  file.top.finish();

  std::vector<Answer> answers;
  for (const ProblemConfig& problem : problems) {
    for (Answer& answer : ask(problem, file.seed, context)) answers.push_back(std::move(answer));
  }
  Report report;
  std::vector<Result> configurations, results;
  report.markdown = fmt::format(
      "# {}\n\nErrors, biases and deviations are Euclidean norms over all derivatives; the "
      "deviation is that of one trajectory, errors are those of an estimate of the largest "
      "sample size. Against sample size: estimates.csv.\n\n",
      file.title);
  for (const ProblemConfig& problem : problems) configurations.push_back(to_result(problem));
  for (const Answer& answer : answers) {
    report.markdown += answer_text(answer);
    results.push_back(answer_result(answer));
    for (const Judgement& j : answer.judgements) report.holds = report.holds && j.consistent;
  }
  report.highlights = {highlight(answers)};
  report.json.set("title", file.title);
  report.json.set("seed", static_cast<std::int64_t>(file.seed));
  report.json.set("version", MDP_VERSION);
  report.json.set("highlights", report.highlights);
  report.json.set("problems", std::move(configurations));
  report.json.set("answers", std::move(results));
  report.texts.emplace_back("estimates.csv", comma_separated(answers));
  return report;
}

}  // namespace mdp::cli::study
