#include "equivalence/policy_rows.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {

PolicyRows::PolicyRows(const Mdp& world, const Mdp& reference, const Discount& discount, const Support& support,
                       const graph::NeighbourGraph* graph, Divergence divergence, const PolicyConstraints& constraints)
    : world_(world),
      reference_(reference),
      discount_(discount),
      support_(support),
      graph_(graph),
      divergence_kind_(divergence),
      constraints_(constraints),
      rows_(static_cast<std::size_t>(world.n_rows())),
      divergence_(rows_.size()),
      multiplier_(rows_.size()) {}

bool PolicyRows::solve(SupportRows& support, RowProjection& project, std::vector<double>& x,
                       std::span<const double> potential, State s, Offset row) {
  const auto i = static_cast<std::size_t>(row);
  support.set(s, row);
  Row& solved = rows_[i];
  solved.states.assign(support.states.begin(), support.states.end());
  solved.p.resize(solved.states.size());
  divergence_[i] = multiplier_[i] = 0.0;
  if (constraints_.has_equation[i] == 0) {
    std::copy(support.r.begin(), support.r.end(), solved.p.begin());
    return true;
  }
  // tau - Phi(s) = ((1 - gamma^) Phi(s) + delta - L) / gamma^
  const double own = potential[static_cast<std::size_t>(s)];
  const TwoDouble offset =
      (discount_.complement * own + TwoDouble(constraints_.margin[i]) - TwoDouble(world_.cost()[i])) / discount_.value;
  double largest = std::abs(own) + std::abs(offset.hi);
  x.resize(solved.states.size());
  TwoDouble moment, mass;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double v = potential[static_cast<std::size_t>(solved.states[k])];
    const bool inside = support.allowed[k] != 0 && v < infinity;
    x[k] = inside ? ((TwoDouble(v) - TwoDouble(own)) - offset).hi : infinity;
    if (!inside) continue;
    largest = std::max(largest, std::abs(v));
    moment = moment + two_product(support.r[k], x[k]);
    mass = mass + TwoDouble(support.r[k]);
  }
  // The reference meets the inequality: without the equation it is nearest.
  const bool is_slack = constraints_.is_optimal[i] == 0 && mass.hi > 0.0 && moment.hi >= 0.0;
  if (is_slack) {
    for (double& v : x) v = v < infinity ? 0.0 : v;
  }
  const double tie = 4.0 * unit_roundoff * largest;
  const Projection projection = project({solved.states, support.r, x, tie, tie}, solved.p);
  if (projection.outcome == RowOutcome::infeasible || std::abs(projection.multiplier) == infinity) return false;
  divergence_[i] = projection.divergence;
  if (!is_slack) multiplier_[i] = projection.multiplier;
  return true;
}

double PolicyRows::operator()(std::span<const double> potential, std::span<double> gradient, int threads) {
  const auto in_block = [&](State first, State last) {
    SupportRows support(support_, world_, reference_, graph_, stays_in_reference(divergence_kind_));
    RowProjection project(divergence_kind_);
    std::vector<double> x;
    for (State s = first; s < last; ++s) {
      const Offset begin = world_.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = begin; row < begin + world_.n_actions(s); ++row) {
        if (!solve(support, project, x, potential, s, row)) return false;
      }
    }
    return true;
  };
  const auto both = [](bool a, bool b) { return a && b; };
  if (!kernels::reduce_states(reference_.blocks(), threads, true, in_block, both)) return infinity;
  // d/dPhi of lambda (tau - E_p[Phi]) per row, in order: the same bits for any number of threads.
  const bool is_square = divergence_kind_ == Divergence::l2;
  std::fill(gradient.begin(), gradient.end(), 0.0);
  TwoDouble sum;
  for (State s = 0; s < world_.n_states(); ++s) {
    const auto begin = static_cast<std::size_t>(world_.state_rows()[static_cast<std::size_t>(s)]);
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(world_.n_actions(s)); ++i) {
      const double d = divergence_[i];
      sum = sum + TwoDouble(is_square ? d * d : d);
      const double lambda = is_square ? 2.0 * d * multiplier_[i] : multiplier_[i];
      if (lambda == 0.0) continue;
      gradient[static_cast<std::size_t>(s)] += lambda / discount_.value.hi;
      for (std::size_t k = 0; k < rows_[i].p.size(); ++k) {
        gradient[static_cast<std::size_t>(rows_[i].states[k])] -= lambda * rows_[i].p[k];
      }
    }
  }
  return sum.value();
}

Transitions PolicyRows::transitions() const {
  Transitions all;
  all.row_begin.push_back(0);
  for (const Row& row : rows_) {
    for (std::size_t k = 0; k < row.p.size(); ++k) {
      if (!(row.p[k] > 0.0)) continue;
      all.next_state.push_back(row.states[k]);
      all.probability.push_back(row.p[k]);
    }
    all.row_begin.push_back(static_cast<Offset>(all.next_state.size()));
  }
  return all;
}

}  // namespace mdp::equivalence
