// solvers/unrolled.hpp — the problem of N stages as a discounted MDP, with its derivatives folded back (D2, D6).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "solvers/derivative.hpp"
#include "solvers/policy_class.hpp"

namespace mdp::solvers {

/// States (k, s) for k = 0 .. N at position k n_states + s, and a last one that costs nothing for ever: from (N, s) it is
/// reached at cost T(s). Values at (0, s) are those of N stages with terminal cost T; everything that this library
/// differentiates for discounted MDPs is thereby differentiated for finite horizons, stationary policies being a class
/// that shares its parameters among the stages.
///
/// At discount 1 the unrolled MDP has discount g = N/(N + 1) in its place, and costs at stage k are multiplied by g^-k, at most
/// e: W_k = g^-k L + g P W_{k+1} has the solution W_k = g^-k V_k, so that values at stage 0 are those of the undiscounted
/// sum, and 1/(1 - g) is its number of stages. An entropy weight must grow with the costs: temperature_scale(). What
/// spread() and fold() move or sum up is the original's entries all the same.
class Unrolled {
 public:
  /// \param terminal  [n_states] finite, or empty = 0. \throws InvalidArgument, InvalidOption (horizon < 1)
  Unrolled(const Mdp& mdp, std::int64_t horizon, std::span<const double> terminal = {});

  [[nodiscard]] const Mdp& mdp() const noexcept { return unrolled_; }
  [[nodiscard]] std::int64_t horizon() const noexcept { return horizon_; }
  /// [n_states of mdp()] for ExpansionOptions and InSimOptions; empty below discount 1. What values there are multiplied by.
  [[nodiscard]] const std::vector<double>& temperature_scale() const noexcept { return scale_; }
  /// A direction of the entries, the same at every stage; the discount's, at discount 1, moves all stages' sums.
  [[nodiscard]] EntryDirection spread(const EntryDirection& direction) const;
  /// The gradient by the entries of what has `gradient` by those of mdp(): summed over the stages.
  [[nodiscard]] EntryGradient fold(const EntryGradient& gradient) const;
  /// Features of mdp(): those of a row at every stage (stationary policies).
  [[nodiscard]] RowFeatures stationary(const RowFeatures& features) const;

 private:
  [[nodiscard]] double discount_factor() const noexcept;

  Mdp original_;
  std::int64_t horizon_;
  std::vector<double> stage_scale_;  // [horizon+1] g^-k, 1 below discount 1
  std::vector<double> scale_;
  Mdp unrolled_;
};

}  // namespace mdp::solvers
