#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/umb.hpp"
#include "libmdp/io/umb_index.hpp"
#include "libmdp/io/umb_members.hpp"
#include "libmdp/io/umb_valuations.hpp"

namespace mdp::io {
namespace {

bool is_read(std::string_view name) {
  constexpr std::string_view files[] = {"index.json",           "state-to-choices.bin",      "choice-to-branches.bin",
                                        "branch-to-target.bin", "branch-to-probability.bin", "state-is-initial.bin"};
  constexpr std::string_view folders[] = {"actions/choices/", "annotations/rewards/", "annotations/aps/",
                                          "annotations/libmdp/", "valuations/states/"};
  return std::find(std::begin(files), std::end(files), name) != std::end(files) ||
         std::any_of(std::begin(folders), std::end(folders), [&](auto folder) { return name.starts_with(folder); });
}

/// Turns the members of an archive into the arrays of an MDP.
class UmbReader {
 public:
  UmbReader(const UmbIndex& index, const UmbMembers& members, const ReadOptions& options)
      : index_(index), members_(members), options_(options) {}

  [[nodiscard]] MdpArrays read() {
    read_structure();
    read_probabilities();
    read_costs();
    read_actions();
    read_discount();
    read_objective();
    read_initial();
    read_state_names();
    read_goal();
    return std::move(m_);
  }

  /// Whether the option names a label, which read() has resolved then.
  [[nodiscard]] bool goal_is_label() const { return options_.goal && label(*options_.goal) != nullptr; }

 private:
  /// Offsets where every index owns the one of the same number.
  [[nodiscard]] Buffer<Offset> identity(const std::string& member, std::int64_t n, std::int64_t end) const {
    if (n != end) {
      members_.fail(
          member, "is missing, which means one each, but " + std::to_string(n) + " do not own " + std::to_string(end));
    }
    Buffer<Offset> offsets(static_cast<std::size_t>(n) + 1);
    std::iota(offsets.begin(), offsets.end(), Offset{0});
    return offsets;
  }

  void read_structure() {
    // The targets first: once they are found, the other counts cannot be larger than what the file holds.
    m_.next_state = members_.targets("branch-to-target.bin", index_.n_branches, index_.n_states);
    auto rows = members_.offsets("choice-to-branches.bin", index_.n_choices, index_.n_branches);
    m_.row_begin = rows ? *std::move(rows) : identity("choice-to-branches.bin", index_.n_choices, index_.n_branches);
    auto states = members_.offsets("state-to-choices.bin", index_.n_states, index_.n_choices);
    m_.state_rows = states ? *std::move(states) : identity("state-to-choices.bin", index_.n_states, index_.n_choices);
  }

  void read_probabilities() {
    auto numbers = members_.numbers("branch-to-probability.bin", index_.probability_type, index_.n_branches);
    if (numbers) {
      m_.probability = std::move(numbers->hi);
      m_.probability_tail = std::move(numbers->lo);
    } else {  // one, as other tools read it, not zero
      m_.probability.assign(m_.next_state.size(), 1.0);
    }
    if (const UmbAnnotation* tail = extra(umb_extra::probability_tail, "double"); tail && m_.probability_tail.empty()) {
      if (auto lo = members_.numbers(tail->member("branches", "values"), tail->type, index_.n_branches)) {
        m_.probability_tail = std::move(lo->hi);
      }
    }
  }

  /// The reward structure that holds the costs; nullptr if the file has none.
  [[nodiscard]] const UmbAnnotation* rewards() const {
    const auto all = index_.group("rewards");
    std::string names;
    for (const UmbAnnotation* r : all) {
      if (options_.rewards && r->is_called(*options_.rewards)) return r;
      names += (names.empty() ? "" : ", ") + r->alias;
    }
    if (options_.rewards) {
      members_.fail("", "has no rewards \"" + *options_.rewards + "\"; it has: " + (names.empty() ? "none" : names));
    }
    if (all.size() > 1) members_.fail("", "has several rewards, of which one must be chosen by name: " + names);
    return all.empty() ? nullptr : all.front();
  }

  void add_cost(std::size_t row, TwoDouble x) {
    const TwoDouble old(m_.cost[row], m_.cost_tail.empty() ? 0.0 : m_.cost_tail[row]);
    const bool finite = std::isfinite(old.hi) && std::isfinite(x.hi);
    const TwoDouble sum = finite ? old + x : TwoDouble(old.hi + x.hi);
    if (m_.cost_tail.empty() && sum.lo != 0.0) m_.cost_tail.assign(m_.cost.size(), 0.0);
    m_.cost[row] = sum.hi;
    if (!m_.cost_tail.empty()) m_.cost_tail[row] = sum.lo;
  }

  [[nodiscard]] static TwoDouble at(const UmbNumbers& numbers, Offset i) {
    const auto k = static_cast<std::size_t>(i);
    return {numbers.hi[k], numbers.lo.empty() ? 0.0 : numbers.lo[k]};
  }

  void read_costs() {
    const UmbAnnotation* r = rewards();
    const auto n_rows = static_cast<std::size_t>(index_.n_choices);
    if (r != nullptr && !r->type.is_number())
      members_.fail("rewards " + r->alias, "must be numbers, not " + r->type.name);
    if (r != nullptr && r->choices) {
      if (auto numbers = members_.numbers(r->member("choices", "values"), r->type, index_.n_choices)) {
        m_.cost = std::move(numbers->hi);
        m_.cost_tail = std::move(numbers->lo);
      }
    }
    if (m_.cost.size() != n_rows) m_.cost.assign(n_rows, 0.0);
    if (r != nullptr && r->states) add_state_rewards(*r);
    if (r != nullptr && r->branches) add_branch_rewards(*r);
    const UmbAnnotation* tail = extra(umb_extra::cost_tail, "double");
    if (tail != nullptr && m_.cost_tail.empty()) {
      if (auto lo = members_.numbers(tail->member("choices", "values"), tail->type, index_.n_choices)) {
        m_.cost_tail = std::move(lo->hi);
      }
    }
  }

  /// A reward of a state is one of each of its actions.
  void add_state_rewards(const UmbAnnotation& r) {
    const auto numbers = members_.numbers(r.member("states", "values"), r.type, index_.n_states);
    if (!numbers) return;
    for (std::size_t s = 0; s + 1 < m_.state_rows.size(); ++s) {
      for (Offset row = m_.state_rows[s]; row < m_.state_rows[s + 1]; ++row) {
        add_cost(static_cast<std::size_t>(row), at(*numbers, static_cast<Offset>(s)));
      }
    }
  }

  /// A reward of a branch counts by its probability: L(s, a) = sum p r / sum p.
  void add_branch_rewards(const UmbAnnotation& r) {
    const auto numbers = members_.numbers(r.member("branches", "values"), r.type, index_.n_branches);
    if (!numbers) return;
    for (std::size_t row = 0; row + 1 < m_.row_begin.size(); ++row) {
      TwoDouble sum, mass;
      for (Offset b = m_.row_begin[row]; b < m_.row_begin[row + 1]; ++b) {
        const auto k = static_cast<std::size_t>(b);
        const TwoDouble p(m_.probability[k], m_.probability_tail.empty() ? 0.0 : m_.probability_tail[k]);
        const TwoDouble x = at(*numbers, b);
        if (p.hi == 0.0) continue;  // 0 * inf := 0
        mass = mass + p;
        sum = std::isfinite(x.hi) && std::isfinite(sum.hi) ? sum + p * x : TwoDouble(sum.hi + p.hi * x.hi);
      }
      if (mass.hi > 0.0) add_cost(row, std::isfinite(sum.hi) ? sum / mass : sum);
    }
  }

  void read_actions() {
    const auto values = members_.indices<std::uint32_t>("actions/choices/values.bin", index_.n_choices);
    auto names =
        members_.strings("actions/choices/string-mapping.bin", "actions/choices/strings.bin", index_.n_choice_actions);
    if (!values || names.empty()) return;
    // A published example has one string less than it has actions: its action 0 is "no action".
    if (static_cast<std::int64_t>(names.size()) + 1 == index_.n_choice_actions) names.insert(names.begin(), "");
    m_.names.row_action.resize(values->size());
    for (std::size_t row = 0; row < values->size(); ++row) {
      const std::int64_t action = (*values)[row];
      if (action >= static_cast<std::int64_t>(names.size())) {
        members_.fail("actions/choices/values.bin", "entry " + std::to_string(row) + " is action " +
                                                        std::to_string(action) + " of " + std::to_string(names.size()));
      }
      m_.names.row_action[row] =
          names[static_cast<std::size_t>(action)].empty() ? -1 : static_cast<std::int32_t>(action);
    }
    m_.names.actions = std::move(names);
  }

  void read_discount() {
    if (!index_.discount) return;
    const auto gamma = parse_rational(*index_.discount);
    if (!gamma || *gamma < 0 || *gamma > 1) {
      members_.fail("index.json.file-data.parameters.libmdp.discount",
                    "must be a number in [0, 1], not " + *index_.discount);
    }
    m_.discount = to_discount(*gamma);
  }

  void read_objective() {
    if (index_.objective && options_.objective && *index_.objective != *options_.objective) {
      members_.fail("index.json.file-data.parameters.libmdp.objective", "is the opposite of the option");
    }
    m_.objective = index_.objective.value_or(options_.objective.value_or(Objective::minimize));
  }

  void read_initial() {
    if (const UmbAnnotation* distribution = extra(umb_extra::initial, "double")) {
      if (auto p = members_.numbers(distribution->member("states", "values"), distribution->type, index_.n_states)) {
        m_.initial = std::move(p->hi);
        return;
      }
    }
    const auto states = members_.bits("state-is-initial.bin", index_.n_states);
    if (states.empty() || static_cast<std::int64_t>(states.size()) == index_.n_states) return;  // uniform
    m_.initial.assign(static_cast<std::size_t>(index_.n_states), 0.0);
    for (const State s : states) m_.initial[static_cast<std::size_t>(s)] = 1.0 / static_cast<double>(states.size());
  }

  void read_state_names() {
    const UmbAnnotation* names = extra(umb_extra::state_name, "string");
    if (names == nullptr) {
      m_.names.states = names_of_valuations(members_, index_);
      return;
    }
    const auto values = members_.indices<std::uint64_t>(names->member("states", "values"), index_.n_states);
    const auto strings = members_.strings(names->member("states", "string-mapping"), names->member("states", "strings"),
                                          names->n_strings);
    if (!values) return;
    for (const std::int64_t i : *values) {
      if (i < 0 || i >= static_cast<std::int64_t>(strings.size())) {
        members_.fail(names->member("states", "values"),
                      "names string " + std::to_string(i) + " of " + std::to_string(strings.size()));
      }
      m_.names.states.push_back(strings[static_cast<std::size_t>(i)]);
    }
  }

  void read_goal() {
    const UmbAnnotation* goal = label(options_.goal.value_or("goal"));
    if (goal != nullptr) m_.goal = members_.bits(goal->member("states", "values"), index_.n_states);
  }

  [[nodiscard]] const UmbAnnotation* label(std::string_view name) const {
    for (const UmbAnnotation* ap : index_.group("aps")) {
      if (ap->is_called(name)) return ap;
    }
    return nullptr;
  }

  [[nodiscard]] const UmbAnnotation* extra(std::string_view id, std::string_view type) const {
    const UmbAnnotation* found = index_.find(umb_extra::group, id);
    if (found != nullptr && found->type.name != type) {
      members_.fail("annotation libmdp/" + std::string(id),
                    "must be of type " + std::string(type) + ", not " + found->type.name);
    }
    return found;
  }

  const UmbIndex& index_;
  const UmbMembers& members_;
  const ReadOptions& options_;
  MdpArrays m_;
};

}  // namespace

Mdp read_umb_members(const Archive& archive, const std::string& file, const ReadOptions& options) {
  const Archive::Member* text = archive.find("index.json");
  if (text == nullptr) throw InputError(file, "", "is no UMB file: it has no member index.json");
  const UmbIndex index = parse_umb_index(as_text(text->bytes), file);
  const UmbMembers members(archive, file, options.threads);
  UmbReader reader(index, members, options);
  ReadOptions rest = options;
  MdpArrays arrays = reader.read();
  if (reader.goal_is_label()) rest.goal.reset();
  return build_arrays(std::move(arrays), file, rest);
}

Mdp read_umb(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options) {
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  return read_umb_members(Archive(bytes, ArchiveFormat::tar, file, is_read), file, options);
}

}  // namespace mdp::io
