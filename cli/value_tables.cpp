#include "cli/value_tables.hpp"

#include <cmath>

#include <fmt/format.h>

#include "libmdp/kernels/bellman.hpp"

namespace mdp::cli {

SensedValues::SensedValues(Objective objective, std::span<const double> values, std::span<const double> value_lower,
                           std::span<const double> value_upper)
    : value(in_sense(objective, values)),
      lower(in_sense(objective, value_lower)),
      upper(in_sense(objective, value_upper)) {
  if (objective == Objective::maximize) lower.swap(upper);
}

void SensedValues::add_to(Result& result) const {
  result.set("value", value);
  if (lower.empty()) return;
  result.set("value_lower", lower);
  result.set("value_upper", upper);
}

std::vector<double> q_of(const Mdp& mdp, std::span<const double> values, int threads) {
  std::vector<double> q(static_cast<std::size_t>(mdp.n_rows()));
  kernels::q_values(mdp, values, q, threads);
  return q;
}

std::string state_label(const Mdp& mdp, State s) {
  return mdp.names().states.empty() ? std::to_string(s) : fmt::format("{} ({})", s, mdp.state_name(s));
}

std::string action_label(const Mdp& mdp, State s, Action a) {
  const Offset row = mdp.state_rows()[static_cast<std::size_t>(s)] + a;
  const std::string name = mdp.action_name(row);
  return name == std::to_string(a) ? name : fmt::format("{} ({})", a, name);
}

std::string value_table(const Mdp& mdp, const SensedValues& values, std::span<const Action> policy,
                        const std::string& title) {
  const bool bounds = !values.lower.empty();
  std::vector<Table::Column> columns = {{"state", Align::left}, {title}};
  if (bounds) columns.push_back({"+/-"});
  if (!policy.empty()) columns.push_back({"action", Align::left});
  Table table(std::move(columns));
  const State shown = static_cast<State>(std::min<std::int64_t>(mdp.n_states(), max_table_rows));
  for (State s = 0; s < shown; ++s) {
    const auto i = static_cast<std::size_t>(s);
    std::vector<std::string> cells = {state_label(mdp, s), number_text(values.value[i])};
    if (bounds) {
      const bool finite = std::isfinite(values.value[i]);
      const double radius = std::max(values.upper[i] - values.value[i], values.value[i] - values.lower[i]);
      cells.push_back(finite ? bound_text(radius) : "0");
    }
    if (!policy.empty()) cells.push_back(action_label(mdp, s, policy[i]));
    table.add(std::move(cells));
  }
  note_the_rest(table, mdp.n_states() - shown, "states");
  return table.text();
}

void note_the_rest(Table& table, std::int64_t n, const char* what) {
  if (n > 0) table.note(fmt::format("… and {} more {}: --json has them all", count_text(n), what));
}

double initial_average(const Mdp& mdp, std::span<const double> values) {
  double sum = 0.0;
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (mdp.initial()[s] > 0) sum += mdp.initial()[s] * values[s];
  }
  return sum;
}

}  // namespace mdp::cli
