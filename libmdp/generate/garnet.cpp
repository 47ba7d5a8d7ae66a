#include "libmdp/generate/garnet.hpp"

#include "libmdp/error.hpp"

namespace mdp::generate {

std::string GarnetOptions::check() const { return shape.check(); }

Mdp garnet(const GarnetOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("garnet: " + broken);
  MdpArrays arrays = sized_arrays(options.shape, options.threads);
  arrays.discount = options.discount;
  fill_rows(options.shape, arrays, options.threads,
            [&](Offset row, std::span<State> next, std::span<double> probability) {
              RandomSequence random(options.seed, RandomStream::garnet, static_cast<std::uint64_t>(row));
              draw_successors(random, options.shape.states, next);
              draw_probabilities(random, 53, probability);
              arrays.cost[static_cast<std::size_t>(row)] = random.uniform();
            });
  return build(std::move(arrays), {.threads = options.threads});
}

}  // namespace mdp::generate
