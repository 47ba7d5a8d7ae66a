// libmdp/kernels/system.hpp — products and triangular solves with I - discount M, M a stochastic matrix or its transpose.
#pragma once

#include <span>

#include "libmdp/types.hpp"

namespace mdp::kernels {

/// M in compressed rows, and the blocks of rows on which parallel loops work. A view: the arrays live elsewhere.
struct CompressedRows {
  std::span<const Offset> begin;  ///< [n+1]
  std::span<const State> index;   ///< ascending within a row
  std::span<const double> value;
  std::span<const State> blocks;  ///< [n_blocks+1] row boundaries

  [[nodiscard]] State size() const noexcept { return static_cast<State>(begin.size()) - 1; }
};

/// y = x - discount M x. \param y  must not overlap x
void apply_system(const CompressedRows& m, double discount, std::span<const double> x, std::span<double> y,
                  int threads = 0);

/// z = (D + U)^-1 D (D + L)^-1 r: one symmetric Gauss-Seidel step for (I - discount M) z = r from 0, on the diagonal
/// blocks of a partition into `n_parts` runs of whole blocks (entries between parts are left out). The partition does
/// not depend on the number of threads. \param z  may be r
void symmetric_gauss_seidel(const CompressedRows& m, double discount, int n_parts, std::span<const double> r,
                            std::span<double> z, int threads = 0);

/// sum x y and max |x|, sum |x|: block by block, the same bits for any number of threads.
[[nodiscard]] double dot(std::span<const State> blocks, std::span<const double> x, std::span<const double> y,
                         int threads = 0);
[[nodiscard]] double max_norm(std::span<const State> blocks, std::span<const double> x, int threads = 0);
[[nodiscard]] double sum_norm(std::span<const State> blocks, std::span<const double> x, int threads = 0);

}  // namespace mdp::kernels
