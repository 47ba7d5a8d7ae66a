// cli/cost_change_result.hpp — what equivalent-cost found beyond T1: another criterion, another potential, the least change.
#pragma once

#include <string>

#include "cli/result.hpp"
#include "equivalence/criterion_change.hpp"
#include "equivalence/least_change.hpp"
#include "equivalence/potential_cost.hpp"
#include "equivalence/soft_equivalence.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {
struct ExactTarget;
struct ExactCost;
}  // namespace mdp::equivalence

namespace mdp::cli {

/// confirmation {by status certified error}.
[[nodiscard]] Result confirmation_result(const equivalence::Confirmation& confirmation);
/// technical_condition {holds n_violations violations}.
[[nodiscard]] Result condition_result(const Mdp& model, const equivalence::EquivalentCostResult& found);

/// Keys in docs/program.md; the tables show the same to people.
[[nodiscard]] Result to_result(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                               const equivalence::CriterionChange& found);
[[nodiscard]] std::string tables(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                                 const equivalence::CriterionChange& found);

/// Level exact; includers of equivalence/exact_cost.hpp alone can call these.
[[nodiscard]] Result to_result(const Mdp& world, solvers::Criterion from, solvers::Criterion to,
                               const equivalence::ExactTarget& target, const equivalence::ExactCost& found);
[[nodiscard]] std::string tables(const Mdp& world, const Mdp& model, solvers::Criterion from, solvers::Criterion to,
                                 const equivalence::ExactCost& found);

[[nodiscard]] Result to_result(const Mdp& world, const Mdp& model, const equivalence::PotentialCost& found);
[[nodiscard]] std::string tables(const Mdp& world, const Mdp& model, const equivalence::PotentialCost& found);

[[nodiscard]] Result to_result(const Mdp& world, const Mdp& model, double temperature,
                               const equivalence::SoftEquivalence& found);
[[nodiscard]] std::string tables(const Mdp& world, const Mdp& model, const equivalence::SoftEquivalence& found);

[[nodiscard]] Result to_result(const Mdp& world, const Mdp& model, const equivalence::LeastChangeOptions& options,
                               const equivalence::LeastChange& found);
[[nodiscard]] std::string tables(const Mdp& world, const Mdp& model, const equivalence::LeastChangeOptions& options,
                                 const equivalence::LeastChange& found);

}  // namespace mdp::cli
