#include "equivalence/least_change_problem.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "equivalence/enclosed_q.hpp"
#include "equivalence/level_verdicts.hpp"
#include "equivalence/witness.hpp"
#include "libmdp/graph/closure.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::equivalence {
namespace {

// [n_rows] 1 = the enclosure of V* cannot tell the pair from an optimal one.
std::vector<char> possibly_optimal(const Mdp& world, const KnownValues& known) {
  const EnclosedQ enclosed(world, known);
  const double rounding = 2.0 * enclosed.rounding_bound();
  std::vector<char> possible(at(world.n_rows()), 0);
  for (State s = 0; s < world.n_states(); ++s) {
    if (known.values[at(s)] == infinity) continue;
    TwoDouble best = infinity;
    for (Offset r = world.state_rows()[at(s)]; r < world.state_rows()[at(s) + 1]; ++r) {
      const TwoDouble upper = enclosed(s, r).upper;
      if (upper < best) best = upper;
    }
    for (Offset r = world.state_rows()[at(s)]; r < world.state_rows()[at(s) + 1]; ++r) {
      possible[at(r)] = (enclosed(s, r).lower - best).hi - rounding <= 0.0 ? 1 : 0;
    }
  }
  return possible;
}

// [n_states] +inf where the model's V^* is, whatever finite cost its rows have: all rows are inadmissible or can go to such a
// state. 0 elsewhere.
std::vector<double> doomed_values(const Mdp& model) {
  std::vector<double> values(at(model.n_states()), 0.0);
  if (!model.has_inadmissible()) return values;
  graph::StateSet start(values.size(), 1);
  std::vector<char> usable(at(model.n_rows()));
  for (State s = 0; s < model.n_states(); ++s) {
    for (Offset r = model.state_rows()[at(s)]; r < model.state_rows()[at(s) + 1]; ++r) {
      usable[at(r)] = model.cost()[at(r)] < infinity ? 1 : 0;
      if (usable[at(r)] != 0) start[at(s)] = 0;
    }
  }
  const auto doomed = graph::backward_closure(model, graph::Predecessors(model), std::move(start), usable,
                                              graph::Needs::all, graph::Needs::any);
  for (std::size_t s = 0; s < values.size(); ++s) values[s] = doomed[s] != 0 ? infinity : 0.0;
  return values;
}

double dual_norm(std::span<const double> y, ChangeNorm norm) {
  return norm_of(y, norm == ChangeNorm::l1     ? ChangeNorm::linf
                    : norm == ChangeNorm::linf ? ChangeNorm::l1
                                               : ChangeNorm::l2);
}

// M^T y and sum |M^T| |y|, [n_states].
std::pair<std::vector<double>, std::vector<double>> transposed(const LeastChangeProblem& p, std::span<const double> y,
                                                               std::size_t n_states) {
  std::vector<double> sum(n_states, 0.0), size(n_states, 0.0);
  for (std::size_t i = 0; i < p.n(); ++i) {
    for (Offset k = p.begin[i]; k < p.begin[i + 1]; ++k) {
      sum[at(p.column[at(k)])] += p.value[at(k)] * y[i];
      size[at(p.column[at(k)])] += std::abs(p.value[at(k)] * y[i]);
    }
  }
  return {std::move(sum), std::move(size)};
}

}  // namespace

double norm_of(std::span<const double> x, ChangeNorm norm) {
  double sum = 0.0;
  for (const double v : x) {
    if (norm == ChangeNorm::linf) {
      sum = std::max(sum, std::abs(v));
    } else {
      sum += norm == ChangeNorm::l1 ? std::abs(v) : v * v;
    }
  }
  return norm == ChangeNorm::l2 ? std::sqrt(sum) : sum;
}

std::vector<double> LeastChangeProblem::residual(std::span<const double> potential) const {
  std::vector<double> g(right);
  for (std::size_t i = 0; i < n(); ++i) {
    for (Offset k = begin[i]; k < begin[i + 1]; ++k) g[i] += value[at(k)] * potential[at(column[at(k)])];
  }
  return g;
}

std::vector<double> LeastChangeProblem::change(std::span<const double> residual) const {
  std::vector<double> result(residual.begin(), residual.end());
  for (std::size_t i = 0; i < n(); ++i) {
    if (optimal[i] == 0) result[i] = std::max(0.0, result[i]);
  }
  return result;
}

LeastChangeProblem least_change_problem(const Mdp& world, const KnownValues& known, const Mdp& model, double margin) {
  const std::vector<char> possible = possibly_optimal(world, known);
  const kernels::AccurateRow rows(model);
  LeastChangeProblem p;
  p.policy.assign(at(world.n_states()), 0);
  p.begin = {0};
  const std::vector<double> doomed = doomed_values(model);
  for (State s = 0; s < world.n_states(); ++s) {
    if (known.values[at(s)] == infinity) continue;
    for (Offset r = world.state_rows()[at(s) + 1]; r-- > world.state_rows()[at(s)];) {
      if (possible[at(r)] != 0) p.policy[at(s)] = static_cast<Action>(r - world.state_rows()[at(s)]);
    }
    for (Offset r = world.state_rows()[at(s)]; r < world.state_rows()[at(s) + 1]; ++r) {
      const double cost = model.cost()[at(r)];
      if (cost == infinity) {
        if (possible[at(r)] != 0 && p.refusal.empty()) {
          p.refusal = pair_text(world, s, static_cast<Action>(r - world.state_rows()[at(s)])) +
                      " must be optimal and is inadmissible in the model";
        }
        continue;
      }
      // Q^* = inf by itself: never optimal.
      const bool is_lost = model.discount() > 0.0 && rows.reaches_infinity(r, std::span<const double>(doomed));
      if (is_lost && possible[at(r)] == 0) continue;
      if (is_lost || (model.discount() > 0.0 && rows.reaches_infinity(r, known.values))) {
        if (p.refusal.empty()) p.refusal = violation_text(world, is_lost ? doomed : known.values, model, r);
        continue;
      }
      p.row.push_back(r);
      p.state.push_back(s);
      p.optimal.push_back(possible[at(r)]);
      p.right.push_back(possible[at(r)] != 0 ? -cost : margin - cost);
      const double sum = rows.sum(r).hi;
      bool own = false;
      for (Offset k = rows.first(r); model.discount() > 0.0 && k < rows.last(r); ++k) {
        const double step = model.discount() * (rows.entry(k).hi / sum);
        own = own || rows.next(k) == s;
        p.column.push_back(rows.next(k));
        p.value.push_back(rows.next(k) == s ? 1.0 - step : -step);
      }
      if (!own) {
        p.column.push_back(s);
        p.value.push_back(1.0);
      }
      p.begin.push_back(static_cast<Offset>(p.column.size()));
    }
  }
  return p;
}

double dual_bound(const LeastChangeProblem& p, const Mdp& model, std::vector<double> y, ChangeNorm norm, double size) {
  const auto n_states = at(model.n_states());
  for (std::size_t i = 0; i < p.n(); ++i) {
    if (p.optimal[i] == 0) y[i] = std::max(0.0, y[i]);
  }
  const solvers::SparseLu lu(kernels::PolicyChain(model, p.policy), model.exact_discount());
  for (int round = 0; round < 2; ++round) {  // the second takes away what rounding left
    auto correction = transposed(p, y, n_states).first;
    lu.solve_transposed(correction);
    for (std::size_t i = 0; i < p.n(); ++i) {
      const State s = p.state[i];
      if (p.row[i] == selected_row(model, p.policy, s)) y[i] -= correction[at(s)];
    }
  }
  const double scale = dual_norm(y, norm);
  if (!(scale > 0.0)) return 0.0;
  const auto [rest, rest_size] = transposed(p, y, n_states);
  const auto n = static_cast<Offset>(p.column.size()) + 8;
  double value = 0.0, value_size = 0.0, missed = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < p.n(); ++i) {
    value += p.right[i] * y[i];
    value_size += std::abs(p.right[i] * y[i]);
    largest = std::max(largest, std::abs(p.right[i]));
  }
  for (std::size_t s = 0; s < n_states; ++s) missed += std::abs(rest[s]) + bounds::rounding(n) * rest_size[s];
  // A least change is at most `size` at each pair, and Phi = R (L + Delta L) on the policy's rows.
  const double potential = bounds::value_error(bounds::round_up(2.0 * (largest + size)), model.exact_discount());
  const double bound = value - bounds::rounding(n) * value_size - bounds::round_up(missed) * potential;
  return std::max(0.0, bounds::round_down(bound / (scale * (1.0 + bounds::rounding(n)))));
}

}  // namespace mdp::equivalence
