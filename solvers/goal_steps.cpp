#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>

#include "libmdp/graph/components.hpp"
#include "libmdp/kernels/gauss_seidel.hpp"
#include "solvers/chain_steps.hpp"
#include "solvers/direct_chain.hpp"
#include "solvers/goal_iteration.hpp"
#include "solvers/memory.hpp"

namespace mdp::solvers {
namespace {

double size_of(const kernels::ResidualRange& range) { return std::max(-range.min, range.max); }

class JacobiStep : public GoalStep {
 public:
  void advance(GoalIterate& it, Run& /*run*/) override { std::swap(it.v, it.tv); }
  [[nodiscard]] int patience() const override { return 1'000'000; }  // a residual may stay as it is until news arrive
  [[nodiscard]] std::string name() const override { return "value iteration"; }
};

class GaussSeidelStep : public GoalStep {
 public:
  void advance(GoalIterate& it, Run& run) override {
    constexpr int sweeps_between = 4;  // the sweep that only measures is as dear as one of them
    std::swap(it.v, it.tv);
    for (int k = 0; k < sweeps_between && run.may_sweep(); ++k) {
      const double change = kernels::gauss_seidel_sweep(it.problem.mdp, it.problem.start.order, it.v, it.policy);
      run.count_traffic(it.problem.mdp.n_transitions(), it.problem.mdp.n_rows());
      run.count_sweep({-change, change}, infinity);
    }
  }
  [[nodiscard]] std::string name() const override { return "Gauss–Seidel value iteration"; }
};

class PrioritizedStep : public GoalStep {
 public:
  explicit PrioritizedStep(const GoalProblem& problem) : into_(problem.mdp) {}

  void advance(GoalIterate& it, Run& run) override {
    constexpr double reduction = 0.1;
    constexpr std::size_t updates_per_state = 16;  // then it is time to look at all of them again
    const double enough = reduction * size_of(it.residual);
    std::vector<double> priority(it.v.size(), 0.0);
    std::priority_queue<std::pair<double, State>> queue;
    const auto raise = [&](State s, double to) {
      if (!(to > enough) || !(to > priority[at(s)])) return;
      priority[at(s)] = to;
      queue.emplace(to, s);
    };
    for (const State s : it.problem.start.order) raise(s, std::abs(it.tv[at(s)] - it.v[at(s)]));
    const std::size_t most = updates_per_state * it.problem.start.order.size();
    for (std::size_t n = 0; !queue.empty() && n < most; ++n) {
      if (n % 65536 == 65535 && run.out_of_time()) return;
      const auto [known, s] = queue.top();
      queue.pop();
      if (known != priority[at(s)]) continue;
      priority[at(s)] = 0.0;
      const auto update = kernels::update_state(it.problem.mdp, it.v, s);
      const double change = std::abs(update.value - it.v[at(s)]);
      it.v[at(s)] = update.value;
      for (Offset i = into_.begin[at(s)]; i < into_.begin[at(s) + 1]; ++i) {
        const State from = into_.state_of_row[at(into_.row[at(i)])];
        if (from != s && it.problem.start.rows[at(from)] >= 0) raise(from, change);
      }
    }
  }
  [[nodiscard]] std::string name() const override { return "prioritized sweeping"; }

 private:
  graph::Predecessors into_;
};

class TopologicalStep : public GoalStep {
 public:
  explicit TopologicalStep(const GoalProblem& problem) {
    const auto components = graph::strongly_connected_components(problem.mdp);
    members_.resize(at(components.count));
    for (const State s : problem.start.order) members_[at(components.of_state[at(s)])].push_back(s);
  }

  void advance(GoalIterate& it, Run& run) override {
    constexpr double rounding = 4.0 * unit_roundoff;
    constexpr int most_sweeps = 1000;
    constexpr std::size_t states_between = 100'000;  // looks at the clock
    std::size_t read = 0;
    const double enough = 1e-3 * size_of(it.residual);
    for (const auto& component : members_) {  // edges between them lead to lower numbers
      for (int k = 0; k < most_sweeps; ++k) {
        const double change = kernels::gauss_seidel_sweep(it.problem.mdp, component, it.v, it.policy);
        const double size = component.empty() ? 0.0 : std::abs(it.v[at(component.back())]);
        if (!(change > std::max(enough * 1e-3, rounding * size))) break;
        read += component.size();
        if (read < states_between) continue;
        read = 0;
        if (run.out_of_time()) return;
      }
    }
  }
  [[nodiscard]] std::string name() const override { return "topological value iteration"; }

 private:
  std::vector<std::vector<State>> members_;  // nearest first within a component
};

class PolicyStep : public GoalStep {
 public:
  explicit PolicyStep(bool krylov) : krylov_(krylov) {}

  void begin(GoalIterate& it, bool warm, Run& run) override {
    if (warm) return;
    constexpr int first_sweeps = 400;
    constexpr std::int64_t first_products = 150;  // about as dear as the sweeps
    constexpr double enough = 1e-4;
    it.chain.assign(it.policy, run.threads());
    resize(it);
    x_.assign(x_.size(), 0.0);
    if (!solve_directly(it, run) && !sweep(it, run, first_sweeps, enough)) solve(it, run, 1e-3, first_products);
    it.chain.scatter(x_, it.v, run.threads());
  }

  void advance(GoalIterate& it, Run& run) override {
    constexpr int sweeps = 20;
    constexpr double enough = 0.01;
    const State n_changed = it.chain.assign(it.policy, run.threads());
    resize(it);
    it.chain.gather(it.tv, x_, run.threads());
    if (solve_directly(it, run)) return it.chain.scatter(x_, it.v, run.threads());
    const bool nearly_settled = at(n_changed) <= it.chain.size() / 100 && krylov_work_ <= sweep_work_;
    const bool done = sweep(it, run, sweeps, enough);
    if (!done && (n_changed == 0 || nearly_settled)) solve(it, run, enough, 400);
    it.chain.scatter(x_, it.v, run.threads());
  }
  [[nodiscard]] std::string name() const override {
    if (direct_used_) return "policy iteration (profile LU)";
    return krylov_ ? "inexact policy iteration (Gauss–Seidel, BiCGSTAB)" : "modified policy iteration (Gauss–Seidel)";
  }

 private:
  void resize(const GoalIterate& it) {
    x_.resize(it.chain.size());
    y_.resize(it.chain.size());
  }

  // Whether the change of a sweep has fallen by `enough`, or it is time to stop.
  bool sweep(const GoalIterate& it, Run& run, int most, double enough) {
    const SweepGoal goal{most, enough, 0.0, run.while_time_is_left()};
    const SweepsDone done = sweep_chain(it.chain, x_, y_, run.threads(), goal);
    run.count_traffic(done.count * it.chain.rows().begin.back(), done.count * static_cast<Offset>(it.chain.size()));
    sweep_work_ += done.count;
    return done.enough || run.out_of_time();
  }

  bool solve_directly(const GoalIterate& it, const Run& run) {
    if (!krylov_) return false;
    if (!direct_) direct_.emplace(memory_limit_of(run.options()));
    direct_used_ = direct_->improve(it.chain, x_, run.threads());
    return direct_used_;
  }

  void solve(const GoalIterate& it, Run& run, double reduction, std::int64_t most_products) {
    constexpr std::int64_t sweeps_per_product = 3;  // a product, and two sweeps that precondition it
    if (!krylov_) return;
    const KrylovOptions options{.tolerance = 0.0,
                                .max_products = most_products,
                                .threads = run.threads(),
                                .keep_going = run.while_time_is_left()};
    krylov_work_ += sweeps_per_product * improve_by_krylov(it.chain, x_, y_, reduction, options).products;
  }

  bool krylov_;
  std::optional<DirectChain> direct_;
  bool direct_used_ = false;  // for the last policy
  // In sweeps of the chain. Krylov steps may be as dear as the sweeps before them: where they do not pay, that is all that is lost.
  std::int64_t sweep_work_ = 0, krylov_work_ = 0;
  std::vector<double> x_, y_;  // in the order of the chain
};

}  // namespace

std::unique_ptr<GoalStep> jacobi_step() { return std::make_unique<JacobiStep>(); }
std::unique_ptr<GoalStep> gauss_seidel_step() { return std::make_unique<GaussSeidelStep>(); }
std::unique_ptr<GoalStep> prioritized_step(const GoalProblem& problem) {
  return std::make_unique<PrioritizedStep>(problem);
}
std::unique_ptr<GoalStep> topological_step(const GoalProblem& problem) {
  return std::make_unique<TopologicalStep>(problem);
}
std::unique_ptr<GoalStep> policy_step(bool krylov) { return std::make_unique<PolicyStep>(krylov); }

}  // namespace mdp::solvers
