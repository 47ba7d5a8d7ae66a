// solvers/sparse_lu.hpp — sparse LU of I - discount P by KLU (internal; the only file pair that knows SuiteSparse).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::solvers {

/// LU factors of A = I - discount P, block triangular form first, so that each strongly connected component is
/// factorised by itself. A is diagonally dominant by rows: pivots stay on the diagonal.
/// Solving uses a work space of the object: not from several threads at once.
/// Source: Davis and Palamadai Natarajan, "Algorithm 907: KLU" (2010).
class SparseLu {
 public:
  /// Entries 1 - discount p of the diagonal are rounded once, from twice the precision.
  /// \throws Error  out of memory, or singular to working precision
  SparseLu(const kernels::PolicyChain& chain, const Discount& discount);
  /// The same, or nothing if the ordering says that it takes more than max_flops operations or
  /// max_bytes of memory.
  [[nodiscard]] static std::optional<SparseLu> within(const kernels::PolicyChain& chain, const Discount& discount,
                                                      double max_flops, double max_bytes = infinity);
  ~SparseLu();
  SparseLu(SparseLu&&) noexcept;
  SparseLu& operator=(SparseLu&&) noexcept;

  /// Estimate of the work of a factorisation, by ordering the pattern of P: operations, and entries of the factors.
  struct Work {
    double flops = 0.0;
    double entries = 0.0;
    /// Memory of the factors: a value and an index each.
    [[nodiscard]] double bytes() const noexcept { return 16.0 * entries; }
  };
  [[nodiscard]] static Work estimated_work(const kernels::PolicyChain& chain);

  /// An order of elimination for a matrix with this pattern, pivots on the diagonal, that keeps the factors sparse (AMD of
  /// the pattern and its transpose: Amestoy, Davis and Duff 1996). row_begin [n+1], column [n_entries].
  [[nodiscard]] static std::vector<State> elimination_order(std::span<const Offset> row_begin,
                                                            std::span<const State> column);
  /// Estimate of the work of that elimination.
  [[nodiscard]] static Work elimination_work(std::span<const Offset> row_begin, std::span<const State> column);

  /// That of these factors.
  [[nodiscard]] Work work() const;

  /// x <- A^-1 x.
  void solve(std::span<double> x) const;
  /// x <- A^-T x.
  void solve_transposed(std::span<double> x) const;

 private:
  struct Impl;
  explicit SparseLu(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mdp::solvers
