// libmdp/kernels/reference.hpp — the permanent, obvious kernels against which the fast ones are tested.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels::reference {

/// Q(s,a) = L(s,a) + gamma sum_s' P(s'|s,a) V(s')  (theory.md, section 0).
[[nodiscard]] inline std::vector<double> q_values(const Mdp& mdp, std::span<const double> v) {
  std::vector<double> q;
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    double sum = 0.0;
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      sum += mdp.probability()[k] * v[mdp.next_state()[k]];
    }
    q.push_back(mdp.discount() == 0.0 ? mdp.cost()[row] : mdp.cost()[row] + mdp.discount() * sum);
  }
  return q;
}

/// V(s) = min_a Q(s,a), its lowest minimiser, and the range of TV - V.
inline ResidualRange bellman_sweep(const Mdp& mdp, std::span<const double> v, std::span<double> tv,
                                   std::span<Action> policy) {
  const std::vector<double> q = q_values(mdp, v);
  ResidualRange range;
  for (State s = 0; s < mdp.n_states(); ++s) {
    Offset best = mdp.state_rows()[s];
    for (Offset row = best; row < mdp.state_rows()[s + 1]; ++row) {
      if (q[row] < q[best]) best = row;
    }
    tv[s] = q[best];
    if (!policy.empty()) policy[s] = static_cast<Action>(best - mdp.state_rows()[s]);
    if (v[s] < infinity && tv[s] < infinity) {
      range.min = std::min(range.min, tv[s] - v[s]);
      range.max = std::max(range.max, tv[s] - v[s]);
    }
  }
  return range;
}

}  // namespace mdp::kernels::reference
