#include "equivalence/level_verdicts.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

using enum EquivalenceLevel;

constexpr std::array<std::string_view, n_equivalence_levels> words = {"E0", "E2", "E3", "E4", "E5", "E6", "E6-some"};

// T4': the arrows of the diagram, weakest last, so that one pass each way closes it.
constexpr std::pair<EquivalenceLevel, EquivalenceLevel> implications[] = {
    {same_mdp, every_policy},
    {same_mdp, same_q},
    {same_q, same_advantage},
    {every_policy, same_optimal_sets},
    {same_advantage, same_optimal_sets},
    {same_optimal_sets, every_optimal_policy},
    {every_optimal_policy, some_optimal_policy},
};

bool is_within(const std::vector<char>& x, const std::vector<char>& y) {
  for (std::size_t a = 0; a < x.size(); ++a) {
    if (x[a] != 0 && y[a] == 0) return false;
  }
  return true;
}

bool meet(const std::vector<char>& x, const std::vector<char>& y) {
  for (std::size_t a = 0; a < x.size(); ++a) {
    if (x[a] != 0 && y[a] != 0) return true;
  }
  return false;
}

Action first_outside(const std::vector<char>& x, const std::vector<char>& y) {
  for (std::size_t a = 0; a < x.size(); ++a) {
    if (x[a] != 0 && y[a] == 0) return static_cast<Action>(a);
  }
  return -1;
}

// One state's answer taken into a level's: the first no is the witness, else the first state that is undecided.
void take(Verdict verdict, State s, Action a, const std::string& reason, LevelVerdict& level) {
  if (verdict >= level.holds) return;
  level.holds = verdict;
  level.state = s;
  level.action = a;
  level.reason = reason;
}

Verdict verdict(bool yes, bool no) { return yes ? Verdict::yes : no ? Verdict::no : Verdict::undecided; }

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::no: return "no";
    case Verdict::undecided: return "undecided";
    case Verdict::yes: return "yes";
  }
  return "undecided";
}

std::string_view to_string(EquivalenceLevel level) noexcept { return words[static_cast<std::size_t>(level)]; }

EquivalenceLevel equivalence_level_from_string(std::string_view word) {
  if (word == "E6-every") return every_optimal_policy;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<EquivalenceLevel>(i);
  }
  throw InvalidOption("\"" + std::string(word) +
                      "\" is no level: E0, E2, E3, E4, E5, E6, E6-every, E6-some (there is no E1)");
}

std::string_view LevelsResult::lowest() const noexcept {
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    if (levels[i].holds == Verdict::yes) return words[i];
  }
  return "none";
}

std::vector<EquivalenceLevel> LevelsResult::maximal() const {
  std::vector<EquivalenceLevel> result;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto level = static_cast<EquivalenceLevel>(i);
    const bool is_implied = std::any_of(std::begin(implications), std::end(implications), [&](const auto& arrow) {
      return arrow.second == level && (*this)[arrow.first].holds == Verdict::yes;
    });
    if (levels[i].holds == Verdict::yes && !is_implied) result.push_back(level);
  }
  return result;
}

std::string LevelsResult::summary() const {
  std::string holding, open;
  const auto list = [](std::string& text, EquivalenceLevel level) {
    text += (text.empty() ? "" : ", ") + std::string(to_string(level));
  };
  for (const EquivalenceLevel level : maximal()) list(holding, level);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].holds == Verdict::undecided) list(open, static_cast<EquivalenceLevel>(i));
  }
  std::string text = holding.empty() ? "no level is known to hold" : holding + " and what follows from it";
  if (holding.empty() && open.empty()) text = "no level holds";
  return open.empty() ? text : text + "; undecided within the bounds: " + open;
}

std::string pair_text(const Mdp& mdp, State s, Action a) {
  std::string text = "state " + mdp.state_name(s);
  if (a >= 0) text += ", action " + mdp.action_name(mdp.state_rows()[static_cast<std::size_t>(s)] + a);
  return text;
}

OptimalSet OptimalSet::from_possible(std::vector<char> possible) {
  OptimalSet set{std::vector<char>(possible.size(), 0), std::move(possible)};
  if (std::count(set.possible.begin(), set.possible.end(), 1) == 1) set.sure = set.possible;
  return set;
}

OptimalSet OptimalSet::exactly(const std::vector<char>& set) { return {set, set}; }

void take_state(const Mdp& world, State s, const OptimalSet& in_world, const OptimalSet& in_model,
                LevelsResult& result) {
  const auto& [w_sure, w_possible] = in_world;
  const auto& [m_sure, m_possible] = in_model;
  const bool disjoint = !meet(w_possible, m_possible);
  const bool decided = w_sure == w_possible && m_sure == m_possible;
  const bool equal_possible = !disjoint && is_within(w_sure, m_possible) && is_within(m_sure, w_possible);
  const bool inside_possible = !disjoint && is_within(m_sure, w_possible);
  const bool inside = is_within(m_possible, w_sure);
  const bool common = meet(w_sure, m_sure) || inside || is_within(w_possible, m_sure);

  const auto say = [&](EquivalenceLevel level, Verdict answer, Action a, const char* what) {
    const std::string where = pair_text(world, s, answer == Verdict::no ? a : -1);
    const std::string why = answer == Verdict::no
                                ? where + ": " + what
                                : where + ": optimal actions may be tied, which these bounds cannot tell";
    take(answer, s, answer == Verdict::no ? a : -1, why, result[level]);
  };
  const Action model_only = first_outside(disjoint ? m_possible : m_sure, w_possible);
  const Action world_only = first_outside(w_sure, m_possible);
  say(same_optimal_sets, verdict(decided && w_sure == m_sure, !equal_possible),
      model_only >= 0 ? model_only : world_only,
      model_only >= 0 ? "optimal in the model, not in the world" : "optimal in the world, not in the model");
  say(every_optimal_policy, verdict(inside, !inside_possible), model_only, "optimal in the model, not in the world");
  say(some_optimal_policy, verdict(common, disjoint), -1, "no action is optimal in both");
}

void close_under_implication(LevelsResult& result) {
  const auto spread = [&](EquivalenceLevel from, EquivalenceLevel to, Verdict answer, const char* word) {
    LevelVerdict& target = result[to];
    const LevelVerdict& source = result[from];
    if (source.holds != answer || target.holds == answer) return;
    target.holds = answer;
    target.state = source.state;
    target.action = source.action;
    target.reason = std::string(to_string(from)) + " " + word;
    if (answer == Verdict::no && !source.reason.empty()) target.reason += ": " + source.reason;
  };
  for (const auto& [strong, weak] : implications) spread(strong, weak, Verdict::yes, "holds, which implies it");
  for (std::size_t i = std::size(implications); i-- > 0;) {
    spread(implications[i].second, implications[i].first, Verdict::no, "fails, which it implies");
  }
}

}  // namespace mdp::equivalence
