#include "libmdp/generate/random_rows.hpp"

#include <limits>
#include <numeric>

namespace mdp::generate {
namespace {

/// Replaces the repeats in a sorted range by fresh draws until there are none; the range stays sorted.
/// Drawing again what was seen before makes every set of distinct values equally likely.
template <class T, class Draw>
void make_distinct(std::span<T> values, Draw&& draw) {
  for (auto* end = values.data() + values.size();;) {
    std::sort(values.data(), end);
    auto* const repeats = std::unique(values.data(), end);
    if (repeats == end) return;
    std::generate(repeats, end, draw);
  }
}

/// Selection sampling (Knuth, The Art of Computer Programming 2, section 3.4.2, algorithm S). O(n_states).
void select_in_order(RandomSequence& random, std::int64_t n_states, std::span<State> next) {
  std::size_t chosen = 0;
  for (std::int64_t s = 0; chosen < next.size(); ++s) {
    const auto left = static_cast<std::uint64_t>(n_states - s);
    if (random.below(left) < next.size() - chosen) next[chosen++] = static_cast<State>(s);
  }
}

}  // namespace

std::string RandomShape::check() const {
  constexpr std::int64_t max_states = std::numeric_limits<State>::max() - 1;
  constexpr std::int64_t max_actions = std::numeric_limits<Action>::max();
  if (states < 1 || states > max_states) {
    return "states = " + std::to_string(states) + ", required 1 to " + std::to_string(max_states);
  }
  if (actions < 1 || actions > max_actions) {
    return "actions = " + std::to_string(actions) + ", required 1 to " + std::to_string(max_actions);
  }
  if (successors < 1 || successors > states) {
    return "successors = " + std::to_string(successors) + ", required 1 to states = " + std::to_string(states);
  }
  if (n_rows() > std::numeric_limits<Offset>::max() / 64 / successors) {
    return "states * actions * successors is too large to address";
  }
  return "";
}

MdpArrays sized_arrays(const RandomShape& shape, int threads) {
  MdpArrays arrays;
  arrays.state_rows.resize(static_cast<std::size_t>(shape.states) + 1);
  arrays.row_begin.resize(static_cast<std::size_t>(shape.n_rows()) + 1);
  arrays.next_state.resize(static_cast<std::size_t>(shape.n_transitions()));
  arrays.probability.resize(arrays.next_state.size());
  arrays.cost.resize(static_cast<std::size_t>(shape.n_rows()));
  const auto fill_multiples = [threads](Buffer<Offset>& offsets, std::int64_t step) {
    constexpr std::ptrdiff_t block_size = 65536;
    const auto n = static_cast<std::ptrdiff_t>(offsets.size());
    kernels::parallel_blocks((n + block_size - 1) / block_size, threads, [&](std::ptrdiff_t block) {
      for (auto i = block * block_size; i < std::min(n, (block + 1) * block_size); ++i) {
        offsets[static_cast<std::size_t>(i)] = i * step;
      }
    });
  };
  fill_multiples(arrays.state_rows, shape.actions);
  fill_multiples(arrays.row_begin, shape.successors);
  return arrays;
}

void draw_successors(RandomSequence& random, std::int64_t n_states, std::span<State> next) {
  if (2 * static_cast<std::int64_t>(next.size()) > n_states) return select_in_order(random, n_states, next);
  const auto draw = [&] { return static_cast<State>(random.below(static_cast<std::uint64_t>(n_states))); };
  std::generate(next.begin(), next.end(), draw);
  make_distinct(next, draw);
}

void draw_probabilities(RandomSequence& random, int grid_bits, std::span<double> p) {
  const std::uint64_t n = std::uint64_t{1} << grid_bits;
  const auto draw = [&] { return static_cast<double>(1 + random.below(n - 1)) / static_cast<double>(n); };
  const auto cuts = p.first(p.size() - 1);
  std::generate(cuts.begin(), cuts.end(), draw);
  make_distinct(cuts, draw);
  p.back() = 1.0;
  std::adjacent_difference(p.begin(), p.end(), p.begin());  // exact: differences of multiples of 1/n
}

}  // namespace mdp::generate
