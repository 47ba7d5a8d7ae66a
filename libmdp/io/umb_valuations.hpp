// libmdp/io/umb_valuations.hpp — names of states from the values of their variables. Internal.
#pragma once

#include <string>
#include <vector>

#include "libmdp/io/umb_index.hpp"
#include "libmdp/io/umb_members.hpp"

namespace mdp::io {

/// Names such as "x=3,b=true", one per state, from valuations/states/valuations.bin: rows of bits, variable after variable, the
/// least significant bit first. Empty if the file has none, if two states would get the same name, if some type is not
/// shown (rational), or if there are more than a million states.
/// \throws InputError if the member has not the size that the variables ask for.
[[nodiscard]] std::vector<std::string> names_of_valuations(const UmbMembers& members, const UmbIndex& index);

}  // namespace mdp::io
