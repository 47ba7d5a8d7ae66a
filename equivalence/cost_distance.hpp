// equivalence/cost_distance.hpp — canonical forms of costs, and how far costs are apart up to shaping.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// The canonical form of a cost: its advantages under one fixed policy,
///     C(L)(s,a) = Q^pi(s,a) - V^pi(s),   Q^pi = L + gamma P V^pi.
/// Costs that differ by potential shaping Phi - gamma P Phi have the same form, C(shaping) = 0, and C(C(L)) = C(L): it is the
/// value-adjusted levelling of STARC (Skalse et al. 2024), averages over pi * rho where EPIC (Gleave et al. 2021) takes fixed
/// laws of states.
struct CanonicalCost {
  Status status = Status::not_run;  ///< of the evaluation of the policy
  Level level = Level::approximate;
  std::string message;
  std::vector<double> cost;           ///< [n_rows] C(L); +inf where L is
  double error_bound = not_computed;  ///< of each finite entry, proved
};

/// \param policy  [n_rows] the fixed policy; empty: uniform over the actions of a state
/// \throws InvalidArgument as solvers::evaluate(); also where V^pi is infinite somewhere.
[[nodiscard]] CanonicalCost canonical_cost(const Mdp& mdp, std::span<const double> policy = {},
                                           const solvers::SolveOptions& options = {});

/// The standardised difference of two costs on the same transitions and discount:
///     d(L1, L2) = 1/2 | C(L1)/|C(L1)| - C(L2)/|C(L2)| |  in the Euclidean norm, in [0, 1]
/// (a form that is 0 counts as 0/0 := 0). d = 0 iff the costs differ by shaping and a positive factor; 1 for opposites.
struct CostDistance {
  Status status = Status::not_run;
  std::string message;
  double value = not_computed;
  bounds::Interval range;                                        ///< encloses the distance
  double norm_first = not_computed, norm_second = not_computed;  ///< |C(L1)|, |C(L2)|
};

/// \param first   transitions, discount and L1
/// \param second  L2 [n_rows], finite as those of `first`
/// \throws InvalidArgument.
[[nodiscard]] CostDistance cost_distance(const Mdp& first, std::span<const double> second,
                                         std::span<const double> policy = {},
                                         const solvers::SolveOptions& options = {});

}  // namespace mdp::equivalence
