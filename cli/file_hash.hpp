// cli/file_hash.hpp — which file a result was made of.
#pragma once

#include <string>

namespace mdp::cli {

/// "fnv1a64:" and 16 hexadecimal digits of the bytes of a regular file (Fowler, Noll, Vo; 64 bits): to tell files apart,
/// not against forgery. "" for anything else, e.g. a pipe. \throws InputError if the file cannot be read
[[nodiscard]] std::string file_hash(const std::string& path);

}  // namespace mdp::cli
