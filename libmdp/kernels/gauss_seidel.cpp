#include "libmdp/kernels/gauss_seidel.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::kernels {
StateUpdate update_state(const Mdp& mdp, std::span<const double> v, State s) {
  StateUpdate best{infinity, -1};
  for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
    double sum = mdp.cost()[at(row)];
    double leaving = 0.0;
    for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
      const State next = mdp.next_state()[at(k)];
      if (next == s) continue;
      sum += mdp.probability()[at(k)] * v[at(next)];
      leaving += mdp.probability()[at(k)];
    }
    const double value = leaving > 0.0 ? sum / leaving : infinity;
    if (value < best.value) best = {value, static_cast<Action>(row - mdp.state_rows()[at(s)])};
  }
  return best;
}

double gauss_seidel_sweep(const Mdp& mdp, std::span<const State> order, std::span<double> v, std::span<Action> policy) {
  double change = 0.0;
  for (const State s : order) {
    const StateUpdate update = update_state(mdp, v, s);
    const double step = std::abs(update.value - v[at(s)]);
    if (!(step <= change) && !std::isnan(change)) change = step;
    v[at(s)] = update.value;
    if (update.action >= 0) policy[at(s)] = update.action;
  }
  return change;
}

}  // namespace mdp::kernels
