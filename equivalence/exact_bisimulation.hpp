// equivalence/exact_bisimulation.hpp — bisimulation of a model in rationals (internal: needs GMP, is not installed).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "equivalence/bisimulation.hpp"
#include "libmdp/io/exact_model.hpp"

namespace mdp::equivalence {

/// As bisimulation(const Mdp&), for a model as its text means it.
[[nodiscard]] Bisimulation exact_bisimulation(const io::ExactModel& model);

/// As lift(), in rationals: the model has the world's Q* exactly. Weights are the dyadic numbers they are.
[[nodiscard]] io::ExactModel exact_lift(const io::ExactModel& model, const Bisimulation& bisimulation,
                                        std::span<const double> weight = {});

/// [n_blocks] the states of positive weight of each block, ascending. \param weight  [n_states], or empty = 1
/// \param name  of a state, for messages. \throws InvalidArgument if weights do not fit or are negative, or those of a block sum to 0.
[[nodiscard]] std::vector<std::vector<State>> weighted_members(const Bisimulation& bisimulation,
                                                               std::span<const double> weight,
                                                               const std::function<std::string(State)>& name);

}  // namespace mdp::equivalence
