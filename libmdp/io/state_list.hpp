// libmdp/io/state_list.hpp — the states that an option names. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mdp::io {

/// The states of a list "home,3,work": each item is a name or, where no state has that name, a position.
/// \param names  [n_states] or empty.  \param file  of the model, for messages.
/// \returns positions, ascending, each once.  \throws InputError naming the first item that is no state.
[[nodiscard]] std::vector<std::int64_t> parse_state_list(std::string_view list, std::int64_t n_states,
                                                         const std::vector<std::string>& names,
                                                         const std::string& file);

}  // namespace mdp::io
