#include "solvers/exact/lifting.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "libmdp/error.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {
namespace {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): __extension__ needs a declaration

constexpr std::size_t slack_bits =
    48;  // a wrong reconstruction passes with probability about 2^-48, and is found by the check
constexpr std::size_t first_attempt = 4;
constexpr double attempt_growth = 1.2;
constexpr int most_primes = 16;
constexpr std::uint64_t combination_seed = 20040101;

Residue residue_of(const mpz_class& x, Residue prime) { return mpz_fdiv_ui(x.get_mpz_t(), prime); }

// Values of the numbers whose digits in base p are given, by halves.
class BaseConversion {
 public:
  explicit BaseConversion(Residue prime) : powers_{mpz_class(static_cast<unsigned long>(prime))} {}

  // sum over k of digit[first + k stride] p^k, k < count.
  mpz_class operator()(const std::vector<Residue>& digit, std::size_t first, std::size_t stride, std::size_t count) {
    if (count == 1) return mpz_class(static_cast<unsigned long>(digit[first]));
    std::size_t half = 1, level = 0;
    for (; 2 * half < count; half *= 2) ++level;
    while (powers_.size() <= level) powers_.push_back(powers_.back() * powers_.back());
    mpz_class high = (*this)(digit, first + half * stride, stride, count - half);
    high *= powers_[level];
    return high + (*this)(digit, first, stride, half);
  }

 private:
  std::vector<mpz_class> powers_;  // p^(2^level)
};

// x modulo m in (-m/2, m/2].
void make_symmetric(mpz_class& x, const mpz_class& modulus, const mpz_class& half) {
  mpz_fdiv_r(x.get_mpz_t(), x.get_mpz_t(), modulus.get_mpz_t());
  if (x > half) x -= modulus;
}

// The digits so far of one solve, and what can be made of them.
class Expansion {
 public:
  Expansion(std::size_t n, Residue prime) : n_(n), prime_(prime), conversion_(prime) {
    std::mt19937_64 random(combination_seed);
    for (std::size_t i = 0; i < n; ++i) weight_.push_back(static_cast<unsigned long>(random() >> 40U));
  }

  void append(std::span<const Residue> x) {
    digit_.insert(digit_.end(), x.begin(), x.end());
    Wide sum = 0;  // below 2^24 2^60 n
    for (std::size_t i = 0; i < n_; ++i) sum += static_cast<Wide>(weight_[i]) * x[i];
    mpz_class digit(static_cast<unsigned long>(sum >> 64U));
    digit <<= 64U;
    combination_.push_back(digit + static_cast<unsigned long>(sum));
  }
  [[nodiscard]] std::size_t count() const { return digit_.size() / n_; }

  // A common denominator of all components and their numerators, if the digits suffice.
  std::optional<SharedFraction> attempt() {
    mpz_class modulus, total;
    mpz_ui_pow_ui(modulus.get_mpz_t(), prime_, count());
    for (std::size_t k = count(); k-- > 0;) total = total * static_cast<unsigned long>(prime_) + combination_[k];
    mpz_fdiv_r(total.get_mpz_t(), total.get_mpz_t(), modulus.get_mpz_t());
    const auto found = reconstruct_rational(total, modulus, slack_bits);
    if (!found) return std::nullopt;
    SharedFraction x{{}, found->second};
    const mpz_class half = modulus / 2;
    const std::size_t most_bits = mpz_sizeinbase(modulus.get_mpz_t(), 2) - slack_bits;
    for (std::size_t i = 0; i < n_; ++i) {
      mpz_class y = x.denominator * conversion_(digit_, i, n_, count());
      make_symmetric(y, modulus, half);
      if (mpz_sizeinbase(y.get_mpz_t(), 2) + mpz_sizeinbase(x.denominator.get_mpz_t(), 2) > most_bits) {
        // The combination may have lost small factors of the denominator.
        mpz_fdiv_r(y.get_mpz_t(), y.get_mpz_t(), modulus.get_mpz_t());
        const auto lost = reconstruct_rational(y, modulus, slack_bits);
        if (!lost) return std::nullopt;
        x.denominator *= lost->second;
        for (mpz_class& known : x.numerator) known *= lost->second;
        y = lost->first;
      }
      x.numerator.push_back(std::move(y));
    }
    return x;
  }

 private:
  std::size_t n_;
  Residue prime_;
  std::vector<Residue> digit_;          // [count][n]
  std::vector<mpz_class> combination_;  // [count] of each digit, by the weights
  std::vector<unsigned long> weight_;
  BaseConversion conversion_;
};

}  // namespace

double IntegerMatrix::determinant_bits() const {
  double bits = 0.0;
  for (std::size_t i = 0; i < n(); ++i) {
    mpz_class square;
    for (auto k = at(row_begin[i]); k < at(row_begin[i + 1]); ++k) square += value[k] * value[k];
    bits += 0.5 * static_cast<double>(mpz_sizeinbase(square.get_mpz_t(), 2));
  }
  return std::ceil(bits);
}

std::optional<std::pair<mpz_class, mpz_class>> reconstruct_rational(const mpz_class& x, const mpz_class& modulus,
                                                                    std::size_t slack) {
  // Remainders r and cofactors t with r = t x modulo `modulus`; the product of a remainder and the cofactor of the same line is
  // about modulus / quotient, so that the greatest quotient marks the smallest fraction.
  mpz_class r0 = modulus, r1 = x, t0 = 0, t1 = 1, quotient, rest, numerator = 0, denominator = 0;
  std::size_t largest = slack;
  while (r1 != 0) {
    mpz_tdiv_qr(quotient.get_mpz_t(), rest.get_mpz_t(), r0.get_mpz_t(), r1.get_mpz_t());
    const std::size_t bits = mpz_sizeinbase(quotient.get_mpz_t(), 2);
    if (bits > largest) {
      largest = bits;
      numerator = r1;
      denominator = t1;
    }
    r0.swap(r1);
    r1.swap(rest);
    mpz_submul(t0.get_mpz_t(), quotient.get_mpz_t(), t1.get_mpz_t());
    t0.swap(t1);
  }
  // The last line has remainder 0: the fraction 0 / t1, as long as t1 is much smaller than the modulus.
  if (mpz_sizeinbase(t1.get_mpz_t(), 2) + largest < mpz_sizeinbase(modulus.get_mpz_t(), 2))
    return {{mpz_class(0), abs(t1)}};
  if (denominator == 0) return std::nullopt;
  if (denominator < 0) {
    numerator = -numerator;
    denominator = -denominator;
  }
  return {{numerator, denominator}};
}

LiftedSystem::LiftedSystem(IntegerMatrix a) : a_(std::move(a)) {
  const auto order = SparseLu::elimination_order(a_.row_begin, a_.column);
  mpz_class prime = (mpz_class(1) << 59U) + (mpz_class(1) << 58U);
  for (int attempt = 0; attempt < most_primes && !lu_; ++attempt) {
    mpz_nextprime(prime.get_mpz_t(), prime.get_mpz_t());
    const Residue p = prime.get_ui();
    ModularMatrix modular{a_.row_begin, a_.column, {}};
    modular.value.reserve(a_.value.size());
    for (const mpz_class& x : a_.value) modular.value.push_back(residue_of(x, p));
    lu_ = ModularLu::factorise(modular, p, order);
  }
  if (!lu_) throw Error("exact solve: the matrix has a pivot of 0 modulo each of 16 primes");
}

bool LiftedSystem::verified(const SharedFraction& x, std::span<const mpz_class> b) const {
  mpz_class left;
  for (std::size_t i = 0; i < a_.n(); ++i) {
    left = -x.denominator * b[i];
    for (auto k = at(a_.row_begin[i]); k < at(a_.row_begin[i + 1]); ++k) {
      mpz_addmul(left.get_mpz_t(), a_.value[k].get_mpz_t(), x.numerator[at(a_.column[k])].get_mpz_t());
    }
    if (left != 0) return false;
  }
  return true;
}

std::optional<SharedFraction> LiftedSystem::solve(std::span<const mpz_class> b, const KeepGoing& keep_going) {
  const Residue prime = lu_->prime();
  std::vector<mpz_class> residual(b.begin(), b.end());
  std::vector<Residue> x(a_.n());
  Expansion expansion(a_.n(), prime);
  for (std::size_t next_attempt = first_attempt;;) {
    if (keep_going && !keep_going()) return std::nullopt;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = residue_of(residual[i], prime);
    lu_->solve(x);
    expansion.append(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (auto k = at(a_.row_begin[i]); k < at(a_.row_begin[i + 1]); ++k) {
        mpz_submul_ui(residual[i].get_mpz_t(), a_.value[k].get_mpz_t(), x[at(a_.column[k])]);
      }
      mpz_divexact_ui(residual[i].get_mpz_t(), residual[i].get_mpz_t(), prime);
    }
    if (expansion.count() < next_attempt) continue;
    next_attempt = static_cast<std::size_t>(std::ceil(attempt_growth * static_cast<double>(next_attempt)));
    auto found = expansion.attempt();
    if (found && verified(*found, b)) return found;
  }
}

}  // namespace mdp::solvers
