// tests/oracles/exact_solver.hpp — the discounted criterion in rationals, by code that shares nothing with solvers/.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::oracles {

/// A value per state; nothing where it is +infinity.
using ExactValues = std::vector<std::optional<mpq_class>>;

/// {V* < inf}: states with an admissible row that stays in the set, the largest such set.
[[nodiscard]] std::vector<char> finite_states(const io::ExactModel& model);

/// V^policy by Gaussian elimination over sparse rows, no pivoting (the matrix is diagonally dominant).
[[nodiscard]] ExactValues policy_values(const io::ExactModel& model, const Policy& policy);
/// The same for probabilities over rows, divided by their sum in each state.
[[nodiscard]] ExactValues policy_values(const io::ExactModel& model, const std::vector<mpq_class>& stochastic_policy);

/// V* by policy iteration. \param start  a policy to start from, or empty
[[nodiscard]] ExactValues optimal_values(const io::ExactModel& model, Policy start = {});

/// q(row) for exact values; nothing where it is +infinity.
[[nodiscard]] std::optional<mpq_class> q_value(const io::ExactModel& model, std::int64_t row,
                                               const ExactValues& values);

/// Whether lower <= value <= upper, infinities included.
[[nodiscard]] bool contains(double lower, double upper, const std::optional<mpq_class>& value);

/// An MDP and what it means.
struct Problem {
  io::ExactModel exact;
  Mdp mdp;
};

struct RandomOptions {
  int states = 8;
  int max_actions = 4;
  int max_successors = 4;
  mpq_class discount = mpq_class(9, 10);
  double cost_scale = 1.0;
  /// Probabilities and costs are fractions of small integers, which doubles round; else doubles whose rows miss 1.
  bool rational = false;
  double row_sum_miss = 0.0;  ///< rows of doubles sum to 1 +- this, not only +- rounding
  double inadmissible = 0.0;  ///< share of rows of infinite cost
  Objective objective = Objective::minimize;
};

/// The same problem twice: built from doubles (or from fractions to 106 bits, as a reader does), and in rationals.
[[nodiscard]] Problem random_problem(std::mt19937_64& random, const RandomOptions& options = {});

/// An Mdp's own entries, tails included, rows divided by their sums.
[[nodiscard]] io::ExactModel exact_model_of(const Mdp& mdp);

}  // namespace mdp::oracles
