#include "solvers/component_gain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/reduced_gap.hpp"
#include "libmdp/graph/reduced_sweep.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/component_program.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/exact_component.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

using graph::ReducedMdp;

constexpr double inflate = 1.0 + 0x1p-30;
constexpr double sharp = 1e-12;  // relative width of a gain interval that needs no more work

// Ranges of c + P h - h, rounded outward.
class RowGaps {
 public:
  RowGaps(const ReducedMdp& m, std::span<const TwoDouble> h) : m_(m), h_(h), size_(h.size()) {
    for (std::size_t s = 0; s < size_.size(); ++s) size_[s] = std::abs(h[s].hi) * inflate;
    relative_ = m.entry_error + graph::reduced_gap_rounding(m);
  }

  struct Known {
    TwoDouble value;
    double error;
  };
  [[nodiscard]] Known operator()(State s, Offset row) const {
    const auto gap = graph::gap_of_row(m_, row, s, h_, size_);
    return {gap.value, (relative_ * gap.magnitude + (gap.magnitude > 0.0 ? 0x1p-1040 : 0.0) + m_.cost_error) * inflate};
  }

 private:
  const ReducedMdp& m_;
  std::span<const TwoDouble> h_;
  std::vector<double> size_;
  double relative_;
};

// min over all rows and max over those of the policy of  c + P h - h  (C5).
void bound(const ReducedMdp& m, std::span<const TwoDouble> h, ComponentGain& result) {
  const RowGaps gaps(m, h);
  result.lower = infinity;
  result.upper = -infinity;
  result.gap_error = 0.0;
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      const auto gap = gaps(s, row);
      result.gap_error = std::max(result.gap_error, gap.error);
      result.lower = std::min(result.lower, outward_lower(gap.value, gap.error));
      if (row == result.rows[at(s)]) result.upper = std::max(result.upper, outward_upper(gap.value, gap.error));
    }
  }
  result.good = std::isfinite(result.lower) && std::isfinite(result.upper);
  result.relative_value.assign(h.begin(), h.end());
}

// A policy under which every state reaches one root, improved until nothing is better.
class Communicating {
 public:
  Communicating(const ReducedMdp& m, Run& run) : m_(m), run_(run), rows_(at(m.n_states()), -1) {
    move_root(0);
    rows_[0] = m.state_rows[0];
  }

  // The root stays if all still reach it; else some class without it is better, and its lowest state becomes the root.
  void adopt(const std::vector<Offset>& better) {
    rows_ = better;
    const auto still = reaching_root();
    const auto stray = std::find(still.begin(), still.end(), char{0});
    if (stray == still.end()) return;
    root_ = closed_class_from(static_cast<State>(stray - still.begin()));
    // States that do not reach the new root move towards those that do.
    const auto reaches = reaching_root();
    std::vector<char> keep(reaches.size());
    for (std::size_t s = 0; s < keep.size(); ++s) keep[s] = reaches[s] == 0 ? 1 : 0;
    const ReducedMdp part = graph::restrict_to(m_, keep);
    const auto towards = graph::rows_to_exit(part);
    std::size_t own = 0;
    for (std::size_t s = 0; s < keep.size(); ++s) {
      if (keep[s] != 0) rows_[s] = part.origin[at(towards[own++])];
    }
  }

  // The policy that takes these rows, states outside its best-known class moved towards it; evaluated, not improved.
  ComponentGain evaluated(const std::vector<Offset>& rows) {
    adopt(rows);
    const RootedGain chain = evaluate_gain(m_, rows_, root_, most_gain_factor_entries, run_.with_grace());
    ComponentGain result;
    result.rows = rows_;
    result.root = root_;
    if (chain.good) bound(m_, chain.relative_value, result);
    return result;
  }

  ComponentGain operator()() {
    RootedGain chain = evaluate_gain(m_, rows_, root_, most_gain_factor_entries, run_.with_grace());
    // Gains fall strictly as far as doubles can see; the count is for what they cannot.
    for (State round = 0; chain.good && round < 1000 + m_.n_states() && run_.may_sweep(); ++round) {
      run_.count_iteration();
      if (!improve(chain)) break;
      chain = evaluate_gain(m_, rows_, root_, most_gain_factor_entries, run_.with_grace());
    }
    ComponentGain result;
    result.rows = rows_;
    result.root = root_;
    if (chain.good) bound(m_, chain.relative_value, result);
    return result;
  }

 private:
  // All states that have no row, or are not to keep theirs, move towards the root.
  void move_root(State root) {
    root_ = root;
    const ReducedMdp part = rooted(m_, root);
    const auto towards = graph::rows_to_exit(part);
    for (State s = 0; s < m_.n_states(); ++s) {
      if (s != root) rows_[at(s)] = part.origin[at(towards[besides(s, root)])];
    }
  }

  bool improve(const RootedGain& chain) {
    const RowGaps gaps(m_, chain.relative_value);
    // What gain and relative values are off by shows in the policy's own gaps, which should be the gain.
    double noise = 0.0;
    for (State s = 0; s < m_.n_states(); ++s) {
      const auto gap = gaps(s, rows_[at(s)]);
      noise = std::max(noise, std::abs((gap.value - chain.gain).value()) + gap.error);
    }
    auto better = rows_;
    bool changed = false;
    kernels::ResidualRange range;
    for (State s = 0; s < m_.n_states(); ++s) {
      double best = 0.0;
      for (Offset row = m_.state_rows[at(s)]; row < m_.state_rows[at(s) + 1]; ++row) {
        if (row == rows_[at(s)]) continue;
        const auto gap = gaps(s, row);
        const double value = (gap.value - chain.gain).value();
        if (value < -4.0 * (noise + gap.error) && value < best) {
          best = value;
          better[at(s)] = row;
          changed = true;
        }
      }
      range.min = std::min(range.min, best);
      range.max = std::max(range.max, best);
    }
    run_.count_sweep(range, infinity);
    if (changed) adopt(better);
    return changed;
  }

  [[nodiscard]] std::vector<char> reaching_root() const {
    const ReducedMdp part = rooted(m_, root_);
    std::vector<char> usable(at(part.n_rows()), 0);
    for (const Offset row : rows_besides(part, rows_, root_)) usable[at(row)] = 1;
    const auto choice = graph::rows_to_exit(part, usable);
    std::vector<char> reaches(rows_.size(), 1);
    for (State s = 0; s < m_.n_states(); ++s) {
      if (s != root_) reaches[at(s)] = choice[besides(s, root_)] >= 0 ? 1 : 0;
    }
    return reaches;
  }

  // Lowest state of a recurrent class that s leads to: walk to states that do not lead back.
  [[nodiscard]] State closed_class_from(State s) const {
    auto from = successors(s);
    while (true) {
      const auto leaves = std::find_if(from.begin(), from.end(), [&](State t) {
        const auto back = successors(t);
        return !std::binary_search(back.begin(), back.end(), s);
      });
      if (leaves == from.end()) return std::min(s, from.front());
      s = *leaves;
      from = successors(s);
    }
  }

  // States that the policy leads to from s, ascending, s included.
  [[nodiscard]] std::vector<State> successors(State s) const {
    std::vector<char> seen(rows_.size(), 0);
    std::vector<State> work{s};
    seen[at(s)] = 1;
    for (std::size_t head = 0; head < work.size(); ++head) {
      const Offset row = rows_[at(work[head])];
      for (Offset k = m_.row_begin[at(row)]; k < m_.row_begin[at(row) + 1]; ++k) {
        const State next = m_.next_state[at(k)];
        if (seen[at(next)] != 0) continue;
        seen[at(next)] = 1;
        work.push_back(next);
      }
    }
    std::sort(work.begin(), work.end());
    return work;
  }

  const ReducedMdp& m_;
  Run& run_;
  std::vector<Offset> rows_;
  State root_ = 0;
};

}  // namespace

namespace {

bool close_enough(const ComponentGain& gain, const Accuracy& accuracy) {
  if (!gain.good) return false;
  const Middle mid = middle(gain.lower, gain.upper);
  return gain.lower == gain.upper || mid.half_width <= accuracy.at(mid.value);
}

constexpr State many_states = 2000;  // beyond, elimination may be dear

// Where two doubles do not hold the relative values, rationals do.
ComponentGain sharpened(const ReducedMdp& m, const Accuracy& accuracy, ComponentGain found, const Run& run) {
  constexpr State few_states = 150;
  if (close_enough(found, accuracy) || m.n_states() > few_states || run.stopped() != Status::not_run) return found;
  auto exact = exact_component_gain(m, found.rows);
  if (!exact || (found.good && !(exact->upper - exact->lower < found.upper - found.lower))) return found;
  found.good = true;
  found.lower = exact->lower;
  found.upper = exact->upper;
  found.rows = std::move(exact->rows);
  return found;
}

// Sweeps in doubles end at their rounding, relative to h; one evaluation of their policy in twice the precision does not.
ComponentGain by_sweeps(const ReducedMdp& m, const Accuracy& accuracy, Run& run, std::span<const double> start) {
  const int between = run.options().method == Method::modified_policy_iteration ? 10 : 0;
  ComponentGain swept = relative_value_iteration(m, accuracy, Run::no_limit, run, start, between);
  if (close_enough(swept, accuracy) || run.stopped() != Status::not_run || m.n_states() > many_states) return swept;
  ComponentGain evaluated = Communicating(m, run).evaluated(swept.rows);
  return evaluated.good && evaluated.upper - evaluated.lower < swept.upper - swept.lower ? evaluated : swept;
}

// The rows of the least gaps of h, as doubles see them: a policy to start from.
std::vector<Offset> greedy_rows(const ReducedMdp& m, std::span<const double> h) {
  std::vector<double> gap(h.size());
  std::vector<Offset> rows(h.size());
  static_cast<void>(graph::relative_sweep(m, h, gap, rows));
  return rows;
}

ComponentGain by_improvement(const ReducedMdp& m, Run& run, std::span<const double> start) {
  Communicating policy(m, run);
  if (!start.empty()) policy.adopt(greedy_rows(m, start));
  return policy();
}

ComponentGain by_method(const ReducedMdp& m, const Accuracy& accuracy, Run& run, std::span<const double> start) {
  const Method method = run.options().method;
  if (method == Method::value_iteration || method == Method::modified_policy_iteration) {
    return by_sweeps(m, accuracy, run, start);
  }
  if (method == Method::linear_programming)
    return by_improvement(m, run, relative_values_by_program(m, run.seconds_left()));
  return sharpened(m, accuracy, by_improvement(m, run, start), run);
}

// Solves with costs of about 1, so that nothing underflows.
template <class Solve>
ComponentGain with_costs_of_about_one(const ReducedMdp& m, Solve&& solve) {
  const auto scaled = normalised(m);
  if (!scaled) return solve(m, 0);
  ComponentGain result = solve(scaled->m, scaled->exponent);
  result.lower = bounds::round_down(std::ldexp(result.lower, scaled->exponent));
  result.upper = bounds::round_up(std::ldexp(result.upper, scaled->exponent));
  result.gap_error = shifted_bound(result.gap_error, scaled->exponent);
  for (TwoDouble& h : result.relative_value) h = shifted(h, scaled->exponent);
  return result;
}

// h <- h + (gap - gap(0))/2.
void take_step(std::span<const double> gap, std::span<double> h) {
  for (std::size_t s = 0; s < h.size(); ++s) h[s] += 0.5 * (gap[s] - gap[0]);
}

// So many steps with the rows of a policy in place of the best ones.
void sweep_policy(const ReducedMdp& m, std::span<const Offset> rows, int n_sweeps, std::span<double> h,
                  std::span<double> gap) {
  ReducedMdp chain;
  chain.state_rows = {0};
  chain.row_begin = {0};
  for (const Offset row : rows) {
    for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
      chain.next_state.push_back(m.next_state[at(k)]);
      chain.probability.push_back(m.probability[at(k)]);
    }
    chain.cost.push_back(m.cost[at(row)]);
    chain.row_begin.push_back(static_cast<Offset>(chain.next_state.size()));
    chain.state_rows.push_back(static_cast<Offset>(chain.cost.size()));
  }
  std::vector<Offset> own(rows.size());
  for (int k = 0; k < n_sweeps; ++k) {
    static_cast<void>(graph::relative_sweep(chain, h, gap, own));
    take_step(gap, h);
  }
}

}  // namespace

ComponentGain relative_value_iteration(const ReducedMdp& m, const Accuracy& accuracy, std::int64_t max_sweeps, Run& run,
                                       std::span<const double> start, int policy_sweeps) {
  constexpr int patience = 2000;  // sweeps without closer bounds
  std::vector<double> h(at(m.n_states()), 0.0);
  for (std::size_t s = 0; s < start.size(); ++s) h[s] = start[s] - start[0];
  std::vector<double> next(h.size());
  ComponentGain result;
  result.rows.assign(h.size(), -1);
  const auto enclosed = [&] { bound(m, std::vector<TwoDouble>(h.begin(), h.end()), result); };
  double closest = infinity;
  double target = infinity;
  int idle = 0;
  for (std::int64_t sweep = 0; sweep < max_sweeps && idle < patience && run.may_sweep(); ++sweep) {
    const kernels::ResidualRange range = graph::relative_sweep(m, h, next, result.rows);
    run.count_sweep(range, 0.5 * (range.max - range.min));
    if (!std::isfinite(range.min) || !std::isfinite(range.max)) break;
    idle = range.max - range.min < closest ? 0 : idle + 1;
    closest = std::min(closest, range.max - range.min);
    if (target == infinity) target = accuracy.at(0.5 * (range.min + range.max));
    if (0.5 * (range.max - range.min) <= target) {
      enclosed();
      if (close_enough(result, accuracy)) return result;
      target = 0.25 * (range.max - range.min);
    }
    take_step(next, h);
    if (policy_sweeps > 0) sweep_policy(m, result.rows, policy_sweeps, h, next);
  }
  if (result.rows.empty() || result.rows[0] < 0) {
    for (std::size_t s = 0; s < h.size(); ++s) result.rows[s] = m.state_rows[s];
  }
  enclosed();
  return result;
}

ComponentGain least_gain(const ReducedMdp& m, const Accuracy& accuracy, Run& run, std::span<const double> start) {
  return with_costs_of_about_one(m, [&](const ReducedMdp& scaled, int exponent) {
    std::vector<double> first(start.begin(), start.end());
    for (double& h : first) h = std::ldexp(h, -exponent);
    return by_method(scaled, {std::ldexp(accuracy.absolute, -exponent), accuracy.relative}, run, first);
  });
}

bool elimination_pays(const ReducedMdp& m) {
  constexpr State few_states = 300;
  return m.n_states() <= few_states || elimination_is_cheap(rooted(m, 0));
}

ComponentGain sharpest_gain(const ReducedMdp& m, Run& run) {
  return with_costs_of_about_one(m, [&](const ReducedMdp& scaled, int) { return Communicating(scaled, run)(); });
}

ComponentGain gain_bounds(const ReducedMdp& m, std::span<const double> h, Run& run) {
  // Whatever h is, a gain is a mean of costs.
  ComponentGain result;
  result.good = true;
  result.lower = infinity;
  result.upper = -infinity;
  for (const TwoDouble c : m.cost) {
    const double error = (std::abs(c.hi) * m.entry_error + m.cost_error) * inflate;
    result.lower = std::min(result.lower, outward_lower(c, error));
    result.upper = std::max(result.upper, outward_upper(c, error));
  }
  result.rows.assign(m.state_rows.begin(), m.state_rows.end() - 1);
  const auto [least, most] = std::minmax_element(h.begin(), h.end());
  const double spread = *most - *least;
  if (!(spread < 1e300)) return result;
  std::vector<TwoDouble> shifted;
  for (const double x : h) shifted.push_back(two_sum(x, -(*least + 0.5 * spread)));
  const RowGaps gaps(m, shifted);
  double lower = infinity;
  double upper = -infinity;
  result.gap_error = 0.0;
  for (State s = 0; s < m.n_states(); ++s) {
    double best = infinity;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      const auto gap = gaps(s, row);
      result.gap_error = std::max(result.gap_error, gap.error);
      lower = std::min(lower, outward_lower(gap.value, gap.error));
      const double most_gap = outward_upper(gap.value, gap.error);
      if (most_gap < best) {
        best = most_gap;
        result.rows[at(s)] = row;
      }
    }
    upper = std::max(upper, best);
  }
  result.lower = std::max(result.lower, lower);
  result.upper = std::min(result.upper, upper);
  if (result.upper - result.lower <= sharp * std::max(std::abs(result.lower), std::abs(result.upper))) return result;
  const ComponentGain greedy = Communicating(m, run).evaluated(result.rows);
  if (!greedy.good) return result;
  result.lower = std::max(result.lower, greedy.lower);
  if (greedy.upper < result.upper) {
    result.upper = greedy.upper;
    result.rows = greedy.rows;
  }
  return result;
}

}  // namespace mdp::solvers
