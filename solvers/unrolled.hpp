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
/// that shares its parameters among the stages. The discount must be below 1.
class Unrolled {
 public:
  /// \param terminal  [n_states] finite, or empty = 0. \throws InvalidArgument, InvalidOption (horizon < 1)
  Unrolled(const Mdp& mdp, std::int64_t horizon, std::span<const double> terminal = {});

  [[nodiscard]] const Mdp& mdp() const noexcept { return unrolled_; }
  [[nodiscard]] std::int64_t horizon() const noexcept { return horizon_; }
  /// A direction of the entries, the same at every stage.
  [[nodiscard]] EntryDirection spread(const EntryDirection& direction) const;
  /// The gradient by the entries of what has `gradient` by those of mdp(): summed over the stages.
  [[nodiscard]] EntryGradient fold(const EntryGradient& gradient) const;
  /// Features of mdp(): those of a row at every stage (stationary policies).
  [[nodiscard]] RowFeatures stationary(const RowFeatures& features) const;

 private:
  Mdp original_;
  std::int64_t horizon_;
  Mdp unrolled_;
};

}  // namespace mdp::solvers
