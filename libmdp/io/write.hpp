// libmdp/io/write.hpp — an Mdp into a file. The formats are described in docs/formats.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::io {

enum class Compression { none, gzip, xz };

struct WriteOptions {
  /// Of .umb files as a whole; .npz arrays are deflated by gzip and cannot be compressed by xz; texts never are.
  Compression compression = Compression::none;
};

/// Writes a model whole or not at all; the format is known by the file name: .json (small text format), .npz (arrays),
/// .umb (Unified Markov Binary), .tra (PRISM's explicit files, with .lab, .trew and .sta beside it), .drn (Storm). Costs are written in the sense of the model's objective.
/// \throws InputError if the name ends in no known format, OutputError if the file cannot be written,
/// InvalidArgument if the format has no such compression.
void write_mdp(const std::string& path, const Mdp& mdp, const WriteOptions& options = {});

/// What a format cannot keep of this model, one sentence each; empty if read_mdp() gives back the same bits.
/// \param format  "json", "npz", "umb", "tra" or "drn", or a file name that ends so.  \throws InvalidArgument for any other.
[[nodiscard]] std::vector<std::string> lost_in(std::string_view format, const Mdp& mdp);

}  // namespace mdp::io
