// libmdp/io/utf8.hpp — texts of 4-byte code points, as NumPy has them, and UTF-8. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mdp::io {

/// Appends a code point; false if there is no such character.
bool append_utf8(std::string& text, std::uint32_t code_point);

/// The code points of a text; a byte that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::vector<std::uint32_t> code_points(std::string_view text);

}  // namespace mdp::io
