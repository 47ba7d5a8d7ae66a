// .tra with its side files, and .drn: the same bits come back, but for what lost_in() says.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "libmdp/each_row.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/drn.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/tra.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {
namespace {

/// With its tail if that is known, else the shortest decimal of the double; in the sense of the file.
std::string entry_text(double hi, std::span<const double> tail, Offset i, double sign) {
  const double x = hi == 0.0 ? 0.0 : sign * hi;
  return tail.empty() || std::isinf(x) ? shortest_text(x) : exact_text(TwoDouble(x, sign * tail[at(i)]));
}

std::string probability_text(const Mdp& mdp, Offset k) {
  return entry_text(mdp.probability()[at(k)], mdp.probability_tail(), k, 1.0);
}

std::string cost_text(const Mdp& mdp, Offset row) {
  return entry_text(mdp.cost()[at(row)], mdp.cost_tail(), row, mdp.objective() == Objective::maximize ? -1.0 : 1.0);
}

std::string_view action_of(const Mdp& mdp, Offset row) {
  const Names& names = mdp.names();
  if (names.row_action.empty() || names.row_action[at(row)] < 0) return {};
  return names.actions[at(names.row_action[at(row)])];
}

template <class F>
void for_transitions(const Mdp& mdp, Offset row, F&& f) {
  for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) f(k);
}

std::string place_text(const Mdp& mdp, State s, Offset row, Offset k) {
  return std::to_string(s) + " " + std::to_string(row - mdp.state_rows()[at(s)]) + " " +
         std::to_string(mdp.next_state()[at(k)]) + " ";
}

std::string transitions_text(const Mdp& mdp) {
  std::string text = "# Transitions (MDP)\n" + std::to_string(mdp.n_states()) + " " + std::to_string(mdp.n_rows()) +
                     " " + std::to_string(mdp.n_transitions()) + "\n";
  for_each_row(mdp, [&](State s, Offset row) {
    const std::string_view action = action_of(mdp, row);
    for_transitions(mdp, row, [&](Offset k) {
      text += place_text(mdp, s, row, k) + probability_text(mdp, k);
      if (!action.empty()) text.append(" ").append(action);
      text += "\n";
    });
  });
  return text;
}

/// A reward of a choice stands at each of its transitions.
std::string rewards_text(const Mdp& mdp) {
  std::string entries;
  Offset n = 0;
  for_each_row(mdp, [&](State s, Offset row) {
    if (mdp.cost()[at(row)] == 0.0) return;
    const std::string reward = cost_text(mdp, row);
    for_transitions(mdp, row, [&](Offset k) {
      entries += place_text(mdp, s, row, k) + reward + "\n";
      ++n;
    });
  });
  return "# Reward structure \"cost\"\n# Transition rewards\n" + std::to_string(mdp.n_states()) + " " +
         std::to_string(mdp.n_rows()) + " " + std::to_string(n) + "\n" + entries;
}

bool is_goal(const Mdp& mdp, State s) { return std::binary_search(mdp.goal().begin(), mdp.goal().end(), s); }

std::string labels_text(const Mdp& mdp) {
  std::string text = "0=\"init\" 1=\"deadlock\" 2=\"goal\"\n";
  for (State s = 0; s < mdp.n_states(); ++s) {
    const bool initial = mdp.initial()[at(s)] > 0.0;
    if (!initial && !is_goal(mdp, s)) continue;
    text += std::to_string(s) + ":" + (initial ? " 0" : "") + (is_goal(mdp, s) ? " 2" : "") + "\n";
  }
  return text;
}

std::string names_text(const Mdp& mdp) {
  std::string text = "(name)\n";
  for (State s = 0; s < mdp.n_states(); ++s) text += std::to_string(s) + ":" + mdp.names().states[at(s)] + "\n";
  return text;
}

/// A file of another model that would be read along.
void refuse_beside(const std::string& path, const char* extension) {
  const auto other = std::filesystem::path(path).replace_extension(extension);
  if (!std::filesystem::exists(other)) return;
  throw OutputError(path + ": " + other.string() + " lies beside it and would be read with it: move it away");
}

}  // namespace

void write_tra(const std::string& path, const Mdp& mdp) {
  const bool named = !mdp.names().states.empty();
  for (const char* other : {".srew", ".state.rew", ".trans.rew"}) refuse_beside(path, other);
  if (!named) refuse_beside(path, ".sta");
  const auto beside = [&](const char* extension) {
    return std::filesystem::path(path).replace_extension(extension).string();
  };
  write_file(beside(".lab"), labels_text(mdp));
  write_file(beside(".trew"), rewards_text(mdp));
  if (named) write_file(beside(".sta"), names_text(mdp));
  write_file(path, transitions_text(mdp));
}

void write_drn(const std::string& path, const Mdp& mdp) {
  std::string text = "@type: MDP\n@parameters\n\n@reward_models\ncost\n@nr_states\n" + std::to_string(mdp.n_states()) +
                     "\n@nr_choices\n" + std::to_string(mdp.n_rows()) + "\n@model\n";
  for (State s = 0; s < mdp.n_states(); ++s) {
    text += "state " + std::to_string(s) + " [0]" + (mdp.initial()[at(s)] > 0.0 ? " init" : "") +
            (is_goal(mdp, s) ? " goal" : "") + "\n";
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      const std::string_view action = action_of(mdp, row);
      text.append("\taction ").append(action.empty() ? "__NOLABEL__" : action);
      text += " [" + cost_text(mdp, row) + "]\n";
      for_transitions(mdp, row, [&](Offset k) {
        text += "\t\t" + std::to_string(mdp.next_state()[at(k)]) + " : " + probability_text(mdp, k) + "\n";
      });
    }
  }
  write_file(path, std::string_view(text));
}

}  // namespace mdp::io
