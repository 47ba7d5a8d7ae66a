// The information projection of all rows of a garnet of 2 10^7 transitions against the Bellman sweep that reads the same
// transitions, in transitions per second; one and two threads. `project` writes into memory that is there; `whole` is
// equivalent_model() with its arrays, its certificate (model_defect) and the validated model.
#include <vector>

#include <benchmark/benchmark.h>

#include "equivalence/equivalent_model.hpp"
#include "libmdp/generate/planted.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/tilt_rows.hpp"
#include "libmdp/random.hpp"

namespace {

using namespace mdp;

// A planted world, and a reference with the same successors and other probabilities.
struct Instance {
  generate::Planted world =
      generate::planted({.shape = {.states = 1'000'000, .actions = 4, .successors = 5}, .seed = 1});
  Mdp reference = perturbed(world.mdp);

  static Mdp perturbed(const Mdp& mdp) {
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
  state.SetItemsProcessed(state.iterations() * i.reference.n_transitions());
}

void sweep(benchmark::State& state) {
  std::vector<double> tv(instance().world.values.size());
  measure(state, [&tv](const Instance& i, int threads) {
    benchmark::DoNotOptimize(kernels::bellman_sweep(i.reference, i.world.values, tv, {}, threads).max);
  });
}

void project(benchmark::State& state) {
  std::vector<double> p(instance().reference.probability().size());
  std::vector<double> divergence(static_cast<std::size_t>(instance().reference.n_rows()));
  measure(state, [&](const Instance& i, int threads) {
    kernels::for_states(i.reference.blocks(), threads, [&](State first, State last) {
      kernels::TiltRows batch(i.world.mdp, i.reference, i.world.values, 1.0, 0.0, 0.0);
      const auto flush = [&] {
        batch.solve([&](State, Offset row, std::size_t lane, std::size_t length, const kernels::TiltBatch& solved) {
          const auto begin = static_cast<std::size_t>(i.reference.row_begin()[static_cast<std::size_t>(row)]);
          for (std::size_t k = 0; k < length; ++k) p[begin + k] = solved.p[k * kernels::TiltBatch::lanes + lane];
          divergence[static_cast<std::size_t>(row)] = solved.divergence[lane];
        });
      };
      for (State s = first; s < last; ++s) {
        const Offset begin = i.reference.state_rows()[static_cast<std::size_t>(s)];
        for (Offset row = begin; row < begin + i.reference.n_actions(s); ++row) {
          batch.add(s, row);
          if (batch.full()) flush();
        }
      }
      flush();
    });
    benchmark::DoNotOptimize(p.data());
  });
}

void whole(benchmark::State& state) {
  measure(state, [](const Instance& i, int threads) {
    const equivalence::KnownValues known(i.world.values, i.world.values, i.world.values);
    benchmark::DoNotOptimize(
        equivalence::equivalent_model(i.world.mdp, known, i.reference, {.threads = threads}).sum_divergence);
  });
}

const auto by_threads = [](benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond);
};

BENCHMARK(sweep)->Apply(by_threads);
BENCHMARK(project)->Apply(by_threads);
BENCHMARK(whole)->Apply(by_threads)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
