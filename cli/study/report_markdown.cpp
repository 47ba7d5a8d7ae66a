#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/study/report.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"

namespace mdp::cli::study {
namespace {

std::string fit_text(const ModelConfig& model) {
  const std::string smoothing = model.smoothing > 0 ? fmt::format(", pseudo-count {}", model.smoothing) : "";
  if (model.fit == "deterministic") return "maximum likelihood among deterministic models";
  if (model.fit == "mean") return "one successor: the state nearest the mean";
  if (model.fit == "full-support") return "maximum likelihood over all states" + smoothing;
  return "maximum likelihood over the observed successors" + smoothing;
}

std::string world_text(const Experiment& experiment) {
  const Mdp& world = experiment.world;
  const auto& solved = experiment.solved;
  const bool maximise = world.objective() == Objective::maximize;
  const auto values = in_sense(world.objective(), solved.values);
  return fmt::format(
      "## 1. The world\n\n"
      "{} states, {} state-action pairs, {} transitions; {} are {}, discounted by γ = {}. Solved by {}, status {}, "
      "level {}: "
      "initial value **{}**, every V\\*(s) within {} and the policy within {} of optimal (C1–C3). Values below are {}; "
      "losses and "
      "regrets are always ≥ 0, in the same unit.\n\n",
      count_text(world.n_states()), count_text(world.n_rows()), count_text(world.n_transitions()),
      maximise ? "rewards" : "costs", maximise ? "maximised" : "minimised", world.discount(), solved.method,
      to_string(solved.status), to_string(solved.level), number_text(initial_average(world, values)),
      bound_text(solved.value_error_bound), bound_text(solved.policy_loss_bound), maximise ? "rewards" : "costs");
}

std::string models_text(const StudyConfig& config, const Experiment& experiment) {
  Table table({{"model", Align::left},
               {"fit", Align::left},
               {"samples per pair"},
               {"transitions"},
               {"log-likelihood per sample, nats"},
               {"max \\|Q̂\\* − Q\\*\\|"}});
  for (const ModelStudy& study : experiment.models) {
    table.add({study.config.name, fit_text(study.config), count_text(study.config.samples_per_row),
               count_text(study.fitted.n_transitions()), fmt::format("{:.4f}", study.log_likelihood),
               loss_text(study.as_fitted.distance.norm)});
  }
  return fmt::format(
             "## 2. Data and models\n\nFrom every state-action pair of the world successors are sampled (seed {}); "
             "each model is "
             "fitted to the first of them. Costs, discount and initial distribution are the world's, transitions the "
             "fit's.\n\n",
             config.seed) +
         table.markdown() + "\nA log-likelihood of −inf says that the model forbids what was observed.\n\n";
}

std::string regret_text(const Experiment& experiment) {
  const Mdp& world = experiment.world;
  const double value = std::abs(initial_average(world, experiment.solved.values));
  Table table({{"model", Align::left},
               {"initial value of its policy"},
               {"initial regret"},
               {"of V\\*, %"},
               {"largest regret of a state"},
               {"bound C3"},
               {"bound T9"}});
  for (const ModelStudy& study : experiment.models) {
    const auto& candidate = study.as_fitted;
    table.add({study.config.name,
               number_text(initial_average(world, in_sense(world.objective(), candidate.policy_value))),
               loss_text(candidate.initial_regret_bounds),
               fmt::format("{:.1f}", 100 * candidate.initial_regret / value), loss_text(candidate.max_regret),
               fmt::format("{:.4g}", candidate.regret_bound_c3), fmt::format("{:.4g}", candidate.regret_bound_t9)});
  }
  return "## 3. What the models' decisions cost in the world\n\nEach model is solved with certificates and its optimal "
         "policy "
         "evaluated in the world. C3 and T9 bound the regret without looking at the policy.\n\n" +
         table.markdown() + "\n";
}

std::string equivalent_cost_text(const Experiment& experiment) {
  Table table({{"model", Align::left},
               {"status", Align::left},
               {"condition number"},
               {"max \\|Q̂\\* − Q\\*\\|, promised by T1"},
               {"the same, by solving the model"},
               {"initial regret"},
               {"largest regret of a state"}});
  for (const ModelStudy& study : experiment.models) {
    table.add({study.config.name, std::string(to_string(study.cost.status)),
               fmt::format("{:.3g}", study.cost.condition_number), "at most " + bound_text(study.cost.q_error_bound),
               loss_text(study.with_cost.distance.norm), loss_text(study.with_cost.initial_regret_bounds),
               loss_text(study.with_cost.max_regret)});
  }
  return "## 4. Equivalent cost (T1)\n\nThe transitions stay as wrong as they are; the cost becomes L̂ = Q\\* − γ̂ "
         "E_ρ̂[V\\*]. Then "
         "Q̂\\* = Q\\*: what the enclosures leave open is in the table.\n\n" +
         table.markdown() + "\n";
}

std::string equivalent_model_text(const Experiment& experiment) {
  Table table({{"model", Align::left},
               {"status", Align::left},
               {"rows changed"},
               {"rows infeasible"},
               {"KL in all, nats"},
               {"largest KL of a row"},
               {"max \\|Q̂\\* − Q\\*\\|"},
               {"initial regret"},
               {"largest regret of a state"}});
  for (const ModelStudy& study : experiment.models) {
    table.add({study.config.name, std::string(to_string(study.nearest.status)), count_text(study.nearest.n_changed),
               count_text(study.nearest.n_infeasible), fmt::format("{:.6g}", study.nearest.sum_divergence),
               fmt::format("{:.4g}", study.nearest.max_divergence), loss_text(study.with_rows.distance.norm),
               loss_text(study.with_rows.initial_regret_bounds), loss_text(study.with_rows.max_regret)});
  }
  return "## 5. Nearest equivalent model (T6)\n\nThe cost stays the world's; every row moves to the nearest one, by "
         "KL(ρ̂‖fit), with "
         "E_ρ̂[V\\*] = E_ρ[V\\*]. A row whose successors do not bracket that mean is infeasible: no model on its "
         "support is "
         "equivalent (status refused), the nearest row is taken, and the regret is what that leaves.\n\n" +
         table.markdown() + "\n";
}

std::string entry_text(const Mdp& model, const CheckedEntry& entry) {
  const State s = model.state_of(entry.row);
  const auto a = static_cast<Action>(entry.row - model.state_rows()[static_cast<std::size_t>(s)]);
  if (entry.is_cost) return fmt::format("cost({}, {})", state_label(model, s), action_label(model, s, a));
  return fmt::format("probability({} \\| {}, {})", state_label(model, entry.next_state), state_label(model, s),
                     action_label(model, s, a));
}

std::string gradient_text(const StudyConfig& config, const Experiment& experiment) {
  const GradientStudy& study = experiment.gradient;
  const double sign = experiment.world.objective() == Objective::maximize ? -1.0 : 1.0;
  Table table({{"entry of the model", Align::left}, {"exact"}, {"finite difference"}, {"difference"}});
  const auto add = [&](const std::string& what, double exact, double quotient) {
    table.add({what, fmt::format("{:+.10e}", exact), fmt::format("{:+.10e}", quotient),
               fmt::format("{:.1e}", std::abs(exact - quotient))});
  };
  for (const CheckedEntry& entry : study.check.entries) {
    const double turn = entry.is_cost ? 1.0 : sign;
    add(entry_text(study.model, entry), turn * entry.exact, turn * entry.difference_quotient);
  }
  add("discount", sign * study.check.discount_exact, sign * study.check.discount_quotient);
  return fmt::format(
             "## 6. Gradient of world performance by the model (D8)\n\nThe model '{}' decides by its soft-optimal "
             "policy, entropy "
             "weight β = {}; in the world that policy is worth J = {} (± {}). All {} derivatives of J come from one "
             "adjoint solve in "
             "the model; each is within {} (costs) and {} (probabilities) of the true one. A probability moves and its "
             "row is divided "
             "by its sum. Beside the largest: Richardson-extrapolated central differences of the whole pipeline, model "
             "solved and "
             "policy paid in the world anew.\n\n",
             config.gradient.model, config.gradient.temperature, number_text(sign * study.exact.performance),
             bound_text(study.exact.performance_error_bound),
             count_text(study.model.n_rows() + study.model.n_transitions() + 1),
             bound_text(study.exact.cost_error_bound), bound_text(study.exact.probability_error_bound)) +
         table.markdown() +
         fmt::format(
             "\nLargest relative difference {} (relative to the largest derivative of its kind). Checks of D8: |Σλ| = "
             "{:.1e}, "
             "balance of shaping {:.1e}.\n\n",
             bound_text(study.check.max_relative_error), study.exact.sum_defect, study.exact.state_balance_defect);
}

std::string estimator_text(const StudyConfig& config, const Experiment& experiment) {
  const estimators::GradientReport& report = experiment.estimator;
  const Mdp& world = experiment.world;
  const double sign = world.objective() == Objective::maximize ? -1.0 : 1.0;
  std::vector<std::size_t> order(report.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return std::abs(report.truth[i]); });
  Table table({{"logit", Align::left},
               {"truth"},
               {"exact bias"},
               {"sampled mean"},
               {"exact st. dev."},
               {"sampled st. dev."},
               {"z"}});
  for (std::size_t j = 0; j < std::min<std::size_t>(order.size(), 12); ++j) {
    const std::size_t i = order[j];
    const auto row = static_cast<std::size_t>(report.rows[i]);
    const State s = world.state_of(report.rows[i]);
    table.add({fmt::format(
                   "({}, {})", state_label(world, s),
                   action_label(world, s,
                                static_cast<Action>(report.rows[i] - world.state_rows()[static_cast<std::size_t>(s)]))),
               fmt::format("{:+.6e}", sign * report.truth[i]), fmt::format("{:+.1e}", sign * report.bias[i]),
               fmt::format("{:+.6e}", sign * report.sampled.mean[row]),
               fmt::format("{:.4e}", std::sqrt(std::max(0.0, report.exact.variance[i]))),
               fmt::format("{:.4e}", report.sampled.standard_deviation[row]),
               fmt::format("{:+.2f}", sign * report.z[i])});
  }
  return fmt::format(
             "## 7. The sampled policy gradient, judged by its exact moments (E1, X2)\n\nIn the world, at the same "
             "soft policy: {} "
             "trajectories of {} stages, the causal score-function estimator of ∂J/∂logits. Its exact mean and "
             "standard deviation come "
             "from a backward recursion, not from samples; its bias against the infinite-horizon gradient is that of "
             "the horizon, at "
             "most {} per entry (E5).\n\n",
             count_text(config.estimator.trajectories), count_text(config.estimator.horizon),
             bound_text(report.sampled.gradient_truncation_bound)) +
         table.markdown() +
         fmt::format(
             "\nStandard deviations are of one trajectory; z = (sampled mean − exact mean)·√n / exact deviation. "
             "Largest |z| of {} "
             "logits judged: {:.2f}; a right estimator exceeds {:.2f} with probability 10⁻⁶: **{}**.\n\n",
             report.n_judged, report.max_abs_z, report.z_threshold, report.consistent ? "consistent" : "inconsistent");
}

std::string files_text(const StudyConfig& config, const Experiment& experiment) {
  Table table({{"file", Align::left}, {"content", Align::left}});
  table.add({"[report.json](report.json)", "every number, and the configuration in effect"});
  for (const ArrayFile& file : report_arrays(experiment))
    table.add({fmt::format("[{0}]({0})", file.name), file.content});
  for (const auto& [name, content] : model_files(experiment)) table.add({fmt::format("[{0}]({0})", name), content});
  if (has_picture(config)) table.add({"[policies.svg](policies.svg)", "the picture above"});
  return "## Files\n\n" + table.markdown() +
         fmt::format("\nMade by `mdp study {}`, mdp {}. T, C, D, E and X numbers are those of docs/theory.md.\n",
                     config.file, MDP_VERSION);
}

}  // namespace

std::string report_markdown(const StudyConfig& config, const Experiment& experiment) {
  std::string text = "# " + config.title + "\n\n";
  for (const std::string& line : highlights(experiment)) text += "- " + line + "\n";
  text += "\n";
  if (has_picture(config)) text += "![Values and policies](policies.svg)\n\n";
  return text + world_text(experiment) + models_text(config, experiment) + regret_text(experiment) +
         equivalent_cost_text(experiment) + equivalent_model_text(experiment) + gradient_text(config, experiment) +
         estimator_text(config, experiment) + files_text(config, experiment);
}

}  // namespace mdp::cli::study
