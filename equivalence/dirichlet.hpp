// equivalence/dirichlet.hpp — draws from a Dirichlet distribution (internal to the room).
#pragma once

#include <span>

#include "libmdp/random.hpp"

namespace mdp::equivalence {

/// weight <- a draw from Dirichlet(weight), weight [n] > 0: independent Gamma(weight_i, 1) over their sum, as logarithms so that
/// small parameters do not underflow to 0 / 0 (a component below the smallest double becomes 0).
/// Gamma by Marsaglia and Tsang (2000); for parameters below 1 with the boost U^(1/a).
void draw_dirichlet(RandomSequence& random, std::span<double> weight);

}  // namespace mdp::equivalence
