// equivalence/boundary_term.hpp — does the boundary term of an undiscounted model vanish? Condition M(c) of T3, T2'.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "equivalence/levels.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// A maximal end component of the model restricted to pairs of zero advantage.
struct ZeroAdvantageComponent {
  State first = 0;  ///< its lowest state
  State n_states = 0;
  bounds::Interval mean;  ///< m(C): the largest long-run average of V* that a policy staying in it can have
};

/// What an undiscounted model makes of  L^ = A + V - P^ V  (T3).
struct BoundaryTerm {
  /// M(c) for c = constant: yes, no, or undecided, where two components have means that the bounds cannot tell apart.
  Verdict holds = Verdict::undecided;
  bounds::Interval constant;  ///< c = max over the components of m(C)
  /// Proved: the Cesaro total cost (optimal bias) V^ of the model satisfies  V - c <= V^ <= V - c + spread.
  /// 0 if M(c) holds; infinity if it fails.
  double spread = infinity;

  std::vector<State> component_of;  ///< [n_states] -1 = in none
  std::vector<ZeroAdvantageComponent> components;

  /// If M(c) fails: y = V^ - (V - c) >= 0, [n_states], inf where V is.
  std::vector<double> rise;
  /// [n_states] attains V^: zero-advantage actions that lead to the largest mean and attain it there; if M(c) fails, what attains `rise`.
  std::vector<Action> policy;
  State state = -1;  ///< a state from which zero-advantage actions do not lead to the largest mean; -1: none
  Action action =
      -1;  ///< there, or further on in `breaking_state`, the action of positive advantage that pays; -1: none does
  State breaking_state = -1;
  std::string reason;  ///< one sentence

  /// M(0): then Q^* = Q* without a shift.
  [[nodiscard]] Verdict holds_at_zero() const noexcept;
};

/// Decides M(c) for every V* within `radius` of V: means are known that well only, and undecided is the answer where two of them may or
/// may not be equal. The zero-advantage pairs are taken as they are.
///
/// Every m(C) is a small average-reward problem; that zero-advantage actions lead to the largest of them with probability 1 is a question
/// of the graph. Proof of the reading of `rise`: along a policy the Cesaro sum of L^ is V(s) + E sum A - lim E V(s_k), A >= 0; the
/// sum is finite only if the policy ends up in the components, where the limit is at most m(C) and attains it. So
/// V^ - V = min over policies of  E[sum A - m(C at the end)],  a stopping problem with costs A and c - m(C), both >= 0.
///
/// \param values     [n_states] V; +inf where no policy of the world is finite (such states and pairs are left out)
/// \param advantage  [n_rows] A >= 0; exactly 0 at the zero-advantage pairs, at least one in each state of finite value;
///                   +inf where the pair is inadmissible. The model's costs and discount are not read.
/// \throws InvalidArgument if lengths do not fit, a number is NaN or negative, a state of finite value has no zero-advantage pair,
///         or a pair of finite advantage leads to V = inf.
/// Cost: one average-cost solve; if M(c) fails, one goal solve of n_states + 1 states more.
[[nodiscard]] BoundaryTerm boundary_term(const Mdp& model, std::span<const double> values,
                                         std::span<const double> advantage, const solvers::SolveOptions& options = {},
                                         double radius = 0.0);

}  // namespace mdp::equivalence
