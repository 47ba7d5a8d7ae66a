// libmdp/io/umb.hpp — Unified Markov Binary, version 1.0 (docs/formats.md, section 3).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"

namespace mdp::io {

/// Reads an MDP or a Markov chain (one action per state) from a tar archive, plain or compressed with gzip or xz.
/// Rational probabilities and rewards are taken exactly. Discount, objective, initial distribution, state names and
/// rounding tails are read where this library wrote them; ReadOptions complete files of other tools.
/// \throws InputError, also for models of other kinds (continuous time, games, observations, intervals); InvalidOption.
/// Cost O(size); an uncompressed file is converted in parallel straight from `bytes`.
[[nodiscard]] Mdp read_umb(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options = {});

/// Writes a model; read_umb() gives back the same bits. What UMB has no place for goes to the annotation group
/// "libmdp" and to the tool parameters, which other tools ignore.  \throws OutputError.
void write_umb(const std::string& path, const Mdp& mdp, Compression compression = Compression::none);

}  // namespace mdp::io
