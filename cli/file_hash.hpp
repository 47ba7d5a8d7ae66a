// cli/file_hash.hpp — which file a result was made of.
#pragma once

#include <string>

namespace mdp::cli {

/// "sha256:" and 64 hexadecimal digits of the bytes of a regular file, as sha256sum prints them. "" for anything else, e.g. a
/// pipe. \throws InputError if the file cannot be read
[[nodiscard]] std::string file_hash(const std::string& path);

}  // namespace mdp::cli
