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

/// x(s') += weight p(s') over the transitions of a row: the transposed product, one row at a time.
inline void add_row(const Mdp& mdp, Offset row, double weight, double* x) {
  const Offset* begin = mdp.row_begin().data() + row;
  for (Offset k = begin[0]; k < begin[1]; ++k) {
    x[static_cast<std::size_t>(mdp.next_state()[static_cast<std::size_t>(k)])] +=
        weight * mdp.probability()[static_cast<std::size_t>(k)];
  }
}

/// sum p(s') x(s') y(entry) over the transitions of a row. \param y  [n_transitions]
inline double row_expectation_of_product(const Mdp& mdp, Offset row, const double* x, const double* y) {
  const Offset* begin = mdp.row_begin().data() + row;
  double sum = 0.0;
  for (Offset k = begin[0]; k < begin[1]; ++k) {
    const auto i = static_cast<std::size_t>(k);
    sum += mdp.probability()[i] * x[static_cast<std::size_t>(mdp.next_state()[i])] * y[i];
  }
  return sum;
}

}  // namespace mdp::kernels
