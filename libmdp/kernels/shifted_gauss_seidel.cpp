#include "libmdp/kernels/shifted_gauss_seidel.hpp"

#include <algorithm>

namespace mdp::kernels {
namespace {

struct LoopFree {
  const Mdp& mdp;
  double shift;
  double complement = mdp.exact_discount().complement.value();

  // 1 - gamma p = (1 - p) + p (1 - gamma).
  [[nodiscard]] double operator()(State s, Offset row, const double* v) const {
    double sum = 0.0;
    double loop = 0.0;
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      const double p = mdp.probability()[k];
      const State next = mdp.next_state()[k];
      if (next == s)
        loop = std::min(p, 1.0);
      else
        sum += p * v[next];
    }
    const double own = mdp.cost()[row] - shift;
    return (mdp.discount() == 0.0 ? own : own + mdp.discount() * sum) / ((1.0 - loop) + loop * complement);
  }
};

// Rows of states far apart: their lines are asked for some states ahead, in two steps as one address needs the other.
class Ahead {
 public:
  Ahead(const Mdp& mdp, std::span<const State> order) : mdp_(mdp), order_(order) {}

  void operator()(std::size_t i) const {
    constexpr std::size_t far = 24;
    constexpr std::size_t near = 12;
    if (i + far >= order_.size()) return;
    const Offset later = mdp_.state_rows()[order_[i + far]];
    __builtin_prefetch(mdp_.row_begin().data() + later);
    __builtin_prefetch(mdp_.cost().data() + later);
    const State soon = order_[i + near];
    const Offset from = mdp_.row_begin()[mdp_.state_rows()[soon]];
    const Offset to = std::min(mdp_.row_begin()[mdp_.state_rows()[soon + 1]], from + most);
    for (Offset k = from; k < to; k += 8) __builtin_prefetch(mdp_.probability().data() + k);
    for (Offset k = from; k < to; k += 16) __builtin_prefetch(mdp_.next_state().data() + k);
  }

 private:
  static constexpr Offset most = 64;  // entries; longer runs are streams that the machine sees itself

  const Mdp& mdp_;
  std::span<const State> order_;
};

}  // namespace

ResidualRange shifted_gauss_seidel_sweep(const Mdp& mdp, double shift, std::span<const State> order,
                                         std::span<double> v, std::span<Action> policy, std::span<const char> skip) {
  const LoopFree q{mdp, shift};
  ResidualRange range;
  const Ahead ask_ahead(mdp, order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ask_ahead(i);
    const State s = order[i];
    if (!(v[s] < infinity)) continue;
    const Offset first = mdp.state_rows()[s];
    const Offset held = policy.empty() ? first : first + policy[s];
    double best = skip.empty() || skip[held] == 0 ? q(s, held, v.data()) : infinity;
    Offset best_row = held;
    for (Offset row = first; row < mdp.state_rows()[s + 1]; ++row) {
      if (row == held || (!skip.empty() && skip[row] != 0)) continue;
      const double value = q(s, row, v.data());
      if (value < best) {
        best = value;
        best_row = row;
      }
    }
    if (!(best < infinity)) continue;
    if (!policy.empty()) policy[s] = static_cast<Action>(best_row - first);
    range = {std::min(range.min, best - v[s]), std::max(range.max, best - v[s]), range.n_changed + (best_row != held)};
    v[s] = best;
  }
  return range;
}

}  // namespace mdp::kernels
