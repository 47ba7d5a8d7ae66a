#include "cli/present.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/result_file.hpp"
#include "cli/usage.hpp"
#include "libmdp/error.hpp"

namespace mdp::cli {

void require_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw OutputError(fmt::format("{}: cannot be written: {}: {}", path, folder, std::strerror(errno)));
  }
}

void require_writable(const CommonFlags& flags) {
  if (flags.output.empty()) return;
  if (!is_result_file(flags.output)) {
    throw UsageError(fmt::format("--output {}: the name of a result file ends in .json or .npz", flags.output));
  }
  require_folder_of(flags.output);
}

void present(const CommonFlags& flags, const Result& result, const std::function<std::string()>& tables) {
  if (!flags.output.empty()) write_result(flags.output, result);
  print(flags.json ? result.json() : tables());
}

int exit_code_of(Status status) { return status == Status::converged ? exit_done : exit_not_met; }

std::string status_text(Status status, std::string_view message) {
  return message.empty() ? std::string(to_string(status)) : fmt::format("{}: {}", to_string(status), message);
}

std::string_view objective_word(Objective objective) {
  return objective == Objective::maximize ? "maximize" : "minimize";
}

}  // namespace mdp::cli
