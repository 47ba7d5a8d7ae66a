// cli/result_file.hpp — results as files.
#pragma once

#include <string>

#include "cli/result.hpp"

namespace mdp::cli {

/// Whether a name ends in .json or .npz.
[[nodiscard]] bool is_result_file(const std::string& path);

/// Writes a result whole or not at all: the JSON object, or one array per key. In .npz, nested objects become
/// "outer_inner", arrays shaped as `q` become flat arrays [n_rows] beside `state_rows` [n_states+1], lists of objects
/// their JSON text. \throws OutputError
void write_result(const std::string& path, const Result& result);

}  // namespace mdp::cli
