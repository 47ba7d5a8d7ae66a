// equivalence/exact_text.hpp — states and pairs of exact models in messages (internal; needs GMP, is not installed).
#pragma once

#include <cstdint>
#include <string>

#include "libmdp/io/exact_model.hpp"

namespace mdp::equivalence {

/// "state home", "state 3".
inline std::string state_text(const io::ExactModel& model, std::int64_t s) {
  return "state " + (model.names.empty() ? std::to_string(s) : model.names[static_cast<std::size_t>(s)]);
}

/// "state home, action go", "state 3, action 1".
inline std::string pair_text(const io::ExactModel& model, std::int64_t s, std::int64_t row) {
  const std::string& action = model.rows[static_cast<std::size_t>(row)].action;
  const std::int64_t position = row - model.state_rows[static_cast<std::size_t>(s)];
  return state_text(model, s) + ", action " + (action.empty() ? std::to_string(position) : action);
}

}  // namespace mdp::equivalence
