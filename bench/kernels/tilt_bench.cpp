// The information projection of all rows of a garnet of 2 10^7 transitions against the Bellman sweep, one and two threads. The
// projection reads the transitions of the reference and those of the world: `sweep` is one pass over the reference alone,
// `sweep_both` over the same transitions as the projection. `project` writes into memory that is there; `whole` is
// equivalent_model() with its arrays, its certificate (model_defect) and the validated model.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/support/pair.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/kernels/tilt_rows.hpp"
#include "libmdp/random.hpp"

namespace {

using namespace mdp;
using bench::by_threads;
using bench::measure;
using bench::Pair;

// The same successors with other probabilities.
Mdp perturbed(const Mdp& mdp) {
  MdpArrays arrays;
  arrays.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  arrays.row_begin.assign(mdp.row_begin().begin(), mdp.row_begin().end());
  arrays.next_state.assign(mdp.next_state().begin(), mdp.next_state().end());
  arrays.cost.assign(mdp.cost().begin(), mdp.cost().end());
  arrays.probability.resize(mdp.probability().size());
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    RandomSequence random(9, RandomStream::test, static_cast<std::uint64_t>(row));
    const auto begin = static_cast<std::size_t>(mdp.row_begin()[static_cast<std::size_t>(row)]);
    const auto end = static_cast<std::size_t>(mdp.row_begin()[static_cast<std::size_t>(row) + 1]);
    double sum = 0.0;
    for (std::size_t k = begin; k < end; ++k) sum += arrays.probability[k] = 0.05 + random.uniform();
    for (std::size_t k = begin; k < end; ++k) arrays.probability[k] /= sum;
  }
  arrays.discount = mdp.exact_discount();
  return build(std::move(arrays));
}

const Pair& pair() {
  static const Pair made = [] {
    auto world = generate::planted({.shape = {.states = 1'000'000, .actions = 4, .successors = 5}, .seed = 1});
    auto model = perturbed(world.mdp);
    return Pair{std::move(world), std::move(model)};
  }();
  return made;
}

void sweep(benchmark::State& state) {
  std::vector<double> image(pair().world.values.size());
  measure(state, pair(),
          [&image](const Pair& p, int threads) { bench::sweep(p.model, p.world.values, image, threads); });
}

void sweep_both(benchmark::State& state) {
  std::vector<double> image(pair().world.values.size());
  measure(state, pair(), [&image](const Pair& p, int threads) {
    bench::sweep(p.world.mdp, p.world.values, image, threads);
    bench::sweep(p.model, p.world.values, image, threads);
  });
}

void project(benchmark::State& state) {
  std::vector<double> p(pair().model.probability().size());
  std::vector<double> divergence(static_cast<std::size_t>(pair().model.n_rows()));
  measure(state, pair(), [&](const Pair& i, int threads) {
    kernels::for_states(i.model.blocks(), threads, [&](State first, State last) {
      kernels::TiltRows rows(i.world.mdp, i.model, i.world.values, 1.0, 0.0, 0.0);
      const auto flush = [&] {
        rows.solve([&](State, Offset row, std::size_t lane, std::size_t length, const kernels::TiltBatch& solved) {
          const auto begin = static_cast<std::size_t>(i.model.row_begin()[static_cast<std::size_t>(row)]);
          kernels::TiltRows::write(solved, lane, length, p.data() + begin);
          divergence[static_cast<std::size_t>(row)] = solved.divergence[lane];
        });
      };
      for (State s = first; s < last; ++s) {
        const Offset begin = i.model.state_rows()[static_cast<std::size_t>(s)];
        for (Offset row = begin; row < begin + i.model.n_actions(s); ++row) {
          rows.add(s, row);
          if (rows.full()) flush();
        }
      }
      flush();
    });
    benchmark::DoNotOptimize(p.data());
  });
}

void whole(benchmark::State& state) {
  measure(state, pair(), [](const Pair& p, int threads) {
    benchmark::DoNotOptimize(
        equivalence::equivalent_model(p.world.mdp, p.known(), p.model, {.threads = threads}).sum_divergence);
  });
}

BENCHMARK(sweep)->Apply(by_threads);
BENCHMARK(sweep_both)->Apply(by_threads);
BENCHMARK(project)->Apply(by_threads);
BENCHMARK(whole)->Apply(by_threads)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
