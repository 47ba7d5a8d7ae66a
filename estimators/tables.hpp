// estimators/tables.hpp — the two parts of all_estimators().
#pragma once

#include <vector>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

[[nodiscard]] std::vector<Estimator> first_order_estimators();
[[nodiscard]] std::vector<Estimator> second_order_estimators();

}  // namespace mdp::estimators
