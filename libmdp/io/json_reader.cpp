#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/drn.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/json_document.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/state_list.hpp"
#include "libmdp/io/tra.hpp"

namespace mdp::io {
namespace {

using Value = JsonDocument::Value;
using Kind = JsonDocument::Kind;

/// Below this, two doubles cannot hold a probability to 106 bits.
constexpr double min_probability = 1e-290;

/// States that a file may leave without any mention when dead ends are repaired.
constexpr std::int64_t max_unmentioned_states = 1'000'000;

/// One entry of "choices"; the probabilities of `row` sum to `sum`, which is within the tolerance of 1.
struct Choice {
  std::int64_t state = 0;
  ExactModel::Row row;
  mpq_class sum;
  bool action_is_number = false;
};

/// A file of the small text format: its head, checked, and its choices on demand.
class JsonModel {
 public:
  JsonModel(const JsonDocument& document, const ReadOptions& options);

  std::int64_t n_states = 0;
  std::vector<std::string> names;
  Objective objective = Objective::minimize;
  mpq_class discount = 1;
  std::vector<std::pair<std::int64_t, mpq_class>> initial;  ///< as in the file, with sum
  mpq_class initial_sum = 1;
  std::vector<std::int64_t> goal;
  /// States that need a cost-free self-loop: goal states without choices, repaired dead ends.
  std::vector<std::int64_t> without_choice;

  /// Calls f(Choice&&) for each choice in the order of the file.
  template <class F>
  void each_choice(F&& f) const {
    const Place place = root_["choices"];
    document_.each(choices_, place, [&](std::int64_t i, Value entry) { f(choice(entry, place[i])); });
  }

 private:
  [[nodiscard]] Value required(Value v, const char* key, const char* what) const;
  void read_format(Value format, Value version) const;
  void read_objective(Value v);
  void read_discount(Value v);
  void read_states(Value v);
  void read_initial(Value v);
  void read_goal(Value v);
  void find_states_without_choice();

  [[nodiscard]] std::int64_t state(Value v, const Place& place) const;
  [[nodiscard]] std::string action(Value v, const Place& place) const;
  [[nodiscard]] mpq_class probability(Value v, const Place& place) const;
  /// The cost in the sense of minimising; nothing if inadmissible.
  [[nodiscard]] std::optional<mpq_class> cost(Value v, const Place& place) const;
  void read_successor(Value v, const Place& place, Choice& choice) const;
  void require_free_self_loop(Value v, const Place& place, const Choice& choice) const;
  [[nodiscard]] Choice choice(Value v, const Place& place) const;
  [[nodiscard]] std::string shown(std::int64_t state) const;

  const JsonDocument& document_;
  const ReadOptions& options_;
  Place root_{};
  Value choices_ = 0;  // 0 is the root: absent
  std::unordered_map<std::string_view, std::int64_t> state_of_name_;
};

JsonModel::JsonModel(const JsonDocument& document, const ReadOptions& options)
    : document_(document), options_(options) {
  // Keys may come in any order, but some can only be read after others.
  Value format = 0, version = 0, objective_value = 0, discount_value = 0, states = 0, initial_value = 0, goal_value = 0;
  const std::pair<std::string_view, Value*> keys[] = {
      {"format", &format}, {"version", &version},       {"objective", &objective_value}, {"discount", &discount_value},
      {"states", &states}, {"initial", &initial_value}, {"goal", &goal_value},           {"choices", &choices_}};
  for (const auto& member : document.object(document.root(), root_)) {
    const auto known =
        std::find_if(std::begin(keys), std::end(keys), [&](const auto& k) { return k.first == member.key; });
    if (known == std::end(keys)) {
      document.fail(member.value, root_[member.key],
                    "is not a key of this format, which has format, version, objective, discount, states, initial, "
                    "goal and choices");
    }
    *known->second = member.value;
  }
  read_format(required(format, "format", "\"mdp\""), required(version, "version", "1"));
  read_objective(objective_value);
  if (discount_value != 0) read_discount(discount_value);
  read_states(required(states, "states", "the number of states or an array of their names"));
  if (initial_value != 0) read_initial(initial_value);
  read_goal(goal_value);
  choices_ = required(choices_, "choices", "an array of the available actions");
  find_states_without_choice();
}

Value JsonModel::required(Value v, const char* key, const char* what) const {
  if (v == 0) document_.fail(document_.root(), root_, std::string("the key \"") + key + "\" is missing: " + what);
  return v;
}

void JsonModel::read_format(Value format, Value version) const {
  if (document_.string(format, root_["format"]) != "mdp") {
    document_.fail(format, root_["format"], "must be \"mdp\", not " + document_.shown(format));
  }
  if (document_.integer(version, root_["version"]) != 1) {
    document_.fail(version, root_["version"], "must be 1, not " + document_.shown(version));
  }
}

void JsonModel::read_objective(Value v) {
  if (v == 0) {
    objective = options_.objective.value_or(Objective::minimize);
    return;
  }
  const std::string_view word = document_.string(v, root_["objective"]);
  if (word != "minimize" && word != "maximize") {
    document_.fail(v, root_["objective"], "must be \"minimize\" or \"maximize\", not " + document_.shown(v));
  }
  objective = word == "minimize" ? Objective::minimize : Objective::maximize;
  if (options_.objective && *options_.objective != objective) {
    document_.fail(v, root_["objective"], "the file says " + std::string(word) + ", the option the opposite");
  }
}

void JsonModel::read_discount(Value v) {
  discount = document_.rational(v, root_["discount"]);
  if (discount < 0 || discount > 1) {
    document_.fail(v, root_["discount"], "must lie in [0, 1], not " + document_.shown(v));
  }
}

void JsonModel::read_states(Value v) {
  const Place place = root_["states"];
  if (document_.is(v, Kind::integer)) {
    n_states = document_.integer(v, place);
  } else {
    document_.each(v, place, [&](std::int64_t i, Value name) {
      names.emplace_back(document_.string(name, place[i]));
      if (names.back().empty()) document_.fail(name, place[i], "a name must not be empty");
    });
    n_states = static_cast<std::int64_t>(names.size());
    state_of_name_.reserve(names.size());
    for (std::size_t s = 0; s < names.size(); ++s) {
      if (!state_of_name_.emplace(names[s], s).second) {
        document_.fail(v, place[static_cast<std::int64_t>(s)], "the name \"" + names[s] + "\" stands twice");
      }
    }
  }
  if (n_states < 1 || n_states >= std::numeric_limits<State>::max()) {
    document_.fail(v, place, "there must be 1 to 2147483646 states, not " + std::to_string(n_states));
  }
}

void JsonModel::read_initial(Value v) {
  const Place place = root_["initial"];
  mpq_class sum = 0;
  document_.each(v, place, [&](std::int64_t i, Value entry) {
    const auto pair = document_.array(entry, place[i]);
    if (pair.size() != 2) document_.fail(entry, place[i], "must be [state, probability]");
    const std::int64_t s = state(pair[0], place[i][std::int64_t{0}]);
    initial.emplace_back(s, probability(pair[1], place[i][std::int64_t{1}]));
    sum += initial.back().second;
  });
  if (abs(sum - 1) > mpq_class(options_.row_sum_tolerance)) {
    document_.fail(v, place, "the probabilities sum to " + shortest_text(nearest_double(sum)) + ", not to 1");
  }
  initial_sum = sum;
}

void JsonModel::read_goal(Value v) {
  if (v != 0) {
    const Place place = root_["goal"];
    document_.each(v, place, [&](std::int64_t i, Value entry) { goal.push_back(state(entry, place[i])); });
  }
  if (options_.goal) goal = parse_state_list(*options_.goal, n_states, names, document_.file());
  std::sort(goal.begin(), goal.end());
  goal.erase(std::unique(goal.begin(), goal.end()), goal.end());
}

/// No memory is taken for the states that "states" announces until this has found each of them in the file.
void JsonModel::find_states_without_choice() {
  const Place place = root_["choices"];
  std::vector<std::int64_t> covered;
  document_.each(choices_, place, [&](std::int64_t i, Value entry) {
    for (const auto& [key, value] : document_.object(entry, place[i])) {
      if (key == "state") covered.push_back(state(value, place[i]["state"]));
    }
  });
  std::sort(covered.begin(), covered.end());
  covered.erase(std::unique(covered.begin(), covered.end()), covered.end());
  std::vector<std::int64_t> mentioned;
  std::set_difference(goal.begin(), goal.end(), covered.begin(), covered.end(), std::back_inserter(without_choice));
  std::set_union(goal.begin(), goal.end(), covered.begin(), covered.end(), std::back_inserter(mentioned));

  const std::int64_t n_missing = n_states - static_cast<std::int64_t>(mentioned.size());
  if (n_missing == 0) return;
  std::int64_t first = 0;
  while (first < static_cast<std::int64_t>(mentioned.size()) && mentioned[static_cast<std::size_t>(first)] == first) {
    ++first;
  }
  if (options_.dead_ends == DeadEnds::refuse || n_missing > max_unmentioned_states) {
    const bool others = n_missing > 1;
    document_.fail(choices_, place,
                   shown(first) + (others ? " and " + std::to_string(n_missing - 1) + " others have" : " has") +
                       " no choice and " + (others ? "are" : "is") + " no goal; every one of the " +
                       std::to_string(n_states) + " states needs a choice or must be a goal");
  }
  for (std::int64_t s = 0, at = 0; s < n_states; ++s) {
    if (at < static_cast<std::int64_t>(mentioned.size()) && mentioned[static_cast<std::size_t>(at)] == s) {
      ++at;
    } else {
      without_choice.push_back(s);
    }
  }
  std::sort(without_choice.begin(), without_choice.end());
}

std::string JsonModel::shown(std::int64_t s) const {
  const auto number = "state " + std::to_string(s);
  return names.empty() ? number : number + " (\"" + names[static_cast<std::size_t>(s)] + "\")";
}

std::int64_t JsonModel::state(Value v, const Place& place) const {
  if (document_.is(v, Kind::string)) {
    const auto found = state_of_name_.find(document_.string(v, place));
    if (found == state_of_name_.end()) document_.fail(v, place, "no state is called " + document_.shown(v));
    return found->second;
  }
  if (!document_.is(v, Kind::integer)) {
    document_.fail(v, place, "must be a state, by position or name, not " + document_.shown(v));
  }
  const std::int64_t s = document_.integer(v, place);
  if (s < 0 || s >= n_states) {
    document_.fail(v, place,
                   "there is no state " + std::to_string(s) + ": they are 0 to " + std::to_string(n_states - 1));
  }
  return s;
}

std::string JsonModel::action(Value v, const Place& place) const {
  if (document_.is(v, Kind::integer)) return std::to_string(document_.integer(v, place));
  if (!document_.is(v, Kind::string)) {
    document_.fail(v, place, "must be a name or a number, not " + document_.shown(v));
  }
  return std::string(document_.string(v, place));
}

mpq_class JsonModel::probability(Value v, const Place& place) const {
  mpq_class p = document_.rational(v, place);
  if (sgn(p) < 0 || p > 1 + mpq_class(options_.row_sum_tolerance) ||
      (sgn(p) > 0 && nearest_double(p) < min_probability)) {
    document_.fail(v, place, "must be a probability: 0 or in [1e-290, 1], not " + document_.shown(v));
  }
  return p;
}

std::optional<mpq_class> JsonModel::cost(Value v, const Place& place) const {
  const bool minimise = objective == Objective::minimize;
  if (document_.is(v, Kind::string)) {
    const std::string_view word = document_.string(v, place);
    if (word == (minimise ? "inf" : "-inf")) return std::nullopt;
    if (word == "inf" || word == "-inf") {
      document_.fail(v, place,
                     std::string("an inadmissible action has the cost ") +
                         (minimise ? "\"inf\" where costs are minimised" : "\"-inf\" where rewards are maximised") +
                         ", not " + document_.shown(v));
    }
  }
  const mpq_class x = document_.rational(v, place);
  return minimise ? x : mpq_class(-x);
}

/// Adds `[s', p]` or `[s', p, cost]` to a row; the row's cost gets p * cost, to be divided by the row's sum.
void JsonModel::read_successor(Value v, const Place& place, Choice& choice) const {
  const auto entry = document_.array(v, place);
  if (entry.size() != 2 && entry.size() != 3) {
    document_.fail(v, place, "must be [state, probability] or [state, probability, cost]");
  }
  const std::int64_t next = state(entry[0], place[std::int64_t{0}]);
  mpq_class p = probability(entry[1], place[std::int64_t{1}]);
  choice.sum += p;
  if (entry.size() == 3) {
    const auto x = cost(entry[2], place[std::int64_t{2}]);
    if (x) choice.row.cost += p * *x;
    if (!x && sgn(p) > 0) choice.row.inadmissible = true;
  }
  if (sgn(p) > 0) choice.row.to.emplace_back(next, std::move(p));
}

/// Sorts by successor and adds up what stands several times.
void merge_duplicates(std::vector<std::pair<std::int64_t, mpq_class>>& to) {
  std::stable_sort(to.begin(), to.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t n = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (n > 0 && to[n - 1].first == to[i].first) {
      to[n - 1].second += to[i].second;
    } else {
      if (n != i) to[n] = std::move(to[i]);
      ++n;
    }
  }
  to.resize(n);
}

Choice JsonModel::choice(Value v, const Place& place) const {
  Value state_value = 0, action_value = 0, cost_value = 0, to = 0;
  for (const auto& [key, value] : document_.object(v, place)) {
    Value* known = key == "state"    ? &state_value
                   : key == "action" ? &action_value
                   : key == "cost"   ? &cost_value
                   : key == "to"     ? &to
                                     : nullptr;
    if (known == nullptr) document_.fail(value, place[key], "is not a key of a choice: state, action, cost, to");
    *known = value;
  }
  if (state_value == 0 || to == 0) document_.fail(v, place, "a choice needs the keys \"state\" and \"to\"");

  Choice choice;
  choice.state = state(state_value, place["state"]);
  if (action_value != 0) choice.row.action = action(action_value, place["action"]);
  choice.action_is_number = action_value != 0 && document_.is(action_value, Kind::integer);
  bool every_successor_has_a_cost = true;
  const Place to_place = place["to"];
  document_.each(to, to_place, [&](std::int64_t i, Value entry) {
    read_successor(entry, to_place[i], choice);
    every_successor_has_a_cost = every_successor_has_a_cost && document_.size(entry) == 3;
  });
  if (abs(choice.sum - 1) > mpq_class(options_.row_sum_tolerance)) {
    document_.fail(to, to_place,
                   "the probabilities sum to " + shortest_text(nearest_double(choice.sum)) + ", further than " +
                       shortest_text(options_.row_sum_tolerance) + " from 1");
  }
  choice.row.cost /= choice.sum;
  if (cost_value != 0) {
    const auto x = cost(cost_value, place["cost"]);
    if (x) choice.row.cost += *x;
    if (!x) choice.row.inadmissible = true;
  } else if (!every_successor_has_a_cost) {
    document_.fail(v, place, "a choice needs the key \"cost\" unless every successor has a cost of its own");
  }
  if (choice.row.inadmissible) choice.row.cost = 0;
  merge_duplicates(choice.row.to);
  if (std::binary_search(goal.begin(), goal.end(), choice.state)) require_free_self_loop(v, place, choice);
  return choice;
}

void JsonModel::require_free_self_loop(Value v, const Place& place, const Choice& choice) const {
  const bool self_loop = choice.row.to.size() == 1 && choice.row.to.front().first == choice.state;
  if (!self_loop || choice.row.inadmissible || sgn(choice.row.cost) != 0) {
    document_.fail(v, place, shown(choice.state) + " is a goal: a choice there must lead back to it and cost nothing");
  }
}

/// Numbers in place of action names that are just the position of the choice within its state are no names.
class ActionNames {
 public:
  explicit ActionNames(std::int64_t n_states) : n_choices_(static_cast<std::size_t>(n_states)) {}
  void clear_if_position(Choice& choice) {
    const auto position = n_choices_[static_cast<std::size_t>(choice.state)]++;
    if (choice.action_is_number && choice.row.action == std::to_string(position)) choice.row.action.clear();
  }

 private:
  std::vector<std::int32_t> n_choices_;
};

TwoDouble cost_of(const Choice& choice, Objective objective) {
  const bool minimise = objective == Objective::minimize;
  if (choice.row.inadmissible) return minimise ? infinity : -infinity;
  return to_two_double(minimise ? choice.row.cost : mpq_class(-choice.row.cost));
}

Mdp build_from(const JsonModel& model, const ReadOptions& options) {
  MdpBuilder builder(model.n_states, model.objective);
  builder.discount(to_discount(model.discount)).state_names(model.names);
  for (const auto& [s, p] : model.initial) builder.initial(s, nearest_double(p));
  ActionNames names(model.n_states);
  model.each_choice([&](Choice&& choice) {
    names.clear_if_position(choice);
    builder.row(choice.state, cost_of(choice, model.objective), choice.row.action);
    for (const auto& [next, p] : choice.row.to) builder.to(next, to_two_double(p));
  });
  for (const std::int64_t s : model.without_choice) builder.row(s, 0.0).to(s, 1.0);
  for (const std::int64_t s : model.goal) builder.goal(s);
  return builder.build({.row_sum_tolerance = options.row_sum_tolerance, .threads = options.threads});
}

ExactModel exact_from(JsonModel&& model) {
  std::vector<Choice> choices;
  ActionNames names(model.n_states);
  model.each_choice([&](Choice&& choice) {
    names.clear_if_position(choice);
    for (auto& [next, p] : choice.row.to) p /= choice.sum;
    choices.push_back(std::move(choice));
  });
  for (const std::int64_t s : model.without_choice) choices.push_back({s, {{{s, 1}}, 0, false, ""}, 1, false});
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.state < b.state; });

  ExactModel exact;
  exact.n_states = model.n_states;
  exact.state_rows.assign(static_cast<std::size_t>(model.n_states) + 1, 0);
  for (Choice& choice : choices) {
    ++exact.state_rows[static_cast<std::size_t>(choice.state) + 1];
    exact.rows.push_back(std::move(choice.row));
  }
  std::partial_sum(exact.state_rows.begin(), exact.state_rows.end(), exact.state_rows.begin());
  exact.discount = std::move(model.discount);
  exact.objective = model.objective;
  exact.names = std::move(model.names);
  exact.initial = std::move(model.initial);
  for (auto& [s, p] : exact.initial) p /= model.initial_sum;
  merge_duplicates(exact.initial);
  exact.goal = std::move(model.goal);
  return exact;
}

}  // namespace

Mdp read_json(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options) {
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  const JsonDocument document(file, as_text(bytes));
  try {
    return build_from(JsonModel(document, options), options);
  } catch (const InvalidModel& error) {
    throw InputError(file, "", error.what());
  }
}

ExactModel read_exact_model(const std::string& path, const ReadOptions& options) {
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  if (extension(path) == "tra") {
    ExplicitFiles files = read_tra(path, options);
    return exact_model_of(std::move(files.model), options);
  }
  const FileBytes file(path);
  if (is_drn(path)) {
    Buffer<std::byte> unpacked;
    return exact_model_of(parse_drn(drn_text(file.bytes(), path, unpacked), path, options), options);
  }
  if (extension(path) != "json") return exact_model_of(read_mdp(path, options));
  const JsonDocument document(path, as_text(file.bytes()));
  return exact_from(JsonModel(document, options));
}

}  // namespace mdp::io
