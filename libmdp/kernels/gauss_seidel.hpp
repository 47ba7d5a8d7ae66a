// libmdp/kernels/gauss_seidel.hpp — undiscounted Bellman updates in place, state by state.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// What one update finds at a state.
struct StateUpdate {
  double value = 0.0;
  Action action = -1;
};

/// min over the rows of  (c + sum_{j != s} p_j v_j) / (sum_{j != s} p_j): self-loops solved for, rows that never leave s left
/// out. +inf and -1 if there is none. Undiscounted; probabilities need not sum to 1.
[[nodiscard]] StateUpdate update_state(const Mdp& mdp, std::span<const double> v, State s);

/// v(s) <- update at the states of `order`, one after the other, each using the new values of those before it.
/// \param policy  [n_states], written at the states of `order`
/// \return max |change|. Traffic as a Bellman sweep, in the order given.
double gauss_seidel_sweep(const Mdp& mdp, std::span<const State> order, std::span<double> v, std::span<Action> policy);

}  // namespace mdp::kernels
