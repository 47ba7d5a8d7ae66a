// solvers/exact/fixed_point.hpp — rows of an exact model in units of 2^-bits (internal; needs GMP, is not installed).
#pragma once

#include <vector>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/types.hpp"

namespace mdp::solvers {

/// Costs and discounted probabilities rounded down to integers: sums of rows are then exact in integers but for these roundings.
class FixedPoint {
 public:
  /// \param mdp     io::nearest_mdp(model): where the entries of a row stand
  /// \param usable  [n_rows] rows that are asked for; their costs are finite
  FixedPoint(const io::ExactModel& model, const Mdp& mdp, const std::vector<char>& usable, unsigned bits);

  [[nodiscard]] mpz_class floor_of(const mpq_class& x) const;

  /// q(row): low by less than 2 + sum |v(t)| / 2^bits units, and never high by more than that sum.
  [[nodiscard]] mpz_class q(Offset row, const std::vector<mpz_class>& v) const;

  [[nodiscard]] bool usable(Offset row) const { return usable_[at(row)] != 0; }
  [[nodiscard]] unsigned bits() const { return bits_; }

 private:
  const Mdp& mdp_;
  const std::vector<char>& usable_;
  unsigned bits_;
  std::vector<mpz_class> probability_, cost_;
};

}  // namespace mdp::solvers
