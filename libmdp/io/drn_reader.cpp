// DRN, Storm's text format (docs/formats.md, section 5).
#include <algorithm>
#include <limits>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/drn.hpp"
#include "libmdp/io/file_bytes.hpp"

namespace mdp::io {
namespace {

constexpr std::int64_t max_count = std::numeric_limits<std::int64_t>::max();

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

class DrnReader {
 public:
  DrnReader(std::string_view text, const std::string& file, const ReadOptions& options)
      : in_(text, file), options_(options) {
    model_.sources.push_back({file, text});
  }

  ExplicitText operator()() {
    read_header();
    while (in_.next_line_of_data("//")) {
      std::string_view word = in_.word();
      if (word == "state") {
        start_state();
      } else if (word == "action") {
        start_action();
      } else {
        read_transition(word);
      }
    }
    finish_row();
    if (state_ + 1 != model_.n_states) {
      throw InputError(
          in_.file(), "",
          "announces " + std::to_string(model_.n_states) + " states and has " + std::to_string(state_ + 1));
    }
    if (n_choices_ >= 0 && n_choices_ != model_.n_rows()) {
      throw InputError(
          in_.file(), "",
          "announces " + std::to_string(n_choices_) + " choices and has " + std::to_string(model_.n_rows()));
    }
    model_.finish_states();
    if (!model_.state_reward.empty()) model_.state_reward.resize(static_cast<std::size_t>(model_.n_states));
    if (!model_.row_reward.empty()) model_.row_reward.resize(static_cast<std::size_t>(model_.n_rows()));
    if (const auto init = model_.labels.find("init"); init != model_.labels.end()) model_.initial = init->second;
    return std::move(model_);
  }

 private:
  void read_header() {
    for (bool waiting = false; waiting || in_.next_line_of_data("//");) {
      waiting = false;
      const std::string_view key = in_.word();
      if (key == "@model") return check_header();
      if (key == "@type:") {
        read_type(in_.rest());
      } else if (key == "@value_type:") {
        read_value_type(in_.rest());
      } else if (key == "@parameters") {
        if (in_.next() && !in_.at_end())
          in_.fail("names the parameters " + shown(in_.rest()) + ": parametric models are not models of this library");
      } else if (key == "@placeholders") {
        waiting = read_placeholders();
      } else if (key == "@reward_models") {
        if (in_.next()) {
          while (!in_.at_end()) reward_models_.emplace_back(in_.word());
        }
      } else if (key == "@nr_states") {
        if (!in_.next()) in_.fail("ends where the number of states is expected");
        require_states(in_, model_.n_states = in_.position(max_count, "a number of states"));
      } else if (key == "@nr_choices") {
        if (!in_.next()) in_.fail("ends where the number of choices is expected");
        n_choices_ = in_.position(max_count, "a number of choices");
      } else {
        in_.fail(shown(key) +
                 " is no key of the header: known are @type:, @value_type:, @parameters, @placeholders, "
                 "@reward_models, @nr_states, @nr_choices and @model");
      }
    }
    in_.fail("has no @model");
  }

  void read_type(std::string_view type) {
    if (type != "MDP" && type != "DTMC") {
      in_.fail("is of type " + shown(type) + ": required MDP or DTMC, which are the models of this library");
    }
    type_ = type;
  }

  void read_value_type(std::string_view type) {
    if (type != "double" && type != "rational") {
      in_.fail("has values of type " + shown(type) + ": required double or rational");
    }
  }

  /// "$name : number" up to the next key; true if there is one, in the current line.
  bool read_placeholders() {
    while (in_.next_line_of_data("//")) {
      if (in_.line().starts_with('@')) return true;
      const std::string_view name = in_.word();
      if (!name.starts_with('$')) in_.fail(shown(name) + " is no placeholder: required \"$name : number\"");
      if (in_.word() != ":") in_.fail("has no colon behind the placeholder " + shown(name));
      if (!placeholders_.emplace(name, in_.rest()).second)
        in_.fail("defines the placeholder " + shown(name) + " twice");
    }
    return false;
  }

  void check_header() {
    if (type_.empty()) in_.fail("starts the model, but the header has no @type:");
    if (model_.n_states == 0) in_.fail("starts the model, but the header has no @nr_states");
    if (options_.rewards) {
      const auto found = std::find(reward_models_.begin(), reward_models_.end(), *options_.rewards);
      if (found == reward_models_.end())
        in_.fail("has no reward model \"" + *options_.rewards + "\"; it has: " + reward_names());
      reward_ = static_cast<std::size_t>(found - reward_models_.begin());
    } else if (reward_models_.size() > 1) {
      throw InputError(in_.file(), "",
                       "has several reward models, of which one must be chosen by name: " + reward_names());
    }
  }
  [[nodiscard]] std::string reward_names() const {
    std::string names;
    for (const auto name : reward_models_) names += (names.empty() ? "" : ", ") + std::string(name);
    return names.empty() ? "none" : names;
  }

  void start_state() {
    finish_row();
    const std::int64_t state = in_.position(model_.n_states, "a state");
    if (state != state_ + 1) {
      in_.fail("is state " + std::to_string(state) + " where state " + std::to_string(state_ + 1) + " is expected");
    }
    state_ = state;
    model_.start_state(state);
    std::string_view rest = in_.rest();
    if (rest.starts_with('!'))
      in_.fail("has the rate " + shown(rest.substr(0, rest.find(' '))) + ": continuous time is not of this library");
    if (rest.starts_with('{'))
      in_.fail("has the observation " + shown(rest.substr(0, rest.find(' '))) +
               ": POMDPs are not models of this library");
    if (rest.starts_with('[')) {
      const std::size_t close = rest.find(']');
      if (close == std::string_view::npos) in_.fail("has no ] behind the rewards");
      const std::string_view reward = reward_in(rest.substr(1, close - 1));
      put(model_.state_reward, state, reward);
      rest = trimmed(rest.substr(close + 1));
    }
    read_labels(rest);
  }

  void read_labels(std::string_view rest) {
    while (!rest.empty()) {
      std::size_t end = rest.find_first_of(" \t");
      std::string_view label = rest.substr(0, end);
      if (rest.starts_with('"')) {
        const std::size_t quote = rest.find('"', 1);
        if (quote == std::string_view::npos) in_.fail("has no quote behind the label " + shown(rest));
        label = rest.substr(1, quote - 1);
        end = quote + 1;
      }
      auto found = model_.labels.find(label);
      if (found == model_.labels.end()) found = model_.labels.emplace(label, std::vector<State>()).first;
      if (found->second.empty() || found->second.back() != state_) found->second.push_back(static_cast<State>(state_));
      rest = end >= rest.size() ? std::string_view() : trimmed(rest.substr(end));
    }
  }

  void start_action() {
    if (state_ < 0) in_.fail("is an action before the first state");
    finish_row();
    std::string_view name = in_.rest();
    std::string_view reward;
    if (name.ends_with(']')) {
      const std::size_t open = name.rfind('[');
      if (open == std::string_view::npos) in_.fail("has no [ before the rewards");
      reward = reward_in(name.substr(open + 1, name.size() - open - 2));
      name = trimmed(name.substr(0, open));
    }
    start_row(name == "__NOLABEL__" ? std::string_view() : name, reward);
  }

  void start_row(std::string_view action, std::string_view reward) {
    actions_.add(action, model_.names);
    put(model_.row_reward, model_.n_rows(), reward);
    in_row_ = true;
    empty_row_ = true;
  }

  /// Columns of rewards exist once there is one.
  static void put(std::vector<std::string_view>& column, std::int64_t i, std::string_view reward) {
    if (reward.empty()) return;
    column.resize(static_cast<std::size_t>(i) + 1);
    column.back() = reward;
  }

  void finish_row() {
    if (!in_row_) return;
    if (empty_row_) in_.fail("follows an action without transitions, of state " + std::to_string(state_));
    model_.finish_row();
    in_row_ = false;
  }

  void read_transition(std::string_view word) {
    if (!in_row_) {
      const bool chain = type_ == "DTMC" && state_ >= 0;  // which may leave out its only action
      if (!chain) in_.fail("is a transition before an action: found " + shown(word));
      start_row({}, {});
    }
    if (word.ends_with(':')) word.remove_suffix(1);
    std::int64_t next = -1;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), next);
    if (error != std::errc() || stop != word.data() + word.size() || next < 0 || next >= model_.n_states) {
      in_.fail(shown(word) + " is neither \"state\" nor \"action\" nor a successor: required an integer from 0 to " +
               std::to_string(model_.n_states - 1));
    }
    std::string_view number = in_.rest();
    if (number.starts_with(':')) number = trimmed(number.substr(1));
    if (number.empty()) in_.fail("ends where a probability is expected: required \"state : probability\"");
    if (number[0] == '[' || number[0] == '(') in_.fail(shown(number) + " is an interval: required one probability");
    model_.add(next, resolved(number));
    empty_row_ = false;
  }

  /// The chosen one of "r1, r2"; "" if the file has no reward models.
  std::string_view reward_in(std::string_view list) {
    std::string_view chosen;
    std::size_t n = 0;
    for (bool more = !trimmed(list).empty(); more; ++n) {
      const std::size_t comma = list.find(',');
      if (n == reward_) chosen = trimmed(list.substr(0, comma));
      more = comma != std::string_view::npos;
      if (more) list = list.substr(comma + 1);
    }
    if (n != reward_models_.size()) {
      in_.fail("has " + std::to_string(n) + " rewards, required " + std::to_string(reward_models_.size()) +
               ", one per reward model");
    }
    return chosen.empty() ? chosen : resolved(chosen);
  }

  [[nodiscard]] std::string_view resolved(std::string_view number) const {
    if (!number.starts_with('$')) return number;
    const auto found = placeholders_.find(number);
    if (found == placeholders_.end()) in_.fail(shown(number) + " is not a placeholder that the header defines");
    return found->second;
  }

  LineReader in_;
  const ReadOptions& options_;
  ExplicitText model_;
  ActionTable actions_;
  std::string_view type_;
  std::vector<std::string_view> reward_models_;
  std::size_t reward_ = 0;
  std::map<std::string_view, std::string_view> placeholders_;
  std::int64_t n_choices_ = -1;  // not announced
  std::int64_t state_ = -1;
  bool in_row_ = false, empty_row_ = false;
};

}  // namespace

ExplicitText parse_drn(std::string_view text, const std::string& file, const ReadOptions& options) {
  return DrnReader(text, file, options)();
}

bool is_drn(std::string_view path) {
  const std::string end = extension(path);
  if (end == "drn") return true;
  return (end == "gz" || end == "xz") && extension(path.substr(0, path.size() - 3)) == "drn";
}

std::string_view drn_text(std::span<const std::byte> bytes, const std::string& file, Buffer<std::byte>& unpacked) {
  if (extension(file) == "drn") return as_text(bytes);
  unpacked = decompressed(bytes, file);
  return as_text(unpacked);
}

}  // namespace mdp::io
