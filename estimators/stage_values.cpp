#include "estimators/stage_values.hpp"

#include <cstdio>
#include <string>

#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

void require_memory(double doubles, double most) {
  if (doubles <= most) return;
  throw InvalidArgument("the values of all stages take " + std::to_string(static_cast<std::int64_t>(doubles * 8e-6)) +
                        " MB, at most " + std::to_string(static_cast<std::int64_t>(most * 8e-6)) +
                        " MB are allowed: take fewer stages");
}

}  // namespace

StageValues::StageValues(const Mdp& mdp, std::span<const double> policy, std::span<const double> cost,
                         std::int64_t horizon, int threads, double max_doubles)
    : horizon_(horizon), n_states_(at(mdp.n_states())), n_rows_(at(mdp.n_rows())) {
  const double stages = static_cast<double>(horizon) + 1.0;
  require_memory(stages * (static_cast<double>(n_rows_) + 2.0 * static_cast<double>(n_states_)), max_doubles);
  values_.assign(at(horizon + 1) * n_states_, 0.0);
  next_mean_.assign(at(horizon) * n_rows_, 0.0);
  occupancy_.assign(at(horizon) * n_states_, 0.0);
  for (std::int64_t t = horizon; t-- > 0;) {
    const double* next = values_.data() + at(t + 1) * n_states_;
    kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
      for (State s = first; s < last; ++s) {
        double& value = values_[at(t) * n_states_ + at(s)];
        for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
          double& mean = next_mean_[at(t) * n_rows_ + at(row)];
          kernels::row_expectation(mdp, row, next, 1, &mean);
          if (policy[at(row)] > 0.0) value += policy[at(row)] * (cost[at(row)] + mdp.discount() * mean);
        }
      }
    });
  }
  for (std::size_t s = 0; s < n_states_; ++s) {
    occupancy_[s] = mdp.initial()[s];
    if (occupancy_[s] > 0.0) performance_ += occupancy_[s] * values_[s];
  }
  for (std::int64_t t = 0; t + 1 < horizon; ++t) {
    const double* now = occupancy_.data() + at(t) * n_states_;
    double* next = occupancy_.data() + at(t + 1) * n_states_;
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (now[at(s)] == 0.0) continue;
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        kernels::add_row(mdp, row, now[at(s)] * policy[at(row)], next);
      }
    }
  }
}

}  // namespace mdp::estimators
