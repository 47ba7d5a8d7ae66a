#include "cli/file_hash.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "libmdp/certificate/sha256.hpp"
#include "libmdp/io/file_bytes.hpp"

namespace mdp::cli {

std::string file_hash(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return "";
  const io::FileBytes file(path);
  constexpr std::size_t piece = 1 << 20;  // the hash keeps a copy of what it is given
  certificate::Sha256 hash;
  for (std::string_view rest = io::as_text(file.bytes()); !rest.empty();
       rest.remove_prefix(std::min(piece, rest.size())))
    hash.add(rest.substr(0, piece));
  return "sha256:" + hash.hex();
}

}  // namespace mdp::cli
