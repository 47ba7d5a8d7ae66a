// equivalence/exact_bisimulation.hpp — bisimulation of a model in rationals (internal: needs GMP, is not installed).
#pragma once

#include "equivalence/bisimulation.hpp"
#include "libmdp/io/exact_model.hpp"

namespace mdp::equivalence {

/// As bisimulation(const Mdp&), for a model as its text means it.
[[nodiscard]] Bisimulation exact_bisimulation(const io::ExactModel& model);

}  // namespace mdp::equivalence
