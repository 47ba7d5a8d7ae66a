// libmdp/kernels/linear_recursion.hpp — first and second moments of a random linear recursion along a trajectory.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// E x y^T of two records of d numbers, column by column. With y[0] = 1 its first column is E x.
template <std::size_t d>
using SecondMoments = std::array<double, d * d>;

/// out += weight * A m B^T, where a(column) and b(column) multiply a column of d numbers by A and by B in place: d
/// applications of each.
template <std::size_t d, class A, class B>
void add_congruence(const A& a, const B& b, const SecondMoments<d>& m, double weight, SecondMoments<d>& out) {
  std::array<std::array<double, d>, d> transposed;  // of A m, so that its columns are the rows of A m
  for (std::size_t k = 0; k < d; ++k) {
    std::array<double, d> column;
    for (std::size_t i = 0; i < d; ++i) column[i] = m[k * d + i];
    a(column.data());
    for (std::size_t i = 0; i < d; ++i) transposed[i][k] = column[i];
  }
  for (std::size_t i = 0; i < d; ++i) {
    b(transposed[i].data());
    for (std::size_t k = 0; k < d; ++k) out[k * d + i] += weight * transposed[i][k];
  }
}

/// One stage back: now(s) = sum_a mu(a|s) sum_s' p(s'|s,a) A next(s') B^T, A and B the maps of the step (s, a, s').
/// \param policy  [n_rows] mu   \param next, now  [n_states]
/// \param first   first(s, row, entry) is A, applied in place; entry = -1 where `last`: the successor does not matter
/// \param second  the same for B
/// Reads 12 B per transition and gathers d^2 doubles; makes each map once per transition and applies it d times.
template <std::size_t d, class First, class Second>
void second_moments_back(const Mdp& mdp, std::span<const double> policy, bool last, const First& first,
                         const Second& second, std::span<const SecondMoments<d>> next, std::span<SecondMoments<d>> now,
                         int threads) {
  for_states(mdp.blocks(), threads, [&](State begin, State end) {
    for (State s = begin; s < end; ++s) {
      SecondMoments<d>& out = now[static_cast<std::size_t>(s)];
      out.fill(0.0);
      for (Offset row = mdp.state_rows()[static_cast<std::size_t>(s)];
           row < mdp.state_rows()[static_cast<std::size_t>(s) + 1]; ++row) {
        const double pi = policy[static_cast<std::size_t>(row)];
        if (pi == 0.0) continue;
        if (last) {
          add_congruence<d>(first(s, row, Offset{-1}), second(s, row, Offset{-1}), next[0], pi, out);
          continue;
        }
        for (Offset k = mdp.row_begin()[static_cast<std::size_t>(row)];
             k < mdp.row_begin()[static_cast<std::size_t>(row) + 1]; ++k) {
          const auto i = static_cast<std::size_t>(k);
          add_congruence<d>(first(s, row, k), second(s, row, k), next[static_cast<std::size_t>(mdp.next_state()[i])],
                            pi * mdp.probability()[i], out);
        }
      }
    }
  });
}

/// The same for E x alone: now(s) = sum_a mu(a|s) sum_s' p(s'|s,a) A next(s'). \param next, now  [n_states] records
template <std::size_t d, class Map>
void means_back(const Mdp& mdp, std::span<const double> policy, bool last, const Map& map,
                std::span<const std::array<double, d>> next, std::span<std::array<double, d>> now, int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State end) {
    for (State s = first; s < end; ++s) {
      std::array<double, d>& out = now[static_cast<std::size_t>(s)];
      out.fill(0.0);
      const auto add = [&](Offset row, Offset entry, const std::array<double, d>& from, double weight) {
        std::array<double, d> x = from;
        map(s, row, entry)(x.data());
        for (std::size_t i = 0; i < d; ++i) out[i] += weight * x[i];
      };
      for (Offset row = mdp.state_rows()[static_cast<std::size_t>(s)];
           row < mdp.state_rows()[static_cast<std::size_t>(s) + 1]; ++row) {
        const double pi = policy[static_cast<std::size_t>(row)];
        if (pi == 0.0) continue;
        if (last) {
          add(row, -1, next[0], pi);
          continue;
        }
        for (Offset k = mdp.row_begin()[static_cast<std::size_t>(row)];
             k < mdp.row_begin()[static_cast<std::size_t>(row) + 1]; ++k) {
          const auto i = static_cast<std::size_t>(k);
          add(row, k, next[static_cast<std::size_t>(mdp.next_state()[i])], pi * mdp.probability()[i]);
        }
      }
    }
  });
}

}  // namespace mdp::kernels
