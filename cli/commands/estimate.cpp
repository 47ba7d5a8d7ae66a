#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/estimate_result.hpp"
#include "cli/exit_code.hpp"
#include "cli/file_hash.hpp"
#include "cli/interrupt.hpp"
#include "cli/logits.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/progress.hpp"
#include "cli/solve_flags.hpp"
#include "cli/usage.hpp"
#include "equivalence/shape.hpp"
#include "estimators/composed.hpp"
#include "estimators/trajectory_file.hpp"
#include "estimators/truncation.hpp"
#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/soft.hpp"

namespace mdp::cli {
namespace {

using estimators::Estimator;
using estimators::Quantity;

struct EstimateCommand {
  std::string model;
  std::string world;
  std::string logits;
  std::string policy;
  std::string behaviour;
  std::string data;
  std::string record;
  std::string quantity = "policy-gradient";
  std::string estimator;
  std::string baseline = "none";
  std::string samples = "1000";
  std::int64_t replications = 1;
  std::uint64_t seed = 1;
  bool covariance = false;
  estimators::ProblemOptions problem;
  ModelFlags read;
};

/// Derivatives that get exact moments: at most this many numbers of all stages' transitions (some minutes of work).
constexpr double max_products = 2e11;

constexpr std::array quantities = {Quantity::policy_gradient, Quantity::model_gradient, Quantity::policy_hessian,
                                   Quantity::mixed,           Quantity::model_hessian,  Quantity::sensitivity,
                                   Quantity::world_gradient};

Quantity parse_quantity(const std::string& text) {
  std::vector<std::string> words;
  for (const Quantity q : quantities) {
    words.emplace_back(word(q));
    if (words.back() == text) return q;
  }
  throw unknown_value("--quantity", text, words);
}

bool is_composed(Quantity quantity) {
  return quantity == Quantity::sensitivity || quantity == Quantity::world_gradient;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<std::int64_t> parse_samples(const std::string& list) {
  std::vector<std::int64_t> samples;
  for (const std::string& part : split(list)) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), n);
    if (error != std::errc() || end != part.data() + part.size() || n < 2) {
      throw UsageError(fmt::format("--samples {}: numbers of trajectories, each at least two, to see a spread", list));
    }
    samples.push_back(n);
  }
  return samples;
}

std::vector<estimators::ComposedForm> parse_forms(const EstimateCommand& command) {
  std::vector<std::string> names = estimators::composed_names();
  std::vector<estimators::ComposedForm> forms;
  for (const std::string& name : split(command.estimator.empty() ? "plug-in" : command.estimator)) {
    bool known = false;
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (name != "all" && name != names[k]) continue;
      forms.push_back(static_cast<estimators::ComposedForm>(k));
      known = true;
    }
    names.emplace_back("all");
    if (!known) throw unknown_value("--estimator", name, names);
    names.pop_back();
  }
  return forms;
}

/// The estimators asked for. \throws UsageError for a name that does not exist or does not estimate the quantity.
std::vector<Estimator> parse_estimators(const EstimateCommand& command, Quantity quantity) {
  const std::vector<Estimator> table = estimators::all_estimators();
  std::vector<Estimator> chosen;
  std::vector<std::string> names = {"all"};
  for (const Estimator& line : table) names.push_back(line.name);
  const std::string asked = !command.estimator.empty()
                                ? command.estimator
                                : (estimators::is_second_order(quantity) ? "causal-hessian" : "causal");
  for (const std::string& name : split(asked)) {
    if (std::ranges::find(names, name) == names.end()) throw unknown_value("--estimator", name, names);
    for (const Estimator& line : table) {
      if (name == line.name && !line.estimates(quantity))
        throw UsageError(fmt::format("--estimator {} does not estimate --quantity {}", name, word(quantity)));
      if ((name == "all" && line.estimates(quantity)) || name == line.name) chosen.push_back(line);
    }
  }
  return chosen;
}

StochasticPolicy read_policy_of(const EstimateCommand& command, const Mdp& mdp) {
  if (!command.policy.empty()) return io::read_policy(command.policy, mdp).probabilities;
  if (command.logits.empty() && command.problem.temperature > 0.0 && is_composed(parse_quantity(command.quantity)))
    return solvers::solve_soft(mdp, {.temperature = command.problem.temperature, .polish = true}).policy;
  return command.logits.empty() || command.logits == "uniform" ? uniform_policy(mdp)
                                                               : softmax(mdp, read_logits(command.logits, mdp));
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

estimators::Problem make_problem(const EstimateCommand& command, const Mdp& mdp, const StochasticPolicy& policy,
                                 int threads) {
  estimators::ProblemOptions options = command.problem;
  options.baseline = baseline_of(command, mdp, policy, threads);
  options.critic_seed = command.seed;
  options.threads = threads;
  if (!command.behaviour.empty()) options.behaviour = io::read_policy(command.behaviour, mdp).probabilities;
  return {mdp, policy, options};
}

/// All parameters of a gradient if their moments are affordable, else the ones of the largest derivatives.
void keep_affordable(const estimators::Problem& problem, estimators::Targets& targets, std::vector<double>& truth) {
  const double each =
      static_cast<double>(problem.horizon()) * static_cast<double>(problem.mdp().n_transitions()) * 36.0;
  const auto limit = static_cast<std::size_t>(std::max(1.0, max_products / each));
  if (!targets.columns.empty() || targets.rows.size() <= limit) return;
  std::vector<std::size_t> order(targets.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return std::abs(truth[i]); });
  order.resize(limit);
  std::ranges::sort(order);
  estimators::Targets kept;
  std::vector<double> kept_truth;
  for (const std::size_t i : order) {
    kept.rows.push_back(targets.rows[i]);
    kept_truth.push_back(truth[i]);
  }
  targets = std::move(kept);
  truth = std::move(kept_truth);
}

Estimates blank(const EstimateCommand& command) {
  Estimates e;
  e.quantity = parse_quantity(command.quantity);
  e.horizon = command.problem.horizon;
  e.temperature = command.problem.temperature;
  e.seed = command.seed;
  e.replications = command.replications;
  e.baseline = command.baseline;
  e.model_hash = file_hash(command.model);
  if (!command.world.empty()) e.world_hash = file_hash(command.world);
  if (!command.data.empty()) e.data_hash = file_hash(command.data);
  return e;
}

/// A progress bar over some pieces of work; Ctrl-C asks the one under way to end with what it has.
class Observed {
 public:
  Observed(const CommonFlags& common, std::size_t n_pieces)
      : progress_("estimate", common.quiet), n_pieces_(n_pieces) {}

  [[nodiscard]] std::function<bool(double)> piece(std::size_t k, const std::string& name) {
    return [this, k, name](double fraction) {
      progress_.update((static_cast<double>(k) + fraction) / static_cast<double>(n_pieces_), [&] { return name; });
      return !interrupted();
    };
  }

 private:
  InterruptScope interrupt_;
  Progress progress_;
  std::size_t n_pieces_;
};

estimators::JudgementOptions judgement_options(const EstimateCommand& command, const CommonFlags& common,
                                               std::function<bool(double)> observer) {
  estimators::JudgementOptions options;
  options.samples = parse_samples(command.samples);
  options.replications = command.replications;
  options.seed = command.seed;
  options.threads = common.threads;
  options.covariance = command.covariance;
  options.observer = std::move(observer);
  return options;
}

estimators::RecordedPaths recorded_of(const EstimateCommand& command, const Mdp& mdp) {
  if (command.data.empty()) return {};
  return estimators::recorded_paths(mdp, estimators::read_trajectories(command.data, mdp));
}

/// --record: the trajectories that the estimates are made of.
void write_record(const EstimateCommand& command, const CommonFlags& common, const Mdp& mdp,
                  const StochasticPolicy& policy) {
  if (command.record.empty()) return;
  const std::int64_t n = parse_samples(command.samples).back() * command.replications;
  estimators::write_trajectories(
      command.record,
      estimators::simulate(
          mdp, policy,
          {.n_trajectories = n, .horizon = command.problem.horizon, .seed = command.seed, .threads = common.threads}));
}

Estimates make_estimates(const EstimateCommand& command, const CommonFlags& common, const Mdp& mdp,
                         const std::vector<Estimator>& chosen) {
  Observed observed(common, chosen.size());  // from here on Ctrl-C leaves a result
  const StochasticPolicy policy = read_policy_of(command, mdp);
  const estimators::Problem problem = make_problem(command, mdp, policy, common.threads);
  Estimates e = blank(command);
  e.targets = estimators::targets_of(mdp, e.quantity);
  e.truth = estimators::stage_truth(problem, e.targets);
  keep_affordable(problem, e.targets, e.truth);
  e.infinite = estimators::infinite_truth(problem, e.targets);
  if (e.quantity == Quantity::policy_gradient && e.temperature == 0.0 && mdp.discount() < 1) {
    e.truncation_bound = estimators::truncation_bounds(mdp, policy, e.horizon, common.threads).gradient;
  }
  const estimators::RecordedPaths recorded = recorded_of(command, mdp);
  write_record(command, common, mdp, policy);
  for (std::size_t k = 0; k < chosen.size() && !interrupted(); ++k) {
    estimators::JudgementOptions options = judgement_options(command, common, observed.piece(k, chosen[k].name));
    if (!command.data.empty()) options.recorded = &recorded;
    estimators::Judgement judgement = estimators::judge(problem, e.targets, chosen[k], e.truth, options);
    if (!judgement.sizes.empty()) e.judgements.push_back(std::move(judgement));
  }
  e.stopped = e.judgements.size() < chosen.size();
  return e;
}

Estimates make_composed(const EstimateCommand& command, const CommonFlags& common, const Mdp& mdp,
                        const std::vector<estimators::ComposedForm>& forms) {
  Observed observed(common, 1);
  const StochasticPolicy policy = read_policy_of(command, mdp);
  const estimators::Problem model = make_problem(command, mdp, policy, common.threads);
  std::unique_ptr<estimators::Problem> world;
  Estimates e = blank(command);
  if (e.quantity == Quantity::world_gradient) {
    const Mdp in_real = command.read.read(command.world, common.threads);
    equivalence::require_same_shape(in_real, mdp);
    EstimateCommand real = command;
    real.problem.temperature = 0.0;
    world = std::make_unique<estimators::Problem>(make_problem(real, in_real, policy, common.threads));
  }
  const estimators::Sensitivity s(model, world.get());
  e.in_sim_gradient_norm = s.in_sim_gradient_norm();
  const bool at_optimum = command.logits.empty() && command.policy.empty();
  if (world == nullptr) {
    e.targets = {s.free(), s.theta(), false};
    e.truth = s.policy_derivative();
    if (at_optimum) e.infinite.value = estimators::infinite_policy_derivative(s);
  } else {
    e.targets = {s.theta(), {}, false};
    e.truth = s.total();
    if (at_optimum) e.infinite.value = estimators::infinite_world_gradient(s);
  }
  e.judgements = estimators::judge_composed(
      s, forms, judgement_options(command, common, observed.piece(0, std::string(word(e.quantity)))));
  e.stopped = e.judgements.size() < forms.size();
  return e;
}

void require_usable(const EstimateCommand& command, Quantity quantity) {
  if (const auto broken = command.problem.check(); !broken.empty()) throw UsageError("estimate: " + broken);
  if (command.replications < 1) throw UsageError(fmt::format("--replications {}: at least one", command.replications));
  if (!command.policy.empty() && !command.logits.empty() && command.logits != "uniform")
    throw UsageError("--policy and --logits: give one of them");
  if (is_composed(quantity) && !(command.problem.temperature > 0.0)) {
    throw UsageError(fmt::format(
        "--quantity {} needs --temperature above 0: without entropy a softmax policy has no finite optimum (D6)",
        word(quantity)));
  }
  if (is_composed(quantity) && (!command.data.empty() || !command.record.empty() || command.covariance))
    throw UsageError(fmt::format("--data, --record and --covariance do not go with --quantity {}", word(quantity)));
  if (!command.record.empty()) require_folder_of(command.record);
  if (!command.record.empty() && !command.record.ends_with(".csv") && !command.record.ends_with(".npz"))
    throw UsageError("--record " + command.record + ": trajectories are written to .csv or .npz");
  if (quantity == Quantity::world_gradient && command.world.empty())
    throw UsageError("--quantity world-gradient needs --world");
  if (quantity != Quantity::world_gradient && !command.world.empty())
    throw UsageError("--world belongs to --quantity world-gradient");
  for (const std::int64_t n : parse_samples(command.samples)) {
    if (is_composed(quantity) && n < 20)
      throw UsageError(fmt::format("--samples {}: at least 20 for {}, ten parts of two", n, word(quantity)));
  }
}

int run_estimate(const EstimateCommand& command, const CommonFlags& common) {
  require_writable(common);
  const Quantity quantity = parse_quantity(command.quantity);
  require_usable(command, quantity);
  const std::vector<Estimator> chosen =
      is_composed(quantity) ? std::vector<Estimator>() : parse_estimators(command, quantity);
  const auto forms = is_composed(quantity) ? parse_forms(command) : std::vector<estimators::ComposedForm>();
  const Mdp mdp = command.read.read(command.model, common.threads);
  const Estimates e =
      is_composed(quantity) ? make_composed(command, common, mdp, forms) : make_estimates(command, common, mdp, chosen);
  present(common, estimates_result(mdp, e), [&] { return estimates_tables(mdp, e); });
  return e.consistent() && !e.interrupted() ? exit_done : exit_not_met;
}

}  // namespace

void add_estimate(Command& command) {
  const auto it = std::make_shared<EstimateCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("--model", it->model, "Where trajectories are drawn: .json, .npz, .umb, .tra or .drn")
      ->required()
      ->type_name("M");
  parser.add_option("--world", it->world, "The world, for world-gradient")->type_name("W");
  parser.add_option("--horizon", it->problem.horizon, "Stages N of a trajectory")->required()->type_name("N");
  parser
      .add_option("--logits", it->logits,
                  "uniform, or a file shaped as q (.json, .npy): policy = softmax [uniform; the model's "
                  "soft optimum for sensitivity and world-gradient]")
      ->type_name("FILE");
  parser.add_option("--policy", it->policy, "A policy file, in place of --logits")->type_name("P");
  parser
      .add_option("--quantity", it->quantity,
                  "policy-gradient, model-gradient, policy-hessian, mixed, model-hessian, sensitivity, "
                  "world-gradient [policy-gradient]")
      ->type_name("NAME");
  parser
      .add_option("--estimator", it->estimator,
                  "all, or names: full-score causal causal-constant-baseline causal-state-baseline "
                  "causal-optimal-baseline critic-exact critic-mc critic-td critic-lstd actor-critic "
                  "actor-critic-undiscounted per-step-score measure-valued finite-difference importance "
                  "importance-per-decision importance-self-normalised; full-hessian causal-hessian dice hapg lvc "
                  "gauss-newton critic-hessian-exact critic-hessian-lstd; plug-in plug-in-ridge plug-in-jackknife "
                  "plug-in-split critic-sensitivity-exact critic-sensitivity-lstd [causal, causal-hessian, plug-in]")
      ->type_name("NAME,...");
  parser.add_option("--temperature", it->problem.temperature, "Entropy weight of the objective, in units of cost [0]")
      ->type_name("B");
  parser.add_option("--baseline", it->baseline, "Of causal: none, value (exact, of the policy), or a file of values")
      ->type_name("NAME");
  parser.add_option("--behaviour", it->behaviour, "Policy file that draws actions for importance weights [tilted]")
      ->type_name("P");
  parser.add_option("--difference-step", it->problem.difference_step, "Of finite differences [0.1]")->type_name("h");
  parser.add_option("--critic-samples", it->problem.critic_trajectories, "Trajectories that critics learn from [1000]")
      ->type_name("n");
  parser.add_option("--lambda", it->problem.critic_lambda, "Of TD(lambda) and LSTD(lambda) [0.9]")->type_name("L");
  parser.add_option("--samples", it->samples, "Trajectories of an estimate; several: a grid [1000]")
      ->type_name("n,...");
  parser.add_option("--replications", it->replications, "Independent estimates of each size [1]")->type_name("r");
  parser.add_flag("--covariance", it->covariance,
                  "Exact covariances between all derivatives, too: for few of them (--json: exact_covariance)");
  parser.add_option("--data", it->data, "Recorded trajectories (.csv, .npz) in place of simulated ones")
      ->type_name("FILE");
  parser.add_option("--record", it->record, "Write the trajectories drawn under the policy (.csv, .npz)")
      ->type_name("FILE");
  parser.add_option("--seed", it->seed, "The same seed gives the same bits anywhere [1]")->type_name("K");
  it->read.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp estimate --model data/frozen_lake_4x4.json --horizon 100 --samples 100000\n"
      "  mdp estimate --model model.json --horizon 50 --logits logits.json --baseline value --json\n"
      "  mdp estimate --model data/frozen_lake_4x4.json --horizon 20 --estimator all --samples 100,1000 --replications "
      "10");
  command.run([it, &command] { return run_estimate(*it, command.common()); });
}

}  // namespace mdp::cli
