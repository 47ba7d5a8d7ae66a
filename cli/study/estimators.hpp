// cli/study/estimators.hpp — the study of sample-based estimators: the whole table on several problems.
#pragma once

#include "cli/study/kind.hpp"

namespace mdp::cli::study {

/// Every estimator of the quantities asked for, on every [[problem]]: truth, exact moments, samples on a grid, verdicts.
[[nodiscard]] Report run_estimators(StudyFile& file, const StudyContext& context);

}  // namespace mdp::cli::study
