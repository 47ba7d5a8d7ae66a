#include "solvers/evaluation.hpp"

#include <algorithm>
#include <utility>

#include "libmdp/kernels/parallel.hpp"
#include "solvers/discounted.hpp"
#include "solvers/method_choice.hpp"

namespace mdp::solvers {
namespace {

TwoDouble with_tail(std::span<const double> x, std::span<const double> tail, Offset i) {
  return mdp::with_tail(x[i], tail.empty() ? 0.0 : tail[i]);
}

// One row per state, filled state by state.
struct ChainArrays {
  MdpArrays arrays;

  explicit ChainArrays(const Mdp& mdp) {
    const auto n = static_cast<std::size_t>(mdp.n_states());
    arrays.objective = Objective::minimize;  // costs are minimised already; the sense is restored at the end
    arrays.discount = mdp.exact_discount();
    arrays.initial.assign(mdp.initial().begin(), mdp.initial().end());
    arrays.goal.assign(mdp.goal().begin(), mdp.goal().end());
    arrays.state_rows.resize(n + 1);
    for (std::size_t s = 0; s <= n; ++s) arrays.state_rows[s] = static_cast<Offset>(s);
    arrays.row_begin.assign(1, 0);
    arrays.row_begin.reserve(n + 1);
    arrays.cost.reserve(n);
    arrays.cost_tail.reserve(n);
  }
  void entry(State next, TwoDouble p) {
    arrays.next_state.push_back(next);
    arrays.probability.push_back(p.hi);
    arrays.probability_tail.push_back(p.lo);
  }
  void end_row(TwoDouble cost) {
    arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
    arrays.cost.push_back(cost.hi);
    arrays.cost_tail.push_back(cost.lo);
  }
  [[nodiscard]] Mdp build(const Mdp& origin) {
    for (Buffer<double>* tail : {&arrays.probability_tail, &arrays.cost_tail}) {
      if (std::all_of(tail->begin(), tail->end(), [](double t) { return t == 0.0; })) *tail = {};
    }
    return mdp::build(std::move(arrays)).with_objective(origin.objective());
  }
};

// Averages the rows of one state, in twice the precision.
class RowMixer {
 public:
  RowMixer(const Mdp& mdp, const RandomisedPolicy& policy) : mdp_(mdp), policy_(policy) {}

  void mix(State s, ChainArrays& chain) {
    const Offset first = mdp_.state_rows()[s];
    const Offset last = mdp_.state_rows()[s + 1];
    TwoDouble total;
    for (Offset row = first; row < last; ++row) total = total + policy_[row];
    entries_.clear();
    TwoDouble cost;
    for (Offset row = first; row < last; ++row) {
      if (policy_.probability[row] == 0.0) continue;
      const TwoDouble weight = policy_[row] / total;
      cost = mdp_.cost()[row] < infinity && cost.hi < infinity
                 ? cost + with_tail(mdp_.cost(), mdp_.cost_tail(), row) * weight
                 : TwoDouble(infinity);
      add_row(row, weight);
    }
    std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t k = 0; k < entries_.size(); ++k) {
      TwoDouble p = entries_[k].second;
      for (; k + 1 < entries_.size() && entries_[k + 1].first == entries_[k].first; ++k) p = p + entries_[k + 1].second;
      chain.entry(entries_[k].first, p);
    }
    chain.end_row(cost);
  }

 private:
  // Rows of the MDP meant: divided by their sum.
  void add_row(Offset row, TwoDouble weight) {
    TwoDouble sum;
    for (Offset k = mdp_.row_begin()[row]; k < mdp_.row_begin()[row + 1]; ++k) {
      sum = sum + with_tail(mdp_.probability(), mdp_.probability_tail(), k);
    }
    const TwoDouble scale = weight / sum;
    for (Offset k = mdp_.row_begin()[row]; k < mdp_.row_begin()[row + 1]; ++k) {
      entries_.emplace_back(mdp_.next_state()[k], with_tail(mdp_.probability(), mdp_.probability_tail(), k) * scale);
    }
  }

  const Mdp& mdp_;
  RandomisedPolicy policy_;
  std::vector<std::pair<State, TwoDouble>> entries_;
};

EvaluationResult evaluate_chain(const Mdp& mdp, const Mdp& chain, SolveOptions options,
                                const EntryUncertainty& uncertainty) {
  const Accuracy accuracy = resolve_accuracy(options, mdp.max_abs_cost());
  options.tolerance = accuracy.absolute;
  options.relative_tolerance = accuracy.relative;
  SolveResult r = solve_discounted(
      chain, options, [&] { return make_evaluator(chain, options); }, uncertainty);
  EvaluationResult result;
  result.status = r.status;
  result.level = r.level;
  result.message = std::move(r.message);
  result.method = std::move(r.method);
  result.values = std::move(r.values);
  result.value_lower = std::move(r.value_lower);
  result.value_upper = std::move(r.value_upper);
  result.value_error_bound = r.value_error_bound;
  result.residual_min = r.residual_min;
  result.residual_max = r.residual_max;
  result.sweeps = r.sweeps;
  result.seconds = r.seconds;
  result.trace = std::move(r.trace);
  return result;
}

}  // namespace

Mdp induced_chain(const Mdp& mdp, std::span<const Action> policy) {
  require_valid(mdp, policy);
  ChainArrays chain(mdp);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Offset row = selected_row(mdp, policy, s);
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      chain.entry(mdp.next_state()[k], with_tail(mdp.probability(), mdp.probability_tail(), k));
    }
    chain.end_row(with_tail(mdp.cost(), mdp.cost_tail(), row));
  }
  return chain.build(mdp);
}

Mdp induced_chain(const Mdp& mdp, const RandomisedPolicy& policy) {
  require_valid(mdp, policy);
  ChainArrays chain(mdp);
  RowMixer mixer(mdp, policy);
  for (State s = 0; s < mdp.n_states(); ++s) mixer.mix(s, chain);
  return chain.build(mdp);
}

EvaluationResult evaluate(const Mdp& mdp, std::span<const Action> policy, const SolveOptions& options) {
  return evaluate_chain(mdp, induced_chain(mdp, policy), options, {});
}

EvaluationResult evaluate(const Mdp& mdp, const RandomisedPolicy& policy, const SolveOptions& options) {
  return evaluate_chain(mdp, induced_chain(mdp, policy), options, mixing_uncertainty(mdp));
}

EntryUncertainty mixing_uncertainty(const Mdp& mdp) {
  Offset most_actions = 0;
  for (State s = 0; s < mdp.n_states(); ++s) most_actions = std::max(most_actions, mdp.n_actions(s));
  // Of an averaged entry, in u^2: weight and scale 40, product 4, one sum per action 3, row sum 3 per transition.
  const double relative = (64.0 + 4.0 * static_cast<double>(most_actions + mdp.max_row_length())) * 0x1p-106;
  const bool exact_costs = mdp.max_abs_cost() == 0.0;
  return {relative, exact_costs ? 0.0 : relative * mdp.max_abs_cost() + 0x1p-1060};
}

}  // namespace mdp::solvers
