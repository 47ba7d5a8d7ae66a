// equivalence/confirmation.hpp — a constructed model is solved by its own criterion, and says whether its values are those promised.
#pragma once

#include <span>
#include <string>

#include "equivalence/boundary_term.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/criterion.hpp"

namespace mdp::equivalence {

/// What solving the model says.
struct Confirmation {
  Status status = Status::not_run;  ///< of the model's solve
  std::string how;                  ///< which solve: "discounted", "goal", "total", "gain and bias", "30 stages"
  /// Encloses max |V^* + c - V*| over the states of finite value (every stage, for finite).
  bounds::Interval error;
  bool certified = false;
  std::string message;  ///< of the model's solve
};

/// max |V^ + c - W| with its enclosure: V^ between lower and upper (both empty: at the values), W within `radius` of V*; infinite where
/// one of them is and the other is not.
[[nodiscard]] bounds::Interval distance_of_values(std::span<const double> values, std::span<const double> lower,
                                                  std::span<const double> upper, std::span<const double> w,
                                                  const bounds::Interval& shift, double radius);

/// An undiscounted model: its least gain, which is to be 0, and the bias of the policy of the boundary term, which is to be W - c.
/// Its error is the larger of |gain| and the distance of the biases; certified where the biases of both are enclosed.
/// \param w  [n_states] the values that are reproduced, +inf where V* is. \param certified  whether `radius` is proved
[[nodiscard]] Confirmation confirm_gain_and_bias(const Mdp& model, const BoundaryTerm& term, std::span<const double> w,
                                                 const bounds::Interval& shift, double radius, bool certified,
                                                 const solvers::CriterionOptions& options);

}  // namespace mdp::equivalence
