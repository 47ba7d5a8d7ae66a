// Equivalent cost, equivalent model and defect in transitions of the model per second; one and two threads. The Bellman
// sweep of the same model beside them is what one pass in plain doubles takes.
#include <vector>

#include <benchmark/benchmark.h>

#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "libmdp/kernels/bellman.hpp"

namespace {

using namespace mdp::equivalence;

// A planted world of a million transitions, its values known exactly, and a random model with four times as many.
struct Instance {
  mdp::generate::Planted world =
      mdp::generate::planted({.shape = {.states = 50'000, .actions = 4, .successors = 5}, .seed = 1});
  mdp::Mdp model = mdp::generate::garnet(
      {.shape = {.states = 50'000, .actions = 4, .successors = 20}, .discount = world.mdp.exact_discount(), .seed = 2});

  [[nodiscard]] KnownValues known() const { return {world.values, world.values, world.values}; }
};

const Instance& instance() {
  static const Instance made;
  return made;
}

template <class F>
void measure(benchmark::State& state, F&& f) {
  const Instance& i = instance();
  for (auto iteration : state) {
    static_cast<void>(iteration);
    f(i, static_cast<int>(state.range(0)));
  }
  state.SetItemsProcessed(state.iterations() * i.model.n_transitions());
}

void sweep(benchmark::State& state) {
  std::vector<double> tv(instance().world.values.size());
  measure(state, [&tv](const Instance& i, int threads) {
    benchmark::DoNotOptimize(mdp::kernels::bellman_sweep(i.model, i.world.values, tv, {}, threads).max);
  });
}

void cost(benchmark::State& state) {
  measure(state, [](const Instance& i, int threads) {
    benchmark::DoNotOptimize(equivalent_cost(i.world.mdp, i.known(), i.model, {.threads = threads}).condition_number);
  });
}

void model(benchmark::State& state) {
  measure(state, [](const Instance& i, int threads) {
    benchmark::DoNotOptimize(equivalent_model(i.world.mdp, i.known(), i.model, {.threads = threads}).sum_divergence);
  });
}

void defect(benchmark::State& state) {
  measure(state, [](const Instance& i, int threads) {
    benchmark::DoNotOptimize(model_defect(i.world.mdp, i.known(), i.model, threads).epsilon);
  });
}

const auto by_threads = [](benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond);
};

BENCHMARK(sweep)->Apply(by_threads);
BENCHMARK(cost)->Apply(by_threads);
BENCHMARK(model)->Apply(by_threads);
BENCHMARK(defect)->Apply(by_threads);

}  // namespace

BENCHMARK_MAIN();
