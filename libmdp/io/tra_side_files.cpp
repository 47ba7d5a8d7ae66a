// x.lab, x.srew, x.trew and x.sta beside x.tra (docs/formats.md, section 4).
#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "libmdp/io/tra.hpp"

namespace mdp::io {
namespace {

constexpr std::int64_t max_count = std::numeric_limits<std::int64_t>::max();

/// Labels: declared by number and name (PRISM), or by name alone (Storm).
class Labels {
 public:
  Labels(std::string_view text, const std::string& file, ExplicitText& model) : in_(text, file), model_(model) {}

  void operator()() {
    const bool storm = find_declaration();
    if (storm) {
      declare_names();
    } else {
      declare_numbers();
    }
    while (in_.next_line_of_data("#")) read_state(storm);
    for (auto& [name, states] : model_.labels) {
      std::sort(states.begin(), states.end());
      states.erase(std::unique(states.begin(), states.end()), states.end());
    }
    if (const auto init = model_.labels.find("init"); init != model_.labels.end()) model_.initial = init->second;
  }

 private:
  /// Goes to it, over comments; true if it is Storm's.
  bool find_declaration() {
    while (in_.next()) {
      if (in_.line().starts_with("#DECLARATION")) return true;
      if (!in_.at_end() && !in_.line().starts_with('#')) return false;
    }
    in_.fail("has no declaration of labels");
  }

  void declare_names() {
    while (in_.next() && !in_.line().starts_with("#END")) {
      while (!in_.at_end()) declare(in_.word());
    }
    if (!in_.line().starts_with("#END")) in_.fail("ends before #END");
  }

  /// 0="init" 1="deadlock" 2="goal"
  void declare_numbers() {
    std::string_view rest = in_.rest();
    while (!rest.empty()) {
      std::int64_t number = -1;
      const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
      const std::size_t quote = rest.starts_with("=\"") ? rest.find('"', 2) : std::string_view::npos;
      if (error != std::errc() || number < 0 || quote == std::string_view::npos) {
        in_.fail("is no declaration of labels: required 0=\"init\" 1=\"deadlock\" ..., found " + shown(rest));
      }
      const std::string_view name = rest.substr(2, quote - 2);
      if (!names_.emplace(number, declare(name)).second) {
        in_.fail("declares the label number " + std::to_string(number) + " twice");
      }
      rest.remove_prefix(quote + 1);
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    }
  }

  std::vector<State>* declare(std::string_view name) {
    const auto [place, added] = model_.labels.emplace(name, std::vector<State>());
    if (!added) in_.fail("declares the label " + shown(name) + " twice");
    return &place->second;
  }

  /// "3: 0 2", or "3 goal" in Storm's dialect.
  void read_state(bool storm) {
    std::string_view word = in_.word();
    if (!storm) {
      if (!word.ends_with(':'))
        in_.fail(shown(word) + " has no colon behind the state: required \"state: label label ...\"");
      word.remove_suffix(1);
    }
    std::int64_t state = -1;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), state);
    if (error != std::errc() || stop != word.data() + word.size() || state < 0 || state >= model_.n_states) {
      in_.fail(shown(word) + " is not a state: required an integer from 0 to " + std::to_string(model_.n_states - 1));
    }
    while (!in_.at_end()) label(storm).push_back(static_cast<State>(state));
  }

  std::vector<State>& label(bool storm) {
    if (storm) {
      const std::string_view name = in_.word();
      const auto found = model_.labels.find(name);
      if (found == model_.labels.end()) in_.fail(shown(name) + " is not a declared label");
      return found->second;
    }
    const std::int64_t number = in_.position(max_count, "a label number");
    const auto found = names_.find(number);
    if (found == names_.end()) in_.fail("has the label number " + std::to_string(number) + ", which is not declared");
    return *found->second;
  }

  LineReader in_;
  ExplicitText& model_;
  std::unordered_map<std::int64_t, std::vector<State>*> names_;
};

/// A reward file: its counts, then its entries; the name that a comment gives is what --rewards asks for.
class Rewards {
 public:
  Rewards(std::string_view text, const std::string& file, const ReadOptions& options, ExplicitText& model)
      : in_(text, file), options_(options), model_(model) {
    model.sources.push_back({file, text});
  }

  void of_states() {
    read_header(2);
    model_.state_reward.resize(at(model_.n_states));
    each([&] {
      const std::int64_t state = in_.position(model_.n_states, "a state");
      put(model_.state_reward[at(state)], "state " + std::to_string(state));
    });
  }

  /// Of a chain per transition; of an MDP per choice, repeated for each of its transitions.
  void of_transitions() {
    const bool chain = read_header(3) == 2;
    if (!chain) {
      model_.row_reward.resize(at(model_.n_rows()));
      each([&] { read_choice(); });
    } else {
      model_.branch_reward.resize(model_.next_state.size());
      each([&] { read_branch(); });
    }
  }

 private:
  std::size_t read_header(std::size_t n_counts) {
    std::string name;
    while (in_.next()) {
      if (in_.at_end()) continue;
      if (!in_.line().starts_with('#')) break;
      const std::size_t open = in_.line().find('"');
      const std::size_t close = in_.line().rfind('"');
      if (open < close && close != std::string_view::npos) name = in_.line().substr(open + 1, close - open - 1);
    }
    if (options_.rewards && *options_.rewards != name) {
      in_.fail("holds the rewards \"" + name + "\", not \"" + *options_.rewards + "\"");
    }
    std::vector<std::int64_t> counts;
    while (!in_.at_end()) counts.push_back(in_.position(max_count, "a count"));
    if (counts.size() != n_counts && !(n_counts == 3 && counts.size() == 2)) {
      in_.fail(n_counts == 2
                   ? "is no header: required \"states entries\""
                   : "is no header: required \"states choices entries\" (of a Markov chain \"states entries\")");
    }
    if (counts[0] != model_.n_states) {
      in_.fail("announces " + std::to_string(counts[0]) + " states of a model of " + std::to_string(model_.n_states));
    }
    if (counts.size() == 3 && counts[1] != model_.n_rows()) {
      in_.fail("announces " + std::to_string(counts[1]) + " choices of a model of " + std::to_string(model_.n_rows()));
    }
    announced_ = counts.back();
    return counts.size();
  }

  template <class Entry>
  void each(const Entry& entry) {
    std::int64_t found = 0;
    for (; in_.next_line_of_data("#"); ++found) entry();
    if (found != announced_) {
      throw InputError(in_.file(), "",
                       "announces " + std::to_string(announced_) + " entries and has " + std::to_string(found));
    }
  }

  void put(std::string_view& place, const std::string& whose) {
    const std::string_view number = in_.word();
    if (number.empty()) in_.fail("ends where a reward is expected");
    in_.require_end("an entry");
    if (!place.empty() && place != number)
      in_.fail("gives " + whose + " the reward " + shown(number) + " after " + shown(place));
    place = number;
  }

  void read_choice() {
    const std::int64_t state = in_.position(model_.n_states, "a state");
    const Offset first = model_.state_rows[at(state)];
    const std::int64_t choice = in_.position(model_.state_rows[at(state) + 1] - first, "a choice of the state");
    (void)branch(first + choice);
    put(model_.row_reward[at(first + choice)],
        "choice " + std::to_string(choice) + " of state " + std::to_string(state));
  }

  void read_branch() {
    const std::int64_t state = in_.position(model_.n_states, "a state");
    const Offset row = model_.state_rows[at(state)];
    if (row == model_.state_rows[at(state) + 1])
      in_.fail("is of state " + std::to_string(state) + ", which has no transitions");
    put(model_.branch_reward[at(branch(row))], "the transition");
  }

  /// The transition of a row to the state that comes next in the line.
  Offset branch(Offset row) {
    const std::int64_t next = in_.position(model_.n_states, "a state");
    const auto begin = model_.next_state.begin() + model_.row_begin[at(row)];
    const auto end = model_.next_state.begin() + model_.row_begin[at(row) + 1];
    const auto found = std::find(begin, end, static_cast<State>(next));
    if (found == end)
      in_.fail("is of a transition to state " + std::to_string(next) + ", which the model does not have");
    return found - model_.next_state.begin();
  }

  LineReader in_;
  const ReadOptions& options_;
  ExplicitText& model_;
  std::int64_t announced_ = 0;
};

}  // namespace

void parse_lab(std::string_view text, const std::string& file, ExplicitText& model) { Labels(text, file, model)(); }

void parse_srew(std::string_view text, const std::string& file, const ReadOptions& options, ExplicitText& model) {
  Rewards(text, file, options, model).of_states();
}

void parse_trew(std::string_view text, const std::string& file, const ReadOptions& options, ExplicitText& model) {
  Rewards(text, file, options, model).of_transitions();
}

void parse_sta(std::string_view text, const std::string& file, ExplicitText& model) {
  LineReader in(text, file);
  std::vector<std::string> names(at(model.n_states));
  if (!in.next_line_of_data("#")) in.fail("has no line of variables: required \"(v1,v2,...)\"");
  while (in.next_line_of_data("#")) {
    const std::string_view line = in.rest();
    std::int64_t state = -1;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), state);
    const auto colon = static_cast<std::size_t>(stop - line.data());
    if (error != std::errc() || state < 0 || state >= model.n_states || colon >= line.size() || line[colon] != ':') {
      in.fail(shown(line) + " is no state: required \"i:(values)\", i from 0 to " + std::to_string(model.n_states - 1));
    }
    if (!names[at(state)].empty()) in.fail("is state " + std::to_string(state) + " a second time");
    names[at(state)] = line.substr(colon + 1);
  }
  const auto missing = std::find(names.begin(), names.end(), "");
  if (missing != names.end()) in.fail("ends without state " + std::to_string(missing - names.begin()));
  model.names.states = std::move(names);
}

}  // namespace mdp::io
