#include "solvers/component_models.hpp"

#include <utility>

#include "libmdp/vectors.hpp"

namespace mdp::solvers {

ComponentModels::ComponentModels(const Mdp& mdp, const SignedComponents& ends, const EntryUncertainty& uncertainty,
                                 State most_states)
    : mdp_(mdp),
      ends_(ends),
      uncertainty_(uncertainty),
      parts_(at(ends.component.count)),
      states_(at(ends.component.count)) {
  for (std::size_t s = 0; s < ends.component.of_state.size(); ++s) {
    const State c = ends.component.of_state[s];
    if (c >= 0) states_[at(c)].push_back(static_cast<State>(s));
  }
  std::vector<char> small;
  for (const auto& states : states_) small.push_back(states.size() <= at(most_states) ? char{1} : char{0});
  auto parts = reduced(small);
  for (std::size_t c = 0; c < parts.size(); ++c) {
    if (small[c] != 0) parts_[c] = std::move(parts[c]);
  }
}

// [components] those not wanted are empty.
std::vector<graph::ReducedMdp> ComponentModels::reduced(const std::vector<char>& wanted) const {
  graph::Reduction reduction;
  reduction.state_of.assign(ends_.component.of_state.size(), -1);
  reduction.usable = ends_.inside;
  reduction.keep_loops = true;
  reduction.entry_error = uncertainty_.probability;
  reduction.cost_error = uncertainty_.cost;
  std::vector<State> part_of;
  for (std::size_t s = 0; s < ends_.component.of_state.size(); ++s) {
    const State c = ends_.component.of_state[s];
    if (c < 0 || wanted[at(c)] == 0) continue;
    reduction.state_of[s] = reduction.n_states++;
    part_of.push_back(c);
  }
  return graph::split(graph::reduce(mdp_, reduction), part_of, ends_.component.count);
}

const graph::ReducedMdp& ComponentModels::part(State component) {
  auto& part = parts_[at(component)];
  if (!part) {
    std::vector<char> wanted(parts_.size(), 0);
    wanted[at(component)] = 1;
    part = std::move(reduced(wanted)[at(component)]);
  }
  return *part;
}

namespace {

bool leaves_out_inadmissible_only(const Mdp& mdp, std::span<const char> rows) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row] == 0 && mdp.cost()[row] < infinity) return false;
  }
  return true;
}

}  // namespace

ClosedPart closed_part(const Mdp& mdp, const std::vector<State>& states, std::span<const char> rows) {
  if (states.size() == at(mdp.n_states()) && leaves_out_inadmissible_only(mdp, rows)) {
    return {mdp.with_discount(1.0), {}};
  }
  const auto copy = [](std::span<const double> x, Offset first, Offset last, Buffer<double>& to) {
    if (!x.empty()) to.insert(to.end(), x.begin() + first, x.begin() + last);
  };
  std::vector<State> number(at(mdp.n_states()), -1);
  for (std::size_t i = 0; i < states.size(); ++i) number[at(states[i])] = static_cast<State>(i);
  MdpArrays arrays;
  std::vector<Offset> origin;
  arrays.state_rows.push_back(0);
  arrays.row_begin.push_back(0);
  for (const State s : states) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (rows[at(row)] == 0) continue;
      const Offset first = mdp.row_begin()[at(row)], last = mdp.row_begin()[at(row) + 1];
      for (Offset k = first; k < last; ++k) arrays.next_state.push_back(number[at(mdp.next_state()[at(k)])]);
      copy(mdp.probability(), first, last, arrays.probability);
      copy(mdp.probability_tail(), first, last, arrays.probability_tail);
      copy(mdp.cost(), row, row + 1, arrays.cost);
      copy(mdp.cost_tail(), row, row + 1, arrays.cost_tail);
      arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
      origin.push_back(row);
    }
    arrays.state_rows.push_back(static_cast<Offset>(origin.size()));
  }
  arrays.discount = 1.0;
  return {build(std::move(arrays)), std::move(origin)};
}

}  // namespace mdp::solvers
