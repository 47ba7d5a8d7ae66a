#include "libmdp/io/exact_json.hpp"

#include <nlohmann/json.hpp>

namespace mdp::io {
namespace {

// Longest integer that is written as a number, so that any reader of JSON keeps it.
constexpr std::size_t max_plain_digits = 15;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number(const mpq_class& x) {
  const std::string text = x.get_str();
  return text.find('/') == std::string::npos && text.size() <= max_plain_digits ? text : "\"" + text + "\"";
}

std::string pairs(const std::vector<std::pair<std::int64_t, mpq_class>>& entries) {
  std::string text;
  for (const auto& [state, p] : entries)
    text += (text.empty() ? "[" : ", [") + std::to_string(state) + ", " + number(p) + "]";
  return "[" + text + "]";
}

std::string choice_text(const ExactModel& model, std::int64_t s, std::int64_t row) {
  const auto& from = model.rows[static_cast<std::size_t>(row)];
  const bool maximise = model.objective == Objective::maximize;
  std::string text = "  {\"state\": " + std::to_string(s) + ", \"action\": ";
  text +=
      from.action.empty() ? std::to_string(row - model.state_rows[static_cast<std::size_t>(s)]) : quoted(from.action);
  text += ", \"cost\": ";
  if (from.inadmissible) {
    text += maximise ? "\"-inf\"" : "\"inf\"";
  } else {
    text += number(maximise ? mpq_class(-from.cost) : from.cost);
  }
  return text + ", \"to\": " + pairs(from.to) + "}";
}

std::string states_text(const ExactModel& model) {
  if (model.names.empty()) return std::to_string(model.n_states);
  std::string text;
  for (const std::string& name : model.names) text += (text.empty() ? "" : ", ") + quoted(name);
  return "[" + text + "]";
}

}  // namespace

std::string exact_json_text(const ExactModel& model) {
  std::string text = "{\"format\": \"mdp\", \"version\": 1,\n \"objective\": ";
  text += model.objective == Objective::minimize ? "\"minimize\"" : "\"maximize\"";
  if (model.discount != 1) text += ",\n \"discount\": " + number(model.discount);
  text += ",\n \"states\": " + states_text(model);
  if (!model.initial.empty()) text += ",\n \"initial\": " + pairs(model.initial);
  if (!model.goal.empty()) {
    std::string goals;
    for (const auto s : model.goal) goals += (goals.empty() ? "" : ", ") + std::to_string(s);
    text += ",\n \"goal\": [" + goals + "]";
  }
  text += ",\n \"choices\": [\n";
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    for (auto row = model.state_rows[static_cast<std::size_t>(s)];
         row < model.state_rows[static_cast<std::size_t>(s) + 1]; ++row) {
      text += (row > 0 ? ",\n" : "") + choice_text(model, s, row);
    }
  }
  return text + "\n ]}\n";
}

}  // namespace mdp::io
