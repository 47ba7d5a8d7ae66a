#include "solvers/in_real_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

// f(s, row) for every row.
template <class F>
void for_rows(const Mdp& mdp, F&& f) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) f(s, row);
  }
}

// States that the chain of the rows with `taken(row)` reaches from the initial distribution.
template <class Taken>
graph::StateSet visited(const Mdp& mdp, Taken&& taken) {
  graph::RowMask usable(mdp.n_rows());
  for (Offset row = 0; row < mdp.n_rows(); ++row) usable[row] = taken(row) ? 1 : 0;
  return graph::reachable_states(mdp, usable);
}

// sum weight x, compensated; weight 0 does not count.
double weighted_sum(std::span<const double> weight, std::span<const double> x) {
  TwoDouble sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (weight[i] != 0.0) sum = sum + two_product(weight[i], x[i]);
  }
  return sum.value();
}

// The linearisation at V^pi when pi itself is known up to `error`, relative. With A of the policy at hand,
// V^meant - V^pi = R_meant sum_a (meant - pi) A, so that error max_s sum_a pi |A| /(1 - gamma) bounds it (C2).
LinearisationPoint widened(LinearisationPoint point, const Discount& discount, double mean_advantage, double error) {
  if (error > 0.0) {
    point.row_weight_error = (point.row_weight_error + error) * (1.0 + rounding(4)) + point.row_weight_error * error;
    point.value_error_bound =
        bounds::round_up(point.value_error_bound + bounds::value_error(error * mean_advantage, discount));
  }
  return point;
}

// Q - V, and the largest sum_a pi |Q - V| of a state, rounding and the error of V included.
struct Advantages {
  std::vector<double> values;
  double mean = 0.0;
  double rounding_error = 0.0;  // of each entry, for V as it is
};

Advantages advantages(const Mdp& mdp, const LinearisationPoint& point, int threads) {
  Advantages a{.values = std::vector<double>(mdp.n_rows())};
  kernels::q_values(mdp, point.values, a.values, threads);
  double max_abs = 0.0;
  for (const double v : point.values) max_abs = v < infinity ? std::max(max_abs, std::abs(v)) : max_abs;
  std::vector<double> size(mdp.n_rows());
  for_rows(mdp, [&](State s, Offset row) {
    a.values[row] -= point.values[s];
    size[row] = std::abs(a.values[row]);
  });
  std::vector<double> means(mdp.n_states());
  kernels::average_rows(mdp, point.row_weights, size, means, threads);
  a.rounding_error = bounds::sweep_error(mdp, max_abs) + rounding(2) * (max_abs + mdp.max_abs_cost());
  const double largest = *std::max_element(means.begin(), means.end());
  const Offset most = mdp.n_rows() - mdp.n_states() + 1;  // actions of a state
  a.mean =
      (largest * (1.0 + rounding(most + 2)) + a.rounding_error + 2.0 * point.value_error_bound) * (1.0 + rounding(8));
  return a;
}

void require_same_shape(const Mdp& world, const Mdp& model) {
  if (world.n_states() != model.n_states()) {
    throw InvalidArgument("world and model differ: " + std::to_string(world.n_states()) + " and " +
                          std::to_string(model.n_states()) + " states");
  }
  for (State s = 0; s < world.n_states(); ++s) {
    if (world.n_actions(s) == model.n_actions(s)) continue;
    throw InvalidArgument("world and model differ: state " + world.state_name(s) + " has " +
                          std::to_string(world.n_actions(s)) + " and " + std::to_string(model.n_actions(s)) +
                          " actions");
  }
}

// Why J or the policy is undefined on what the world visits; "" if it is defined. log pi decides, not pi: an
// underflow is not a zero.
std::string obstacle(const Mdp& world, const SoftResult& model) {
  const auto taken = [&](Offset row) { return model.log_policy[row] > -infinity; };
  const graph::StateSet reached = visited(world, taken);
  for (State s = 0; s < world.n_states(); ++s) {
    if (!reached[s]) continue;
    if (model.values[s] == infinity) {
      return "the world visits state " + world.state_name(s) +
             ", where the model's value is inf and its policy undefined";
    }
    for (Offset row = world.state_rows()[s]; row < world.state_rows()[s + 1]; ++row) {
      if (world.cost()[row] < infinity || !taken(row)) continue;
      return "the performance is infinite: in state " + world.state_name(s) + " the model's policy takes action " +
             world.action_name(row) + ", which is inadmissible in the world";
    }
  }
  return "";
}

// |sum lambda| and max_s |sum_a lambda(s,a) - gamma (P^T lambda)(s)|.
void set_checks(const Mdp& model, InRealGradient& result) {
  const auto& lambda = result.gradient.cost;
  const std::vector<double> ones(lambda.size(), 1.0);
  result.sum_defect = std::abs(weighted_sum(lambda, ones));
  std::vector<double> inflow(model.n_states());
  std::vector<double> sums(model.n_states());
  kernels::transpose_rows(model, lambda, inflow);
  kernels::average_rows(model, ones, lambda, sums);
  result.state_balance_defect = 0.0;
  for (std::size_t s = 0; s < sums.size(); ++s) {
    result.state_balance_defect =
        std::max(result.state_balance_defect, std::abs(sums[s] - model.discount() * inflow[s]));
  }
}

}  // namespace

PolicyGradient policy_gradient(const Mdp& mdp, std::span<const double> stochastic_policy, double relative_policy_error,
                               int threads) {
  if (!(relative_policy_error >= 0.0)) throw InvalidArgument("relative_policy_error: must be >= 0");
  const DerivativeOptions options{.threads = threads};
  const Linearisation given = linearise_policy(mdp, stochastic_policy, options);
  Advantages advantage = advantages(mdp, given.point(), threads);
  const Linearisation linear(mdp, widened(given.point(), mdp.exact_discount(), advantage.mean, relative_policy_error),
                             options);
  const LinearisationPoint& point = linear.point();

  ReverseDerivative reverse = linear.performance_gradient();
  PolicyGradient result;
  result.status = reverse.status;
  result.message = reverse.message;
  if (result.status == Status::refused) return result;

  const graph::StateSet reached = visited(mdp, [&](Offset row) { return point.row_weights[row] > 0.0; });
  result.occupancy = std::move(reverse.adjoint);
  for (std::size_t s = 0; s < reached.size(); ++s) result.occupancy[s] *= reached[s] ? 1.0 : 0.0;
  result.values = point.values;
  result.performance = weighted_sum(mdp.initial(), point.values);
  result.performance_error_bound =
      bounds::round_up(point.value_error_bound * (1.0 + rounding(8)) + rounding(8) * std::abs(result.performance));

  // w = d pi A: the errors of d, of pi and of A, and two products.
  result.logit_gradient.resize(mdp.n_rows());
  double visits = reverse.adjoint_error_bound;
  double size = 0.0;
  for_rows(mdp, [&](State s, Offset row) {
    const double taken = result.occupancy[s] * point.row_weights[row];
    result.logit_gradient[row] = taken == 0.0 ? 0.0 : taken * advantage.values[row];
    visits += taken;
    size += std::abs(result.logit_gradient[row]);
  });
  const double advantage_error = 2.0 * point.value_error_bound + advantage.rounding_error;
  const double policy_error = point.row_weight_error;
  result.logit_gradient_error_bound =
      (visits * advantage_error + policy_error * (size + visits * advantage_error) +
       reverse.adjoint_error_bound * (1.0 + policy_error) * (advantage.mean + advantage_error) + rounding(4) * size) *
      (1.0 + rounding(mdp.n_rows() + 8));
  result.advantage = std::move(advantage.values);
  result.level = result.logit_gradient_error_bound < infinity ? Level::certified : Level::approximate;
  return result;
}

InRealGradient in_real_gradient(const Mdp& world, const Mdp& model, const InRealOptions& options) {
  require_same_shape(world, model);
  InRealGradient result;
  SoftOptions soft = options.soft;
  soft.polish = true;
  result.model = solve_soft(model, soft);
  result.status = result.model.status;
  result.message = "the model's soft solution: " + result.model.message;
  const auto refuse = [&result](std::string why) {
    result.status = Status::refused;
    result.message = std::move(why);
    return result;
  };
  if (std::string why = obstacle(world, result.model); !why.empty()) return refuse(std::move(why));
  const int threads = options.soft.threads;
  result.world = policy_gradient(world, result.model.policy, relative_policy_error(result.model), threads);
  if (result.world.status == Status::refused) return refuse(result.world.message);
  result.performance = result.world.performance;
  result.performance_error_bound = result.world.performance_error_bound;

  // f(Q, V) = -sum w (Q - V)/beta; the weights on V, sum_a w, are 0.
  const double beta = options.soft.temperature;
  std::vector<double> weights(result.world.logit_gradient);
  double size = 0.0;
  for (double& w : weights) {
    w = -w / beta;
    size += std::abs(w);
  }
  const double error =
      (result.world.logit_gradient_error_bound / beta + rounding(4) * size) * (1.0 + rounding(model.n_rows() + 8));
  const Linearisation linear =
      linearise_soft(model, result.model, {.convention = options.convention, .threads = threads});
  ReverseDerivative reverse = linear.vjp({.q = weights, .error = error});
  if (reverse.status == Status::refused) return refuse(reverse.message);
  result.level = reverse.level;
  result.gradient = std::move(reverse.gradient);
  result.cost_error_bound = reverse.cost_error_bound;
  result.probability_error_bound = reverse.probability_error_bound;
  result.discount_error_bound = reverse.discount_error_bound;
  set_checks(model, result);
  return result;
}

}  // namespace mdp::solvers
