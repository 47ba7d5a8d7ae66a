#include "equivalence/rebuild.hpp"

#include <algorithm>
#include <utility>

namespace mdp::equivalence {
namespace {

template <class T>
Buffer<T> copy(std::span<const T> from) {
  return Buffer<T>(from.begin(), from.end());
}

// Whether all rows of s are free and lead to s alone.
bool is_absorbing_and_free(const Mdp& frame, const Transitions& transitions, State s) {
  const auto first = static_cast<std::size_t>(frame.state_rows()[static_cast<std::size_t>(s)]);
  for (std::size_t row = first; row < first + static_cast<std::size_t>(frame.n_actions(s)); ++row) {
    if (frame.cost()[row] != 0.0) return false;
    const auto begin = static_cast<std::size_t>(transitions.row_begin[row]);
    const auto end = static_cast<std::size_t>(transitions.row_begin[row + 1]);
    for (std::size_t k = begin; k < end; ++k) {
      if (transitions.next_state[k] != s && transitions.probability[k] > 0.0) return false;
    }
  }
  return true;
}

// The frame's arrays with these transitions, discount and goals.
Mdp assemble(const Mdp& frame, Transitions&& transitions, const Discount& discount, std::vector<State> goals) {
  MdpArrays arrays;
  arrays.goal = std::move(goals);
  arrays.state_rows = copy(frame.state_rows());
  arrays.row_begin = std::move(transitions.row_begin);
  arrays.next_state = std::move(transitions.next_state);
  arrays.probability = std::move(transitions.probability);
  arrays.probability_tail = std::move(transitions.probability_tail);
  arrays.cost = copy(frame.cost());
  arrays.cost_tail = copy(frame.cost_tail());
  arrays.discount = discount;
  arrays.initial = copy(frame.initial());
  arrays.names = frame.names();
  return build(std::move(arrays)).with_objective(frame.objective());  // costs are minimised already
}

}  // namespace

Transitions transitions_of(const Mdp& mdp) {
  return {copy(mdp.row_begin()), copy(mdp.next_state()), copy(mdp.probability()), copy(mdp.probability_tail())};
}

Mdp rebuild(const Mdp& frame, Transitions&& transitions, const Discount& discount) {
  std::vector<State> goals;
  for (const State s : frame.goal()) {
    if (is_absorbing_and_free(frame, transitions, s)) goals.push_back(s);
  }
  return assemble(frame, std::move(transitions), discount, std::move(goals));
}

Mdp with_goals(const Mdp& mdp, std::vector<State> goals) {
  return assemble(mdp, transitions_of(mdp), mdp.exact_discount(), std::move(goals));
}

Mdp without_lost_goals(const Mdp& mdp) {
  // Transitions are as they were when the goals were checked: only the costs can have changed.
  const auto is_free = [&mdp](State s) {
    const auto costs = mdp.cost().subspan(static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]),
                                          static_cast<std::size_t>(mdp.n_actions(s)));
    return std::all_of(costs.begin(), costs.end(), [](double cost) { return cost == 0.0; });
  };
  const auto goals = mdp.goal();
  if (std::all_of(goals.begin(), goals.end(), is_free)) return mdp;
  return rebuild(mdp, transitions_of(mdp), mdp.exact_discount());
}

}  // namespace mdp::equivalence
