// libmdp/generate/random_rows.hpp — random sparse rows, drawn in place.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/random.hpp"

namespace mdp::generate {

/// Shape of a random MDP: the same number of actions in every state, of successors in every row.
struct RandomShape {
  std::int64_t states = 100;    ///< 1 .. 2^31 - 2
  std::int64_t actions = 4;     ///< per state, >= 1
  std::int64_t successors = 5;  ///< distinct, per row; 1 .. states

  [[nodiscard]] Offset n_rows() const { return states * actions; }
  [[nodiscard]] Offset n_transitions() const { return n_rows() * successors; }
  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Arrays of that shape: offsets filled, the rest sized and not yet written.
[[nodiscard]] MdpArrays sized_arrays(const RandomShape& shape, int threads);

/// Calls f(row, successors of the row, probabilities of the row) for every row, in parallel. f must not throw.
template <class F>
void fill_rows(const RandomShape& shape, MdpArrays& arrays, int threads, F&& f) {
  constexpr Offset rows_per_block = 4096;
  const auto width = static_cast<std::size_t>(shape.successors);
  kernels::parallel_blocks((shape.n_rows() + rows_per_block - 1) / rows_per_block, threads, [&](std::ptrdiff_t block) {
    const Offset last = std::min(shape.n_rows(), (block + 1) * rows_per_block);
    for (Offset row = block * rows_per_block; row < last; ++row) {
      const auto begin = static_cast<std::size_t>(row * shape.successors);
      f(row, std::span(arrays.next_state).subspan(begin, width), std::span(arrays.probability).subspan(begin, width));
    }
  });
}

/// A uniformly distributed set of next.size() distinct states of 0 .. n_states-1, ascending.
/// Expected cost O(k log k), k = next.size(); no memory. Needs 1 <= k <= n_states.
void draw_successors(RandomSequence& random, std::int64_t n_states, std::span<State> next);

/// Uniform spacings: the lengths into which p.size()-1 distinct uniform points of the grid {1, …, n-1}/n,
/// n = 2^grid_bits, cut [0, 1]. Every length is a positive multiple of 1/n and they sum to 1 exactly.
/// Needs p.size() <= 2^(grid_bits-1), grid_bits <= 53.
void draw_probabilities(RandomSequence& random, int grid_bits, std::span<double> p);

}  // namespace mdp::generate
