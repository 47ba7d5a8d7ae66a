// cli/model_file.hpp — models that a command writes.
#pragma once

#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::cli {

/// ".json, .npz, .umb, .tra or .drn": the endings of model files that can be written.
[[nodiscard]] std::string model_formats();

/// Refuses a name or a folder that write_model() could not serve, before any work is done.
/// \throws UsageError, OutputError
void require_model_file(const std::string& path);

/// Writes a model by its file name. Returns what the format could not keep, one sentence each. \throws OutputError
std::vector<std::string> write_model(const std::string& path, const Mdp& mdp);

}  // namespace mdp::cli
