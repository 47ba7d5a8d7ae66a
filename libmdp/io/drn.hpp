// libmdp/io/drn.hpp — Storm's DRN files. Internal.
#pragma once

#include <span>
#include <string>

#include "libmdp/buffer.hpp"
#include "libmdp/io/explicit_text.hpp"

namespace mdp::io {

/// Reads a DRN text; numbers point into it. \throws InputError.
[[nodiscard]] ExplicitText parse_drn(std::string_view text, const std::string& file, const ReadOptions& options);

/// The text of x.drn, or of x.drn.gz or x.drn.xz unpacked into `unpacked`. \throws InputError.
[[nodiscard]] std::string_view drn_text(std::span<const std::byte> bytes, const std::string& file,
                                        Buffer<std::byte>& unpacked);

/// Whether the name ends in .drn, .drn.gz or .drn.xz.
[[nodiscard]] bool is_drn(std::string_view path);

/// \throws OutputError.
void write_drn(const std::string& path, const Mdp& mdp);

}  // namespace mdp::io
