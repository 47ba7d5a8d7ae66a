#include "libmdp/kernels/elimination_sweep.hpp"

#include <algorithm>
#include <vector>

namespace mdp::kernels {
namespace {

// One block of states.
struct Block {
  RowValue value;
  const Mdp& mdp;
  std::span<const double> v;
  double slack;
  std::span<double> tv;
  std::span<Action> policy;
  std::span<char> skip;
  EliminationSweep result = {};
  std::vector<double> q = {};

  void operator()(State s) {
    const Offset first = mdp.state_rows()[s];
    const Offset last = mdp.state_rows()[s + 1];
    q.assign(static_cast<std::size_t>(last - first), infinity);
    double best = infinity;
    Action action = 0;
    for (Offset row = first; row < last; ++row) {
      if (skip[row] != 0) continue;
      result.n_read += mdp.row_begin()[row + 1] - mdp.row_begin()[row];
      ++result.n_rows_read;
      q[row - first] = value(row);
      if (!(q[row - first] < best)) continue;
      best = q[row - first];
      action = static_cast<Action>(row - first);
    }
    tv[s] = best;
    if (best < infinity && v[s] < infinity) {
      result.residual.min = std::min(result.residual.min, best - v[s]);
      result.residual.max = std::max(result.residual.max, best - v[s]);
      for (Offset row = first; row < last; ++row) {
        if (skip[row] != 0 || !(q[row - first] > best + slack)) continue;
        skip[row] = 1;
        ++result.n_eliminated;
      }
    }
    result.residual.n_changed += policy[s] != action ? 1 : 0;
    policy[s] = action;
  }
};

}  // namespace

EliminationSweep elimination_sweep(const Mdp& mdp, std::span<const double> v, double slack, std::span<double> tv,
                                   std::span<Action> policy, std::span<char> skip, int threads) {
  return reduce_states(
      mdp.blocks(), threads, EliminationSweep{},
      [&](State first, State last) {
        Block block{RowValue(mdp, v), mdp, v, slack, tv, policy, skip};
        for (State s = first; s < last; ++s) block(s);
        return block.result;
      },
      [](const EliminationSweep& a, const EliminationSweep& b) {
        return EliminationSweep{{std::min(a.residual.min, b.residual.min), std::max(a.residual.max, b.residual.max),
                                 a.residual.n_changed + b.residual.n_changed},
                                a.n_read + b.n_read,
                                a.n_rows_read + b.n_rows_read,
                                a.n_eliminated + b.n_eliminated};
      });
}

}  // namespace mdp::kernels
