#pragma once

#include "libmdp/mdp.hpp"

namespace mdp::tests {

/// CHECKs that two MDPs agree in every array, number (to the bit) and name.
/// \param tails  also in the tails of probabilities and costs, and the digits of the discount beyond double.
void check_same_bits(const Mdp& a, const Mdp& b, bool tails = true);

}  // namespace mdp::tests
