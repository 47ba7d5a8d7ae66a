// The Bellman sweep against the limits of the machine, measured in the same run.
//
// For each model: the sweep on one and two threads, and the reference kernel beside it. Columns:
//   GB/s       bytes of the formula above kernels::bellman_sweep, divided by the time
//   read_GB/s  what plain reading of memory reaches with that many threads, measured just before
//   of_read    GB/s as a fraction of read_GB/s
//   of_roof    the larger of the two lower limits (reading those bytes; gathering the successors' values, measured
//              just before as well) as a fraction of the time
//   ns/trans   time per transition
// The answers are compared with those of the reference, bit by bit, before anything is timed.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include "bench/support/read_bandwidth.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/reference.hpp"

namespace {

using mdp::Action;
using mdp::Mdp;

using Sweep = std::function<mdp::kernels::ResidualRange(std::span<const double> v, std::span<double> tv,
                                                        std::span<Action> policy)>;

struct Model {
  std::string name;
  Mdp mdp;
  std::vector<double> values;
};

/// Compulsory bytes of one sweep with the greedy policy: see kernels::bellman_sweep.
double traffic(const Mdp& mdp) {
  return 12.0 * static_cast<double>(mdp.n_transitions()) + 16.0 * static_cast<double>(mdp.n_rows()) +
         28.0 * static_cast<double>(mdp.n_states());
}

/// Values that are no constant and no fixed point: two sweeps from a ramp.
std::vector<double> start_values(const Mdp& mdp) {
  std::vector<double> v(static_cast<std::size_t>(mdp.n_states()));
  for (std::size_t s = 0; s < v.size(); ++s) v[s] = static_cast<double>(s % 97) / 16.0;
  std::vector<double> tv(v.size());
  for (int sweep = 0; sweep < 2; ++sweep) {
    mdp::kernels::bellman_sweep(mdp, v, tv);
    std::swap(v, tv);
  }
  return v;
}

void check_answers(const Model& model) {
  const std::size_t n = model.values.size();
  std::vector<double> expected(n), computed(n);
  std::vector<Action> expected_policy(n), computed_policy(n);
  const auto range = mdp::kernels::reference::bellman_sweep(model.mdp, model.values, expected, expected_policy);
  for (const int threads : {1, 2}) {
    const auto found = mdp::kernels::bellman_sweep(model.mdp, model.values, computed, computed_policy, threads);
    if (expected != computed || expected_policy != computed_policy || found.min != range.min ||
        found.max != range.max) {
      fmt::print(stderr, "{}: the sweep on {} threads does not give the bits of the reference\n", model.name, threads);
      std::exit(1);
    }
  }
}

void measure(benchmark::State& state, const Model& model, int threads, const Sweep& sweep) {
  std::vector<double> tv(model.values.size());
  std::vector<Action> policy(model.values.size());
  const double bandwidth = mdp::bench::read_bandwidth(threads);
  const double gather = mdp::bench::gather_seconds(model.mdp.next_state(), model.values, threads);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) benchmark::DoNotOptimize(sweep(model.values, tv, policy));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
                         static_cast<double>(state.iterations());
  const double bytes = traffic(model.mdp);
  state.counters["GB/s"] = bytes / seconds * 1e-9;
  state.counters["read_GB/s"] = bandwidth * 1e-9;
  state.counters["of_read"] = bytes / bandwidth / seconds;
  state.counters["of_roof"] = std::max(bytes / bandwidth, gather) / seconds;
  state.counters["ns/trans"] = seconds / static_cast<double>(model.mdp.n_transitions()) * 1e9;
}

void add(const Model& model, const std::string& kernel, int threads, const Sweep& sweep) {
  benchmark::RegisterBenchmark(fmt::format("{}/{}/threads:{}", model.name, kernel, threads).c_str(),
                               [&model, threads, sweep](benchmark::State& s) { measure(s, model, threads, sweep); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond)
      ->MinTime(1.0);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

  std::vector<Model> models;
  const auto model = [&](std::string name, Mdp mdp) {
    std::vector<double> values = start_values(mdp);
    models.push_back({std::move(name), std::move(mdp), std::move(values)});
  };
  model("garnet100k",
        mdp::generate::garnet({.shape = {.states = 100'000, .actions = 10, .successors = 10}, .discount = 0.99}));
  model("garnet1M",
        mdp::generate::garnet({.shape = {.states = 1'000'000, .actions = 4, .successors = 5}, .discount = 0.99}));
  model("grid1000", mdp::generate::gridworld({.width = 1000, .height = 1000, .discount = 0.999}));

  for (const Model& m : models) {
    check_answers(m);
    for (const int threads : {1, 2}) {
      add(m, "sweep", threads, [&m, threads](auto v, auto tv, auto policy) {
        return mdp::kernels::bellman_sweep(m.mdp, v, tv, policy, threads);
      });
    }
    add(m, "reference", 1,
        [&m](auto v, auto tv, auto policy) { return mdp::kernels::reference::bellman_sweep(m.mdp, v, tv, policy); });
  }
  benchmark::RunSpecifiedBenchmarks();
}
