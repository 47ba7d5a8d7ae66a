#include "cli/model_file.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/usage.hpp"
#include "libmdp/io/write.hpp"

namespace mdp::cli {
namespace {

const std::array<std::string, 5> formats = {"json", "npz", "umb", "tra", "drn"};

std::string format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension.empty() ? extension : extension.substr(1);
}

}  // namespace

std::string model_formats() {
  return fmt::format(".{}, .{}, .{}, .{} or .{}", formats[0], formats[1], formats[2], formats[3], formats[4]);
}

void require_model_file(const std::string& path) {
  if (std::ranges::find(formats, format_of(path)) == formats.end()) {
    throw UsageError(fmt::format("{}: the name of a model file ends in {}", path, model_formats()));
  }
  require_folder_of(path);
}

std::vector<std::string> write_model(const std::string& path, const Mdp& mdp) {
  io::write_mdp(path, mdp);
  return io::lost_in(format_of(path), mdp);
}

}  // namespace mdp::cli
