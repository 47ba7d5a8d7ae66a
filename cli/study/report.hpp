// cli/study/report.hpp — an experiment with candidate models as one JSON object, one Markdown page, arrays and a picture.
#pragma once

#include <string>
#include <vector>

#include "cli/result.hpp"
#include "cli/study/config.hpp"
#include "cli/study/experiment.hpp"
#include "cli/study/kind.hpp"

namespace mdp::cli::study {

/// The study of candidate models, from its file to its report.
[[nodiscard]] Report run_candidates(StudyFile& file, const StudyContext& context);

/// The three most telling lines.
[[nodiscard]] std::vector<std::string> highlights(const Experiment& experiment);

/// Every number; values in the world's sense, losses and regrets non-negative.
[[nodiscard]] Result report_json(const StudyConfig& config, const Experiment& experiment);

/// The page that people read. Without timings: the same text from every run.
[[nodiscard]] std::string report_markdown(const StudyConfig& config, const Experiment& experiment);

[[nodiscard]] std::vector<ArrayFile> report_arrays(const Experiment& experiment);

/// Model files that are written beside those, with a line each for the page.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> model_files(const Experiment& experiment);

/// Whether the world can be drawn.
[[nodiscard]] bool has_picture(const StudyConfig& config);
/// Values as a heat map with the arrows of two policies: the world's, and that of its first model. SVG.
[[nodiscard]] std::string policy_picture(const StudyConfig& config, const Experiment& experiment);

/// "0.25 ± 1e-12", or "at most 1e-12" where the interval touches 0.
[[nodiscard]] std::string loss_text(const bounds::Interval& interval);

}  // namespace mdp::cli::study
