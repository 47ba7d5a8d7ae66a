// equivalence/relative_entropy.hpp — KL of two distributions without cancellation (internal to the room).
#pragma once

#include <span>

namespace mdp::equivalence {

/// sum p log(p/r) in nats, >= 0; +inf if p > 0 = r somewhere. Both sum to 1 but for rounding: summed as
/// p log(p/r) - p + r >= 0, each term by its series where p is near r.
[[nodiscard]] double relative_entropy(std::span<const double> p, std::span<const double> r);

/// Divides p by its sum.
void normalise(std::span<double> p);

}  // namespace mdp::equivalence
