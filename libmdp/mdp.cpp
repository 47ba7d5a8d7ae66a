#include "libmdp/mdp.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "libmdp/error.hpp"

namespace mdp {
namespace {

void require_discount(const Discount& d) {
  const bool in_range = d.value.hi >= 0.0 && d.value.hi <= 1.0 && d.complement.hi >= 0.0 && d.complement.hi <= 1.0;
  if (!in_range) throw InvalidOption("discount = " + std::to_string(d.value.hi) + ", required 0 <= discount <= 1");
  if (std::abs((d.value + d.complement + TwoDouble(-1.0)).hi) > 0x1p-90) {
    throw InvalidOption("discount and its complement do not sum to 1");
  }
}

}  // namespace

Discount::Discount(double gamma) : value(gamma), complement(two_sum(1.0, -gamma)) { require_discount(*this); }

Discount::Discount(TwoDouble gamma, TwoDouble one_minus_gamma) : value(gamma), complement(one_minus_gamma) {
  require_discount(*this);
}

std::string BuildOptions::check() const {
  if (!(row_sum_tolerance >= 0.0 && row_sum_tolerance < 1.0)) {
    return "row_sum_tolerance = " + std::to_string(row_sum_tolerance) + ", required 0 <= row_sum_tolerance < 1";
  }
  if (max_problems < 1) return "max_problems = " + std::to_string(max_problems) + ", required >= 1";
  if (threads < 0) return "threads = " + std::to_string(threads) + ", required >= 0 (0 = all)";
  return {};
}

std::string Mdp::state_name(State s) const {
  const auto& names = structure_->names.states;
  return names.empty() ? std::to_string(s) : names[static_cast<std::size_t>(s)];
}

std::string Mdp::action_name(Offset row) const {
  const auto& names = structure_->names;
  if (!names.row_action.empty()) {
    const auto id = names.row_action[static_cast<std::size_t>(row)];
    if (id >= 0) return names.actions[static_cast<std::size_t>(id)];
  }
  return std::to_string(row - state_rows()[static_cast<std::size_t>(state_of(row))]);
}

State Mdp::state_of(Offset row) const {
  const auto rows = state_rows();
  return static_cast<State>(std::upper_bound(rows.begin(), rows.end(), row) - rows.begin()) - 1;
}

Mdp Mdp::with_cost(Buffer<double> cost, Buffer<double> tail) const {
  const auto n = static_cast<std::size_t>(n_rows());
  if (cost.size() != n) {
    throw InvalidArgument("cost has " + std::to_string(cost.size()) +
                          " entries, required n_rows = " + std::to_string(n));
  }
  if (!tail.empty() && tail.size() != n) {
    throw InvalidArgument("cost tail has " + std::to_string(tail.size()) + " entries, required 0 or n_rows");
  }
  for (std::size_t row = 0; row < n; ++row) {
    if (std::isnan(cost[row]) || cost[row] == -infinity) {
      const auto r = static_cast<Offset>(row);
      throw InvalidArgument("cost of state " + state_name(state_of(r)) + ", action " + action_name(r) + " is " +
                            std::to_string(cost[row]) + ", required finite or +inf");
    }
  }
  Mdp result = *this;
  result.costs_ = std::make_shared<const Costs>(Costs::of(std::move(cost), std::move(tail)));
  result.entry_error_ = {structure_->probability_error, result.costs_->relative_error, 0.0};
  return result;
}

Mdp Mdp::with_discount(const Discount& discount) const {
  require_discount(discount);
  Mdp result = *this;
  result.discount_ = discount;
  return result;
}

Mdp Mdp::with_objective(Objective objective) const {
  Mdp result = *this;
  result.objective_ = objective;
  return result;
}

Mdp Mdp::with_initial(std::span<const double> initial) const {
  if (initial.size() != static_cast<std::size_t>(n_states())) {
    throw InvalidArgument("initial has " + std::to_string(initial.size()) +
                          " entries, required n_states = " + std::to_string(n_states()));
  }
  Buffer<double> copy(initial.begin(), initial.end());
  if (const auto problem = normalise_initial(copy); !problem.empty()) throw InvalidArgument(problem);
  Mdp result = *this;
  result.initial_ = std::make_shared<const Buffer<double>>(std::move(copy));
  return result;
}

std::string Mdp::normalise_initial(std::span<double> initial) {
  TwoDouble sum;
  for (std::size_t s = 0; s < initial.size(); ++s) {
    if (!(initial[s] >= 0.0 && initial[s] <= infinity) || std::isinf(initial[s])) {
      return "initial probability of state " + std::to_string(s) + " is " + std::to_string(initial[s]) +
             ", required finite and >= 0";
    }
    sum = sum + TwoDouble(initial[s]);
  }
  if (std::abs(sum.hi - 1.0) > 1e-6) {
    return "initial probabilities sum to " + std::to_string(sum.hi) + ", required within 1e-6 of 1";
  }
  if (std::abs((sum + TwoDouble(-1.0)).hi) > static_cast<double>(initial.size()) * unit_roundoff) {
    for (double& p : initial) p /= sum.hi;
  }
  return {};
}

Mdp::Costs Mdp::Costs::of(Buffer<double> cost, Buffer<double> tail) {
  Costs costs;
  for (std::size_t row = 0; row < cost.size(); ++row) {
    const double magnitude = std::abs(cost[row]);
    if (magnitude == infinity) {
      costs.has_infinite = true;
      continue;
    }
    costs.max_abs = std::max(costs.max_abs, magnitude);
    if (!tail.empty() && tail[row] != 0.0) {
      costs.relative_error = std::max(costs.relative_error, std::abs(tail[row]) / magnitude * (1.0 + 0x1p-50));
    }
  }
  costs.cost = std::move(cost);
  costs.cost_tail = std::move(tail);
  return costs;
}

}  // namespace mdp
