#include "estimators/occupancy_sample.hpp"

#include <algorithm>
#include <string>

#include "estimators/discrete_law.hpp"
#include "estimators/simulator.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {

std::vector<Offset> sample_occupancy(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t n_samples,
                                     std::uint64_t seed, int threads) {
  if (n_samples < 1) {
    throw InvalidOption("sample_occupancy: n_samples = " + std::to_string(n_samples) + ", required >= 1");
  }
  if (!(mdp.discount() < 1.0)) throw InvalidArgument("the discounted occupancy needs a discount below 1");
  const Simulator simulator(mdp, stochastic_policy, threads);
  const Mdp& m = simulator.mdp();
  const std::vector<Offset> all_states = {0, m.n_states()};
  const DiscreteLaws initial(all_states, m.initial(), threads);
  std::vector<Offset> rows(static_cast<std::size_t>(n_samples));
  constexpr std::int64_t per_block = 256;
  kernels::parallel_blocks((n_samples + per_block - 1) / per_block, threads, [&](std::ptrdiff_t block) {
    for (std::int64_t i = block * per_block; i < std::min(n_samples, (block + 1) * per_block); ++i) {
      RandomSequence random(seed, RandomStream::trajectory, occupancy_index + static_cast<std::uint64_t>(i));
      State s = static_cast<State>(initial.draw(random, 0));
      Offset row = simulator.draw_row(random, s);
      while (random.uniform() < m.discount()) {
        s = m.next_state()[static_cast<std::size_t>(simulator.draw_entry(random, row))];
        row = simulator.draw_row(random, s);
      }
      rows[static_cast<std::size_t>(i)] = row;
    }
  });
  return rows;
}

}  // namespace mdp::estimators
