// What a contract test asks of a model, the answer in rationals, and whether what a solver claims agrees with it.
#pragma once

#include "solvers/exact/exact_answer.hpp"

namespace mdp::tests {

struct Question {
  solvers::Criterion criterion;
  solvers::CriterionOptions options;
};
/// `finite` with a horizon of six stages.
[[nodiscard]] Question question_of(solvers::Criterion criterion,
                                   solvers::Improper improper = solvers::Improper::infinite);

/// The answer in rationals, accepted by the independent checker.
[[nodiscard]] solvers::ExactAnswer proved_answer(const Mdp& mdp, const Question& question);

/// What is claimed holds: the truth in the interval, which is narrow where the status is converged.
void check_bounds(const solvers::ExactAnswer& truth, const solvers::CriterionResult& r,
                  const solvers::Accuracy& accuracy);

}  // namespace mdp::tests
