// Simulated transitions per second on one and two threads: the plain loop, trajectories side by side, from packed laws, and
// with the causal estimate of one directional derivative on top. "garnet" has 10^6 states and does not fit in any cache.
//
// Lines of memory per step of the garnet (rows of 4 actions, 5 successors). In the arrays of the Mdp: state_rows 1, policy 1.4 (32 B
// anywhere in 64), row_begin 1.1, probability 1.5, next_state 1.2: about 6, in four levels that depend on one another. Packed
// (PackedSteps): 1 of the state and 1 of the row, in two levels; the derivative adds 1 (score and cost side by side).
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "estimators/derivative_along.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/policy.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;
using mdp::Offset;

/// What one would write first: a generator, inversion, one trajectory after another.
std::int64_t plain_loop(const Mdp& m, const std::vector<double>& policy, std::int64_t n, std::int64_t steps) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> uniform;
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    mdp::State s = 0;
    for (std::int64_t k = 0; k < steps; ++k) {
      Offset row = m.state_rows()[s];
      for (double u = uniform(generator); row + 1 < m.state_rows()[s + 1] && (u -= policy[row]) >= 0.0;) ++row;
      Offset entry = m.row_begin()[row];
      for (double u = uniform(generator); entry + 1 < m.row_begin()[row + 1] && (u -= m.probability()[entry]) >= 0.0;)
        ++entry;
      s = m.next_state()[entry];
      sum += s;
    }
  }
  return sum;
}

const Mdp& model(bool garnet) {
  static const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  static const Mdp large = [] {
    mdp::generate::GarnetOptions options;
    options.shape.states = 1'000'000;
    options.shape.actions = 4;
    options.shape.successors = 5;
    return mdp::generate::garnet(options);
  }();
  return garnet ? large : lake;
}

void plain(benchmark::State& state, bool garnet) {
  const Mdp& m = model(garnet);
  const auto policy = mdp::uniform_policy(m);
  for (auto iteration : state) {
    static_cast<void>(iteration);
    benchmark::DoNotOptimize(plain_loop(m, policy, 1024, 500));
  }
  state.SetItemsProcessed(state.iterations() * 1024 * 500);
}

void side_by_side(benchmark::State& state, bool garnet, bool packed) {
  Simulator simulator(model(garnet), mdp::uniform_policy(model(garnet)), 1);
  if (packed) simulator.pack_for(2 * model(garnet).n_rows(), 1);
  std::uint64_t first = 0;
  for (auto iteration : state) {
    static_cast<void>(iteration);
    std::int64_t sum = 0;
    simulator.draw_side_by_side(1, first, 4096, 500,
                                [&](std::int64_t, std::int64_t, mdp::State s, Offset, mdp::State) { sum += s; });
    benchmark::DoNotOptimize(sum);
    first += 4096;
  }
  state.SetItemsProcessed(state.iterations() * 4096 * 500);
}

/// What the packing itself takes, in rows a second.
void pack(benchmark::State& state) {
  const Mdp& m = model(true);
  const auto policy = mdp::uniform_policy(m);
  for (auto iteration : state) {
    static_cast<void>(iteration);
    benchmark::DoNotOptimize(PackedSteps::make(m, policy, 1));
  }
  state.SetItemsProcessed(state.iterations() * m.n_rows());
}

/// Drawing and estimating; the preparation of the simulator is part of it, so take many trajectories.
void derivative(benchmark::State& state, bool garnet) {
  const Mdp& m = model(garnet);
  const auto policy = mdp::uniform_policy(m);
  const std::int64_t n = garnet ? 100'000 : 20'000;
  for (auto iteration : state) {
    static_cast<void>(iteration);
    benchmark::DoNotOptimize(
        sample_derivative_along(m, policy, {{0, 1}, {1.0, -1.0}},
                                {.n_trajectories = n, .horizon = 500, .threads = static_cast<int>(state.range(0))}));
  }
  state.SetItemsProcessed(state.iterations() * n * 500);
}

const auto timed = [](benchmark::internal::Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMillisecond); };
const auto by_threads = [](benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond);
};

BENCHMARK_CAPTURE(plain, frozenlake4x4, false)->Apply(timed);
BENCHMARK_CAPTURE(side_by_side, frozenlake4x4, false, false)->Apply(timed);
BENCHMARK_CAPTURE(side_by_side, frozenlake4x4_packed, false, true)->Apply(timed);
BENCHMARK_CAPTURE(derivative, frozenlake4x4, false)->Apply(by_threads);
BENCHMARK_CAPTURE(plain, garnet, true)->Apply(timed);
BENCHMARK_CAPTURE(side_by_side, garnet, true, false)->Apply(timed);
BENCHMARK_CAPTURE(side_by_side, garnet_packed, true, true)->Apply(timed);
BENCHMARK(pack)->Apply(timed);
BENCHMARK_CAPTURE(derivative, garnet, true)->Apply(by_threads);

}  // namespace

BENCHMARK_MAIN();
