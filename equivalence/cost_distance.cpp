#include "equivalence/cost_distance.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::equivalence {
namespace {

using kernels::AccurateRow;

// c + gamma E[V(s') - V(s)] - (1 - gamma) V(s).
double advantage(const Mdp& mdp, const AccurateRow& rows, State s, Offset row, std::span<const double> v) {
  const TwoDouble own = v[static_cast<std::size_t>(s)];
  const Discount& discount = mdp.exact_discount();
  const TwoDouble moved = discount.value.hi > 0.0 ? discount.value * rows.expectation(row, v, own) : TwoDouble();
  return (rows.cost(row) + moved - discount.complement * own).hi;
}

double norm(std::span<const double> x) {
  double largest = 0.0;
  for (const double value : x) {
    if (value < infinity) largest = std::max(largest, std::abs(value));
  }
  if (largest == 0.0) return 0.0;
  double sum = 0.0;
  for (const double value : x) {
    if (value < infinity) sum += (value / largest) * (value / largest);
  }
  return largest * std::sqrt(sum);
}

}  // namespace

CanonicalCost canonical_cost(const Mdp& mdp, std::span<const double> policy, const solvers::SolveOptions& options) {
  const StochasticPolicy uniform = policy.empty() ? uniform_policy(mdp) : StochasticPolicy();
  const auto evaluated = solvers::evaluate(mdp, policy.empty() ? std::span<const double>(uniform) : policy, options);
  CanonicalCost result;
  result.status = evaluated.status;
  result.level = evaluated.level;
  result.message = evaluated.message;
  const AccurateRow rows(mdp);
  result.cost.resize(static_cast<std::size_t>(mdp.n_rows()));
  double size = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const double value = evaluated.values[static_cast<std::size_t>(s)];
    if (!std::isfinite(value)) {
      throw InvalidArgument("canonical cost: the policy's value of state " + mdp.state_name(s) + " is infinite");
    }
    size = std::max(size, std::abs(value));
    const Offset first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + mdp.n_actions(s); ++row) {
      const auto r = static_cast<std::size_t>(row);
      result.cost[r] = mdp.cost()[r] == infinity ? infinity : advantage(mdp, rows, s, row, evaluated.values);
    }
  }
  if (evaluated.level == Level::certified) {
    // An error e of V moves Q by gamma e and V by e; the sums are those of AccurateRow, and a last rounding.
    const double largest = 2.0 * (size + mdp.max_abs_cost());
    result.error_bound =
        bounds::round_up(2.0 * evaluated.value_error_bound + 2.0 * unit_roundoff * largest +
                         AccurateRow::error(mdp.max_row_length() + 4, 4.0 * largest) + mdp.entry_error().cost_absolute);
  }
  return result;
}

CostDistance cost_distance(const Mdp& first, std::span<const double> second, std::span<const double> policy,
                           const solvers::SolveOptions& options) {
  if (static_cast<Offset>(second.size()) != first.n_rows()) {
    throw InvalidArgument(fmt::format("cost distance: {} costs, required {}", second.size(), first.n_rows()));
  }
  for (std::size_t row = 0; row < second.size(); ++row) {
    if (std::isfinite(second[row]) == std::isfinite(first.cost()[row])) continue;
    throw InvalidArgument("cost distance: state " + first.state_name(first.state_of(static_cast<Offset>(row))) +
                          ", action " + first.action_name(static_cast<Offset>(row)) +
                          ": one of the costs is infinite, the other is not");
  }
  const Mdp other = first.with_cost(Buffer<double>(second.begin(), second.end()));
  const CanonicalCost a = canonical_cost(first, policy, options);
  const CanonicalCost b = canonical_cost(other, policy, options);
  CostDistance result;
  result.status = a.status == Status::converged ? b.status : a.status;
  result.message = a.status == Status::converged ? b.message : a.message;
  result.norm_first = norm(a.cost);
  result.norm_second = norm(b.cost);
  std::vector<double> difference;
  for (std::size_t row = 0; row < a.cost.size(); ++row) {
    if (a.cost[row] == infinity) continue;
    const double x = result.norm_first > 0.0 ? a.cost[row] / result.norm_first : 0.0;
    const double y = result.norm_second > 0.0 ? b.cost[row] / result.norm_second : 0.0;
    difference.push_back(x - y);
  }
  result.value = std::min(1.0, 0.5 * norm(difference));
  result.range = {0.0, 1.0};
  // x/|x| moves by at most 2 |e| / |x| when x moves by e; |e| <= sqrt(n) error_bound.
  const double root = std::sqrt(static_cast<double>(a.cost.size()));
  const double n = 8.0 + static_cast<double>(a.cost.size());
  const double moved = bounds::round_up(
      root * (a.error_bound / result.norm_first + b.error_bound / result.norm_second) + 4.0 * n * unit_roundoff);
  if (moved < 1.0) {  // false where something is not computed or a form is not told from 0
    result.range = {std::max(0.0, bounds::round_down(result.value - moved)),
                    std::min(1.0, bounds::round_up(result.value + moved))};
  }
  return result;
}

}  // namespace mdp::equivalence
