// libmdp/io/exact_json.hpp — an exact model as a file of the small text format. Internal: needs GMP, is not installed.
#pragma once

#include <string>

#include "libmdp/io/exact_model.hpp"

namespace mdp::io {

/// The text that read_exact_model() reads back to the same rationals; costs in the sense of the model's objective.
[[nodiscard]] std::string exact_json_text(const ExactModel& model);

}  // namespace mdp::io
