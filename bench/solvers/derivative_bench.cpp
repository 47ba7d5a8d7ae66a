// Derivatives and soft solutions beside one Bellman sweep of the same MDP: a garnet of 20 000 states, and a
// 200 x 200 grid; one thread. Items are transitions.
#include <cmath>
#include <vector>

#include <benchmark/benchmark.h>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/soft.hpp"
#include "solvers/derivative.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/soft.hpp"

namespace {

using namespace mdp::solvers;

const mdp::Mdp& instance(std::int64_t kind) {
  static const mdp::Mdp garnet = mdp::generate::garnet({.shape = {.states = 20'000, .actions = 4, .successors = 5}});
  static const mdp::Mdp grid = mdp::generate::gridworld({.width = 200, .height = 200, .discount = 0.99});
  return kind == 0 ? garnet : grid;
}

template <class F>
void measure(benchmark::State& state, F&& f) {
  const mdp::Mdp& mdp = instance(state.range(0));
  for (auto iteration : state) {
    static_cast<void>(iteration);
    f(mdp);
  }
  state.SetItemsProcessed(state.iterations() * mdp.n_transitions());
}

void sweep(benchmark::State& state) {
  const std::vector<double> v(instance(state.range(0)).n_states(), 1.0);
  std::vector<double> tv(v.size());
  measure(state,
          [&](const mdp::Mdp& m) { benchmark::DoNotOptimize(mdp::kernels::bellman_sweep(m, v, tv, {}, 1).max); });
}

void soft_sweep(benchmark::State& state) {
  const mdp::Mdp& mdp = instance(state.range(0));
  const std::vector<double> v(mdp.n_states(), 1.0);
  std::vector<double> tv(v.size());
  std::vector<double> q(mdp.n_rows());
  measure(state, [&](const mdp::Mdp& m) {
    benchmark::DoNotOptimize(mdp::kernels::soft_sweep(m, v, 0.1, {}, tv, {.q = q}, 1).max);
  });
}

void soft_solve(benchmark::State& state) {
  measure(state, [](const mdp::Mdp& m) {
    benchmark::DoNotOptimize(solve_soft(m, {.temperature = 0.1, .threads = 1}).value_error_bound);
  });
}

Linearisation uniform(const mdp::Mdp& mdp) {
  return linearise_policy(mdp, std::span<const double>(mdp::uniform_policy(mdp)), {.threads = 1});
}

void linearise(benchmark::State& state) {
  measure(state, [](const mdp::Mdp& m) { benchmark::DoNotOptimize(uniform(m).point().value_error_bound); });
}

void forward(benchmark::State& state) {
  const Linearisation at = uniform(instance(state.range(0)));
  EntryDirection direction = zero_direction(at.mdp());
  for (std::size_t row = 0; row < direction.cost.size(); ++row)
    direction.cost[row] = std::sin(static_cast<double>(row));
  measure(state, [&](const mdp::Mdp&) { benchmark::DoNotOptimize(at.jvp(direction).value_error_bound); });
}

void reverse(benchmark::State& state) {
  const Linearisation at = uniform(instance(state.range(0)));
  measure(state, [&](const mdp::Mdp&) { benchmark::DoNotOptimize(at.performance_gradient().cost_error_bound); });
}

void in_real(benchmark::State& state) {
  measure(state, [](const mdp::Mdp& m) {
    benchmark::DoNotOptimize(in_real_gradient(m, m, {.soft = {.temperature = 0.1, .threads = 1}}).performance);
  });
}

const auto by_instance = [](benchmark::internal::Benchmark* b) {
  b->Arg(0)->Arg(1)->ArgName("grid")->UseRealTime()->Unit(benchmark::kMillisecond);
};

BENCHMARK(sweep)->Apply(by_instance);
BENCHMARK(soft_sweep)->Apply(by_instance);
BENCHMARK(soft_solve)->Apply(by_instance);
BENCHMARK(linearise)->Apply(by_instance);
BENCHMARK(forward)->Apply(by_instance);
BENCHMARK(reverse)->Apply(by_instance);
BENCHMARK(in_real)->Apply(by_instance);

}  // namespace

BENCHMARK_MAIN();
