// equivalence/row_projection.hpp — the distribution nearest a reference row that meets one moment equation (T6).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "equivalence/chi_squared.hpp"
#include "equivalence/empirical_likelihood.hpp"
#include "equivalence/euclidean_projection.hpp"
#include "equivalence/ground_distance.hpp"
#include "equivalence/information_projection.hpp"
#include "equivalence/mass_transport.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

/// What is smallest among the rows p that meet E_p[V*] = tau; r is the reference row.
enum class Divergence : std::uint8_t {
  kl,           ///< KL(p || r), nats; support in supp r (Csiszar, 1975)
  reverse_kl,   ///< KL(r || p), nats; needs D to contain supp r (empirical likelihood: Owen, 2001)
  likelihood,   ///< n KL(r || p), n = counts of the row: the loss of log-likelihood of the data behind r
  chi2,         ///< sum (p - r)^2 / r; support in supp r
  l2,           ///< sqrt(sum (p - r)^2)
  l1,           ///< sum |p - r|, twice the total variation
  wasserstein,  ///< Wasserstein-1 for a ground metric
  sparsest,     ///< the number of successors, 1 or 2; of two: those whose V* are nearest tau on either side
  deterministic,  ///< |V*(s') - tau|, in units of cost, for the one successor nearest tau; the equation holds where it is 0
  linear,         ///< E_p[g] for given g per state: an extreme row of the polytope, of one or two successors
  uniform         ///< nothing: a row drawn uniformly from the polytope (RowPolytope); its divergence is 0
};

[[nodiscard]] std::string_view to_string(Divergence divergence) noexcept;

/// Whether the nearest row never leaves the support of the reference.
[[nodiscard]] constexpr bool stays_in_reference(Divergence divergence) noexcept {
  return divergence == Divergence::kl || divergence == Divergence::chi2;
}
/// Whether the least divergence is a convex function of tau.
[[nodiscard]] constexpr bool is_convex(Divergence divergence) noexcept {
  return divergence != Divergence::sparsest && divergence != Divergence::deterministic &&
         divergence != Divergence::uniform;
}
/// Whether the divergence is one from the reference row, 0 at the reference itself.
[[nodiscard]] constexpr bool measures_from_reference(Divergence divergence) noexcept {
  return is_convex(divergence) && divergence != Divergence::linear;
}

/// How a row was settled.
enum class RowOutcome : std::uint8_t {
  kept,         ///< the reference row meets the moment equation as it is (also: V* constant on D, gamma^ = 0)
  projected,    ///< the nearest row, tau inside (min_D V*, max_D V*)
  boundary,     ///< tau at an end of [min_D V*, max_D V*]: the nearest row on the extreme states
  infeasible,   ///< tau outside: the same on the nearest extreme states (no D, or Q* = inf > Q^*: the reference row)
  unbounded,    ///< Q* = inf at this pair, in the model too: no equation; the reference row
  unsupported,  ///< the reference puts mass outside D, and the divergence is infinite for every row on D
};

[[nodiscard]] std::string_view to_string(RowOutcome outcome) noexcept;

struct Projection {
  RowOutcome outcome = RowOutcome::kept;
  double multiplier =
      0.0;  ///< d divergence / d tau; +-inf at the boundary, not_computed if infeasible or if there is none
  double divergence =
      0.0;  ///< of p from r; +inf if infeasible (deterministic: the distance of V* from tau all the same)
  double duality_gap = 0.0;  ///< divergence - lower bound on the least one by weak duality; 0 where nothing is solved
};

/// One row. Positions are those of D and supp r together, states ascending.
struct RowProblem {
  std::span<const State> states;      ///< [n]
  std::span<const double> reference;  ///< [n] r >= 0, sums to 1 but for rounding
  std::span<const double> x;          ///< [n] V* - tau; +inf outside D
  double tie = 0.0;                   ///< x that differ by no more count as equal
  double slack = 0.0;                 ///< >= 0: an equation missed by no more counts as met at an end of the interval
  Offset row = 0;                     ///< names the random numbers of `uniform`
};

/// minimise d(p, r) subject to sum p = 1, sum p x = 0, p >= 0, p = 0 where x = +inf.
///
/// Every divergence is one dual problem in the multiplier of the moment equation, solved in its own file; feasibility,
/// the ends of the interval, ties and scaling (x by a power of two into [-1, 1]) are common to all and stand here. At an
/// end of the interval, and outside it, the problem is that of the extreme states without the equation.
///
/// Scratch memory is kept from call to call; one object per thread.
class RowProjection {
 public:
  /// \param ground     the metric of Divergence::wasserstein; not read by the others
  /// \param direction  [n_states] g of Divergence::linear, finite; must outlive this object
  /// \param seed       of Divergence::uniform
  explicit RowProjection(Divergence divergence, const GroundDistance* ground = nullptr,
                         std::span<const double> direction = {}, std::uint64_t seed = 0);

  /// \param p  [n] written; sums to 1 but for rounding
  /// Cost: kl, reverse_kl, likelihood some ten passes over the row with an exponential or a quotient per entry, l2 without;
  /// chi2 and l1 O(n log n); wasserstein O(|supp r| |D| log) and its distances; sparsest and
  /// deterministic one pass; linear O(n log n); uniform that of RowPolytope::sample().
  Projection operator()(const RowProblem& row, std::span<double> p);

 private:
  struct Range;
  [[nodiscard]] Range range_of(const RowProblem& row) const;
  /// The problem on D, or without the moment equation on the states where |x - end| <= tie.
  void solve(const RowProblem& row, const Range& range, std::span<double> p, Projection& result);
  void solve_without_moment(const RowProblem& row, double end, double tie, std::span<double> p, Projection& result);
  RowSolution solve_scaled(const RowProblem& row, bool has_moment, std::span<double> p);
  [[nodiscard]] Projection few_points(const RowProblem& row, std::span<double> p) const;
  [[nodiscard]] Projection extreme(const RowProblem& row, std::span<double> p);
  [[nodiscard]] Projection drawn(const RowProblem& row, std::span<double> p) const;
  [[nodiscard]] bool allows(const RowProblem& row, std::size_t i) const {
    return row.x[i] < infinity && (row.reference[i] > 0.0 || !stays_in_reference(divergence_));
  }

  Divergence divergence_;
  std::span<const double> direction_;
  std::uint64_t seed_;
  std::vector<double> x_;  // scaled, +inf outside D
  InformationProjection information_;
  EmpiricalLikelihood likelihood_;
  ChiSquaredProjection chi_squared_;
  EuclideanProjection euclidean_;
  MassTransport transport_;
  std::vector<double> direction_here_;
  std::vector<std::size_t> order_, hull_;
};

}  // namespace mdp::equivalence
