// libmdp/types.hpp — the number types every room uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace mdp {

/// Position of a state, 0 .. n_states-1. At most 2^31 - 1 states.
using State = std::int32_t;

/// Position of an action within its state, 0 .. (number of rows of the state)-1.
using Action = std::int32_t;

/// Position of a row or of a transition: 64 bits, models beyond 2^31 transitions work.
using Offset = std::int64_t;

/// A position as an index into a standard container.
[[nodiscard]] constexpr std::size_t at(Offset i) { return static_cast<std::size_t>(i); }

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// Marks a number that nobody computed; poisons arithmetic on purpose.
inline constexpr double not_computed = std::numeric_limits<double>::quiet_NaN();

/// Unit roundoff of double, 2^-53: |fl(x) - x| <= unit_roundoff * |x| (no underflow).
inline constexpr double unit_roundoff = 0x1p-53;

/// The sense of the file a model came from. Costs are minimised everywhere inside.
enum class Objective { minimize, maximize };

}  // namespace mdp
