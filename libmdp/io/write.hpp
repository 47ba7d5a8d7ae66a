// libmdp/io/write.hpp — an Mdp into a file. The formats are described in docs/formats.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::io {

/// Writes a model whole or not at all; the format is known by the file name: .json (small text format), .npz (arrays),
/// .umb (Unified Markov Binary). Costs are written in the sense of the model's objective.
/// \throws InputError if the name ends in no known format, OutputError if the file cannot be written.
void write_mdp(const std::string& path, const Mdp& mdp);

/// What a format cannot keep of this model, one sentence each; empty if read_mdp() gives back the same bits.
/// \param format  "json", "npz" or "umb".  \throws InvalidArgument for any other.
[[nodiscard]] std::vector<std::string> lost_in(std::string_view format, const Mdp& mdp);

}  // namespace mdp::io
