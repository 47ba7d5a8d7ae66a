#include "cli/file_hash.hpp"

#include <cstdint>
#include <filesystem>

#include <fmt/format.h>

#include "libmdp/io/file_bytes.hpp"

namespace mdp::cli {

std::string file_hash(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return "";
  const io::FileBytes file(path);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte b : file.bytes()) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3;
  return fmt::format("fnv1a64:{:016x}", hash);
}

}  // namespace mdp::cli
