#include "libmdp/io/state_list.hpp"

#include <algorithm>
#include <charconv>

#include "libmdp/error.hpp"

namespace mdp::io {

std::vector<std::int64_t> parse_state_list(std::string_view list, std::int64_t n_states,
                                           const std::vector<std::string>& names, const std::string& file) {
  std::vector<std::int64_t> states;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (const auto name = std::find(names.begin(), names.end(), item); name != names.end()) {
      states.push_back(name - names.begin());
      continue;
    }
    std::int64_t state = -1;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), state);
    if (error != std::errc() || end != item.data() + item.size() || state < 0 || state >= n_states) {
      throw InputError(file, "",
                       "has no label and no state \"" + std::string(item) + "\" for a goal; states are 0 to " +
                           std::to_string(n_states - 1) + (names.empty() ? "" : " or their names"));
    }
    states.push_back(state);
  }
  std::sort(states.begin(), states.end());
  states.erase(std::unique(states.begin(), states.end()), states.end());
  return states;
}

}  // namespace mdp::io
