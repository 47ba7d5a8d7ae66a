// solvers/exact/lifting.hpp — A x = b in integers, exactly, by p-adic lifting (internal; needs GMP, is not installed).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/types.hpp"
#include "solvers/exact/modular_lu.hpp"

namespace mdp::solvers {

/// A square sparse matrix of integers, every leading principal minor of which is nonzero in any symmetric order: rows of a
/// nonsingular M-matrix times positive numbers.
struct IntegerMatrix {
  std::vector<Offset> row_begin;  ///< [n+1]
  std::vector<State> column;      ///< [n_entries]
  std::vector<mpz_class> value;   ///< [n_entries]

  [[nodiscard]] std::size_t n() const noexcept { return row_begin.size() - 1; }
  /// Hadamard's bound on log2 |det A|, rounded up.
  [[nodiscard]] double determinant_bits() const;
};

/// y / denominator; denominator > 0.
struct SharedFraction {
  std::vector<mpz_class> numerator;  ///< [n]
  mpz_class denominator;
};

/// Solves systems with one matrix. With x = sum_k x_k p^k the digits are x_k = A^-1 r_k modulo p, r_0 = b,
/// r_{k+1} = (r_k - A x_k)/p, which stays as small as A (Dixon 1982): one sparse modular solve and one product with A a digit, at
/// any condition number. A common denominator is found by rational reconstruction of a random combination of the components
/// (the step of the Euclidean algorithm with the greatest quotient: Monagan 2004), and A y = denominator b is checked in
/// integers before anything is returned: the check carries the guarantee, not the method.
class LiftedSystem {
 public:
  /// Returns false to stop the work; called every few milliseconds.
  using KeepGoing = std::function<bool()>;

  /// Factorises modulo a prime that suits. \throws Error if 16 primes do not: the matrix is not as required.
  explicit LiftedSystem(IntegerMatrix a);

  /// Nothing if `keep_going` said stop.
  [[nodiscard]] std::optional<SharedFraction> solve(std::span<const mpz_class> b, const KeepGoing& keep_going);

 private:
  [[nodiscard]] bool verified(const SharedFraction& x, std::span<const mpz_class> b) const;

  IntegerMatrix a_;
  std::optional<ModularLu> lu_;
};

/// Numerator and denominator > 0 with numerator = denominator x modulo `modulus`, found by the largest quotient; nothing unless
/// they take `slack_bits` fewer bits together than the modulus has.
[[nodiscard]] std::optional<std::pair<mpz_class, mpz_class>> reconstruct_rational(const mpz_class& x,
                                                                                  const mpz_class& modulus,
                                                                                  std::size_t slack_bits);

}  // namespace mdp::solvers
