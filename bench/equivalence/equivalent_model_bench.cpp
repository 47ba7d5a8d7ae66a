// Equivalent cost, equivalent model and defect in transitions of the model per second; one and two threads. The Bellman
// sweep of the same model beside them is what one pass in plain doubles takes.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/support/pair.hpp"
#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/generate/garnet.hpp"

namespace {

using namespace mdp::equivalence;
using mdp::bench::by_threads;
using mdp::bench::measure;
using mdp::bench::Pair;

// A planted world of a million transitions, its values known exactly, and a random model with four times as many.
const Pair& pair() {
  static const Pair made = [] {
    auto world = mdp::generate::planted({.shape = {.states = 50'000, .actions = 4, .successors = 5}, .seed = 1});
    auto model = mdp::generate::garnet({.shape = {.states = 50'000, .actions = 4, .successors = 20},
                                        .discount = world.mdp.exact_discount(),
                                        .seed = 2});
    return Pair{std::move(world), std::move(model)};
  }();
  return made;
}

void sweep(benchmark::State& state) {
  std::vector<double> image(pair().world.values.size());
  measure(state, pair(),
          [&image](const Pair& p, int threads) { mdp::bench::sweep(p.model, p.world.values, image, threads); });
}

void cost(benchmark::State& state) {
  measure(state, pair(), [](const Pair& p, int threads) {
    benchmark::DoNotOptimize(equivalent_cost(p.world.mdp, p.known(), p.model, {.threads = threads}).condition_number);
  });
}

void model(benchmark::State& state) {
  measure(state, pair(), [](const Pair& p, int threads) {
    benchmark::DoNotOptimize(equivalent_model(p.world.mdp, p.known(), p.model, {.threads = threads}).sum_divergence);
  });
}

void defect(benchmark::State& state) {
  measure(state, pair(), [](const Pair& p, int threads) {
    benchmark::DoNotOptimize(model_defect(p.world.mdp, p.known(), p.model, threads).epsilon);
  });
}

BENCHMARK(sweep)->Apply(by_threads);
BENCHMARK(cost)->Apply(by_threads);
BENCHMARK(model)->Apply(by_threads);
BENCHMARK(defect)->Apply(by_threads);

}  // namespace

BENCHMARK_MAIN();
