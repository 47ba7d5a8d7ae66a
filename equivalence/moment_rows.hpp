// equivalence/moment_rows.hpp — the moment equations of T6 and T7 as row problems (internal to the room).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "equivalence/row_polytope.hpp"
#include "equivalence/row_projection.hpp"
#include "equivalence/support.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// Everything that the rows have in common. `values` are V* with those of the goals put in, `radius` bounds their error.
struct MomentEquations {
  const Mdp& world;
  std::span<const double> values;
  double radius;
  const Mdp& reference;
  Discount discount;  ///< gamma^
  const Support& support;
  const graph::NeighbourGraph* graph;
  Divergence divergence;
  const Metric* metric;  ///< nullptr: the graph's
  std::span<const double> counts;
  std::span<const double> direction;  ///< [n_states] of Divergence::linear
  std::uint64_t seed;                 ///< of Divergence::uniform
};

/// One equation  E_p[V*] = tau = (gamma E_rho[V*] + c (1 - gamma^)) / gamma^  after the other, and its nearest row.
/// One object per thread.
class MomentRows {
 public:
  explicit MomentRows(const MomentEquations& equations, double shift = 0.0);

  /// Sets up the equation of a row of state s.
  void set(State s, Offset row);

  /// gamma/gamma^, the same less 1, and c (1 - gamma^)/gamma^; 0 if gamma^ = 0.
  [[nodiscard]] TwoDouble ratio() const { return ratio_; }
  [[nodiscard]] TwoDouble ratio_minus_one() const { return ratio_minus_one_; }
  [[nodiscard]] TwoDouble shift_term() const { return shift_term_; }

  [[nodiscard]] std::span<const State> states() const { return support_.states; }
  [[nodiscard]] std::span<const double> reference() const { return support_.r; }  ///< of states()
  /// The c for which the row is feasible; everything if it has no equation.
  [[nodiscard]] const bounds::Interval& shifts() const { return shifts_; }
  [[nodiscard]] double target() const { return target_; }
  [[nodiscard]] double low() const { return low_; }    ///< min_D V*
  [[nodiscard]] double high() const { return high_; }  ///< max_D V*

  /// V*(s') - tau of each of states(), +inf where it is not allowed; none if there is no equation.
  [[nodiscard]] std::span<const double> gaps() const { return has_equation_ ? x_ : std::span<const double>(); }
  [[nodiscard]] double tie() const { return tie_; }  ///< gaps up to this are 0 but for rounding

  /// The nearest row, aligned with states().
  Projection project(std::span<double> p);
  /// All rows that meet the equation; none if there is no equation.
  [[nodiscard]] std::optional<RowPolytope> polytope() const;
  /// E_p[V*] - tau; 0 where there is no equation.
  [[nodiscard]] double residual(std::span<const double> p) const;

 private:
  void set_values();
  [[nodiscard]] Projection without_future() const;

  const MomentEquations& eq_;
  double shift_;
  kernels::AccurateRow world_rows_;
  SupportRows support_;
  RowProjection projection_;
  TwoDouble gamma_, gamma_model_, ratio_, ratio_minus_one_, shift_term_;

  Offset row_ = 0;
  bool has_equation_ = false;
  TwoDouble moment_;        // gamma E_rho[V*]
  TwoDouble own_, offset_;  // V(s) and tau - V(s)
  double target_ = 0.0, low_ = 0.0, high_ = 0.0, tie_ = 0.0, slack_ = 0.0;
  bounds::Interval shifts_;
  std::vector<double> x_;
};

}  // namespace mdp::equivalence
