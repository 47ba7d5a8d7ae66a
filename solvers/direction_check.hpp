// solvers/direction_check.hpp — what is asked of vectors that are put into derivatives.
#pragma once

#include <cstdint>
#include <span>

#include "libmdp/mdp.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// \throws InvalidArgument "name: 3 entries, 4 expected".
void require_size(const char* name, std::size_t size, std::int64_t wanted);
/// \throws InvalidArgument naming the first entry that is not finite.
void require_finite(const char* name, std::span<const double> x);
/// \throws InvalidArgument unless the direction has the shape of the MDP and finite entries.
void require_direction(const Mdp& mdp, const EntryDirection& direction);

}  // namespace mdp::solvers
