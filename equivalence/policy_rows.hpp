// equivalence/policy_rows.hpp — the sum of least divergences as a function of the potential Phi of T8 (internal to the room).
#pragma once

#include <span>
#include <vector>

#include "equivalence/rebuild.hpp"
#include "equivalence/row_projection.hpp"
#include "equivalence/support.hpp"
#include "libmdp/graph/neighbours.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// What every row asks of Phi.
struct PolicyConstraints {
  std::vector<char> has_equation;  ///< [n_rows] Q* < inf
  std::vector<char> is_optimal;    ///< [n_rows] may be optimal in the world: equality
  std::vector<double> margin;      ///< [n_rows] delta; 0 where optimal
};

class PolicyRows {
 public:
  PolicyRows(const Mdp& world, const Mdp& reference, const Discount& discount, const Support& support,
             const graph::NeighbourGraph* graph, Divergence divergence, const PolicyConstraints& constraints);

  /// F(Phi), +inf if some row has no solution; `gradient` [n_states] is written where F is finite.
  double operator()(std::span<const double> potential, std::span<double> gradient, int threads);

  /// The rows of the last finite call, and their divergences [n_rows].
  [[nodiscard]] Transitions transitions() const;
  [[nodiscard]] const std::vector<double>& divergence() const { return divergence_; }

 private:
  struct Row {
    std::vector<State> states;
    std::vector<double> p;
  };
  /// Solves one row; false if there is no solution.
  bool solve(SupportRows& support, RowProjection& project, std::vector<double>& x, std::span<const double> potential,
             State s, Offset row);

  const Mdp& world_;
  const Mdp& reference_;
  Discount discount_;
  const Support& support_;
  const graph::NeighbourGraph* graph_;
  Divergence divergence_kind_;
  const PolicyConstraints& constraints_;
  std::vector<Row> rows_;
  std::vector<double> divergence_, multiplier_;
};

}  // namespace mdp::equivalence
