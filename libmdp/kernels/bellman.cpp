#include "libmdp/kernels/bellman.hpp"

#include <algorithm>

namespace mdp::kernels {
namespace {

// tv(s) = min_a q, its lowest minimiser if asked for, and the range of tv - v.
struct Minimum {
  const double* v;
  double* tv;
  Action* policy;  // may be null
  ResidualRange range = {infinity, -infinity, 0, infinity};
  double best = infinity;
  double second = infinity;  // the least q but one
  Action best_action = 0;

  void start(State) {
    best = second = infinity;
    best_action = 0;
  }
  void row(Action action, Offset, double q) {
    // Selects, not branches: which action wins is unpredictable, and a misprediction stalls the gathers.
    const bool better = q < best;
    best_action = better ? action : best_action;
    second = std::min(second, std::max(best, q));
    best = std::min(best, q);
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
      range.lead = std::min(range.lead, second - best);
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

bool is_zero(std::span<const double> v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return x == 0.0; });
}

ResidualRange bellman_sweep(const Mdp& mdp, std::span<const double> v, std::span<double> tv, std::span<Action> policy,
                            int threads) {
  const bool costs_only = is_zero(v);
  return reduce_states(
      mdp.blocks(), threads, ResidualRange{infinity, -infinity, 0, infinity},
      [&](State first, State last) {
        Minimum minimum{v.data(), tv.data(), policy.empty() ? nullptr : policy.data()};
        if (costs_only)
          visit_costs(mdp, first, last, minimum);
        else
          visit_rows(mdp, v, first, last, minimum);
        return minimum.range;
      },
      [](const ResidualRange& x, const ResidualRange& y) {
        return ResidualRange{std::min(x.min, y.min), std::max(x.max, y.max), x.n_changed + y.n_changed,
                             std::min(x.lead, y.lead)};
      });
}

void q_values(const Mdp& mdp, std::span<const double> v, std::span<double> q, int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    StoreQ store{q.data()};
    visit_rows(mdp, v, first, last, store);
  });
}

}  // namespace mdp::kernels
