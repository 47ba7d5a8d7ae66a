#include "solvers/absorbing.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/reduced_gap.hpp"
#include "solvers/absorbing_start.hpp"
#include "solvers/elimination.hpp"
#include "solvers/memory.hpp"

namespace mdp::solvers {
namespace {

using graph::ReducedMdp;

constexpr double inflate = 1.0 + 0x1p-30;  // roundings of bounds computed in double
constexpr int max_proof_rounds = 30;

// Costs below it have no room for a tail: they are 2^-1074 off.
constexpr double least_with_tail = 0x1p-960;

// Absolute error of a row's cost. \param tiny  least_with_tail in the units of m
double cost_error_of(const ReducedMdp& m, Offset row, double tiny) {
  const double c = std::abs(m.cost[at(row)].hi);
  return m.cost_error + (c > 0.0 && c < tiny ? tiny * 0x1p-114 : 0.0);
}

// V^rows with |value - V| <= relative * size.
struct Evaluation {
  std::vector<TwoDouble> value;
  std::vector<double> size;  // cost paid without regard to its sign
  double relative = infinity;

  [[nodiscard]] double error(State s) const { return relative * size[at(s)] * inflate; }
  [[nodiscard]] bool good() const { return relative < infinity; }
};

Evaluation evaluate(const ReducedMdp& m, std::span<const Offset> rows, double tiny,
                    const std::function<bool()>& keep_going = {}, double max_entries = most_factor_entries) {
  Evaluation e;
  const Elimination chain(m, rows, max_entries, keep_going);
  if (chain.too_large()) return e;
  e.value.resize(rows.size());
  e.size.assign(rows.size(), 0.0);
  for (const double sign : {1.0, -1.0}) {
    std::vector<TwoDouble> cost(rows.size());
    bool any = false;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      const TwoDouble c = m.cost[at(rows[s])] * sign;
      if (c.hi > 0.0) cost[s] = c;
      any = any || c.hi > 0.0;
    }
    if (!any) continue;
    const auto part = chain.solve(cost);
    for (std::size_t s = 0; s < rows.size(); ++s) {
      e.value[s] = e.value[s] + part[s] * sign;
      e.size[s] = (e.size[s] + part[s].hi) * inflate;
    }
  }
  const double relative = (chain.relative_error() + 8.0 * unit_roundoff * unit_roundoff) * inflate;
  double largest = 0.0;
  for (const Offset row : rows) largest = std::max(largest, cost_error_of(m, row, tiny));
  if (largest > 0.0 && relative < infinity) {  // every step may cost so much more or less
    std::vector<TwoDouble> step(rows.size());
    for (std::size_t s = 0; s < rows.size(); ++s) step[s] = cost_error_of(m, rows[s], tiny) / largest;
    const auto time = chain.solve(step);
    for (std::size_t s = 0; s < rows.size(); ++s) e.size[s] += largest * time[s].hi / relative * inflate;
  }
  e.relative = relative;
  return e;
}

// What products of a gap may lose beyond their relative error.
double underflow(const graph::ReducedGap& gap) { return gap.magnitude > 0.0 ? 0x1p-1040 : 0.0; }

// Gap of a row under V^mu with a bound on its error.
struct KnownGap {
  double value;
  double error;

  [[nodiscard]] double least() const { return value - error; }
  [[nodiscard]] double most() const { return value + error; }
};

class Problem {
 public:
  Problem(const ReducedMdp& m, double tiny) : m_(m), tiny_(tiny), rounding_(graph::reduced_gap_rounding(m)) {}

  [[nodiscard]] KnownGap gap(Offset row, State s, const Evaluation& e) const {
    const auto gap = graph::gap_of_row(m_, row, s, e.value, e.size);
    const double value = gap.value.value();
    const double relative = e.relative + m_.entry_error + rounding_;
    return {value, (relative * gap.magnitude + underflow(gap) + cost_error_of(m_, row, tiny_) +
                    2.0 * unit_roundoff * std::abs(value)) *
                       inflate};
  }

  // One round of policy improvement; the number of states changed and the range of the least gaps.
  State improve(const Evaluation& e, std::vector<Offset>& rows, kernels::ResidualRange& range) const {
    State n_changed = 0;
    range = {};
    for (State s = 0; s < m_.n_states(); ++s) {
      KnownGap best{0.0, 0.0};
      Offset best_row = -1;
      for (Offset row = m_.state_rows[at(s)]; row < m_.state_rows[at(s) + 1]; ++row) {
        if (row == rows[at(s)]) continue;
        const KnownGap g = gap(row, s, e);
        if (g.most() < 0.0 && g.value < best.value) {
          best = g;
          best_row = row;
        }
      }
      range.min = std::min(range.min, best.value);
      range.max = std::max(range.max, best.value);
      if (best_row < 0) continue;
      rows[at(s)] = best_row;
      ++n_changed;
    }
    return n_changed;
  }

  [[nodiscard]] const ReducedMdp& m() const { return m_; }
  [[nodiscard]] double rounding() const { return rounding_; }
  [[nodiscard]] double tiny() const { return tiny_; }

 private:
  const ReducedMdp& m_;
  double tiny_;
  double rounding_;
};

// Proof that V^mu - d <= V*: see absorbing.hpp.
class LowerBound {
 public:
  LowerBound(const Problem& problem, const Evaluation& e, std::span<const Offset> rows)
      : problem_(problem), m_(problem.m()), rows_(rows), gap_(at(m_.n_rows())), keep_(at(m_.n_rows()), 0) {
    for_rows([&](State s, Offset row) {
      gap_[at(row)] = problem_.gap(row, s, e);
      keep_[at(row)] = taken(s, row) || gap_[at(row)].least() < 0.0 ? 1 : 0;
    });
  }

  // d, or empty if it cannot be found.
  [[nodiscard]] std::vector<double> operator()() {
    bool any = false;
    for_rows([&](State s, Offset row) { any = any || (keep_[at(row)] != 0 && !taken(s, row)); });
    if (!any) return std::vector<double>(rows_.size(), 0.0);
    for (int round = 0; round < max_proof_rounds; ++round) {
      const auto d = greatest_shortfall();
      if (d.empty()) return {};
      if (holds(d)) {
        std::vector<double> loss;
        loss.reserve(d.size());
        for (const TwoDouble x : d) loss.push_back(2.0 * x.hi * inflate);
        return loss;
      }
      // Where a row's own shortfall is 0 the rounding of d - P d may be what fails.
      double largest = 0.0;
      for (const TwoDouble x : d) largest = std::max(largest, x.hi);
      margin_ = std::max(1024.0 * margin_, 0x1p-90 * largest);
    }
    return {};
  }

 private:
  template <class F>
  void for_rows(F&& f) const {
    for (State s = 0; s < m_.n_states(); ++s) {
      for (Offset row = m_.state_rows[at(s)]; row < m_.state_rows[at(s) + 1]; ++row) f(s, row);
    }
  }
  [[nodiscard]] bool taken(State s, Offset row) const { return rows_[at(s)] == row; }
  // What the gap may be below 0; exactly 0 for the policy's own rows.
  [[nodiscard]] double shortfall(State s, Offset row) const { return taken(s, row) ? 0.0 : -gap_[at(row)].least(); }

  // Greatest total of shortfall + error over the rows kept, by policy iteration on its negative.
  std::vector<TwoDouble> greatest_shortfall() {
    ReducedMdp tied;
    tied.state_rows.assign(1, 0);
    tied.row_begin.assign(1, 0);
    std::vector<Offset> rows(rows_.size(), -1);
    for (State s = 0; s < m_.n_states(); ++s) {
      for (Offset row = m_.state_rows[at(s)]; row < m_.state_rows[at(s) + 1]; ++row) {
        if (keep_[at(row)] == 0) continue;
        if (taken(s, row)) rows[at(s)] = tied.n_rows();
        tied.next_state.insert(tied.next_state.end(), m_.next_state.begin() + m_.row_begin[at(row)],
                               m_.next_state.begin() + m_.row_begin[at(row) + 1]);
        tied.probability.insert(tied.probability.end(), m_.probability.begin() + m_.row_begin[at(row)],
                                m_.probability.begin() + m_.row_begin[at(row) + 1]);
        tied.row_begin.push_back(static_cast<Offset>(tied.next_state.size()));
        tied.exit.push_back(m_.exit[at(row)]);
        tied.cost.push_back(-(std::max(0.0, shortfall(s, row)) + gap_[at(row)].error + margin_));
        tied.origin.push_back(row);
      }
      tied.state_rows.push_back(tied.n_rows());
    }
    const Problem problem(tied, 0.0);
    Evaluation e = evaluate(tied, rows, 0.0);
    kernels::ResidualRange range;
    while (e.good() && problem.improve(e, rows, range) > 0) {
      if (!graph::exits_surely(tied, rows)) return {};
      e = evaluate(tied, rows, 0.0);
    }
    if (!e.good()) return {};
    for (TwoDouble& x : e.value) x = -x;
    return e.value;
  }

  // 2 (d(s) - P d) >= shortfall on every row; rows where it fails are kept in the next round.
  bool holds(const std::vector<TwoDouble>& d) {
    std::vector<double> size;
    size.reserve(d.size());
    for (const TwoDouble x : d) size.push_back(x.hi * inflate);
    bool all = true;
    for_rows([&](State s, Offset row) {
      const double missing = shortfall(s, row);
      const auto drift = graph::drift_of_row(m_, row, s, d, size);
      const double step = -drift.value.value();
      const double error = ((problem_.rounding() + m_.entry_error) * drift.magnitude + underflow(drift) +
                            2.0 * unit_roundoff * std::abs(step)) *
                           inflate;
      if (2.0 * (step - error) >= missing) return;
      all = false;
      keep_[at(row)] = 1;
    });
    return all;
  }

  const Problem& problem_;
  const ReducedMdp& m_;
  std::span<const Offset> rows_;
  std::vector<KnownGap> gap_;
  std::vector<char> keep_;
  double margin_ = 0.0;  // added to what each row kept may lose
};

// The lowest row in each state among those that cannot be told from the best, if that policy exits and is as good.
void take_lowest(const Problem& problem, Evaluation& e, std::vector<Offset>& rows) {
  const ReducedMdp& m = problem.m();
  std::vector<Offset> lowest = rows;
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows[at(s)]; row < rows[at(s)]; ++row) {
      if (problem.gap(row, s, e).least() > 0.0) continue;
      lowest[at(s)] = row;
      break;
    }
  }
  if (lowest == rows || !graph::exits_surely(m, lowest)) return;
  Evaluation other = evaluate(m, lowest, problem.tiny());
  if (!other.good()) return;
  for (State s = 0; s < m.n_states(); ++s) {
    const double worse = (other.value[at(s)] - e.value[at(s)]).value();
    if (worse > 2.0 * (e.error(s) + other.error(s))) return;
  }
  rows = std::move(lowest);
  e = std::move(other);
}

// Scaled costs are 0 or at least this: products with probabilities, and proofs about their errors, stay in the range of doubles.
constexpr double least_cost = 0x1p-900;

// Costs times 2^exponent. What is too small beside the largest cost is taken for 0, and counted as an error.
void scale(ReducedMdp& m, int exponent) {
  bool lost = false;
  const auto scaled = [&](double x) {
    const double y = std::ldexp(x, exponent);
    if (y == 0.0 ? x == 0.0 : std::abs(y) >= least_cost) return y;
    lost = true;
    return 0.0;
  };
  for (TwoDouble& c : m.cost) c = {scaled(c.hi), scaled(c.lo)};
  if (m.cost_error > 0.0) m.cost_error = std::ldexp(m.cost_error, exponent) + 0x1p-1074;
  if (lost) m.cost_error = bounds::round_up(m.cost_error + least_cost);
}

// Power of two that makes the largest cost about 1, or larger where the smallest would fall under the smallest double.
int cost_exponent(const ReducedMdp& m) {
  constexpr int lowest = -800, highest = 600;  // of scaled costs: their products with probabilities stay in range
  double largest = 0.0, smallest = infinity;
  for (const TwoDouble c : m.cost) {
    if (c.hi == 0.0) continue;
    largest = std::max(largest, std::abs(c.hi));
    smallest = std::min(smallest, std::abs(c.hi));
  }
  if (largest == 0.0) return 0;
  const int to_one = -std::ilogb(largest);
  return std::clamp(lowest - std::ilogb(smallest), to_one, to_one + highest);
}

// A bound in the units of the caller; 0 stays 0.
double unscaled(double bound, int exponent) { return bound == 0.0 ? 0.0 : std::ldexp(bound, -exponent) + 0x1p-1073; }

// What a policy that was not improved to the end may lose; empty if that is not known. Where no cost is below 0, all of its value.
std::vector<double> loss_of(const Problem& problem, const Evaluation& e, std::span<const Offset> rows) {
  constexpr std::size_t few = 3000;  // states: the proof takes as long as a few improvements
  std::vector<double> loss;
  if (rows.size() <= few) loss = LowerBound(problem, e, rows)();
  const ReducedMdp& m = problem.m();
  if (!loss.empty() || m.cost_error > 0.0) return loss;  // errors of tiny costs are relative: no sign changes
  for (const TwoDouble c : m.cost) {
    if (c.hi < 0.0) return loss;
  }
  for (std::size_t s = 0; s < rows.size(); ++s) loss.push_back(std::abs(e.value[s].hi) * inflate);
  return loss;
}

AbsorbingAnswer answer(AbsorbingEnd end, const Evaluation& e, const std::vector<double>& loss, std::vector<Offset> rows,
                       int exponent) {
  AbsorbingAnswer a;
  a.end = end;
  a.rows = std::move(rows);
  for (std::size_t s = 0; s < e.value.size(); ++s) {
    const double error = e.error(static_cast<State>(s));
    const double below = loss.empty() ? infinity : (error + loss[s]) * inflate;
    a.value.emplace_back(std::ldexp(e.value[s].hi, -exponent), std::ldexp(e.value[s].lo, -exponent));
    a.above.push_back(unscaled(error, exponent));
    a.below.push_back(unscaled(below, exponent));
  }
  return a;
}

}  // namespace

AbsorbingAnswer evaluate_absorbing(const ReducedMdp& m, std::span<const Offset> rows) {
  const Evaluation e = evaluate(m, rows, least_with_tail);
  if (!e.good()) return {};
  return answer(AbsorbingEnd::enclosed, e, std::vector<double>(rows.size(), 0.0), {rows.begin(), rows.end()}, 0);
}

AbsorbingAnswer enclose_absorbing(const ReducedMdp& original, std::span<const Offset> rows,
                                  const std::function<bool()>& keep_going) {
  ReducedMdp m = original;
  const int exponent = cost_exponent(m);
  scale(m, exponent);
  const Problem problem(m, std::ldexp(least_with_tail, exponent));
  const Evaluation e = evaluate(m, rows, problem.tiny(), keep_going);
  if (!e.good()) return {};
  const auto proved = LowerBound(problem, e, rows)();
  const auto loss = proved.empty() ? loss_of(problem, e, rows) : proved;
  const AbsorbingEnd end = proved.empty() ? AbsorbingEnd::imprecise : AbsorbingEnd::enclosed;
  return answer(end, e, loss, {rows.begin(), rows.end()}, exponent);
}

bool elimination_is_cheap(const ReducedMdp& m) {
  const auto rows = graph::rows_to_exit(m);
  if (std::find(rows.begin(), rows.end(), Offset{-1}) != rows.end()) return false;
  return !Elimination(m, rows, entries_per_state * static_cast<double>(m.n_states())).too_large();
}

AbsorbingAnswer solve_absorbing(const ReducedMdp& original, Run& run, std::span<const double> values) {
  ReducedMdp m = original;
  const int exponent = cost_exponent(m);
  scale(m, exponent);
  const Problem problem(m, std::ldexp(least_with_tail, exponent));
  std::vector<double> start(values.begin(), values.end());
  for (double& v : start) v = std::isfinite(v) ? std::ldexp(v, exponent) : 0.0;
  auto rows = good_start(m, run, start);
  if (static_cast<State>(rows.size()) != m.n_states()) return {};
  constexpr double bytes_per_entry = 48.0;  // a number in twice the precision, its places in row and column
  const double max_entries = std::min(most_factor_entries, memory_limit_of(run.options()) / bytes_per_entry);
  Evaluation e = evaluate(m, rows, problem.tiny(), run.with_grace(), max_entries);
  while (e.good()) {
    if (!run.may_sweep()) return answer(AbsorbingEnd::stopped, e, loss_of(problem, e, rows), rows, exponent);
    run.count_iteration();
    kernels::ResidualRange range;
    auto better = rows;
    const State n_changed = problem.improve(e, better, range);
    run.count_sweep(range, infinity);
    if (n_changed == 0) break;
    if (!graph::exits_surely(m, better)) return answer(AbsorbingEnd::unbounded, e, {}, rows, exponent);
    rows = std::move(better);
    e = evaluate(m, rows, problem.tiny(), run.with_grace(), max_entries);
  }
  if (!e.good()) return {};
  const auto loss = LowerBound(problem, e, rows)();
  const Evaluation proved = e;
  take_lowest(problem, e, rows);
  AbsorbingAnswer a = answer(loss.empty() ? AbsorbingEnd::imprecise : AbsorbingEnd::enclosed, e, loss, rows, exponent);
  // The lower bound is that of the policy that was proved: what the lowest rows lose against it goes on top.
  for (std::size_t s = 0; s < a.below.size(); ++s) {
    const double worse = std::max(0.0, (e.value[s] - proved.value[s]).value());
    const double error = worse + proved.error(static_cast<State>(s)) + e.error(static_cast<State>(s));
    a.below[s] = (a.below[s] + unscaled(error, exponent)) * inflate;
  }
  return a;
}

}  // namespace mdp::solvers
