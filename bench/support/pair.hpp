// bench/support/pair.hpp — a world with known values and a model of its shape, and what benchmarks of pairs share.
#pragma once

#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "equivalence/known_values.hpp"
#include "libmdp/generate/planted.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::bench {

struct Pair {
  generate::Planted world;
  Mdp model;

  [[nodiscard]] equivalence::KnownValues known() const { return {world.values, world.values, world.values}; }
};

/// Times f(pair, threads), in transitions of the model per second.
template <class F>
void measure(benchmark::State& state, const Pair& pair, F&& f) {
  for (auto iteration : state) {
    static_cast<void>(iteration);
    f(pair, static_cast<int>(state.range(0)));
  }
  state.SetItemsProcessed(state.iterations() * pair.model.n_transitions());
}

/// One pass over an MDP in plain doubles.
inline void sweep(const Mdp& mdp, std::span<const double> values, std::vector<double>& image, int threads) {
  benchmark::DoNotOptimize(kernels::bellman_sweep(mdp, values, image, {}, threads).max);
}

/// One and two threads, in milliseconds.
inline void by_threads(benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond);
}

}  // namespace mdp::bench
