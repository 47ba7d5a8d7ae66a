#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/logits.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "estimators/gradient_report.hpp"
#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::cli {
namespace {

struct EstimateCommand {
  std::string model;
  std::string logits = "uniform";
  std::string policy;
  std::string quantity = "policy-gradient";
  std::string estimator = "causal";
  std::string baseline = "none";
  std::int64_t horizon = 0;
  std::int64_t samples = 1000;
  std::uint64_t seed = 1;
  ModelFlags read;
};

/// Exact moments of all logits up to this many products; beyond it those of the largest derivatives.
constexpr double max_products = 1e11;

double norm(std::span<const double> x) { return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0)); }

void require_available(const EstimateCommand& command) {
  static const std::array<std::string, 6> quantities = {"policy-gradient", "model-gradient", "policy-hessian",
                                                        "mixed",           "sensitivity",    "world-gradient"};
  static const std::array<std::string, 26> names = {"full-score",
                                                    "causal",
                                                    "causal-constant-baseline",
                                                    "causal-state-baseline",
                                                    "causal-optimal-baseline",
                                                    "critic-exact",
                                                    "critic-mc",
                                                    "critic-td",
                                                    "critic-lstd",
                                                    "actor-critic",
                                                    "actor-critic-undiscounted",
                                                    "per-step-score",
                                                    "measure-valued",
                                                    "finite-difference",
                                                    "importance",
                                                    "importance-per-decision",
                                                    "importance-self-normalised",
                                                    "full-hessian",
                                                    "causal-hessian",
                                                    "dice",
                                                    "hapg",
                                                    "lvc",
                                                    "gauss-newton",
                                                    "plug-in",
                                                    "plug-in-ridge",
                                                    "all"};
  if (std::ranges::find(quantities, command.quantity) == quantities.end()) {
    throw unknown_value("--quantity", command.quantity, quantities);
  }
  if (command.quantity != "policy-gradient")
    not_available_yet("--quantity " + command.quantity + "; policy-gradient is there");
  if (std::ranges::find(names, command.estimator) == names.end())
    throw unknown_value("--estimator", command.estimator, names);
  if (command.estimator != "causal") not_available_yet("--estimator " + command.estimator + "; causal is there");
}

StochasticPolicy read_policy_of(const EstimateCommand& command, const Mdp& mdp) {
  if (!command.policy.empty()) return io::read_policy(command.policy, mdp).probabilities;
  return command.logits == "uniform" ? uniform_policy(mdp) : softmax(mdp, read_logits(command.logits, mdp));
}

std::vector<double> baseline_of(const EstimateCommand& command, const Mdp& mdp, const StochasticPolicy& policy,
                                int threads) {
  if (command.baseline == "none") return {};
  if (command.baseline == "value") {
    if (!(mdp.discount() < 1)) throw UsageError("--baseline value needs a discount below 1");
    return solvers::policy_gradient(mdp, policy, 0.0, threads).values;
  }
  return in_sense(mdp.objective(), io::read_values(command.baseline, mdp.n_states()));
}

estimators::GradientReport make_report(const EstimateCommand& command, const Mdp& mdp, const StochasticPolicy& policy,
                                       int threads) {
  estimators::GradientReportOptions options;
  options.simulation.n_trajectories = command.samples;
  options.simulation.horizon = command.horizon;
  options.simulation.seed = command.seed;
  options.simulation.threads = threads;
  options.baseline = baseline_of(command, mdp, policy, threads);
  const double products = static_cast<double>(command.horizon) * static_cast<double>(mdp.n_transitions()) *
                          static_cast<double>(mdp.n_rows());
  if (products <= max_products) {
    options.rows.resize(static_cast<std::size_t>(mdp.n_rows()));
    std::iota(options.rows.begin(), options.rows.end(), Offset{0});
  }
  return estimators::gradient_report(mdp, policy, options);
}

/// One number per reported parameter, in the file's sense, from an array over all rows.
std::vector<double> selected(const Mdp& mdp, const estimators::GradientReport& report,
                             std::span<const double> of_rows) {
  const double sign = mdp.objective() == Objective::maximize ? -1.0 : 1.0;
  std::vector<double> x;
  for (const Offset row : report.rows) x.push_back(sign * of_rows[static_cast<std::size_t>(row)]);
  return x;
}

std::vector<double> absolute_selected(const estimators::GradientReport& report, std::span<const double> of_rows) {
  std::vector<double> x;
  for (const Offset row : report.rows) x.push_back(of_rows[static_cast<std::size_t>(row)]);
  return x;
}

Result estimator_result(const EstimateCommand& command, const Mdp& mdp, const estimators::GradientReport& report) {
  std::vector<double> standard_error;
  for (const double v : report.exact.variance) {
    standard_error.push_back(std::sqrt(std::max(0.0, v) / static_cast<double>(command.samples)));
  }
  Result result;
  result.set("name", command.estimator);
  result.set("baseline", command.baseline);
  result.set("exact_mean", in_sense(mdp.objective(), report.exact.mean));
  result.set("exact_variance", report.exact.variance);
  result.set("exact_variance_trace", std::accumulate(report.exact.variance.begin(), report.exact.variance.end(), 0.0));
  result.set("exact_bias_norm", 0.0);  // causal scores are unbiased for the N-stage gradient (E1)
  result.set("sample_mean", selected(mdp, report, report.sampled.mean));
  result.set("sample_standard_deviation", absolute_selected(report, report.sampled.standard_deviation));
  result.set("standard_error", standard_error);
  result.set("z", in_sense(mdp.objective(), report.z));
  result.set("z_max", report.max_abs_z);
  result.set("z_limit", report.z_threshold);
  result.set("n_judged", report.n_judged);
  result.set("samples", command.samples);
  result.set("seconds", report.sampled.seconds);
  result.set("verdict", report.consistent ? "consistent" : "inconsistent");
  return result;
}

Result to_result(const EstimateCommand& command, const Mdp& mdp, const estimators::GradientReport& report) {
  Result::Entries parameters{2, {}, {}};
  for (const Offset row : report.rows) {
    const State s = mdp.state_of(row);
    parameters.positions.insert(parameters.positions.end(), {s, row - mdp.state_rows()[static_cast<std::size_t>(s)]});
  }
  Result result;
  result.set("status", "converged");
  result.set("criterion", "finite");
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  result.set("quantity", command.quantity);
  result.set("horizon", command.horizon);
  result.set("seed", static_cast<std::int64_t>(command.seed));
  result.set("parameters", std::move(parameters));
  result.set("truth", in_sense(mdp.objective(), report.exact.mean));
  if (mdp.discount() < 1) {
    result.set("truth_infinite", in_sense(mdp.objective(), report.truth));
    result.set("truth_infinite_error_bound", report.truth_error_bound);
    result.set("truncation_bias_norm", norm(report.bias));
    result.set("truncation_bias_bound", report.sampled.gradient_truncation_bound);
  }
  result.set("estimators", std::vector<Result>{estimator_result(command, mdp, report)});
  return result;
}

std::string tables(const EstimateCommand& command, const Mdp& mdp, const estimators::GradientReport& report) {
  Facts facts;
  facts.add("quantity", fmt::format("gradient of the {}-stage discounted sum by policy logits, {}", command.horizon,
                                    objective_word(mdp.objective())));
  facts.add("estimator", fmt::format("{}, baseline {}; {} trajectories in {}", command.estimator, command.baseline,
                                     count_text(command.samples), seconds_text(report.sampled.seconds)));
  facts.add("verdict", fmt::format("{}: largest |z| {:.2f} of {} logits, limit {:.2f}",
                                   report.consistent ? "consistent" : "inconsistent", report.max_abs_z,
                                   count_text(report.n_judged), report.z_threshold));
  if (mdp.discount() < 1) {
    facts.add("truncation",
              fmt::format("the infinite-horizon gradient is {:.2e} away (Euclidean), each entry at most {}",
                          norm(report.bias), bound_text(report.sampled.gradient_truncation_bound)));
  }
  std::vector<std::size_t> order(report.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return std::abs(report.exact.mean[i]); });
  const auto mean = in_sense(mdp.objective(), report.exact.mean);
  const auto sampled = selected(mdp, report, report.sampled.mean);
  const auto deviation = absolute_selected(report, report.sampled.standard_deviation);
  const auto z = in_sense(mdp.objective(), report.z);
  Table table({{"largest: state", Align::left},
               {"action", Align::left},
               {"exact mean"},
               {"sampled mean"},
               {"exact st. dev."},
               {"sampled st. dev."},
               {"z"}});
  const std::size_t shown = std::min<std::size_t>(order.size(), 12);
  for (std::size_t j = 0; j < shown; ++j) {
    const std::size_t i = order[j];
    const State s = mdp.state_of(report.rows[i]);
    const Action a = static_cast<Action>(report.rows[i] - mdp.state_rows()[static_cast<std::size_t>(s)]);
    table.add({state_label(mdp, s), action_label(mdp, s, a), fmt::format("{:.6g}", mean[i]),
               fmt::format("{:.6g}", sampled[i]),
               fmt::format("{:.4g}", std::sqrt(std::max(0.0, report.exact.variance[i]))),
               fmt::format("{:.4g}", deviation[i]), std::isnan(z[i]) ? "-" : fmt::format("{:+.2f}", z[i])});
  }
  note_the_rest(table, static_cast<std::int64_t>(order.size() - shown), "logits");
  return facts.text() + "\n" + table.text();
}

int run_estimate(const EstimateCommand& command, const CommonFlags& common) {
  require_writable(common);
  require_available(command);
  if (command.horizon < 1) throw UsageError(fmt::format("--horizon {}: at least one stage", command.horizon));
  if (command.samples < 2)
    throw UsageError(fmt::format("--samples {}: at least two, to see a spread", command.samples));
  if (!command.policy.empty() && command.logits != "uniform")
    throw UsageError("--policy and --logits: give one of them");
  const Mdp mdp = command.read.read(command.model, common.threads);
  const StochasticPolicy policy = read_policy_of(command, mdp);
  const estimators::GradientReport report = make_report(command, mdp, policy, common.threads);
  present(common, to_result(command, mdp, report), [&] { return tables(command, mdp, report); });
  return report.consistent ? exit_done : exit_not_met;
}

}  // namespace

void add_estimate(Command& command) {
  const auto it = std::make_shared<EstimateCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("--model", it->model, "Where trajectories are drawn: .json, .npz or .umb")
      ->required()
      ->type_name("M");
  parser.add_option("--horizon", it->horizon, "Stages N of a trajectory")->required()->type_name("N");
  parser.add_option("--logits", it->logits, "uniform, or a file shaped as q (.json, .npy): policy = softmax")
      ->type_name("FILE");
  parser.add_option("--policy", it->policy, "A policy file, in place of --logits")->type_name("P");
  parser.add_option("--quantity", it->quantity, "policy-gradient (others: not available yet)")->type_name("NAME");
  parser.add_option("--estimator", it->estimator, "causal (others: not available yet)")->type_name("NAME");
  parser.add_option("--baseline", it->baseline, "none, value (exact, of the policy), or a file of values")
      ->type_name("NAME");
  parser.add_option("--samples", it->samples, "Trajectories [1000]")->type_name("n");
  parser.add_option("--seed", it->seed, "The same seed gives the same bits anywhere [1]")->type_name("K");
  it->read.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp estimate --model data/frozen_lake_4x4.json --horizon 100 --samples 100000\n"
      "  mdp estimate --model model.json --horizon 50 --logits logits.json --baseline value --json");
  command.run([it, &command] { return run_estimate(*it, command.common()); });
}

}  // namespace mdp::cli
