#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <gmpxx.h>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

// Every criterion of tiny models by definition: all deterministic policies, each evaluated in exact rationals.
namespace mdp::oracles {

/// A model in rationals, minimised costs.
struct TinyModel {
  struct Row {
    mpq_class cost;
    bool inadmissible = false;
    std::vector<mpq_class> p;  ///< [n]
  };
  Objective objective = Objective::minimize;
  std::vector<std::vector<Row>> rows;  ///< [n][actions]
  std::vector<int> goal;               ///< absorbing, one free self-loop each

  [[nodiscard]] std::size_t n() const { return rows.size(); }
  [[nodiscard]] Mdp build() const;
};

/// A rational, or an infinity.
struct Extended {
  int infinite = 0;  ///< -1, 0 or 1
  mpq_class value;

  [[nodiscard]] bool operator<(const Extended& other) const {
    return infinite != other.infinite ? infinite < other.infinite : infinite == 0 && value < other.value;
  }
  /// lower <= this <= upper, exactly.
  [[nodiscard]] bool within(double lower, double upper) const;
};

/// The chain of one policy.
struct Chain {
  std::vector<std::vector<mpq_class>> p;
  std::vector<mpq_class> cost;
  std::vector<int> recurrent_class;            ///< [n] -1 = transient
  std::vector<std::vector<mpq_class>> visits;  ///< [n][n] absorption: probability of entering recurrent state j first
  std::vector<mpq_class> gain;                 ///< [n]
  std::vector<mpq_class> bias;                 ///< [n] P*h = 0

  [[nodiscard]] bool reaches(std::size_t from, std::size_t to) const;
  /// Sum of cost until a recurrent state, which costs nothing.
  [[nodiscard]] std::vector<mpq_class> transient_cost() const;
  /// Probability of ending in a recurrent class of goal states.
  [[nodiscard]] std::vector<mpq_class> reach(const std::vector<int>& goal) const;
};
[[nodiscard]] Chain chain_of(const TinyModel& m, const std::vector<int>& policy);

/// Calls f for every policy of admissible rows where there are any.
void for_every_policy(const TinyModel& m, const std::function<void(const std::vector<int>&)>& f);

[[nodiscard]] std::vector<Extended> reach_values(const TinyModel& m);
[[nodiscard]] std::vector<Extended> goal_values(const TinyModel& m, bool excluded);
/// Nothing where the value is undefined.
[[nodiscard]] std::vector<std::optional<Extended>> total_values(const TinyModel& m);
[[nodiscard]] std::vector<Extended> gains(const TinyModel& m);
[[nodiscard]] std::vector<Extended> finite_values(const TinyModel& m, int horizon, const mpq_class& discount);

/// What random models look like.
struct Shape {
  int max_states = 5;
  int max_actions = 3;
  bool negative = true;       ///< costs of both signs
  bool inadmissible = false;  ///< some rows cost +inf
  bool with_goal = true;
};
[[nodiscard]] TinyModel random_model(std::uint64_t seed, const Shape& shape);

/// The chain of a randomised policy, one row per state; with a sign, of the positive or negative parts of its costs.
/// \param policy  [rows] weights, divided by their sum in each state
[[nodiscard]] TinyModel mixed_chain(const TinyModel& m, std::span<const double> policy, int sign = 0);
/// [rows] probabilities; some are 0, or all but one in each state.
[[nodiscard]] std::vector<double> random_policy(const TinyModel& m, std::uint64_t seed, bool deterministic);

}  // namespace mdp::oracles
