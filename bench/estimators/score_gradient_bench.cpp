// Sampled gradients in steps per second, exact moments in transitions times logits per second; one and two threads.
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "estimators/moments.hpp"
#include "estimators/score_gradient.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/policy.hpp"

namespace {

using namespace mdp::estimators;

void sampled(benchmark::State& state, const mdp::Mdp& m, const SimulationOptions& base) {
  SimulationOptions options = base;
  options.threads = static_cast<int>(state.range(0));
  const auto policy = mdp::uniform_policy(m);
  for (auto iteration : state) {
    static_cast<void>(iteration);
    benchmark::DoNotOptimize(score_gradient(m, policy, options).return_mean);
  }
  state.SetItemsProcessed(state.iterations() * options.n_trajectories * options.horizon);  // steps, at most
}

void exact(benchmark::State& state, const mdp::Mdp& m, std::int64_t horizon, std::size_t n_logits) {
  std::vector<mdp::Offset> rows(n_logits);
  std::iota(rows.begin(), rows.end(), 0);
  const auto policy = mdp::uniform_policy(m);
  const MomentsOptions options{.horizon = horizon, .threads = static_cast<int>(state.range(0))};
  for (auto iteration : state) {
    static_cast<void>(iteration);
    benchmark::DoNotOptimize(score_gradient_moments(m, policy, logit_axes(rows), options).return_mean);
  }
  state.SetItemsProcessed(state.iterations() * m.n_transitions() * horizon * static_cast<std::int64_t>(n_logits));
}

mdp::Mdp lake() { return mdp::generate::gridworld(mdp::generate::frozenlake8x8()); }

const auto by_threads = [](benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond);
};

BENCHMARK_CAPTURE(sampled, frozenlake8x8, lake(), {.n_trajectories = 10000, .horizon = 1000})->Apply(by_threads);
BENCHMARK_CAPTURE(sampled, inventory, mdp::generate::inventory(), {.n_trajectories = 2000, .horizon = 500})
    ->Apply(by_threads);
BENCHMARK_CAPTURE(exact, frozenlake8x8, lake(), 1000, 256)->Apply(by_threads);
BENCHMARK_CAPTURE(exact, inventory, mdp::generate::inventory(), 50, 8)->Apply(by_threads);

}  // namespace

BENCHMARK_MAIN();
