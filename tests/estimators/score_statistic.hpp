#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::tests {

/// E1 as it is written, densely: out[0] = G = sum_k gamma^k L_k, out[1 + row] = Gamma = sum_k gamma^k L_k
/// sum_{t<=k} sigma_t - sum_t gamma^t b(s_t) sigma_t for every logit. `out` holds zeros before.
inline void score_statistic(const Mdp& m, std::span<const double> policy, std::span<const double> baseline,
                            std::span<const State> state, std::span<const Offset> row, std::span<double> out) {
  std::vector<double> score_sum(policy.size());
  double power = 1.0;
  for (std::size_t k = 0; k < row.size(); ++k, power *= m.discount()) {
    std::vector<double> score(policy.size());
    score[static_cast<std::size_t>(row[k])] = 1.0;
    for (Offset r = m.state_rows()[state[k]]; r < m.state_rows()[state[k] + 1]; ++r) score[r] -= policy[r];
    const double discounted_cost = power * m.cost()[row[k]];
    const double b = baseline.empty() ? 0.0 : baseline[static_cast<std::size_t>(state[k])];
    out[0] += discounted_cost;
    for (std::size_t r = 0; r < score.size(); ++r) {
      score_sum[r] += score[r];
      out[1 + r] += discounted_cost * score_sum[r] - power * b * score[r];
    }
  }
}

}  // namespace mdp::tests
