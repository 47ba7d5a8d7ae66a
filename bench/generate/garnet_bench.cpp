// Building an MDP in memory: transitions per second, one and two threads.
#include <benchmark/benchmark.h>

#include "libmdp/generate/garnet.hpp"

namespace {

void garnet(benchmark::State& state) {
  const mdp::generate::GarnetOptions options{.shape = {.states = state.range(0), .actions = 4, .successors = 5},
                                             .threads = static_cast<int>(state.range(1))};
  mdp::Offset n_transitions = 0;
  for (auto iteration : state) {
    static_cast<void>(iteration);
    n_transitions += mdp::generate::garnet(options).n_transitions();
  }
  state.SetItemsProcessed(n_transitions);
}
BENCHMARK(garnet)
    ->ArgsProduct({{10000, 1000000}, {1, 2}})
    ->ArgNames({"states", "threads"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
