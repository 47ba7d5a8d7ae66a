// solvers/exact/exact_answer.hpp — every criterion in rationals (internal; needs GMP, is not installed).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/extended.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/exact.hpp"
#include "solvers/exact/rational_chain.hpp"

namespace mdp::solvers {

using io::Extended;

/// What solve_exact() is asked beyond the model and the criterion.
struct ExactOptions {
  /// Limits and observer of `criterion.solve`, `improper` and `horizon` are read. The observer is also called while a system is
  /// solved, with the number of sweeps so far.
  CriterionOptions criterion = {};
  /// [n_states] terminal cost of `finite`, minimised sense; empty = CriterionOptions::terminal, as dyadic numbers.
  std::vector<Extended> terminal = {};
  /// A policy to start from, [n_states] or empty = that of the certified solver.
  Policy start = {};
  /// A linear system predicted to need more is refused; 0 = no limit. `criterion.solve.memory_limit` counts too.
  double max_bytes = 8e9;
  double max_operations = 1e13;  ///< the same for the multiplications of one system
  /// > 0: a least cost until exit whose system is refused is refined to so many digits (ExactAnswer::error).
  int digits = 0;
};

/// The answer in rationals. Costs are minimised; `reach` is negative where the file maximises, as in CriterionResult.
struct ExactAnswer {
  Criterion criterion = Criterion::discounted;
  /// converged: all members below are exact. Else why not (a limit, refused by size); undefined: as in CriterionResult.
  Status status = Status::not_run;
  std::string message;

  std::vector<Extended> value;  ///< [n_states] V*; the gain g* for `average`; meaningless where `undefined_states`
  std::vector<char> undefined_states;  ///< [n_states] or empty: 1 = infinity minus infinity
  /// > 0: the finite values are V* within this, and q, `optimal` and `policy` are not set.
  mpq_class error;
  Policy policy;              ///< [n_states] optimal; ties to the lowest position that keeps it so
  std::vector<Extended> q;    ///< [n_rows] L + gamma P V*, by criterion as in theory.md, section 0
  std::vector<char> optimal;  ///< [n_rows] 1 = q is V* of the state

  /// average: [n_states] h of the optimality equations, see exact_gain.hpp. goal: on the states of value -inf where `policy`
  /// goes round at a gain below 0, c + P h < h on its rows.
  std::vector<mpq_class> potential;
  std::vector<mpq_class> bias;  ///< average: [n_states] bias of `policy`, P* h = 0; 0 where the gain is infinite

  /// goal, total: [n_states] 1 = `policy` stays in such states for ever, which makes their value -inf; or empty
  std::vector<char> in_loop;
  /// goal, among proper policies: [n_states] one that reaches the goal from wherever that is possible; where the value is -inf,
  /// `policy` itself goes round for ever.
  Policy proper_policy;

  std::vector<std::vector<Extended>> value_by_stage;  ///< finite: [horizon+1][n_states]; `value` is stage 0
  std::vector<Policy> policy_by_stage;                ///< finite: [horizon][n_states]
  std::vector<std::vector<char>> optimal_by_stage;    ///< finite: [horizon][n_rows]; `optimal` is stage 0

  /// evaluate_exact(): [n_rows] of the MDP, probabilities that sum to 1 in each state; else empty
  std::vector<mpq_class> evaluated_policy;

  std::optional<CriterionResult> certified;  ///< of the certified solver, where it ran; without an answer of its own

  std::vector<State> witness;  ///< undefined: as in CriterionResult
  std::int64_t sweeps = 0;     ///< passes over all rows, exact
  std::int64_t iterations = 0;
  double seconds = 0.0;
  std::vector<SweepRecord> trace;

  [[nodiscard]] bool converged() const noexcept { return status == Status::converged; }
};

/// Solves an exact model: policy iteration in rationals from the policy of the certified solver (discounted, total, goal, reach,
/// average), backward induction (finite). Infinite values are decided on the graph and, where end components have
/// costs of both signs, by their exact gain: no model is left undecided. Cost: one or two RationalChain systems.
/// \throws InvalidOption; InvalidArgument for a terminal cost of wrong length, or a discount of 1 in `discounted`.
[[nodiscard]] ExactAnswer solve_exact(const io::ExactModel& model, Criterion criterion,
                                      const ExactOptions& options = {});

/// [n_states] the least bias that a policy of the least gain can have, 0 where the gain is infinite; nothing where a limit or the size
/// stopped it. It is h + y, h the potential and y the least of  E[sum of A] - m(C):  A = q - h >= 0 is paid until a maximal end component C
/// of rows with A = 0 is entered for ever, m(C) is the largest long-run average of h there. Proof: along a policy of gain g* the sum of
/// L - g* telescopes to h(s) + E[sum of A] - lim E h, as in T3; a policy that pays A for ever has a larger gain.
/// \param answer  of solve_exact() for `average`, converged
[[nodiscard]] std::optional<std::vector<mpq_class>> exact_optimal_bias(const io::ExactModel& model,
                                                                       const ExactAnswer& answer,
                                                                       const ExactOptions& options);

/// A policy's chain, and the states that those of the chain stand for.
struct ExactChain {
  io::ExactModel model;
  std::vector<State> origin;  ///< [model.n_states] state of the MDP; the first are the MDP's own, in order
};

/// One row per state, its mean cost and successors; goal states kept. Weights [n_rows] are >= 0 and are divided by their sum in
/// each state. `total` is E[sum of the positive parts] - E[sum of the negative parts] (theory.md, section 0), which mean costs
/// do not tell: there a state that pays costs of both signs at random pays the mean of the positive parts, then moves to a
/// state of its own, behind all others, that pays the mean of the negative parts and moves on.
/// \throws InvalidArgument if the policy is none of this model.
[[nodiscard]] ExactChain exact_chain(const io::ExactModel& model, std::span<const mpq_class> stochastic_policy,
                                     Criterion criterion);
/// [n_rows] 1 at the rows that a policy takes, else 0. \throws InvalidArgument if it is none of this model.
[[nodiscard]] std::vector<mpq_class> exact_weights(const io::ExactModel& model, std::span<const Action> policy);

/// The value of a policy: the answer of its chain, which has one entry per state of the chain. `evaluated_policy` is set.
/// \throws as exact_chain() and solve_exact().
[[nodiscard]] ExactAnswer evaluate_exact(const io::ExactModel& model, std::span<const mpq_class> stochastic_policy,
                                         Criterion criterion, const ExactOptions& options = {});

/// What solve_exact() is asked by the options of the level, the terminal cost read. \throws InputError.
[[nodiscard]] ExactOptions exact_options(const ExactMdp& mdp, const ExactLevelOptions& options);

/// [n_rows] L + gamma P V in extended arithmetic: an inadmissible row and one that may lead to +inf are +inf, else one that may
/// lead to -inf is -inf. gamma = 0: 0 inf := 0.
[[nodiscard]] std::vector<Extended> exact_q(const io::ExactModel& model, const mpq_class& discount,
                                            std::span<const Extended> value);

}  // namespace mdp::solvers
