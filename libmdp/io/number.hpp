// libmdp/io/number.hpp — numbers as people write them, for programs that take them from a command line.
#pragma once

#include <optional>
#include <string_view>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::io {

/// The number that a decimal ("-1.5e-3") or a fraction of integers ("2/3") writes, to about 106 bits; nothing if the
/// text is neither, or out of the range of doubles.
[[nodiscard]] std::optional<TwoDouble> parse_number(std::string_view text);

/// gamma and 1 - gamma of such a text, each to about 106 bits. \throws InvalidOption unless 0 <= gamma <= 1.
[[nodiscard]] std::optional<Discount> parse_discount(std::string_view text);

}  // namespace mdp::io
