#include "solvers/anderson.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/Dense>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/system.hpp"
#include "solvers/centre.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

constexpr std::size_t depth = 5;

}  // namespace

Outcome Anderson::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  memory_.clear();
  double best_span = infinity;
  std::vector<double> best_tv;
  bool plain = true;  // V is the TV of the best so far, or the start
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    const double span = span_of(iterate.residual);
    if (plain || span <= mdp.discount() * best_span) {
      best_span = span;
      best_tv = iterate.tv;
      remember(mdp, iterate, run);
      iterate.v = combine(mdp, run);
      plain = memory_.size() == 1;
    } else {
      memory_.clear();
      iterate.v = best_tv;
      plain = true;
    }
    iterate.size = centre(mdp, iterate.v, run.threads());
    return true;
  });
}

void Anderson::remember(const Mdp& mdp, const Iterate& it, const Run& run) {
  Step step{it.tv, std::vector<double>(it.v.size(), 0.0)};
  const double middle = middle_of(it.residual);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      if (it.v[s] < infinity) step.residual[s] = it.tv[s] - it.v[s] - middle;
    }
  });
  memory_.push_back(std::move(step));
  if (memory_.size() > depth) memory_.pop_front();
}

// sum_i a_i TV_i, sum a_i = 1, the last a from the others: minimise |f_m + sum_i<m a_i (f_i - f_m)|.
std::vector<double> Anderson::combine(const Mdp& mdp, const Run& run) const {
  const Step& newest = memory_.back();
  const auto m = static_cast<Eigen::Index>(memory_.size()) - 1;
  std::vector<double> v = newest.tv;
  if (m == 0) return v;
  const auto product = [&](Eigen::Index i, Eigen::Index j) {
    return kernels::dot(mdp.blocks(), memory_[static_cast<std::size_t>(i)].residual,
                        memory_[static_cast<std::size_t>(j)].residual, run.threads());
  };
  Eigen::MatrixXd gram(m + 1, m + 1);
  for (Eigen::Index i = 0; i <= m; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) gram(i, j) = gram(j, i) = product(i, j);
  }
  Eigen::MatrixXd normal(m, m);
  Eigen::VectorXd right(m);
  for (Eigen::Index i = 0; i < m; ++i) {
    for (Eigen::Index j = 0; j < m; ++j) normal(i, j) = gram(i, j) - gram(i, m) - gram(m, j) + gram(m, m);
    right(i) = gram(m, m) - gram(i, m);
  }
  const Eigen::VectorXd a = normal.completeOrthogonalDecomposition().solve(right);
  if (!a.allFinite()) return v;
  for (Eigen::Index i = 0; i < m; ++i) {
    const Step& old = memory_[static_cast<std::size_t>(i)];
    kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
      for (State s = first; s < last; ++s) {
        if (newest.tv[s] < infinity) v[s] += a(i) * (old.tv[s] - newest.tv[s]);
      }
    });
  }
  return v;
}

}  // namespace mdp::solvers
