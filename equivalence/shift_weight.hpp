// equivalence/shift_weight.hpp — what the constant of T7 counts in the equation of a row (internal to the room).
#pragma once

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// E_p[V*] = (gamma E_rho[V*] + w c) / gamma^,  w = 1 - gamma^ for Q^* = Q* + c; for gamma^ = 1, where a constant changes nothing,
/// c is the gain that the average criterion takes in its place, and w = 1.
[[nodiscard]] inline TwoDouble shift_weight(const Discount& discount) {
  return discount.complement.hi > 0.0 ? discount.complement : TwoDouble(1.0);
}

}  // namespace mdp::equivalence
