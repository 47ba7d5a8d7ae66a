#pragma once

#include <filesystem>
#include <optional>

// Where tests find what they do not carry themselves.
namespace mdp::tests {

/// The root of the checkout; data_dir() is its data/.
std::filesystem::path source_dir();
std::filesystem::path data_dir();

/// The built program mdp. Environment: MDP_PROGRAM.
std::filesystem::path program();

/// The folder `shared` beside the checkout, with cases and inputs that the repository does not
/// hold; empty where it does not exist: such tests say WARN("skipped: ...") and return.
/// Environment: MDP_SHARED_DIR.
std::optional<std::filesystem::path> shared_dir();

/// A fresh empty folder, removed with everything in it by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& file) const { return path_ / file; }

 private:
  std::filesystem::path path_;
};

}  // namespace mdp::tests
