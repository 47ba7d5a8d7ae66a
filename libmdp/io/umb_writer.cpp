#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "libmdp/io/archive.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/umb.hpp"
#include "libmdp/io/umb_index.hpp"
#include "libmdp/policy.hpp"

namespace mdp::io {
namespace {

using Json = nlohmann::ordered_json;

std::string folder(std::string_view group, std::string_view id, std::string_view applies_to) {
  return "annotations/" + std::string(group) + "/" + std::string(id) + "/" + std::string(applies_to) + "/";
}

/// Probabilities that the initial bits alone say: the same for every state that has one.
bool is_uniform_on_support(std::span<const double> initial) {
  const auto n = std::count_if(initial.begin(), initial.end(), [](double p) { return p > 0.0; });
  const double same = 1.0 / static_cast<double>(n);
  return std::all_of(initial.begin(), initial.end(), [&](double p) { return p == 0.0 || p == same; });
}

/// A set of states, one bit each, in words of 64.
template <class Contains>
std::vector<std::uint64_t> bitset(State n_states, Contains&& contains) {
  std::vector<std::uint64_t> words((static_cast<std::size_t>(n_states) + 63) / 64, 0);
  for (State s = 0; s < n_states; ++s) {
    if (contains(s)) words[static_cast<std::size_t>(s) / 64] |= std::uint64_t{1} << (s % 64);
  }
  return words;
}

/// Strings one after the other, and where each begins.
struct StringTable {
  std::string text;
  std::vector<std::uint64_t> begin{0};

  void add(std::string_view string) {
    text += string;
    begin.push_back(text.size());
  }
};

/// Writes the members, and notes in the index what they are.
class UmbWriter {
 public:
  UmbWriter(const Mdp& mdp, ArchiveWriter& out) : mdp_(mdp), out_(out) {}

  void write() {
    const std::string text = index().dump(1);
    out_.add("index.json", std::as_bytes(std::span(text)));
    add("state-to-choices.bin", mdp_.state_rows());
    add("choice-to-branches.bin", mdp_.row_begin());
    add_targets();
    add("branch-to-probability.bin", mdp_.probability());
    add("state-is-initial.bin",
        bitset(mdp_.n_states(), [&](State s) { return mdp_.initial()[static_cast<std::size_t>(s)] > 0.0; }));
    add(folder("rewards", "cost", "choices") + "values.bin", in_sense(mdp_.objective(), mdp_.cost()));
    if (!mdp_.goal().empty()) {
      const auto goal = mdp_.goal();
      add(folder("aps", "goal", "states") + "values.bin",
          bitset(mdp_.n_states(), [&](State s) { return std::binary_search(goal.begin(), goal.end(), s); }));
    }
    if (has_actions()) add_actions();
    add_extras();
  }

 private:
  [[nodiscard]] bool has_actions() const { return !mdp_.names().row_action.empty(); }

  template <class Vector>
  void add(const std::string& name, const Vector& values) {
    out_.add(name, std::as_bytes(std::span(values)));
  }

  /// 64-bit targets, converted piece by piece.
  void add_targets() {
    const auto next = mdp_.next_state();
    out_.begin("branch-to-target.bin", 8 * next.size());
    std::vector<std::uint64_t> piece;
    for (std::size_t first = 0; first < next.size(); first += piece.size()) {
      const auto part = next.subspan(first, std::min<std::size_t>(next.size() - first, 1 << 16));
      piece.assign(part.begin(), part.end());
      out_.append(std::as_bytes(std::span(piece)));
    }
  }

  /// Action 0 is "no name".
  void add_actions() {
    std::vector<std::uint32_t> values;
    for (const std::int32_t action : mdp_.names().row_action) values.push_back(static_cast<std::uint32_t>(action + 1));
    StringTable table;
    table.add("");
    for (const std::string& action : mdp_.names().actions) table.add(action);
    add("actions/choices/values.bin", values);
    add("actions/choices/string-mapping.bin", table.begin);
    add("actions/choices/strings.bin", table.text);
  }

  void add_extras() {
    const auto values = [](std::string_view id, std::string_view applies_to) {
      return folder(umb_extra::group, id, applies_to) + "values.bin";
    };
    if (!is_uniform_on_support(mdp_.initial())) add(values(umb_extra::initial, "states"), mdp_.initial());
    if (!mdp_.probability_tail().empty()) add(values(umb_extra::probability_tail, "branches"), mdp_.probability_tail());
    if (!mdp_.cost_tail().empty()) {
      add(values(umb_extra::cost_tail, "choices"), in_sense(mdp_.objective(), mdp_.cost_tail()));
    }
    if (mdp_.names().states.empty()) return;
    StringTable table;
    std::vector<std::uint64_t> positions;
    for (const std::string& name : mdp_.names().states) {
      positions.push_back(positions.size());
      table.add(name);
    }
    add(values(umb_extra::state_name, "states"), positions);
    add(folder(umb_extra::group, umb_extra::state_name, "states") + "string-mapping.bin", table.begin);
    add(folder(umb_extra::group, umb_extra::state_name, "states") + "strings.bin", table.text);
  }

  [[nodiscard]] Json index() const {
    const auto initial = mdp_.initial();
    return {
        {"format-version", 1},
        {"format-revision", 0},
        {"file-data", {{"tool", "libmdp"}, {"tool-version", MDP_VERSION}, {"parameters", {{"libmdp", parameters()}}}}},
        {"transition-system",
         {{"time", "discrete"},
          {"#players", 1},
          {"#states", mdp_.n_states()},
          {"#initial-states", std::count_if(initial.begin(), initial.end(), [](double p) { return p > 0.0; })},
          {"#choices", mdp_.n_rows()},
          {"#choice-actions", has_actions() ? mdp_.names().actions.size() + 1 : 0},
          {"#branches", mdp_.n_transitions()},
          {"#branch-actions", 0},
          {"#observations", 0},
          {"branch-probability-type", type("double")}}},
        {"annotations", annotations()}};
  }

  [[nodiscard]] Json parameters() const {
    Json result = {{"objective", mdp_.objective() == Objective::minimize ? "minimize" : "maximize"}};
    if (mdp_.exact_discount().complement.hi != 0.0) result["discount"] = exact_text(mdp_.exact_discount());
    return result;
  }

  [[nodiscard]] static Json type(const char* name) {
    const std::string_view word = name;
    return {{"type", name}, {"size", word == "bool" ? 1 : 64}};
  }

  [[nodiscard]] static Json annotation(std::string_view applies_to, const char* type_name, const char* description) {
    return {{"description", description}, {"applies-to", Json::array({applies_to})}, {"type", type(type_name)}};
  }

  [[nodiscard]] Json annotations() const {
    const bool minimise = mdp_.objective() == Objective::minimize;
    Json result;
    result["rewards"]["cost"] =
        annotation("choices", "double", minimise ? "cost, to be minimised" : "reward, to be maximised");
    if (!mdp_.goal().empty()) result["aps"]["goal"] = annotation("states", "bool", "absorbing, cost-free goal states");
    Json extras;
    const auto add_extra = [&](std::string_view id, Json entry) { extras[std::string(id)] = std::move(entry); };
    if (!is_uniform_on_support(mdp_.initial())) {
      add_extra(umb_extra::initial, annotation("states", "double", "initial distribution"));
    }
    if (!mdp_.probability_tail().empty()) {
      add_extra(umb_extra::probability_tail,
                annotation("branches", "double", "the number meant minus branch-to-probability"));
    }
    if (!mdp_.cost_tail().empty()) {
      add_extra(umb_extra::cost_tail, annotation("choices", "double", "the number meant minus the reward"));
    }
    if (!mdp_.names().states.empty()) {
      Json names = annotation("states", "string", "names of states");
      names["#strings"] = mdp_.names().states.size();
      add_extra(umb_extra::state_name, std::move(names));
    }
    if (!extras.empty()) result[std::string(umb_extra::group)] = std::move(extras);
    return result;
  }

  const Mdp& mdp_;
  ArchiveWriter& out_;
};

}  // namespace

void write_umb(const std::string& path, const Mdp& mdp, Compression compression) {
  ArchiveWriter out(path, ArchiveFormat::tar, compression);
  UmbWriter(mdp, out).write();
  out.commit();
}

}  // namespace mdp::io
