#include "estimators/critic.hpp"

#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {

Critic::Critic(const Problem& problem, std::vector<double> q) : problem_(&problem), q_(std::move(q)) {
  const Mdp& mdp = problem.mdp();
  value_.assign(at(mdp.n_states()), 0.0);
  next_mean_.assign(at(mdp.n_rows()), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      value_[at(s)] += problem.policy()[at(row)] * q_[at(row)];
    }
  }
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    kernels::row_expectation(mdp, row, value_.data(), 1, &next_mean_[at(row)]);
  }
}

}  // namespace mdp::estimators
