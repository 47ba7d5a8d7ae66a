// libmdp/generate/dyadic.hpp — the arithmetic of generators that use formulas: the same bits on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libmdp/builder.hpp"

namespace mdp::generate {

/// Grid on which generated probabilities lie unless said otherwise: multiples of 2^-40.
inline constexpr int probability_grid_bits = 40;

/// Rounds probabilities that sum to about 1 to multiples of 2^-grid_bits that sum to 1 exactly: each to the nearest,
/// what is missing to the largest (the first of them). Entries below half a step become 0.
/// Needs p >= 0, |sum - 1| <= 2^-grid_bits p.size(), p.size()^2 < 2^grid_bits / 2, grid_bits <= 52.
void round_to_grid(std::span<double> p, int grid_bits = probability_grid_bits);

/// P(k successes in n trials), k = 0 .. n, with relative errors of a few n units in the last place: by the ratios of
/// neighbours, from the mode outwards, then divided by the sum. Only + - * /, which IEEE 754 rounds alike everywhere.
/// Needs n >= 0, 0 <= p <= 1.
[[nodiscard]] std::vector<double> binomial(std::int64_t n, double p);

/// sin x for |x| <= 3.2, error below 2^-50: a Taylor polynomial, since std::sin differs between libraries.
[[nodiscard]] double sine(double x);

/// Adds the row's successors: next[k] with probability p[k], rounded to the grid; duplicates are added up.
void add_rounded(MdpBuilder& builder, std::span<const std::int64_t> next, std::span<double> p);

}  // namespace mdp::generate
