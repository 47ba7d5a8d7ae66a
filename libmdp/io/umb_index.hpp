// libmdp/io/umb_index.hpp — the index.json of a UMB file. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/types.hpp"

namespace mdp::io {

/// Type of the values of a member.
struct UmbType {
  std::string name;       ///< "double", "rational", "bool", "string", …
  std::int64_t bits = 0;  ///< of one value

  [[nodiscard]] bool is_number() const { return name == "double" || name == "rational"; }
};

/// An annotation group's entry: /annotations/<group>/<id>/{states,choices,branches}/values.bin.
struct UmbAnnotation {
  std::string group, id;
  std::string alias;  ///< the id if absent
  UmbType type;
  bool states = false, choices = false, branches = false;  ///< what it applies to
  std::int64_t n_strings = 0;

  [[nodiscard]] bool is_called(std::string_view name) const { return id == name || alias == name; }
  /// Path of a member of the archive: member("states", "values").
  [[nodiscard]] std::string member(std::string_view applies_to, std::string_view what) const;
};

/// A variable of a valuation, or padding (no name).
struct UmbVariable {
  std::string name;
  UmbType type;
  bool is_optional = false;  ///< a bit before the value says whether there is one
  std::int64_t offset = 0;   ///< added to integers
};

/// What libmdp reads of an index.
struct UmbIndex {
  std::int64_t n_players = 0, n_states = 0, n_initial_states = 0, n_choices = 0, n_choice_actions = 0, n_branches = 0;
  UmbType probability_type;
  std::vector<UmbAnnotation> annotations;
  std::vector<UmbVariable> state_variables;  ///< of the valuations of states, if these have one class
  std::optional<std::string> discount;       ///< as text; written by this library
  std::optional<Objective> objective;        ///< written by this library

  [[nodiscard]] std::vector<const UmbAnnotation*> group(std::string_view name) const;
  [[nodiscard]] const UmbAnnotation* find(std::string_view group, std::string_view id) const;
};

/// \throws InputError if the text breaks a rule of the format or describes no MDP and no Markov chain in discrete time.
[[nodiscard]] UmbIndex parse_umb_index(std::string_view text, const std::string& file);

/// The group of the annotations of this library, and their ids.
namespace umb_extra {
inline constexpr std::string_view group = "libmdp";
inline constexpr std::string_view initial = "initial";                    ///< states, double: distribution
inline constexpr std::string_view state_name = "state-name";              ///< states, string
inline constexpr std::string_view probability_tail = "probability-tail";  ///< branches, double
inline constexpr std::string_view cost_tail = "cost-tail";                ///< choices, double
}  // namespace umb_extra

}  // namespace mdp::io
