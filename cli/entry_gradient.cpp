#include "cli/entry_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "cli/table.hpp"
#include "cli/value_tables.hpp"

namespace mdp::cli {
namespace {

constexpr std::size_t shown_entries = 10;

/// Positions of the largest |x|, largest first, ties to the lowest position; zeros left out.
std::vector<std::size_t> largest(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), shown_entries));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    const double x_a = std::abs(x[a]), x_b = std::abs(x[b]);
    return x_a > x_b || (x_a == x_b && a < b);
  });
  order.erase(end, order.end());
  std::erase_if(order, [&](std::size_t i) { return x[i] == 0; });
  return order;
}

Action action_of(const Mdp& mdp, State s, Offset row) {
  return static_cast<Action>(row - mdp.state_rows()[static_cast<std::size_t>(s)]);
}

std::string cost_table(const Mdp& mdp, std::span<const double> d_cost) {
  Table table({{"largest d/dcost: state", Align::left}, {"action", Align::left}, {"derivative"}});
  for (const std::size_t i : largest(d_cost)) {
    const auto row = static_cast<Offset>(i);
    const State s = mdp.state_of(row);
    table.add({state_label(mdp, s), action_label(mdp, s, action_of(mdp, s, row)), number_text(d_cost[i])});
  }
  return table.text();
}

std::string probability_table(const Mdp& mdp, std::span<const double> d_probability) {
  Table table({{"largest d/dprobability: state", Align::left},
               {"action", Align::left},
               {"next state", Align::left},
               {"derivative"}});
  const auto begin = mdp.row_begin();
  for (const std::size_t i : largest(d_probability)) {
    const auto after = std::upper_bound(begin.begin(), begin.end(), static_cast<Offset>(i));
    const auto row = static_cast<Offset>(after - begin.begin()) - 1;
    const State s = mdp.state_of(row);
    table.add({state_label(mdp, s), action_label(mdp, s, action_of(mdp, s, row)), state_label(mdp, mdp.next_state()[i]),
               number_text(d_probability[i])});
  }
  return table.text();
}

}  // namespace

Result::Entries per_transition(const Mdp& mdp, std::span<const double> numbers) {
  Result::Entries entries{3, {}, {numbers.begin(), numbers.end()}};
  entries.positions.reserve(3 * numbers.size());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Offset first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + mdp.n_actions(s); ++row) {
      const auto r = static_cast<std::size_t>(row);
      for (auto k = static_cast<std::size_t>(mdp.row_begin()[r]); k < static_cast<std::size_t>(mdp.row_begin()[r + 1]);
           ++k) {
        entries.positions.insert(entries.positions.end(), {s, row - first, mdp.next_state()[k]});
      }
    }
  }
  return entries;
}

void add_gradient_to(Result& result, const Mdp& mdp, const solvers::EntryGradient& gradient, const EntryErrors& errors,
                     const WithRespectTo& parts) {
  if (parts.cost) {
    result.set_rows("d_cost", mdp, gradient.cost);
    result.set("d_cost_error_bound", errors.cost);
  }
  if (parts.probability) {
    result.set("d_probability", per_transition(mdp, gradient.probability));
    result.set("d_probability_error_bound", errors.probability);
  }
  if (parts.discount) {
    result.set("d_discount", gradient.discount);
    result.set("d_discount_error_bound", errors.discount);
  }
}

std::string gradient_tables(const Mdp& mdp, const solvers::EntryGradient& gradient, const EntryErrors& errors,
                            const WithRespectTo& parts) {
  std::string text;
  if (parts.discount) {
    text += fmt::format("d/ddiscount  {} +/- {}\n", number_text(gradient.discount), bound_text(errors.discount));
  }
  if (parts.cost) {
    text += fmt::format("{}{}every entry +/- {}\n", text.empty() ? "" : "\n", cost_table(mdp, gradient.cost),
                        bound_text(errors.cost));
  }
  if (parts.probability) {
    text += fmt::format("{}{}every entry +/- {}\n", text.empty() ? "" : "\n",
                        probability_table(mdp, gradient.probability), bound_text(errors.probability));
  }
  return text;
}

}  // namespace mdp::cli
