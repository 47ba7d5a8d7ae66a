// cli/finite_differences.hpp — exact derivatives beside difference quotients of the same number.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/entry_gradient.hpp"
#include "cli/result.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/criterion.hpp"
#include "solvers/derivative.hpp"
#include "solvers/soft.hpp"

namespace mdp::cli {

/// What quotients in doubles can be asked for, relative to the largest derivative of a kind.
inline constexpr double agreement = 1e-5;

/// One entry of a model, its exact derivative and what a difference quotient gives. Cost sense.
struct CheckedEntry {
  bool is_cost = true;  ///< a row's cost, else the probability of a transition
  Offset row = 0;
  State next_state = -1;  ///< of a probability
  double exact = 0.0;
  double difference_quotient = 0.0;
};

struct GradientCheck {
  std::vector<CheckedEntry> entries;  ///< largest |derivative| first, costs before probabilities
  double discount_exact = not_computed;
  double discount_quotient = not_computed;
  double max_error = 0.0;  ///< largest |exact - quotient|
  double max_relative_error =
      0.0;                     ///< the same, beyond the rounding of quotients, over the largest |exact| of its kind
  std::int64_t n_skipped = 0;  ///< probabilities of which no step that doubles hold is small enough

  [[nodiscard]] bool agrees() const { return max_relative_error <= agreement; }
};

/// A number that a model has. Models it is asked about may have one more state, the last, without cost and
/// without way out: what a row that misses 1 loses.
using ModelNumber = std::function<double(const Mdp&)>;

/// How far entries move at first: quotients use four times this at most.
struct DifferenceSteps {
  double cost = 1e-5;            ///< in units of cost
  double probability = 2.5e-4;   ///< at most this, and at most an eighth of the probability
  double discount = 1.0 / 4096;  ///< downwards
  bool lost_is_goal = false;     ///< where what a row loses ends: at a goal, or in a state that goes on for ever
};

/// Differences of `f` of error O(h^4) for the largest entries of a gradient: Richardson's extrapolation of central ones; one-sided
/// ones for the discount, and where a probability moves alone (raw), since rows cannot sum to more than 1: it is lowered, and
/// what is lost is worth 0. Else its row is divided by its sum (normalised). Where they disagree, smaller steps are tried.
/// \param gradient  of f, in `convention`; cost sense
/// \param n         entries of each kind that are checked. Cost: 4 or 5 evaluations of f per entry.
[[nodiscard]] GradientCheck check_gradient(const Mdp& model, const solvers::EntryGradient& gradient,
                                           solvers::EntryConvention convention, const ModelNumber& f,
                                           const DifferenceSteps& steps, std::int64_t n,
                                           const WithRespectTo& parts = {});

/// J of the world under the model's soft policy, solved to rounding (cost sense).
[[nodiscard]] ModelNumber world_performance(const Mdp& world, solvers::SoftOptions soft);
/// rho0^T V* of a criterion, or rho0^T g* of the average one, solved to rounding (cost sense).
[[nodiscard]] ModelNumber optimal_performance(solvers::Criterion criterion, solvers::CriterionOptions options);

/// {entries [{entry state action next_state exact finite_difference}, …], max_error, max_relative_error, agrees}, in the
/// file's sense.
[[nodiscard]] Result to_result(const Mdp& model, const GradientCheck& check, Objective sense);
[[nodiscard]] std::string check_table(const Mdp& model, const GradientCheck& check, Objective sense);

}  // namespace mdp::cli
