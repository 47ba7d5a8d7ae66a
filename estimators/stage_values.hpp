// estimators/stage_values.hpp — exact values and occupancies of the N-stage problem, stage by stage.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// Of the objective J_N = E sum_{k<N} gamma^k L(s_k, a_k) under a policy.
class StageValues {
 public:
  /// \param cost  [n_rows] L, finite where the policy goes
  /// O(horizon * n_transitions) time, horizon * (n_rows + 2 n_states) doubles.
  /// \throws InvalidArgument if that is more than `max_doubles`.
  StageValues(const Mdp& mdp, std::span<const double> policy, std::span<const double> cost, std::int64_t horizon,
              int threads = 0, double max_doubles = 2.5e8);

  [[nodiscard]] std::int64_t horizon() const { return horizon_; }
  /// V_t [n_states], the discounted sum from stage t on, 0 <= t <= N; V_N = 0.
  [[nodiscard]] std::span<const double> values(std::int64_t t) const { return slice(values_, t, n_states_); }
  /// E[V_{t+1} | s, a] [n_rows], 0 <= t < N; Q_t = L + gamma times it.
  [[nodiscard]] std::span<const double> next_mean(std::int64_t t) const { return slice(next_mean_, t, n_rows_); }
  /// P(s_t = s) [n_states], 0 <= t < N.
  [[nodiscard]] std::span<const double> occupancy(std::int64_t t) const { return slice(occupancy_, t, n_states_); }
  /// J_N.
  [[nodiscard]] double performance() const { return performance_; }

 private:
  [[nodiscard]] static std::span<const double> slice(const std::vector<double>& x, std::int64_t t, std::size_t n) {
    return std::span(x).subspan(static_cast<std::size_t>(t) * n, n);
  }

  std::int64_t horizon_;
  std::size_t n_states_, n_rows_;
  std::vector<double> values_, next_mean_, occupancy_;
  double performance_ = 0.0;
};

}  // namespace mdp::estimators
