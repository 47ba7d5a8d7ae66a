// cli/value_tables.hpp — per-state and per-action numbers, in the file's sense, for people and for results.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/result.hpp"
#include "cli/table.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli {

/// States (or rows) that a table shows before it says how many more there are.
inline constexpr std::int64_t max_table_rows = 40;

/// Values with their enclosure, turned from cost sense into the file's: lower and upper change places when maximising.
struct SensedValues {
  std::vector<double> value;
  std::vector<double> lower;  ///< empty if not certified
  std::vector<double> upper;

  SensedValues(Objective objective, std::span<const double> values, std::span<const double> value_lower,
               std::span<const double> value_upper);
  /// Sets value and, if there, value_lower and value_upper.
  void add_to(Result& result) const;
};

/// Q = L + gamma P V in cost sense, as shown in results; +inf where a successor's value is.
[[nodiscard]] std::vector<double> q_of(const Mdp& mdp, std::span<const double> values, int threads);

/// "7" or "7 (bar)".
[[nodiscard]] std::string state_label(const Mdp& mdp, State s);
/// "2" or "2 (go)".
[[nodiscard]] std::string action_label(const Mdp& mdp, State s, Action a);

/// state, value, bounds, and the action of a deterministic policy (empty: none).
/// \param title  of the value column
[[nodiscard]] std::string value_table(const Mdp& mdp, const SensedValues& values, std::span<const Action> policy,
                                      const std::string& title = "value");

/// A note on what a table does not show, if anything.
void note_the_rest(Table& table, std::int64_t n, const char* what);

/// Adds the first rows to a table: cells(state, action, row) for each of them, and a note on how many more there are.
template <class Cells>
void each_row_shown(const Mdp& mdp, Table& table, Cells&& cells) {
  Offset shown = 0;
  for (State s = 0; s < mdp.n_states() && shown < max_table_rows; ++s) {
    for (Action a = 0; a < mdp.n_actions(s) && shown < max_table_rows; ++a, ++shown) {
      table.add(cells(s, a, static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)] + a)));
    }
  }
  note_the_rest(table, mdp.n_rows() - shown, "state-action pairs");
}

/// rho0-average: the value at the initial distribution; infinite if some initial state's is.
[[nodiscard]] double initial_average(const Mdp& mdp, std::span<const double> values);

}  // namespace mdp::cli
