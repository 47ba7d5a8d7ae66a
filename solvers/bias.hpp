// solvers/bias.hpp — bias of one policy, multichain, enclosed (internal).
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/two_double.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// lower <= h <= upper, h the bias of the policy: h + g = c + P h, P* h = 0. NaN where it was not computed, -inf and inf where there is
/// no proof.
struct Bias {
  std::vector<double> value, lower, upper;  ///< [n_states]
};

/// \param closed  [n_states] states that the policy does not leave; NaN elsewhere
/// \param start   [n_states] relative values close to those of the policy, or empty
///
/// Few states, or several classes, and little fill. Recurrent classes one by one: relative values of evaluate_gain() less their stationary mean (itself the
/// gain of the chain that pays them); transient states by the gains and biases where they end. All in twice the precision, by
/// elimination, whose relative errors add up to the bounds.
///
/// Many states, one recurrent class. Relative values h~ with gaps c + P h~ - h~ in an interval of width W (iterate_gain()), those of the chain
/// that pays 1 at a recurrent state r and nothing elsewhere, k, and the mean m of h~. Off r the gaps of k are P k - k >= t > 0, so that
/// w = (k(r) - k) / t has w - P w >= 1 there: a bound on the time until r. The error e of h~, as values relative to r, has
/// |e - P e| <= W off r and e(r) = 0, so |e| <= W w, and  |h~ - m - h| <= W (w + max w) + |error of m|.
/// Several classes are solved each like this, transient states by iterate_reduced(): their gain first, the closer the longer the time to a
/// class, then costs less gain until the bias of a class.
[[nodiscard]] Bias bias_of(const Mdp& mdp, std::span<const char> closed, const Policy& policy,
                           const EntryUncertainty& uncertainty, const Accuracy& accuracy, Run& run,
                           std::span<const double> start = {});

}  // namespace mdp::solvers
