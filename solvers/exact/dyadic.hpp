// solvers/exact/dyadic.hpp — powers of two and rationals (internal; needs GMP, is not installed).
#pragma once

#include <gmpxx.h>

namespace mdp::solvers {

/// The e with |x| < 2^e, about. \param x  not 0
[[nodiscard]] inline long exponent_of(const mpq_class& x) {
  return static_cast<long>(mpz_sizeinbase(x.get_num_mpz_t(), 2)) -
         static_cast<long>(mpz_sizeinbase(x.get_den_mpz_t(), 2)) + 1;
}

/// x 2^by
[[nodiscard]] inline mpq_class shifted(mpq_class x, long by) {
  by >= 0 ? mpq_mul_2exp(x.get_mpq_t(), x.get_mpq_t(), static_cast<mp_bitcnt_t>(by))
          : mpq_div_2exp(x.get_mpq_t(), x.get_mpq_t(), static_cast<mp_bitcnt_t>(-by));
  return x;
}

/// x rounded to a multiple of 2^-bits.
[[nodiscard]] inline mpq_class to_grid(const mpq_class& x, long bits) {
  const mpq_class scaled = shifted(x, bits);
  mpz_class whole;
  mpz_fdiv_q(whole.get_mpz_t(), scaled.get_num_mpz_t(), scaled.get_den_mpz_t());
  return shifted(mpq_class(whole), -bits);
}

}  // namespace mdp::solvers
