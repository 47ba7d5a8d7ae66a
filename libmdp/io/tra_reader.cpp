// x.tra: the transitions (docs/formats.md, section 4).
#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/tra.hpp"

namespace mdp::io {
namespace {

constexpr std::int64_t max_count = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t max_states = std::numeric_limits<State>::max();

class TraReader {
 public:
  TraReader(std::string_view text, const std::string& file) : in_(text, file) {
    model_.sources.push_back({file, text});
  }

  ExplicitText operator()() {
    read_header();
    while (next_transition()) read_transition();
    if (n_transitions_ >= 0) {
      check_count("transitions", n_transitions_, static_cast<std::int64_t>(model_.next_state.size()));
    } else {
      model_.n_states = largest_state_ + 1;
      if (model_.n_states == 0) in_.fail("has no transitions");
    }
    if (row_state_ >= 0) model_.finish_row();
    if (n_choices_ >= 0) check_count("choices", n_choices_, model_.n_rows());
    model_.finish_states();
    return std::move(model_);
  }

 private:
  /// Comments say what the file is: "# Transitions (MDP)".
  bool next_transition() {
    while (in_.next()) {
      if (in_.at_end()) continue;
      const std::string_view line = in_.line();
      if (!line.starts_with('#')) return true;
      const std::size_t open = line.find('(');
      if (!line.starts_with("# Transitions") || open == std::string_view::npos) continue;
      const std::string_view type = line.substr(open + 1, line.find(')') - open - 1);
      if (type != "MDP" && type != "DTMC") fail_type(type);
      said_chain_ = type == "DTMC";
      typed_ = true;
    }
    return false;
  }
  [[noreturn]] void fail_type(std::string_view type) const {
    in_.fail("is of type " + shown(type) + ": required MDP or DTMC, which are the models of this library");
  }

  void read_header() {
    if (!next_transition()) in_.fail("has no header: required \"states choices transitions\"");
    const std::string_view first = in_.word();
    if (first == "mdp" || first == "dtmc" || first == "MDP" || first == "DTMC") {
      chain_ = first == "dtmc" || first == "DTMC";
      in_.require_end("the type of the model");
      return;
    }
    if (!first.empty() && first[0] >= 'a' && first[0] <= 'z') fail_type(first);
    std::vector<std::string_view> counts{first};
    while (!in_.at_end()) counts.push_back(in_.word());
    if (counts.size() == 4) {
      in_.fail("has four numbers, the header of a POMDP: required \"states choices transitions\" of an MDP");
    }
    if (counts.size() != 2 && counts.size() != 3) {
      in_.fail("is no header: required \"states choices transitions\" (or, of a Markov chain, \"states transitions\")");
    }
    chain_ = counts.size() == 2;
    if (typed_ && chain_ != said_chain_) in_.fail("has a number of counts that does not fit the type named above");
    require_states(in_, model_.n_states = count(counts[0]));
    if (!chain_) n_choices_ = count(counts[1]);
    n_transitions_ = count(counts.back());
  }
  [[nodiscard]] std::int64_t count(std::string_view text) const {
    std::int64_t n = -1;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || stop != text.data() + text.size() || n < 0) in_.fail(shown(text) + " is not a count");
    return n;
  }

  void read_transition() {
    const std::int64_t end = n_transitions_ >= 0 ? model_.n_states : max_states;
    const std::int64_t state = in_.position(end, "a state");
    const std::int64_t choice = chain_ ? 0 : in_.position(max_count, "a choice");
    const std::int64_t next = in_.position(end, "a state");
    const std::string_view number = in_.word();
    if (number.empty()) in_.fail("ends where a probability is expected");
    if (number[0] == '[') in_.fail(shown(number) + " is an interval: required one probability");
    const std::string_view action = in_.rest();
    if (state != row_state_ || choice != row_choice_) {
      start_row(state, choice, action);
    } else if (action != action_) {
      in_.fail("names the action " + shown(action) + " of a choice that is called " + shown(action_) + " above");
    }
    largest_state_ = std::max({largest_state_, state, next});
    model_.add(next, number);
  }

  void start_row(std::int64_t state, std::int64_t choice, std::string_view action) {
    const bool in_order = state > row_state_ ? choice == 0 : state == row_state_ && choice == row_choice_ + 1;
    if (!in_order) {
      in_.fail("is of state " + std::to_string(state) + ", choice " + std::to_string(choice) +
               ": states must ascend, and the choices of each be 0, 1, 2, ...");
    }
    if (row_state_ >= 0) model_.finish_row();
    if (state != row_state_) model_.start_state(state);
    row_state_ = state;
    row_choice_ = choice;
    action_ = action;
    actions_.add(action, model_.names);
  }

  void check_count(const char* what, std::int64_t announced, std::int64_t found) const {
    if (announced == found) return;
    throw InputError(in_.file(), "",
                     "announces " + std::to_string(announced) + " " + what + " and has " + std::to_string(found));
  }

  LineReader in_;
  ExplicitText model_;
  ActionTable actions_;
  bool typed_ = false, said_chain_ = false;  // by a comment
  bool chain_ = false;
  std::int64_t n_choices_ = -1, n_transitions_ = -1;  // -1 = not announced
  std::int64_t largest_state_ = -1;
  std::int64_t row_state_ = -1, row_choice_ = -1;
  std::string_view action_;
};

}  // namespace

ExplicitText parse_tra(std::string_view text, const std::string& file) { return TraReader(text, file)(); }

ExplicitFiles read_tra(const std::string& path, const ReadOptions& options) {
  ExplicitFiles files;
  const auto open = [&](const std::string& file) {
    files.bytes.push_back(std::make_unique<FileBytes>(file));
    return as_text(files.bytes.back()->bytes());
  };
  files.model = parse_tra(open(path), path);
  const auto beside = [&](const char* extension) {
    return std::filesystem::path(path).replace_extension(extension).string();
  };
  const auto there = [&](const char* extension) { return std::filesystem::exists(beside(extension)); };
  if (there(".sta")) parse_sta(open(beside(".sta")), beside(".sta"), files.model);
  if (there(".lab")) {
    parse_lab(open(beside(".lab")), beside(".lab"), files.model);
  } else {
    files.model.initial = {0};
  }
  for (const char* storm : {".state.rew", ".trans.rew"}) {
    if (there(storm))
      throw InputError(beside(storm), "",
                       "is a reward file of Storm's dialect, which is not read: use .srew and .trew");
  }
  const bool any = there(".srew") || there(".trew");
  if (there(".srew")) parse_srew(open(beside(".srew")), beside(".srew"), options, files.model);
  if (there(".trew")) parse_trew(open(beside(".trew")), beside(".trew"), options, files.model);
  if (options.rewards && !any)
    throw InputError(path, "", "has no rewards beside it, no \"" + *options.rewards + "\" either");
  return files;
}

}  // namespace mdp::io
