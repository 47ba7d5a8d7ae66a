#include "solvers/rooted_gain.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/reduced_gap.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/elimination.hpp"

namespace mdp::solvers {

using graph::ReducedMdp;

ReducedMdp rooted(const ReducedMdp& m, State root) {
  std::vector<char> keep(at(m.n_states()), 1);
  keep[at(root)] = 0;
  return graph::restrict_to(m, keep);
}

std::size_t besides(State s, State root) { return at(s < root ? s : s - 1); }

std::vector<Offset> rows_besides(const ReducedMdp& part, std::span<const Offset> rows, State root) {
  std::vector<Offset> result(at(part.n_states()));
  for (State s = 0; s < static_cast<State>(rows.size()); ++s) {
    if (s == root) continue;
    const State own = static_cast<State>(besides(s, root));
    Offset row = part.state_rows[at(own)];
    while (part.origin[at(row)] != rows[at(s)]) ++row;
    result[at(own)] = row;
  }
  return result;
}

std::optional<Normalised> normalised(const ReducedMdp& m) {
  constexpr double negligible = 0x1p-900;
  double largest = 0.0, smallest = infinity;
  for (const TwoDouble c : m.cost) {
    largest = std::max(largest, std::abs(c.hi));
    if (c.hi != 0.0) smallest = std::min(smallest, std::abs(c.hi));
  }
  const bool in_range = largest > 0x1p-100 && largest < 0x1p100 && smallest >= negligible;
  if (largest == 0.0 || in_range) return std::nullopt;
  Normalised result{m, std::ilogb(largest)};
  bool lost = false;
  for (TwoDouble& c : result.m.cost) {
    c = {std::ldexp(c.hi, -result.exponent), std::ldexp(c.lo, -result.exponent)};
    if (std::abs(c.hi) >= negligible) continue;
    lost = lost || c.hi != 0.0;
    c = {};
  }
  result.m.cost_error = std::ldexp(m.cost_error, -result.exponent) + (lost ? negligible : 0.0);
  return result;
}

TwoDouble shifted(TwoDouble x, int by) { return {std::ldexp(x.hi, by), std::ldexp(x.lo, by)}; }
double shifted_bound(double x, int by) { return x == 0.0 ? 0.0 : bounds::round_up(std::ldexp(x, by)); }

namespace {

constexpr double inflate = 1.0 + 0x1p-30;

// Of a policy, until the root: time, positive and negative costs, each to the same relative error.
struct UntilRoot {
  std::vector<TwoDouble> time, paid, earned;  // [n_states - 1]
  double relative = infinity;
};

UntilRoot until_root(const ReducedMdp& m, std::span<const Offset> rows, State root, double max_entries,
                     const std::function<bool()>& keep_going) {
  UntilRoot result;
  const ReducedMdp part = rooted(m, root);
  const Elimination chain(part, rows_besides(part, rows, root), max_entries, keep_going);
  if (chain.too_large()) return result;
  const auto solve = [&](auto&& cost_of) {
    std::vector<TwoDouble> b(rows.size() - 1);
    for (std::size_t s = 0; s < b.size(); ++s) b[s] = cost_of(rows[s < at(root) ? s : s + 1]);
    return chain.solve(b);
  };
  result.time = solve([](Offset) { return TwoDouble(1.0); });
  result.paid = solve([&](Offset row) { return m.cost[at(row)].hi > 0.0 ? m.cost[at(row)] : TwoDouble(); });
  result.earned = solve([&](Offset row) { return m.cost[at(row)].hi < 0.0 ? -m.cost[at(row)] : TwoDouble(); });
  // Costs have the error of an entry besides, and sums of a row that of a gap.
  result.relative = (chain.relative_error() + m.entry_error + graph::reduced_gap_rounding(m)) * inflate;
  return result;
}

RootedGain evaluate_normalised(const ReducedMdp& m, std::span<const Offset> rows, State root, double max_entries,
                               const std::function<bool()>& keep_going) {
  RootedGain result;
  const UntilRoot until = until_root(m, rows, root, max_entries, keep_going);
  if (!(until.relative < infinity)) return result;
  const Offset own = rows[at(root)];
  const auto cycle = [&](TwoDouble sum, const std::vector<TwoDouble>& rest) {
    for (Offset k = m.row_begin[at(own)]; k < m.row_begin[at(own) + 1]; ++k) {
      sum = sum + rest[besides(m.next_state[at(k)], root)] * m.probability[at(k)];
    }
    return sum;
  };
  const TwoDouble cost = m.cost[at(own)];
  const TwoDouble time = cycle(1.0, until.time);
  const TwoDouble paid = cycle(cost.hi > 0.0 ? cost : TwoDouble(), until.paid);
  const TwoDouble earned = cycle(cost.hi < 0.0 ? -cost : TwoDouble(), until.earned);
  result.gain = (paid - earned) / time;
  const double size = std::abs(result.gain.hi);
  const double relative = 2.0 * until.relative;  // of a quotient
  result.gain_error = (relative * ((paid.hi + earned.hi) / time.hi + size) + m.cost_error) * inflate;
  result.relative_value.resize(rows.size());
  result.value_error.assign(rows.size(), 0.0);
  for (State s = 0; s < static_cast<State>(rows.size()); ++s) {
    if (s == root) continue;
    const std::size_t i = besides(s, root);
    result.relative_value[at(s)] = until.paid[i] - until.earned[i] - result.gain * until.time[i];
    const double steps = until.time[i].hi * (size * relative + result.gain_error + m.cost_error);
    result.value_error[at(s)] = (relative * (until.paid[i].hi + until.earned[i].hi) + steps) * inflate;
  }
  result.good = max_abs(result.relative_value) < 1e290;
  return result;
}

}  // namespace

RootedGain evaluate_gain(const ReducedMdp& m, std::span<const Offset> rows, State root, double max_entries,
                         const std::function<bool()>& keep_going) {
  const auto scaled = normalised(m);
  if (!scaled) return evaluate_normalised(m, rows, root, max_entries, keep_going);
  RootedGain result = evaluate_normalised(scaled->m, rows, root, max_entries, keep_going);
  result.gain = shifted(result.gain, scaled->exponent);
  result.gain_error = shifted_bound(result.gain_error, scaled->exponent);
  for (TwoDouble& h : result.relative_value) h = shifted(h, scaled->exponent);
  for (double& e : result.value_error) e = shifted_bound(e, scaled->exponent);
  return result;
}

}  // namespace mdp::solvers
