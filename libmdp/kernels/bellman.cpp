#include "libmdp/kernels/bellman.hpp"

#include <algorithm>

namespace mdp::kernels {
namespace {

// tv(s) = min_a q, its lowest minimiser if asked for, and the range of tv - v.
struct Minimum {
  const double* v;
  double* tv;
  Action* policy;  // may be null
  ResidualRange range = {};
  double best = infinity;
  Action best_action = 0;

  void start(State) {
    best = infinity;
    best_action = 0;
  }
  void row(Action action, Offset, double q) {
    // Selects, not branches: which action wins is unpredictable, and a misprediction stalls the gathers.
    const bool better = q < best;
    best_action = better ? action : best_action;
    best = better ? q : best;
  }
  void finish(State s) {
    tv[s] = best;
    if (policy != nullptr) {
      range.n_changed += policy[s] != best_action ? 1 : 0;
      policy[s] = best_action;
    }
    if (best < infinity && v[s] < infinity) {
      const double d = best - v[s];
      range.min = std::min(range.min, d);
      range.max = std::max(range.max, d);
    }
  }
};

struct StoreQ {
  double* q;

  void start(State) {}
  void row(Action, Offset row, double value) { q[row] = value; }
  void finish(State) {}
};

}  // namespace

ResidualRange bellman_sweep(const Mdp& mdp, std::span<const double> v, std::span<double> tv, std::span<Action> policy,
                            int threads) {
  return reduce_states(
      mdp.blocks(), threads, ResidualRange{},
      [&](State first, State last) {
        Minimum minimum{v.data(), tv.data(), policy.empty() ? nullptr : policy.data()};
        visit_rows(mdp, v, first, last, minimum);
        return minimum.range;
      },
      [](const ResidualRange& x, const ResidualRange& y) {
        return ResidualRange{std::min(x.min, y.min), std::max(x.max, y.max), x.n_changed + y.n_changed};
      });
}

void q_values(const Mdp& mdp, std::span<const double> v, std::span<double> q, int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    StoreQ store{q.data()};
    visit_rows(mdp, v, first, last, store);
  });
}

}  // namespace mdp::kernels
