// solvers/exact/rational_chain.hpp — (I - P) x = b in rationals, P substochastic (internal; needs GMP, is not installed).
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/graph/components.hpp"
#include "libmdp/types.hpp"
#include "solvers/exact/lifting.hpp"

namespace mdp::solvers {

/// Successors and their probabilities, > 0 and at most 1 together; the rest leaves.
using RationalRow = std::vector<std::pair<std::int64_t, mpq_class>>;

/// How large an exact answer may become.
struct ExactSize {
  double bytes = 0.0;       ///< of the digits of one solution, by Hadamard's bound
  double operations = 0.0;  ///< multiplications of one solution
};

/// Solves x = b + P x for a chain that leaves from every state with probability 1. Strongly connected components are solved one
/// after the other, in reverse topological order; one state is a division, more are a LiftedSystem of the rows times their
/// common denominators.
class RationalChain {
 public:
  explicit RationalChain(std::vector<RationalRow> rows);

  /// The largest component decides. Nothing is factorised for it.
  [[nodiscard]] ExactSize size() const;

  /// Nothing if `keep_going` said stop. \param b  [n]
  [[nodiscard]] std::optional<std::vector<mpq_class>> solve(std::span<const mpq_class> b,
                                                            const LiftedSystem::KeepGoing& keep_going);

 private:
  struct Component {
    std::vector<std::int64_t> states;  // ascending
    std::vector<mpz_class> scale;      // [states] row i of the integer system is scale[i] times that of I - P
    std::optional<LiftedSystem> system;
  };

  [[nodiscard]] IntegerMatrix matrix_of(const Component& component) const;
  void scale_rows(Component& component) const;
  [[nodiscard]] mpq_class entering(std::int64_t state, std::int64_t component, std::span<const mpq_class> b,
                                   std::span<const mpq_class> x) const;
  [[nodiscard]] bool solve_component(Component& component, std::span<const mpq_class> b, std::span<mpq_class> x,
                                     const LiftedSystem::KeepGoing& keep_going);

  std::vector<RationalRow> rows_;
  std::vector<std::int64_t> component_of_;
  std::vector<std::int64_t> place_;  // [n] of a state within its component
  std::vector<Component> components_;
};

/// Strongly connected components of the graph of the rows; edges lead to lower numbers or stay.
[[nodiscard]] graph::Components components_of(const std::vector<RationalRow>& rows);

/// p of the successor `next` of a row, 0 where it is none. Successors ascend.
[[nodiscard]] mpq_class probability_of(const RationalRow& row, std::int64_t next);

/// sum + sum over the row of p value, with one common denominator.
[[nodiscard]] mpq_class expectation(const mpq_class& sum, const RationalRow& row, std::span<const mpq_class> value);

}  // namespace mdp::solvers
