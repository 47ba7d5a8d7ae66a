#include "estimators/truncation.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "estimators/final_states.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

/// Upper bound of P(s_N is not final): u_N = P_pi^N u_0 backwards from u_0 = 1 outside final states. Each stage adds and
/// multiplies non-negative numbers, `terms` roundings deep, those of probabilities and policy included.
double not_final_probability(const Mdp& mdp, std::span<const double> policy, std::int64_t horizon, int threads) {
  const std::vector<char> is_final = final_states(mdp);
  std::vector<double> u(at(mdp.n_states())), before(u.size());
  Offset most_actions = 0;
  for (State s = 0; s < mdp.n_states(); ++s) {
    u[at(s)] = is_final[at(s)] != 0 ? 0.0 : 1.0;
    most_actions = std::max(most_actions, mdp.n_actions(s));
  }
  for (std::int64_t t = 0; t < horizon; ++t) {
    kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
      for (State s = first; s < last; ++s) {
        double sum = 0.0;
        for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
          if (policy[at(row)] == 0.0) continue;
          double next = 0.0;
          kernels::row_expectation(mdp, row, u.data(), 1, &next);
          sum += policy[at(row)] * next;
        }
        before[at(s)] = sum;
      }
    });
    u.swap(before);
  }
  double alpha = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) alpha += mdp.initial()[at(s)] * u[at(s)];
  const Offset terms = mdp.max_row_length() + most_actions + 4;
  const double rounding =
      bounds::rounding(terms * horizon + mdp.n_states()) + static_cast<double>(horizon) * mdp.entry_error().probability;
  return std::min(1.0, alpha * (1.0 + 2.0 * rounding) + 0x1p-1000);
}

struct CostRange {
  double min = infinity;
  double max = -infinity;
};

CostRange finite_cost_range(const Mdp& mdp) {
  CostRange range;
  for (const double cost : mdp.cost()) {
    if (cost == infinity) continue;
    range.min = std::min(range.min, cost);
    range.max = std::max(range.max, cost);
  }
  return range;
}

}  // namespace

TruncationBounds truncation_bounds(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon,
                                   int threads) {
  const double complement = mdp.exact_discount().complement.hi;
  const CostRange cost = finite_cost_range(mdp);
  if (complement == 0.0 || cost.min > cost.max) return {};
  const double n = static_cast<double>(horizon);
  const double alpha = not_final_probability(mdp, stochastic_policy, horizon, threads);
  const double span = cost.max - cost.min;
  const double from_span = span / 4.0 * (n + 1.0 / complement);
  const double from_alpha = alpha * (n * mdp.max_abs_cost() + span / (4.0 * complement));
  // gamma's own rounding enters N times; pow is within 2 ulp; the rest are some ten operations.
  const double factor = std::pow(mdp.discount(), n) / complement * (1.0 + n * 0x1p-52) * (1.0 + 0x1p-40);
  return {factor * alpha * mdp.max_abs_cost(), factor * std::min(from_span, from_alpha)};
}

}  // namespace mdp::estimators
