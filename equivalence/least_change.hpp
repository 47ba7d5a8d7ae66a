// equivalence/least_change.hpp — the least change of a cost that makes the world's optimal actions optimal in the model (T5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// How the change of the cost is measured, over all pairs.
enum class ChangeNorm { l1, l2, linf };

/// "l1", "l2", "linf".
[[nodiscard]] std::string_view to_string(ChangeNorm norm) noexcept;
/// The inverse. \throws InvalidOption listing the words.
[[nodiscard]] ChangeNorm change_norm_from_string(std::string_view word);

struct LeastChangeOptions {
  ChangeNorm norm = ChangeNorm::l2;
  /// delta >= 0: by how much the other actions must be worse in the model. 0 is the closure: they may tie.
  double margin = 0.0;
  /// Converged means: size - size_lower <= tolerance * size, or both below tolerance times the largest cost. > 0.
  double tolerance = 1e-6;
  int max_iterations = 500;          ///< of the method for l2; >= 1
  solvers::SolveOptions solve = {};  ///< for the model that certifies the result; level certified

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense.
struct LeastChange {
  /// converged: within the tolerance of the least; precision_limit: feasible, but not shown to be so near; refused: see message.
  Status status = Status::not_run;
  std::string message;
  std::vector<double> cost;       ///< [n_rows] L + Delta L
  std::vector<double> change;     ///< [n_rows] Delta L; 0 where L = inf and where V* = inf
  std::vector<double> potential;  ///< [n_states] Phi = V^* of the changed model; +inf where V* is
  double size = not_computed;     ///< ||Delta L||
  double size_lower = 0.0;        ///< proved: no change is smaller, rounding included
  /// max |gamma^ P^ Phi| / max |L + Delta L| over the pairs that take part: the digits that the difference loses.
  double condition_number = infinity;
  Offset n_optimal = 0;  ///< pairs made optimal: those that the enclosure of V* cannot tell from optimal ones
  int iterations = 0;
  /// By solving the changed model: largest Q^* - V^* of a pair made optimal, and least of the other pairs; certified.
  bounds::Interval optimal_gap, other_gap;
  std::optional<Mdp> model;
};

/// T5: min ||Delta L|| over (Phi, Delta L) with  L + Delta L = Phi - gamma^ P^ Phi  on the world's optimal pairs and
/// >= Phi - gamma^ P^ Phi + margin  on the others; L is the model's cost. By T4 these are the costs that keep the world's optimal actions.
///
/// l1 and linf: a linear program (CLP, optional component). l2: Newton's method on the convex piecewise quadratic function of Phi that is
/// left when Delta L is put in, by sparse Cholesky. Whatever the method, the answer is judged by duality: with rows M = e_s - gamma^ P^
/// and b = margin (others) - L, any y with M^T y = 0 and y >= 0 on the others proves  ||Delta L|| >= b.y / ||y||_dual, since
/// y.Delta L >= y.(M Phi + b) = b.y. The y at hand is made to fit M^T y = 0 by one transposed solve with the chain of optimal pairs; what
/// rounding leaves of it, times the largest |Phi| that a solution can have, is subtracted.
///
/// Pairs that can go where the model's V^* is infinite whatever the finite costs are take no part: Q^* = inf. Refused: a pair
/// that must be optimal is such a one or inadmissible in the model, or a pair can go where V* is infinite and V^* is not.
/// \throws InvalidArgument as equivalent_cost(), values not certified, or discount 1; InvalidOption, also for l1 and linf without CLP.
[[nodiscard]] LeastChange least_change(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                       const LeastChangeOptions& options = {});

}  // namespace mdp::equivalence
