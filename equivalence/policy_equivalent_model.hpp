// equivalence/policy_equivalent_model.hpp — the model nearest a reference that keeps the optimal actions (T8).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/levels.hpp"
#include "equivalence/row_projection.hpp"
#include "equivalence/support.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

struct PolicyEquivalentOptions {
  std::optional<Discount> discount = {};   ///< gamma^ in (0, 1); the reference's if absent
  Divergence divergence = Divergence::kl;  ///< kl or l2 (whose square is summed)
  Support support = {};
  /// Every action that is not optimal keeps at least this part of its advantage: B >= fraction A*. In (0, 1].
  double advantage_fraction = 0.01;
  int max_iterations = 200;          ///< of the descent; >= 0
  double tolerance = 1e-8;           ///< stop when max |gradient| <= tolerance times its first value; in (0, 1)
  solvers::SolveOptions solve = {};  ///< for the certificate; level certified

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense.
struct PolicyEquivalentResult {
  /// converged: the certificate confirms the model; precision_limit: it is undecided (ties); refused: it refutes the model, or
  /// there is no feasible start.
  Status status = Status::not_run;
  std::string message;
  /// The certificate: level E5 of T4' of the model, solved; undecided where the world's optimal actions tie.
  LevelVerdict certificate;
  State n_tied_states = 0;  ///< with more than one action that may be optimal in the world

  std::vector<double> potential;   ///< [n_states] Phi = V^*; inf where V* is
  std::vector<double> divergence;  ///< [n_rows] of rho^ from r
  double sum_divergence = 0.0;     ///< the sum that is minimised (l2: of squares)
  double start_divergence = 0.0;   ///< the same at the start; 0 if the reference is the answer
  double gradient = not_computed;  ///< max |d sum / d Phi| at the end: 0 at a stationary point
  int iterations = 0;
  std::optional<Mdp> model;  ///< the world's shape, cost and names, and gamma^; none without a feasible start
};

/// T8: rho^ keeps the optimal action sets with L^ = L iff some Phi satisfies T4,
///     Phi(s) + B(s,a) = L(s,a) + gamma^ E_rho^[Phi],  B = 0 at the optimal pairs, > 0 elsewhere;  Phi = V^*.
/// For a fixed Phi the rows are independent: E_p[Phi] = (Phi(s) - L)/gamma^ at optimal pairs, E_p[Phi] >= (Phi(s) + delta - L)/gamma^,
/// delta = fraction A*, elsewhere, and the nearest one is that of RowProjection (or r itself where it meets the inequality). What is
/// left is F(Phi), the sum of the least divergences; by the envelope theorem dF/dPhi = sum of -lambda (rho^ - e_s/gamma^), lambda the
/// multipliers. A reference that keeps the sets is the answer. Else F falls along a quasi-Newton direction (L-BFGS: Nocedal, 1980) with Armijo's rule from Phi = V*, where T6 is
/// feasible, V* + c of T7 or the V^* of the reference, whichever is nearest. The problem is not convex in (Phi, rho^) together: the result is a stationary point, at least as near as the start, and not
/// proved to be the nearest of all. That it keeps the optimal actions is checked by solving it.
///
/// \param world_values  certified
/// \throws InvalidArgument, InvalidOption. Cost: some twenty to two hundred times a projection of all rows; memory O(n_rows) and the model.
[[nodiscard]] PolicyEquivalentResult policy_equivalent_model(const Mdp& world, const KnownValues& world_values,
                                                             const Mdp& reference,
                                                             const PolicyEquivalentOptions& options = {});

}  // namespace mdp::equivalence
