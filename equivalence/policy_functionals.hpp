// equivalence/policy_functionals.hpp — Bellman equations of single actions as affine functions of V (internal; needs GMP, is not
// installed).
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/exact_model.hpp"

namespace mdp::equivalence {

/// f(V) = sum coefficient V - constant.
struct Functional {
  std::vector<std::pair<std::int64_t, mpq_class>> coefficient;  ///< states ascending, none 0
  mpq_class constant;

  [[nodiscard]] mpq_class operator()(std::span<const mpq_class> values) const;
  [[nodiscard]] mpq_class of(std::int64_t state) const;  ///< coefficient of a state, 0 where it is none
};

/// f_a(V) = V(s) - gamma P_a V - L_a of a row of state s.
[[nodiscard]] Functional row_functional(const io::ExactModel& model, std::int64_t state, std::int64_t row);

/// Whether x = kappa y.
[[nodiscard]] bool is_multiple(const Functional& x, const mpq_class& kappa, const Functional& y);

/// Rows on which no policy can be finite, and states where all are: cost infinity, or a successor among those states.
struct HopelessPart {
  std::vector<char> rows, states;
};
[[nodiscard]] HopelessPart hopeless_part(const io::ExactModel& model);

/// [n_states] V^pi of the policy that takes rows in proportion to integer weights; 0 at states without weight.
[[nodiscard]] std::vector<mpq_class> weighted_values(const io::ExactModel& model,
                                                     std::span<const std::int64_t> weights);

/// V_T = B V_N + b from one row of each state of T: substituted into other functionals.
class Elimination {
 public:
  /// \param chosen  [n_states] the row of each state of T, -1 elsewhere. \param kept  the states of N
  Elimination(const io::ExactModel& model, std::span<const std::int64_t> chosen, std::span<const std::int64_t> kept);

  /// [|N| + 1] coefficients on N, then the constant.
  [[nodiscard]] std::vector<mpq_class> reduce(const Functional& f) const;

 private:
  std::vector<std::int64_t> place_;              // [n_states] in N, -1 elsewhere
  std::vector<std::vector<mpq_class>> columns_;  // [|N| + 1][n_states] of B, then b
};

}  // namespace mdp::equivalence
