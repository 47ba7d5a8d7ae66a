// libmdp/io/json.hpp — the small JSON text format for people and tests (design.md; docs/formats.md, section 1).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "libmdp/io/read.hpp"

namespace mdp::io {

/// Reads a model in the small text format. Numbers are taken as written: decimals and fractions become rationals,
/// the arithmetic on them (duplicate successors, costs of successors) is exact, and the MDP gets
/// each number as two doubles.
/// \param file  the name for messages.  \throws InputError, InvalidOption. Cost O(size), some 100 bytes a successor.
[[nodiscard]] Mdp read_json(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options = {});

/// The model as a text that read_json() turns into the same bits. A number whose rounding tail is known is written
/// with the digits that it takes ("1/3"), any other as the shortest decimal that gives the same double.
[[nodiscard]] std::string json_text(const Mdp& mdp);

}  // namespace mdp::io
