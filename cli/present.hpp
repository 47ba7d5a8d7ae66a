// cli/present.hpp — how every command hands over what it found.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/program.hpp"
#include "cli/result.hpp"
#include "libmdp/status.hpp"

namespace mdp::cli {

/// Refuses an --output that could not be written before any work is done.
/// \throws UsageError for a name that is neither .json nor .npz; OutputError if the folder is missing.
void require_writable(const CommonFlags& flags);
/// The same for a file of any kind, e.g. a model. \throws OutputError
void require_folder_of(const std::string& path);

/// Writes --output, then prints the JSON object or, without --json, the tables.
void present(const CommonFlags& flags, const Result& result, const std::function<std::string()>& tables);

/// exit_done if converged, else exit_not_met.
[[nodiscard]] int exit_code_of(Status status);

/// "status   converged" as people read it: the status, and the solver's sentence if it has one.
[[nodiscard]] std::string status_text(Status status, std::string_view message);

/// "minimize" or "maximize".
[[nodiscard]] std::string_view objective_word(Objective objective);

}  // namespace mdp::cli
