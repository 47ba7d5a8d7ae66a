#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/study/equivalence_study.hpp"
#include "cli/study/report.hpp"
#include "cli/table.hpp"

namespace mdp::cli::study {
namespace {

std::string price_text(double price) {
  if (price == infinity) return "∞";
  return fmt::format("{:.5f}", std::abs(price) < 5e-6 ? 0.0 : price);
}

std::string world_table(const EquivalenceStudy& study, const std::string& world) {
  Table table({{"samples per pair"},
               {"fit", Align::left},
               {"log-likelihood per sample"},
               {"price of the fit, nats per sample"},
               {"ε (T9)"},
               {"level", Align::left},
               {"regret, worst state"}});
  for (const FitRow& row : study.fits) {
    if (row.world != world) continue;
    table.add({count_text(row.samples_per_row), row.fit, fmt::format("{:.5f}", row.log_likelihood),
               price_text(row.likelihood_price), bound_text(row.epsilon), row.level, loss_text(row.regret)});
  }
  return fmt::format("## The world '{}'\n\n", world) + table.markdown() + "\n";
}

std::string quadratic_table(const EquivalenceStudy& study) {
  if (study.quadratic.empty()) return {};
  Table table({{"steps per unit"},
               {"states"},
               {"shift c"},
               {"c of the theory"},
               {"span of Δ/(1−γ)"},
               {"order"},
               {"regret of the mean model"}});
  for (std::size_t i = 0; i < study.quadratic.size(); ++i) {
    const QuadraticRow& row = study.quadratic[i];
    std::string order = "-";
    if (i > 0 && row.span > 0.0) {
      const QuadraticRow& before = study.quadratic[i - 1];
      order = fmt::format("{:.2f}", std::log(before.span / row.span) /
                                        std::log(static_cast<double>(row.steps) / static_cast<double>(before.steps)));
    }
    table.add({count_text(row.steps), count_text(row.n_states), fmt::format("{:.6f}", row.shift),
               fmt::format("{:.6f}", row.shift_theory), fmt::format("{:.3e}", row.span), order,
               bound_text(row.regret)});
  }
  return "## Where the mean model is nearly right: linear dynamics, quadratic cost (T11, T7)\n\n"
         "Noise that is the same everywhere shifts Q\\* by a constant and changes no decision, but for the grid: "
         "controls are "
         "grid points and states are clipped at the ends. Numbers of the rows that stay in the inner half of the "
         "states. *order* is that of "
         "the span, from one refinement to the next.\n\n" +
         table.markdown() + "\n";
}

std::vector<std::string> highlights_of(const EquivalenceConfig& config, const EquivalenceStudy& study) {
  std::vector<std::string> lines;
  for (const NamedWorld& world : config.worlds) {
    // Of the most data: the fit with the highest likelihood, and the cheapest of those that decide right.
    const FitRow* likely = nullptr;
    const FitRow* right = nullptr;
    for (const FitRow& row : study.fits) {
      if (row.world != world.name || row.samples_per_row != config.samples_per_row.back()) continue;
      if (likely == nullptr || row.log_likelihood > likely->log_likelihood) likely = &row;
      if (row.level.starts_with("E3") && (right == nullptr || row.likelihood_price < right->likelihood_price)) {
        right = &row;
      }
    }
    std::string line = fmt::format("'{}', {} samples a pair: the most likely model ('{}') has regret {}", world.name,
                                   likely->samples_per_row, likely->fit, loss_text(likely->regret));
    if (right != nullptr) {
      line += fmt::format("; '{}' has {} for {} nats per sample", right->fit, loss_text(right->regret),
                          price_text(right->likelihood_price));
    }
    lines.push_back(line + ".");
  }
  return lines;
}

std::string markdown(const StudyFile& file, const EquivalenceConfig& config, const EquivalenceStudy& study,
                     const std::vector<std::string>& highlights) {
  std::string text = "# " + file.title + "\n\n";
  for (const std::string& line : highlights) text += "- " + line + "\n";
  text +=
      "\nFrom every state-action pair of a world successors are sampled; each model is fitted to them. *price*: how "
      "much "
      "less likely the data are under this model than under the most likely one. *ε* bounds the defect of the moment "
      "equation (T9): ‖Q̂\\* − Q\\*‖ ≤ ε/(1−γ). *level*: the first of E0, E2, E3, E4, E5, E6 that holds (T4′); with a "
      "question mark it is not refuted at this precision, with a tilde it holds up to ten times the study's tolerance. "
      "*regret*: what the model's optimal policy loses in the "
      "world, "
      "proved.\n\n";
  for (const NamedWorld& world : config.worlds) text += world_table(study, world.name);
  return text + quadratic_table(study);
}

std::string csv(const EquivalenceStudy& study) {
  std::string text =
      "world,samples_per_row,fit,log_likelihood,likelihood_price,epsilon,level,regret_lower,regret_upper,initial_"
      "regret,"
      "status\n";
  for (const FitRow& row : study.fits) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", row.world, row.samples_per_row, row.fit,
                        row.log_likelihood, row.likelihood_price, row.epsilon, row.level, row.regret.lower,
                        row.regret.upper, row.initial_regret, to_string(row.status));
  }
  return text;
}

Result json(const StudyFile& file, const EquivalenceConfig& config, const EquivalenceStudy& study,
            const std::vector<std::string>& highlights) {
  Result result, config_result;
  config_result.set("title", file.title);
  config_result.set("seed", static_cast<std::int64_t>(file.seed));
  config_result.set("tolerance", config.tolerance);
  config_result.set("samples_per_row", config.samples_per_row);
  std::vector<Result> worlds, fits, quadratic;
  for (const NamedWorld& world : config.worlds) {
    Result one = to_result(world.config);
    one.set("name", world.name);
    worlds.push_back(std::move(one));
  }
  config_result.set("world", std::move(worlds));
  for (const FitRow& row : study.fits) {
    Result one;
    one.set("world", row.world);
    one.set("fit", row.fit);
    one.set("samples_per_row", row.samples_per_row);
    one.set("status", to_string(row.status));
    one.set("log_likelihood", row.log_likelihood);
    one.set("likelihood_price", row.likelihood_price);
    one.set("epsilon", row.epsilon);
    one.set("level", row.level);
    one.set("regret_lower", row.regret.lower);
    one.set("regret_upper", row.regret.upper);
    one.set("initial_regret", row.initial_regret);
    fits.push_back(std::move(one));
  }
  for (const QuadraticRow& row : study.quadratic) {
    Result one;
    one.set("steps", row.steps);
    one.set("n_states", std::int64_t{row.n_states});
    one.set("shift", row.shift);
    one.set("shift_theory", row.shift_theory);
    one.set("span", row.span);
    one.set("regret", row.regret);
    quadratic.push_back(std::move(one));
  }
  result.set("highlights", highlights);
  result.set("config", std::move(config_result));
  result.set("fits", std::move(fits));
  result.set("linear_quadratic", std::move(quadratic));
  return result;
}

}  // namespace

Report run_equivalence(StudyFile& file, const StudyContext& context) {
  const EquivalenceConfig config = read_equivalence_config(file);
  const EquivalenceStudy study = run_equivalence_study(config, file.seed, context);
  Report report;
  report.highlights = highlights_of(config, study);
  report.json = json(file, config, study, report.highlights);
  report.markdown = markdown(file, config, study, report.highlights);
  report.texts.emplace_back("fits.csv", csv(study));
  // A fit may be refused (rows that cannot be equivalent on their support): that is a finding. A solve may not.
  report.holds = std::ranges::all_of(study.fits, [](const FitRow& row) {
    return row.status == Status::converged || row.status == Status::refused || row.status == Status::sweep_limit;
  });
  return report;
}

}  // namespace mdp::cli::study
