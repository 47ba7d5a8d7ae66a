// equivalence/least_change_problem.hpp — T5 as a function of the potential alone, and its dual bound (internal to the room).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "equivalence/least_change.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::equivalence {

/// The pairs that take part, in order: (M Phi)_r = Phi(s) - gamma^ P^_r Phi, b_r = -L (optimal) or margin - L.
/// Delta L = M Phi + b on optimal pairs, its positive part on the others.
struct LeastChangeProblem {
  std::vector<Offset> row;    ///< [n] row of the model
  std::vector<State> state;   ///< [n] its state
  std::vector<char> optimal;  ///< [n]
  std::vector<double> right;  ///< [n] b
  std::vector<Offset> begin;  ///< [n+1] entries of M, compressed rows
  std::vector<State> column;  ///< [n_entries]
  std::vector<double> value;  ///< [n_entries]
  Policy policy;              ///< [n_states] an optimal action of each state that takes part
  std::string refusal;        ///< why there is no solution; empty: there is one

  [[nodiscard]] std::size_t n() const { return row.size(); }
  /// M Phi + b, [n].
  [[nodiscard]] std::vector<double> residual(std::span<const double> potential) const;
  /// Delta L, [n], from that.
  [[nodiscard]] std::vector<double> change(std::span<const double> residual) const;
};

[[nodiscard]] LeastChangeProblem least_change_problem(const Mdp& world, const KnownValues& world_values,
                                                      const Mdp& model, double margin);

[[nodiscard]] double norm_of(std::span<const double> x, ChangeNorm norm);

/// The lower bound of least_change() from any y [n]: negative entries of other pairs are dropped, M^T y = 0 is restored.
/// \param size  of a feasible change
[[nodiscard]] double dual_bound(const LeastChangeProblem& problem, const Mdp& model, std::vector<double> y,
                                ChangeNorm norm, double size);

}  // namespace mdp::equivalence
