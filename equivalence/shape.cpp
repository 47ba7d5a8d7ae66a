#include "equivalence/shape.hpp"

#include <string>

#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

[[noreturn]] void refuse(const std::string& role, const std::string& what) {
  throw InvalidArgument("world and " + role + " do not match: " + what);
}

std::string word(Objective objective) { return objective == Objective::minimize ? "minimize" : "maximize"; }

// Name of a row's action, or empty if it has none.
std::string_view name_of_row(const Mdp& mdp, std::size_t row) {
  const Names& names = mdp.names();
  if (names.row_action.empty() || names.row_action[row] < 0) return {};
  return names.actions[static_cast<std::size_t>(names.row_action[row])];
}

void require_same_state_names(const Mdp& world, const Mdp& model, const std::string& role) {
  const auto& in_world = world.names().states;
  const auto& in_model = model.names().states;
  if (in_world.empty() || in_model.empty()) return;
  for (std::size_t s = 0; s < in_world.size(); ++s) {
    if (in_world[s] != in_model[s]) {
      refuse(role, "state " + std::to_string(s) + " is \"" + in_world[s] + "\" in the world, \"" + in_model[s] +
                       "\" in the " + role);
    }
  }
}

void require_same_actions(const Mdp& world, const Mdp& model, State s, const std::string& role) {
  if (world.n_actions(s) != model.n_actions(s)) {
    refuse(role, "state " + world.state_name(s) + " has " + std::to_string(world.n_actions(s)) +
                     " actions in the world, " + std::to_string(model.n_actions(s)) + " in the " + role);
  }
  const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
  for (Offset row = first; row < first + world.n_actions(s); ++row) {
    const auto in_world = name_of_row(world, static_cast<std::size_t>(row));
    const auto in_model = name_of_row(model, static_cast<std::size_t>(row));
    if (!in_world.empty() && !in_model.empty() && in_world != in_model) {
      refuse(role, "action " + std::to_string(row - first) + " of state " + world.state_name(s) + " is \"" +
                       std::string(in_world) + "\" in the world, \"" + std::string(in_model) + "\" in the " + role);
    }
  }
}

}  // namespace

void require_same_shape(const Mdp& world, const Mdp& model, const std::string& role) {
  if (world.objective() != model.objective()) {
    refuse(role,
           "objective " + word(world.objective()) + " in the world, " + word(model.objective()) + " in the " + role);
  }
  if (world.n_states() != model.n_states()) {
    refuse(role, std::to_string(world.n_states()) + " states in the world, " + std::to_string(model.n_states()) +
                     " in the " + role);
  }
  require_same_state_names(world, model, role);
  for (State s = 0; s < world.n_states(); ++s) require_same_actions(world, model, s, role);
}

}  // namespace mdp::equivalence
