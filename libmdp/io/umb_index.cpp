#include "libmdp/io/umb_index.hpp"

#include <algorithm>

#include "libmdp/error.hpp"
#include "libmdp/io/json_document.hpp"

namespace mdp::io {
namespace {

using Value = JsonDocument::Value;
using Kind = JsonDocument::Kind;

/// Beyond this, sizes of members in bytes do not fit 64 bits.
constexpr std::int64_t largest_count = std::int64_t{1} << 58;

std::int64_t default_bits(std::string_view type) {
  if (type == "bool") return 1;
  if (type == "int" || type == "uint" || type == "double" || type == "string") return 64;
  if (type == "int-interval" || type == "uint-interval" || type == "double-interval" || type == "rational") return 128;
  if (type == "rational-interval") return 256;
  return 0;
}

/// The index of a file under its reading.
class IndexReader {
 public:
  explicit IndexReader(const JsonDocument& document) : document_(document) {}

  [[nodiscard]] UmbIndex read() {
    UmbIndex index;
    if (const auto version = count(required(document_.root(), root_, "format-version"), root_["format-version"]);
        version != 1) {
      document_.fail(document_.root(), root_, "has UMB version " + std::to_string(version) + "; known is 1");
    }
    read_system(required(document_.root(), root_, "transition-system"), index);
    read_annotations(document_.find(document_.root(), "annotations"), index);
    read_parameters(index);
    read_state_variables(index);
    return index;
  }

 private:
  [[nodiscard]] Value required(Value object, const Place& place, std::string_view key) const {
    if (!document_.is(object, Kind::object))
      document_.fail(object, place, "must be an object, not " + document_.shown(object));
    const Value found = document_.find(object, key);
    if (found == 0) document_.fail(object, place, "the key \"" + std::string(key) + "\" is missing");
    return found;
  }

  [[nodiscard]] std::int64_t count(Value v, const Place& place) const {
    const std::int64_t n = document_.integer(v, place);
    if (n < 0 || n > largest_count) document_.fail(v, place, "must be 0 to 2^58, not " + std::to_string(n));
    return n;
  }

  [[nodiscard]] UmbType type(Value v, const Place& place) const {
    UmbType result;
    result.name = std::string(document_.string(required(v, place, "type"), place["type"]));
    result.bits = default_bits(result.name);
    if (result.bits == 0) document_.fail(v, place, "is no type of UMB: " + result.name);
    if (const Value size = document_.find(v, "size"); size != 0) {
      const std::int64_t bits = count(size, place["size"]);
      const bool fits = result.name == "rational" ? bits > 0 && bits % 128 == 0 : bits == result.bits;
      if (!fits && (result.is_number() || result.name == "bool" || result.name == "string")) {
        document_.fail(size, place["size"], std::to_string(bits) + " bits are no size of a " + result.name);
      }
      result.bits = bits;
    }
    return result;
  }

  /// Refuses the kinds of models that are no MDP, by their names.
  void require_mdp(Value system, const Place& place, std::string_view time, std::int64_t n_players,
                   std::int64_t n_observations, bool has_probabilities) const {
    std::string kind;
    if (time == "stochastic")
      kind = n_players == 0 ? "CTMC" : "CTMDP";
    else if (time == "urgent-stochastic")
      kind = "Markov automaton";
    else if (time != "discrete")
      kind = "model with time \"" + std::string(time) + "\"";
    else if (n_players > 1)
      kind = "game of " + std::to_string(n_players) + " players";
    else if (n_observations > 0)
      kind = "POMDP";
    else if (!has_probabilities)
      kind = "transition system without probabilities";
    if (!kind.empty()) refuse(system, place, kind);
  }

  [[noreturn]] void refuse(Value v, const Place& place, const std::string& kind) const {
    document_.fail(v, place,
                   "is a " + kind +
                       ", which is not a model of this library: it has Markov decision processes and "
                       "Markov chains, in discrete time, with point probabilities, fully observed");
  }

  void read_system(Value system, UmbIndex& index) const {
    const Place place = root_["transition-system"];
    const auto number = [&](std::string_view key) { return count(required(system, place, key), place[key]); };
    index.n_players = number("#players");
    index.n_states = number("#states");
    index.n_initial_states = number("#initial-states");
    index.n_choices = number("#choices");
    index.n_choice_actions = number("#choice-actions");
    index.n_branches = number("#branches");
    const Value probability = document_.find(system, "branch-probability-type");
    const std::string_view time = document_.string(required(system, place, "time"), place["time"]);
    require_mdp(system, place, time, index.n_players, number("#observations"), probability != 0);
    index.probability_type = type(probability, place["branch-probability-type"]);
    if (!index.probability_type.is_number()) {
      refuse(probability, place["branch-probability-type"],
             index.probability_type.name.ends_with("-interval")
                 ? "model with intervals of probabilities"
                 : "model with " + index.probability_type.name + " probabilities");
    }
    if (index.n_states < 1 || index.n_states >= std::numeric_limits<State>::max()) {
      document_.fail(required(system, place, "#states"), place["#states"],
                     "there must be 1 to 2147483646 states, not " + std::to_string(index.n_states));
    }
  }

  void read_annotations(Value groups, UmbIndex& index) const {
    if (groups == 0) return;
    const Place place = root_["annotations"];
    for (const auto& group : document_.object(groups, place)) {
      const Place group_place = place[group.key];
      for (const auto& entry : document_.object(group.value, group_place)) {
        index.annotations.push_back(annotation(group.key, entry, group_place[entry.key]));
      }
    }
  }

  [[nodiscard]] UmbAnnotation annotation(std::string_view group, const JsonDocument::Member& entry,
                                         const Place& place) const {
    UmbAnnotation result;
    result.group = group;
    result.id = result.alias = entry.key;
    if (const Value alias = document_.find(entry.value, "alias"); alias != 0) {
      result.alias = document_.string(alias, place["alias"]);
    }
    result.type = type(required(entry.value, place, "type"), place["type"]);
    if (const Value strings = document_.find(entry.value, "#strings"); strings != 0) {
      result.n_strings = count(strings, place["#strings"]);
    }
    const Place applies = place["applies-to"];
    document_.each(required(entry.value, place, "applies-to"), applies, [&](std::int64_t i, Value v) {
      const std::string_view what = document_.string(v, applies[i]);
      bool* flag = what == "states"     ? &result.states
                   : what == "choices"  ? &result.choices
                   : what == "branches" ? &result.branches
                                        : nullptr;
      if (flag == nullptr)
        document_.fail(v, applies[i], "must be states, choices or branches, not " + document_.shown(v));
      *flag = true;
    });
    return result;
  }

  void read_parameters(UmbIndex& index) const {
    Value v = document_.root();
    for (const std::string_view key : {"file-data", "parameters", "libmdp"}) {
      if (!document_.is(v, Kind::object)) return;
      v = document_.find(v, key);
      if (v == 0) return;
    }
    const Place data = root_["file-data"], parameters = data["parameters"], place = parameters["libmdp"];
    for (const auto& [key, value] : document_.object(v, place)) {
      if (key == "discount") index.discount = document_.string(value, place[key]);
      if (key != "objective") continue;
      const std::string_view word = document_.string(value, place[key]);
      if (word != "minimize" && word != "maximize") document_.fail(value, place[key], "must be minimize or maximize");
      index.objective = word == "minimize" ? Objective::minimize : Objective::maximize;
    }
  }

  void read_state_variables(UmbIndex& index) const {
    const Value valuations = document_.find(document_.root(), "valuations");
    const Value states = document_.find(valuations, "states");
    if (valuations == 0 || states == 0) return;
    const Place valuations_place = root_["valuations"], states_place = valuations_place["states"];
    const Place classes_place = states_place["classes"], class_place = classes_place[std::int64_t{0}];
    const auto classes = document_.array(required(states, states_place, "classes"), classes_place);
    if (classes.size() != 1) return;
    const Place place = class_place["variables"];
    document_.each(required(classes[0], class_place, "variables"), place,
                   [&](std::int64_t i, Value v) { index.state_variables.push_back(variable(v, place[i])); });
  }

  [[nodiscard]] UmbVariable variable(Value v, const Place& place) const {
    UmbVariable result;
    if (const Value padding = document_.find(v, "padding"); padding != 0) {
      result.type = {"padding", count(padding, place["padding"])};
      return result;
    }
    result.name = document_.string(required(v, place, "name"), place["name"]);
    result.type = type(required(v, place, "type"), place["type"]);
    if (const Value optional = document_.find(v, "is-optional"); optional != 0) {
      result.is_optional = document_.boolean(optional, place["is-optional"]);
    }
    if (const Value offset = document_.find(v, "offset"); offset != 0) {
      result.offset = document_.integer(offset, place["offset"]);
    }
    return result;
  }

  const JsonDocument& document_;
  Place root_{nullptr, "index.json", -1};
};

}  // namespace

std::string UmbAnnotation::member(std::string_view applies_to, std::string_view what) const {
  return "annotations/" + group + "/" + id + "/" + std::string(applies_to) + "/" + std::string(what) + ".bin";
}

std::vector<const UmbAnnotation*> UmbIndex::group(std::string_view name) const {
  std::vector<const UmbAnnotation*> found;
  for (const UmbAnnotation& a : annotations) {
    if (a.group == name) found.push_back(&a);
  }
  return found;
}

const UmbAnnotation* UmbIndex::find(std::string_view group_name, std::string_view id) const {
  const auto found = std::find_if(annotations.begin(), annotations.end(),
                                  [&](const UmbAnnotation& a) { return a.group == group_name && a.id == id; });
  return found == annotations.end() ? nullptr : &*found;
}

UmbIndex parse_umb_index(std::string_view text, const std::string& file) {
  const JsonDocument document(file, text);
  return IndexReader(document).read();
}

}  // namespace mdp::io
