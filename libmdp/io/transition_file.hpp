// libmdp/io/transition_file.hpp — files of observed transitions.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "libmdp/transition_data.hpp"

namespace mdp::io {

/// Reads observed transitions of an MDP; by the name's ending:
///
///   .csv   lines `state,action,next_state` or `state,action,next_state,count`; a first line that names the columns may
///          stand before them; blank lines and lines that begin with # are skipped
///   .json  an array of [s, a, s'] or [s, a, s', count], or an object with such an array under "transitions"
///   .npz   integer arrays `state`, `action`, `next_state` [n], and perhaps `count` [n]
///
/// States and actions are positions; in .csv and .json names are taken too. \throws InputError naming the line or entry
/// that is malformed, or whose state, action or count the MDP does not have.
[[nodiscard]] TransitionData read_transitions(const std::string& path, const Mdp& mdp);

/// The same from bytes in memory. \param file  its ending tells the format
[[nodiscard]] TransitionData parse_transitions(std::span<const std::byte> bytes, const std::string& file,
                                               const Mdp& mdp);

/// Writes .csv, .json or .npz, whole or not at all. \throws OutputError, InvalidArgument for another ending.
void write_transitions(const std::string& path, const TransitionData& data);

}  // namespace mdp::io
