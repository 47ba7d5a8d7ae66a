// libmdp/io/model_arrays.hpp — what the readers of binary formats share. Internal.
#pragma once

#include <string>

#include "libmdp/io/archive.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::io {

/// Builds what a reader collected: `options.goal` replaces the goal states, rules broken become an InputError of the file.
[[nodiscard]] Mdp build_arrays(MdpArrays&& arrays, const std::string& file, const ReadOptions& options);

/// read_npz() and read_umb() of an archive that is open already.
[[nodiscard]] Mdp read_npz_members(const Archive& archive, const std::string& file, const ReadOptions& options);
[[nodiscard]] Mdp read_umb_members(const Archive& archive, const std::string& file, const ReadOptions& options);

/// True where the double nearest to the discount does not say it all.
[[nodiscard]] bool has_digits_beyond_double(const Discount& discount);

}  // namespace mdp::io
