// equivalence/candidate.hpp — how wrong is a candidate model, and what does it cost in the world? (T9, C3)
#pragma once

#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/solve.hpp"

namespace mdp::equivalence {

/// Delta of T9 over pairs with finite Q*:  Delta = L^ + gamma^ P^ V* - Q*.
struct ModelDefect {
  std::vector<double> delta;      ///< [n_rows] at the given values; 0 where Q* = inf
  bounds::Interval range;         ///< [min Delta, max Delta] for the true V*; infinite if approximate
  double epsilon = not_computed;  ///< max |Delta| for the true V*; not_computed if approximate
  Offset row = -1;                ///< the pair of largest |delta|
  /// T9:  q_difference.lower <= Q^* - Q* <= q_difference.upper at every pair, = range / (1 - gamma^);
  /// infinite if approximate or gamma^ = 1.
  bounds::Interval q_difference;
};

/// \throws InvalidArgument if the shapes differ or values do not fit. Cost: one pass over the transitions of each.
[[nodiscard]] ModelDefect model_defect(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                       int threads = 0);

/// Enclosure of Q^* - Q* from the enclosures of both value functions, by interval arithmetic.
struct QDistance {
  bounds::Interval norm;             ///< of ||Q^* - Q*||, pairs with both infinite apart
  bounds::Interval difference;       ///< smallest and largest Q^* - Q*: range enclosed
  double span_bound = not_computed;  ///< >= max_s sp_a (Q^* - Q*)(s, .), pairs with both infinite apart
  double greedy_slack_bound =
      not_computed;  ///< >= max_s Q^*(s, pi(s)) - V^*(s) for the policy that was given; 0 without
  Offset row = -1;   ///< the pair with the largest upper end of |Q^* - Q*|
};

/// \param policy  [n_states] or empty: whose greediness for Q^* is bounded
/// \throws InvalidArgument unless both are certified and of the same shape. One pass over the transitions of each.
[[nodiscard]] QDistance q_distance(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                   const KnownValues& model_values, std::span<const Action> policy = {},
                                   int threads = 0);

struct CandidateOptions {
  solvers::SolveOptions solve;  ///< for the model and for the evaluation of its policy; level certified
};

/// Numbers in cost sense.
struct CandidateResult {
  Status status = Status::not_run;  ///< of the model's solve, then of the evaluation; bounds hold whatever it is
  std::string message;
  solvers::SolveResult model;  ///< Q^* side: the candidate solved
  ModelDefect defect;          ///< T9
  QDistance distance;          ///< certified Q^* - Q*

  std::vector<double> policy_value;      ///< [n_states] V^pi in the world of the model's policy
  std::vector<double> regret;            ///< [n_states] V^pi - V*
  std::vector<double> regret_lower;      ///< [n_states] certified, >= 0
  std::vector<double> regret_upper;      ///< [n_states] certified
  bounds::Interval max_regret;           ///< max_s (V^pi - V*)(s)
  double initial_regret = not_computed;  ///< rho0 (V^pi - V*), rho0 the world's
  bounds::Interval initial_regret_bounds;

  /// C3: max_s sp_a(Q^* - Q*) / (1 - gamma) >= regret, with the slack of a policy that is greedy to rounding only.
  double regret_bound_c3 = not_computed;
  /// T9 and C3: sp(Delta) / ((1 - gamma^)(1 - gamma)) >= regret, with the same slack. Needs no solve of the model.
  double regret_bound_t9 = not_computed;
  double seconds = 0.0;
};

/// Solves the candidate, compares Q^* with Q* and evaluates the candidate's optimal policy in the world.
/// \param world_values  certified
/// \throws InvalidArgument if the shapes differ, values do not fit or are not certified.
[[nodiscard]] CandidateResult assess_candidate(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                               const CandidateOptions& options = {});

/// What solving the model of equivalent_cost() or equivalent_model() says.
struct Verification {
  Status status = Status::not_run;  ///< of the model's solve; refused if gamma^ = 1
  std::string message;
  solvers::SolveResult model;
  QDistance distance;  ///< distance.norm.upper is the certified bound on ||Q^* - Q*||

  /// The enclosures do not exclude Q^* = Q*.
  [[nodiscard]] bool holds() const noexcept { return status == Status::converged && distance.norm.lower <= 0.0; }
};

/// Solves the model and encloses ||Q^* - Q*||.
/// \throws InvalidArgument as assess_candidate().
[[nodiscard]] Verification verify(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                  const solvers::SolveOptions& options = {});

}  // namespace mdp::equivalence
