// solvers/enclosure.hpp — what any V proves about V*.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::solvers {

/// What is not known of the MDP meant beyond Mdp::entry_error() and the tails: of every entry
/// |meant p - (p + tail)| <= probability p and |meant cost - (cost + tail)| <= cost. 0 for an MDP as read or built.
struct EntryUncertainty {
  double probability = 0.0;
  double cost = 0.0;

  /// Bound on the difference that it makes to a q, for |V| <= values_max_abs.
  [[nodiscard]] double of_q(double values_max_abs) const noexcept;
};

/// Proved bounds on V*, from one evaluation of the residual TV - V.
struct Enclosure {
  std::vector<double> lower;         ///< [n_states] lower <= V*; +inf where the graph says so
  std::vector<double> upper;         ///< [n_states] V* <= upper
  std::vector<double> values;        ///< [n_states] the middle, lower <= values <= upper
  Policy policy;                     ///< [n_states] greedy for V, lowest position among what rounding cannot tell apart
  double half_width = not_computed;  ///< largest distance of `values` to a bound, states of finite value, rounded up
  double policy_loss_bound = not_computed;  ///< proved: max (V^policy - V*)
  double residual_min = not_computed;       ///< proved: residual_min <= TV - V <= residual_max
  double residual_max = not_computed;
};

/// C1 around any V, in doubles (for V^policy: enclose(induced_chain(mdp, policy), v), see evaluation.hpp): rounding, row sums and entry errors are in the bounds. V is used up to a constant
/// (meant rows sum to 1), so that rounding grows with the spread of V and not with its size.
/// \param v  [n_states]; what it says at states of infinite value is not read; finite elsewhere, else the
///           bounds are -inf and +inf
/// \throws InvalidArgument  wrong length; discount 1
/// Cost: one sweep.
[[nodiscard]] Enclosure enclose(const Mdp& mdp, std::span<const double> v, int threads = 0,
                                const EntryUncertainty& uncertainty = {});

/// What a sweep of V found (bellman_sweep()).
struct Swept {
  std::vector<double> tv;
  Policy policy;                    ///< greedy
  kernels::ResidualRange residual;  ///< of tv - v
  double size;                      ///< at least max |v|
};

/// What enclose(mdp, v) says, from a sweep of v that was done already; nothing where rounding cannot tell the greedy actions
/// from others (ResidualRange::lead), so that the policy has to be looked for.
/// \param finite  [n_states] 1 = V* is finite; v and tv are +inf at the others
/// Cost: O(n_states).
[[nodiscard]] std::optional<Enclosure> enclose_swept(const Mdp& mdp, std::span<const char> finite, Swept swept,
                                                     int threads, const EntryUncertainty& uncertainty);

/// The same with V and the residual in twice the precision (C2): as sharp as V, down to about
/// 1e-30 (max|cost| + spread V)/(1 - gamma) and the rounding of the bounds to double.
[[nodiscard]] Enclosure enclose(const Mdp& mdp, std::span<const TwoDouble> v, int threads = 0,
                                const EntryUncertainty& uncertainty = {});

}  // namespace mdp::solvers
