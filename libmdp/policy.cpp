#include "libmdp/policy.hpp"

#include <cmath>

#include "libmdp/error.hpp"

namespace mdp {
namespace {

void require_length(std::size_t length, Offset required, const char* what) {
  if (length != static_cast<std::size_t>(required)) {
    throw InvalidArgument("policy has " + std::to_string(length) + " entries, required " + what + " = " +
                          std::to_string(required));
  }
}

}  // namespace

void require_valid(const Mdp& mdp, std::span<const Action> policy) {
  require_length(policy.size(), mdp.n_states(), "n_states");
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Action a = policy[static_cast<std::size_t>(s)];
    if (a < 0 || a >= mdp.n_actions(s)) {
      throw InvalidArgument("policy names action " + std::to_string(a) + " in state " + mdp.state_name(s) +
                            ", required 0 <= action < " + std::to_string(mdp.n_actions(s)));
    }
  }
}

void require_valid(const Mdp& mdp, const RandomisedPolicy& policy) {
  require_length(policy.probability.size(), mdp.n_rows(), "n_rows");
  if (!policy.tail.empty()) require_length(policy.tail.size(), mdp.n_rows(), "n_rows, or no tail,");
  const auto rows = mdp.state_rows();
  for (State s = 0; s < mdp.n_states(); ++s) {
    double sum = 0.0;
    for (Offset row = rows[static_cast<std::size_t>(s)]; row < rows[static_cast<std::size_t>(s) + 1]; ++row) {
      const auto [p, tail] = policy[row];
      if (!(p >= 0.0 && p <= 1.0 + 1e-9)) {
        throw InvalidArgument("policy gives action " + mdp.action_name(row) + " of state " + mdp.state_name(s) +
                              " probability " + std::to_string(p) + ", required 0 <= probability <= 1");
      }
      if (!(std::abs(tail) <= 0x1p-53 * p)) {
        throw InvalidArgument("policy probability of action " + mdp.action_name(row) + " of state " +
                              mdp.state_name(s) + " has tail " + std::to_string(tail) +
                              ", required at most half a unit in the last place of " + std::to_string(p));
      }
      sum += p;
    }
    if (!(std::abs(sum - 1.0) <= 1e-9)) {
      throw InvalidArgument("policy probabilities of state " + mdp.state_name(s) + " sum to " + std::to_string(sum) +
                            ", required within 1e-9 of 1");
    }
  }
}

StochasticPolicy to_stochastic(const Mdp& mdp, std::span<const Action> policy) {
  require_valid(mdp, policy);
  StochasticPolicy result(static_cast<std::size_t>(mdp.n_rows()), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) result[static_cast<std::size_t>(selected_row(mdp, policy, s))] = 1.0;
  return result;
}

StochasticPolicy uniform_policy(const Mdp& mdp) {
  StochasticPolicy result(static_cast<std::size_t>(mdp.n_rows()));
  const auto rows = mdp.state_rows();
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = rows[static_cast<std::size_t>(s)]; row < rows[static_cast<std::size_t>(s) + 1]; ++row) {
      result[static_cast<std::size_t>(row)] = 1.0 / static_cast<double>(mdp.n_actions(s));
    }
  }
  return result;
}

std::vector<double> in_sense(Objective objective, std::span<const double> costs) {
  std::vector<double> result(costs.begin(), costs.end());
  if (objective == Objective::maximize) {
    for (double& x : result) x = x == 0.0 ? 0.0 : -x;
  }
  return result;
}

}  // namespace mdp
