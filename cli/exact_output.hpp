// cli/exact_output.hpp — constructed models written in rationals, so that they are equivalent without an error.
#pragma once

#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::io {
struct ExactModel;
}

namespace mdp::cli {

/// Whether a model goes into a file in rationals: small ones into text, unless a level was asked for.
[[nodiscard]] bool writes_exactly(const std::string& path, bool level_given, const Mdp& world);

/// Numbers in rationals have as many digits as the model has states, about twenty times: longer files are not written.
inline constexpr double max_exact_characters = 0x1p24;

/// Writes the text; false, and nothing written, if it is longer than that.
bool write_exact_model(const std::string& path, const io::ExactModel& model);

}  // namespace mdp::cli
