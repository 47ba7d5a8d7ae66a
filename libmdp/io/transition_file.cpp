#include "libmdp/io/transition_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json_document.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {
namespace {

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return x;
}

/// Puts samples into columns after checking them against the MDP; says what is wrong as a text.
class Columns {
 public:
  explicit Columns(const Mdp& mdp) : mdp_(mdp) {
    for (std::size_t s = 0; s < mdp.names().states.size(); ++s) states_.emplace(mdp.names().states[s], s);
  }

  /// A position, or a name.
  [[nodiscard]] std::int64_t state(std::string_view text) const {
    if (const auto position = as_integer(text)) return *position;
    const auto named = states_.find(std::string(text));
    return named == states_.end() ? -1 : static_cast<std::int64_t>(named->second);
  }
  [[nodiscard]] std::int64_t action(std::int64_t s, std::string_view text) const {
    if (const auto position = as_integer(text)) return *position;
    if (s < 0 || s >= mdp_.n_states()) return -1;
    const Offset first = mdp_.state_rows()[static_cast<std::size_t>(s)];
    for (Offset a = 0; a < mdp_.n_actions(static_cast<State>(s)); ++a) {
      if (mdp_.action_name(first + a) == text) return a;
    }
    return -1;
  }

  /// \returns "" or what is wrong
  [[nodiscard]] std::string add(std::int64_t s, std::int64_t a, std::int64_t next, double count) {
    const auto is_state = [this](std::int64_t x) { return x >= 0 && x < mdp_.n_states(); };
    const std::string states = "; states are 0 to " + std::to_string(mdp_.n_states() - 1);
    if (!is_state(s)) return "the state does not exist" + states;
    const auto state = static_cast<State>(s);
    if (a < 0 || a >= mdp_.n_actions(state)) {
      return "state " + mdp_.state_name(state) + " has no such action; its actions are 0 to " +
             std::to_string(mdp_.n_actions(state) - 1);
    }
    const std::string pair = "state " + mdp_.state_name(state) + ", action " +
                             mdp_.action_name(mdp_.state_rows()[static_cast<std::size_t>(s)] + a);
    if (!is_state(next)) return pair + ": the successor does not exist" + states;
    if (!(count >= 0.0 && count < infinity)) return pair + ": a count must be finite and not negative";
    data_.add(state, static_cast<Action>(a), static_cast<State>(next));
    data_.count.push_back(count);
    return {};
  }

  /// Without the counts where all are 1.
  [[nodiscard]] TransitionData take() {
    if (std::ranges::all_of(data_.count, [](double n) { return n == 1.0; })) data_.count.clear();
    return std::move(data_);
  }

 private:
  const Mdp& mdp_;
  std::unordered_map<std::string, std::size_t> states_;
  TransitionData data_;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> fields(std::string_view line) {
  std::vector<std::string_view> result;
  for (;;) {
    const std::size_t comma = line.find(',');
    result.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return result;
    line.remove_prefix(comma + 1);
  }
}

TransitionData from_csv(std::string_view text, const std::string& file, const Mdp& mdp) {
  Columns columns(mdp);
  bool first = true;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto fail = [&](const std::string& what) {
      throw InputError(file, "line " + std::to_string(number), what + " (\"" + std::string(line.substr(0, 80)) + "\")");
    };
    const auto cells = fields(line);
    const bool is_header = first && cells.front() == "state";
    first = false;
    if (cells.size() != 3 && cells.size() != 4) fail("must be state,action,next_state or with a count behind them");
    if (is_header) {
      if (cells[1] != "action" || cells[2] != "next_state" || (cells.size() == 4 && cells[3] != "count")) {
        fail("columns must be state,action,next_state[,count]");
      }
      continue;
    }
    double count = 1.0;
    if (cells.size() == 4) {
      const auto number_of = parse_rational(cells[3]);
      if (!number_of) fail("the count is not a number");
      count = nearest_double(*number_of);
    }
    const std::int64_t s = columns.state(cells[0]);
    const std::string wrong = columns.add(s, columns.action(s, cells[1]), columns.state(cells[2]), count);
    if (!wrong.empty()) fail(wrong);
  }
  return columns.take();
}

TransitionData from_json(std::string_view text, const std::string& file, const Mdp& mdp) {
  using Kind = JsonDocument::Kind;
  const JsonDocument document(file, text);
  JsonDocument::Value list = document.root();
  Place place;
  if (document.is(list, Kind::object)) {
    list = document.find(document.root(), "transitions");
    if (list == 0) {
      document.fail(document.root(), {}, "must be an array, or an object with the key \"transitions\"");
    }
    place = {nullptr, "transitions", -1};
  }
  Columns columns(mdp);
  document.each(list, place, [&](std::int64_t i, JsonDocument::Value v) {
    const Place entry = place[i];
    const auto cells = document.array(v, entry);
    if (cells.size() != 3 && cells.size() != 4) document.fail(v, entry, "must be [s, a, s'] or [s, a, s', count]");
    const auto word = [&](std::size_t k) {
      return document.is(cells[k], Kind::string)
                 ? std::string(document.string(cells[k], entry[static_cast<std::int64_t>(k)]))
                 : std::to_string(document.integer(cells[k], entry[static_cast<std::int64_t>(k)]));
    };
    const double count = cells.size() == 4 ? nearest_double(document.rational(cells[3], entry[3])) : 1.0;
    const std::int64_t s = columns.state(word(0));
    const std::string wrong = columns.add(s, columns.action(s, word(1)), columns.state(word(2)), count);
    if (!wrong.empty()) document.fail(v, entry, wrong);
  });
  return columns.take();
}

TransitionData from_npz(std::span<const std::byte> bytes, const std::string& file, const Mdp& mdp) {
  const auto is_ours = [](std::string_view name) {
    return name == "state.npy" || name == "action.npy" || name == "next_state.npy" || name == "count.npy";
  };
  const Archive archive(bytes, ArchiveFormat::zip, file, is_ours);
  const auto array = [&](const std::string& name) -> std::optional<NpyArray> {
    for (const auto& member : archive.members()) {
      if (member.name == name + ".npy") return NpyArray(member.bytes, file, name);
    }
    return std::nullopt;
  };
  const auto required = [&](const std::string& name, std::int64_t length) {
    const auto found = array(name);
    if (!found) throw InputError(file, "", "has no array \"" + name + "\"");
    found->require_vector(length);
    return found->integers();
  };
  const auto state = required("state", -1);
  const auto n = static_cast<std::int64_t>(state.size());
  const auto action = required("action", n);
  const auto next = required("next_state", n);
  Buffer<double> count;
  if (const auto counts = array("count")) {
    counts->require_vector(n);
    count = counts->doubles();
  }
  Columns columns(mdp);
  for (std::size_t i = 0; i < state.size(); ++i) {
    const std::string wrong = columns.add(state[i], action[i], next[i], count.empty() ? 1.0 : count[i]);
    if (!wrong.empty()) throw InputError(file, "entry " + std::to_string(i), wrong);
  }
  return columns.take();
}

std::string lines_of(const TransitionData& data, bool json) {
  std::string text = json ? "{\"transitions\": [" : "state,action,next_state";
  if (!json) text += data.count.empty() ? "\n" : ",count\n";
  for (std::size_t i = 0; i < data.state.size(); ++i) {
    if (json) text += i == 0 ? "[" : ",\n[";
    text +=
        std::to_string(data.state[i]) + "," + std::to_string(data.action[i]) + "," + std::to_string(data.next_state[i]);
    if (!data.count.empty()) text += "," + shortest_text(data.count[i]);
    text += json ? "]" : "\n";
  }
  return json ? text + "]}\n" : text;
}

}  // namespace

TransitionData parse_transitions(std::span<const std::byte> bytes, const std::string& file, const Mdp& mdp) {
  const std::string format = extension(file);
  if (format == "csv") return from_csv(as_text(bytes), file, mdp);
  if (format == "json") return from_json(as_text(bytes), file, mdp);
  if (format == "npz") return from_npz(bytes, file, mdp);
  throw InputError(file, "", "transition data are .csv, .json or .npz");
}

TransitionData read_transitions(const std::string& path, const Mdp& mdp) {
  return parse_transitions(FileBytes(path).bytes(), path, mdp);
}

void write_transitions(const std::string& path, const TransitionData& data) {
  const std::string format = extension(path);
  if (format == "csv" || format == "json") {
    return write_file(path, std::string_view(lines_of(data, format == "json")));
  }
  if (format != "npz") throw InvalidArgument(path + ": transition data are .csv, .json or .npz");
  NpzWriter out(path);
  out.add("state", data.state);
  out.add("action", data.action);
  out.add("next_state", data.next_state);
  if (!data.count.empty()) out.add("count", data.count);
  out.commit();
}

}  // namespace mdp::io
