// libmdp/kernels/backward_search.hpp — values and a policy from the absorbing states backwards, in one pass.
#pragma once

#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::kernels {

struct BackwardSearch {
  std::vector<double> value;  ///< [n_states] an estimate of V*; +inf where no absorbing state can be reached
  Policy policy;              ///< [n_states] leads towards an absorbing state wherever one can be reached
  State n_reached = 0;
};

/// Dijkstra's algorithm on a row's expected cost, transitions to states that are not settled yet taken as "stay here":
///     q(row) = (c + gamma sum_settled p V) / (1 - gamma (1 - sum_settled p)),
/// states settled in ascending order of their least q, from those that can stay where they are for ever (a row of
/// probability 1 to itself) on. Exact where every row goes only to values that are smaller, as floats tell them apart; an
/// estimate, not a bound, elsewhere. Costs below 0 count as they are: the order is then only a heuristic. With discount 1,
/// absorbing means goal.
/// O(n_transitions log n_states) time, 8 B per transition, 20 B per row. Source: McMahan and Gordon (2005).
[[nodiscard]] BackwardSearch search_backward(const Mdp& mdp);

/// Whether some state can stay where it is for ever: a row of probability 1 to itself and finite cost.
[[nodiscard]] bool has_absorbing_state(const Mdp& mdp, int threads = 1);

}  // namespace mdp::kernels
