// tests/oracles/fifty_digits.hpp — differences in numbers of fifty digits: twenty of them are left.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include "libmdp/mdp.hpp"
#include "tests/oracles/raw_mdp.hpp"

namespace mdp::oracles {

using Fifty = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<50>, boost::multiprecision::et_off>;

/// Central difference at 0, error h^2 = 1e-36 times a third derivative: steps far below 1 - gamma.
inline double difference(const std::function<Fifty(Fifty)>& f) {
  const Fifty h = Fifty(1e-18);
  return static_cast<double>((f(h) - f(-h)) / (2 * h));
}
/// d^2 f/dx dy at 0.
inline double mixed_difference(const std::function<Fifty(Fifty, Fifty)>& f) {
  const Fifty h = Fifty(1e-15);
  return static_cast<double>((f(h, h) - f(h, -h) - f(-h, h) + f(-h, -h)) / (4 * h * h));
}

/// pi of logits: softmax mixed with `exploration` of the uniform policy.
inline std::vector<Fifty> policy_of(const RawMdp<Fifty>& r, const std::vector<Fifty>& logits,
                                    double exploration = 0.0) {
  std::vector<Fifty> policy(logits.size());
  for (State s = 0; s < r.n_states(); ++s) {
    Fifty sum(0.0);
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) sum += policy[row] = exp(logits[row]);
    const Fifty n(static_cast<double>(r.state_rows[s + 1] - r.state_rows[s]));
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
      policy[row] = Fifty(1.0 - exploration) * policy[row] / sum + Fifty(exploration) / n;
    }
  }
  return policy;
}

/// rho0^T V of a policy, with an entropy term of weight beta.
inline Fifty performance(RawMdp<Fifty> r, std::span<const double> initial, const std::vector<Fifty>& policy,
                         double beta = 0.0) {
  for (std::size_t row = 0; row < policy.size(); ++row) {
    if (beta > 0.0) r.cost[row] += Fifty(beta) * log(policy[row]);
  }
  const std::vector<Fifty> v = policy_values(r, policy);
  Fifty j(0.0);
  for (std::size_t s = 0; s < v.size(); ++s) j += Fifty(initial[s]) * v[s];
  return j;
}

/// Entries moved along a direction given as a list: costs, probabilities, discount.
inline RawMdp<Fifty> moved(const Mdp& mdp, std::span<const double> direction, const Fifty& by) {
  RawMdp<Fifty> r = raw<Fifty>(mdp);
  for (std::size_t e = 0; e < direction.size(); ++e) entry(r, e) += by * Fifty(direction[e]);
  return r;
}

}  // namespace mdp::oracles
