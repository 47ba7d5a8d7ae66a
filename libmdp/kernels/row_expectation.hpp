// libmdp/kernels/row_expectation.hpp — the expectation of several quantities of the next state at once.
#pragma once

#include <cstddef>

#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// out_j = sum p x_j(s') over the transitions of a row, successors ascending, one accumulator each, j < width.
/// \param x  [n_states * width], the quantities of a state side by side
/// Traffic: 12 B per transition, plus the gathers of `width` doubles; the inner loop vectorises.
inline void row_expectation(const Mdp& mdp, Offset row, const double* x, std::size_t width, double* out) {
  const Offset* begin = mdp.row_begin().data() + row;
  for (std::size_t j = 0; j < width; ++j) out[j] = 0.0;
  for (Offset k = begin[0]; k < begin[1]; ++k) {
    const double p = mdp.probability()[static_cast<std::size_t>(k)];
    const double* next = x + static_cast<std::size_t>(mdp.next_state()[static_cast<std::size_t>(k)]) * width;
    for (std::size_t j = 0; j < width; ++j) out[j] += p * next[j];
  }
}

}  // namespace mdp::kernels
