#include "tests/support/paths.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace mdp::tests {

std::filesystem::path source_dir() { return MDP_SOURCE_DIR; }

std::filesystem::path data_dir() { return source_dir() / "data"; }

std::filesystem::path program() {
  const char* override_path = std::getenv("MDP_PROGRAM");
  return override_path != nullptr ? override_path : MDP_PROGRAM;
}

std::optional<std::filesystem::path> shared_dir() {
  const char* override_path = std::getenv("MDP_SHARED_DIR");
  std::filesystem::path path =
      override_path != nullptr ? std::filesystem::path(override_path) : source_dir().parent_path() / "shared";
  if (!std::filesystem::is_directory(path)) {
    return std::nullopt;
  }
  return path;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "libmdp-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot create a temporary folder: " + name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace mdp::tests
