#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "libmdp/io/json.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A number of the file: with its tail if that is known, else the shortest decimal of the double.
std::string number(std::span<const double> leading, std::span<const double> tail, Offset i, bool negate = false) {
  const auto at = static_cast<std::size_t>(i);
  const double sign = negate ? -1.0 : 1.0;
  const double x = leading[at] == 0.0 ? 0.0 : sign * leading[at];
  if (std::isinf(x)) return x > 0 ? "\"inf\"" : "\"-inf\"";
  const std::string text = tail.empty() ? shortest_text(x) : exact_text(TwoDouble(x, sign * tail[at]));
  return text.find('/') == std::string::npos ? text : "\"" + text + "\"";
}

std::string states_text(const Mdp& mdp) {
  const auto& names = mdp.names().states;
  if (names.empty()) return std::to_string(mdp.n_states());
  std::string text = "[";
  for (const std::string& name : names) text += (text.size() > 1 ? ", " : "") + quoted(name);
  return text + "]";
}

/// [[s, p], …] of the states with p > 0; "" if uniform, which is the default.
std::string initial_text(const Mdp& mdp) {
  const auto initial = mdp.initial();
  const auto other = [&](double p) { return p != initial[0]; };
  if (std::find_if(initial.begin(), initial.end(), other) == initial.end()) return "";
  std::string text;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const double p = initial[static_cast<std::size_t>(s)];
    if (p > 0.0) text += (text.empty() ? "[" : ", [") + std::to_string(s) + ", " + shortest_text(p) + "]";
  }
  return "[" + text + "]";
}

std::string goal_text(const Mdp& mdp) {
  std::string text;
  for (const State s : mdp.goal()) text += (text.empty() ? "" : ", ") + std::to_string(s);
  return "[" + text + "]";
}

std::string choice_text(const Mdp& mdp, State s, Offset row) {
  const auto& names = mdp.names();
  std::string text = "  {\"state\": " + std::to_string(s);
  if (!names.row_action.empty() && names.row_action[static_cast<std::size_t>(row)] >= 0) {
    const auto action = names.row_action[static_cast<std::size_t>(row)];
    text += ", \"action\": " + quoted(names.actions[static_cast<std::size_t>(action)]);
  } else {
    text += ", \"action\": " + std::to_string(row - mdp.state_rows()[static_cast<std::size_t>(s)]);
  }
  text += ", \"cost\": " + number(mdp.cost(), mdp.cost_tail(), row, mdp.objective() == Objective::maximize);
  text += ", \"to\": [";
  const auto begin = mdp.row_begin()[static_cast<std::size_t>(row)];
  for (Offset t = begin; t < mdp.row_begin()[static_cast<std::size_t>(row) + 1]; ++t) {
    text += (t > begin ? ", [" : "[") + std::to_string(mdp.next_state()[static_cast<std::size_t>(t)]) + ", " +
            number(mdp.probability(), mdp.probability_tail(), t) + "]";
  }
  return text + "]}";
}

}  // namespace

std::string json_text(const Mdp& mdp) {
  std::string text = "{\"format\": \"mdp\", \"version\": 1,\n \"objective\": ";
  text += mdp.objective() == Objective::minimize ? "\"minimize\"" : "\"maximize\"";
  if (const Discount& discount = mdp.exact_discount(); discount.complement.hi != 0.0) {
    const std::string gamma = exact_text(discount);
    text += ",\n \"discount\": " + (gamma.find('/') == std::string::npos ? gamma : "\"" + gamma + "\"");
  }
  text += ",\n \"states\": " + states_text(mdp);
  if (const std::string initial = initial_text(mdp); !initial.empty()) text += ",\n \"initial\": " + initial;
  if (!mdp.goal().empty()) text += ",\n \"goal\": " + goal_text(mdp);
  text += ",\n \"choices\": [\n";
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < mdp.state_rows()[static_cast<std::size_t>(s) + 1]; ++row) {
      text += (row > 0 ? ",\n" : "") + choice_text(mdp, s, row);
    }
  }
  return text + "\n ]}\n";
}

}  // namespace mdp::io
