// solvers/exact/modular_lu.hpp — sparse LU over the integers modulo a prime (internal).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libmdp/types.hpp"

namespace mdp::solvers {

/// A residue, 0 <= x < prime.
using Residue = std::uint64_t;

/// A sparse square matrix of residues in compressed rows, columns in any order.
struct ModularMatrix {
  std::vector<Offset> row_begin;  ///< [n+1]
  std::vector<State> column;      ///< [n_entries]
  std::vector<Residue> value;     ///< [n_entries]
};

/// LU factors of A modulo a prime p < 2^60, pivots on the diagonal in a given order. Products of residues are below 2^120, so
/// that 2^7 of them are added in 128 bits before a reduction.
class ModularLu {
 public:
  /// \param order  [n] the row and column that is eliminated k-th
  /// Nothing if a pivot is 0 modulo p: for a matrix all of whose leading minors are nonzero another prime will do.
  /// Cost: that of the fill which the order makes, one multiplication each.
  [[nodiscard]] static std::optional<ModularLu> factorise(const ModularMatrix& a, Residue prime,
                                                          std::span<const State> order);

  /// x <- A^-1 x modulo p. O(entries of the factors).
  void solve(std::span<Residue> x);

  [[nodiscard]] Residue prime() const noexcept { return prime_; }
  [[nodiscard]] std::size_t n_entries() const noexcept { return lower_.column.size() + upper_.column.size(); }

 private:
  explicit ModularLu(Residue prime) : prime_(prime) {}

  Residue prime_;
  std::vector<State> order_;
  ModularMatrix lower_, upper_;  // without their diagonals; rows and columns in elimination order
  std::vector<Residue> inverse_pivot_;
  std::vector<Residue> work_;
};

/// a b and a^-1 modulo p. a != 0 for the inverse.
[[nodiscard]] Residue multiply_modulo(Residue a, Residue b, Residue prime);
[[nodiscard]] Residue inverse_modulo(Residue a, Residue prime);

}  // namespace mdp::solvers
