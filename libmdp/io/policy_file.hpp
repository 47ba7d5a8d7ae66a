// libmdp/io/policy_file.hpp — read_policy() and read_values() of bytes in memory (read.hpp says what they read). Internal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/io/read.hpp"

namespace mdp::io {

/// \param file  the name for messages. \throws InputError.
[[nodiscard]] PolicyFile parse_policy(std::span<const std::byte> bytes, const std::string& file, const Mdp& mdp);

/// \param file  the name for messages; its extension decides the format: npy, npz, any other is JSON.
[[nodiscard]] std::vector<double> parse_values(std::span<const std::byte> bytes, const std::string& file,
                                               std::int64_t n, std::string_view key = "value");

/// read_values() of a file to 106 bits: decimals and fractions of JSON as they are written. \throws InputError.
[[nodiscard]] std::vector<TwoDouble> read_precise_values(const std::string& path, std::int64_t n);

}  // namespace mdp::io
