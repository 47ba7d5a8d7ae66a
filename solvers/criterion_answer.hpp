// solvers/criterion_answer.hpp — what the criteria share when they fill in a result (internal).
#pragma once

#include <string>

#include "solvers/collapsed.hpp"
#include "solvers/criterion.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// \throws InvalidOption.
void require_valid(const CriterionOptions& options);
/// The same, and \throws InvalidArgument if the start vector has another length.
void require_valid(const Mdp& mdp, const CriterionOptions& options);

/// Fills values (the middle; -inf or +inf where both bounds are), value_error_bound and policy_loss_bound from
/// value_lower and value_upper, and the status: converged if every half-width is allowed, else stopped_by or, if nothing
/// stopped the run, precision_limit. At level approximate the bounds are dropped afterwards.
/// Proof of the policy loss: every criterion takes value_upper >= V^policy.
void judge(CriterionResult& result, const Accuracy& accuracy, Status stopped_by, Level asked);

/// For a status of precision_limit: which state is furthest from the accuracy asked for, and what hides the rest of it; "" if all
/// are near enough.
[[nodiscard]] std::string why_too_wide(std::span<const double> lower, std::span<const double> upper,
                                       const Accuracy& accuracy);

/// Whether doubles can hold a narrower enclosure at some state where it is wider than allowed: its half-width is more than
/// so many of the value's units in the last place.
[[nodiscard]] bool may_narrow(std::span<const double> lower, std::span<const double> upper, const Accuracy& accuracy,
                              double units = 4.0);

/// The values that a run ended with, shifted by a potential, in result.iterate.
void keep_iterate(CriterionResult& result, const CollapsedAnswer& answer, std::span<const TwoDouble> potential = {});

/// The method that ran, and why, where there was anything to solve.
void say_how(CriterionResult& result, const CollapsedAnswer& answer);

/// Counts, seconds and trace of the run.
void close(CriterionResult& result, Run& run);

/// x - error and x + error as doubles, rounded outward; -inf and +inf where x is out of their range. error >= 0.
[[nodiscard]] double outward_lower(TwoDouble x, double error);
[[nodiscard]] double outward_upper(TwoDouble x, double error);

}  // namespace mdp::solvers
