#include "solvers/in_real_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/each_row.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

// States that the chain of the rows with `taken(row)` reaches from the initial distribution.
template <class Taken>
graph::StateSet visited(const Mdp& mdp, Taken&& taken) {
  graph::RowMask usable(mdp.n_rows());
  for (Offset row = 0; row < mdp.n_rows(); ++row) usable[row] = taken(row) ? 1 : 0;
  return graph::reachable_states(mdp, usable);
}

// sum weight x, compensated; weight 0 does not count.
// A = Q - V, and m = sum_a pi |A| of every state. A is centred, sum_a pi A = 0 as it must be: what errors of V leave there an
// adjoint would multiply by 1/(1 - gamma).
struct Advantages {
  std::vector<double> values;
  std::vector<double> means = {};
  double max_mean = 0.0;        // rounding and the error of V included
  double rounding_error = 0.0;  // of each entry, for V as it is
};

Advantages advantages(const Mdp& mdp, const LinearisationPoint& point, int threads) {
  Advantages a{.values = std::vector<double>(mdp.n_rows())};
  kernels::q_values(mdp, point.values, a.values, threads);
  double max_abs = 0.0;
  for (const double v : point.values) max_abs = v < infinity ? std::max(max_abs, std::abs(v)) : max_abs;
  std::vector<double> size(mdp.n_rows());
  for_each_row(mdp, [&](State s, Offset row) { a.values[row] -= point.values[s]; });
  a.means.resize(mdp.n_states());
  kernels::average_rows(mdp, point.row_weights, a.values, a.means, threads);
  for_each_row(mdp, [&](State s, Offset row) {
    if (std::isfinite(a.means[s])) a.values[row] -= a.means[s];
    size[row] = std::abs(a.values[row]);
  });
  kernels::average_rows(mdp, point.row_weights, size, a.means, threads);
  // Of Q twice, as its average is subtracted, where the error of V drops out; of the average and the subtraction.
  const Offset most = mdp.n_rows() - mdp.n_states() + 1;  // actions of a state
  const double q_error = bounds::sweep_error(mdp, max_abs) + rounding(2) * (max_abs + mdp.max_abs_cost());
  const double largest = *std::max_element(a.means.begin(), a.means.end());
  double largest_entry = 0.0;
  for_each_row(mdp, [&](State, Offset row) {
    if (point.row_weights[row] > 0.0 && size[row] < infinity) largest_entry = std::max(largest_entry, size[row]);
  });
  a.rounding_error =
      (2.0 * q_error + (rounding(most + 2) + point.row_weight_error) * largest_entry) * (1.0 + rounding(8));
  a.max_mean =
      (largest * (1.0 + rounding(most + 2)) + a.rounding_error + 2.0 * point.value_error_bound) * (1.0 + rounding(8));
  return a;
}

// What a relative error eta of pi does to V^pi and to w = d pi A, entries of pi summing to 1 as before.
//
// Proof. With x = R m and y = R_meant m:  |V_meant - V| = |R_meant sum_a (pi_meant - pi) A| <= eta y.  The rows of
// R_meant sum to 1/(1 - gamma), so y <= Y = max m/(1 - gamma), and y = x + R gamma (P_meant - P) y <= x + gamma eta Y/(1 - gamma).
// |A_meant - A| <= eta (gamma P y + y) per row, and d^T gamma P_pi y <= d^T y as d = rho0 + gamma P_pi^T d. So w moves, in the 1-norm:
//   by the error of pi itself, d pi eta |A_meant|:        eta (|w| + 2 eta d^T y)
//   by that of A, d pi |A_meant - A|:                     2 eta d^T y
//   by that of d, |d_meant - d| <= eta gamma R_meant^T P_pi^T d against m (1 + eta) and twice its change:
//                                                         eta (1 + eta) (d^T y + 2 eta Y |d|/(1 - gamma))
struct PolicyErrorEffect {
  double values = 0.0;  // of every entry
  double logit_gradient = 0.0;
};

PolicyErrorEffect effect_of_policy_error(const Mdp& mdp, const LinearisationPoint& point, const Advantages& advantage,
                                         std::span<const double> occupancy, double visits, double size, double eta) {
  if (eta == 0.0) return {};
  const Discount& gamma = mdp.exact_discount();
  const LinearSolution x = point.system->solve(advantage.means);
  // Of x: the solver's, that of m.
  const double x_error =
      x.error_bound + bounds::value_error(2.0 * point.value_error_bound + advantage.rounding_error, gamma);
  double max_x = 0.0;
  for (const double entry : x.x) max_x = std::max(max_x, entry);
  const double largest = bounds::value_error(advantage.max_mean, gamma);  // Y
  const double slack = bounds::value_error(eta * largest, gamma) + x_error;
  const double y = std::min(max_x + slack, largest);
  const double d_y = std::min(std::max(0.0, accurate_inner(occupancy, x.x)) + visits * slack, visits * largest);
  const double of_occupancy = (1.0 + eta) * (d_y + 2.0 * eta * bounds::value_error(largest * visits, gamma));
  const double inflate = 1.0 + rounding(mdp.n_rows() + 32);
  return {eta * y * inflate, eta * (size + (2.0 + 2.0 * eta) * d_y + of_occupancy) * inflate};
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
  result.sum_defect = std::abs(accurate_inner(lambda, ones));
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

// dJ/ddiscount = sum lambda E V = sum lambda E (V - c), as sum lambda = 0: c, the middle of V, takes out what rounding leaves
// of that sum times the size of V. The bound, |d lambda|_1 max|V| and more, holds a fortiori: max|V - c| <= max|V|.
void centre_discount(InRealGradient& result) {
  double least = infinity, most = -infinity, size = 0.0;
  for (const double v : result.model.values) {
    if (!(v < infinity)) return;
    least = std::min(least, v);
    most = std::max(most, v);
  }
  for (const double x : result.gradient.cost) size += std::abs(x);
  const double centre = 0.5 * (least + most);
  const std::vector<double> ones(result.gradient.cost.size(), 1.0);
  result.gradient.discount -= centre * accurate_inner(result.gradient.cost, ones);
  result.discount_error_bound += rounding(8) * std::abs(centre) * size;
}

}  // namespace

PolicyGradient policy_gradient(const Mdp& mdp, std::span<const double> stochastic_policy, double relative_policy_error,
                               int threads) {
  if (!(relative_policy_error >= 0.0)) throw InvalidArgument("relative_policy_error: must be >= 0");
  const Linearisation linear = linearise_policy(mdp, stochastic_policy, {.threads = threads});
  const LinearisationPoint& point = linear.point();
  Advantages advantage = advantages(mdp, point, threads);
  ReverseDerivative reverse = linear.performance_gradient();
  PolicyGradient result;
  result.status = reverse.status;
  result.message = reverse.message;
  if (result.status == Status::refused) return result;

  const graph::StateSet reached = visited(mdp, [&](Offset row) { return point.row_weights[row] > 0.0; });
  result.occupancy = std::move(reverse.adjoint);
  for (std::size_t s = 0; s < reached.size(); ++s) result.occupancy[s] *= reached[s] ? 1.0 : 0.0;
  result.values = point.values;
  result.performance = accurate_inner(mdp.initial(), point.values);

  // w = d pi A: the errors of d, of pi and of A, and two products.
  result.logit_gradient.resize(mdp.n_rows());
  double visits = reverse.adjoint_error_bound;
  double size = 0.0;
  for_each_row(mdp, [&](State s, Offset row) {
    const double taken = result.occupancy[s] * point.row_weights[row];
    result.logit_gradient[row] = taken == 0.0 ? 0.0 : taken * advantage.values[row];
    visits += taken;
    size += std::abs(result.logit_gradient[row]);
  });
  const double advantage_error = 2.0 * point.value_error_bound + advantage.rounding_error;
  const double weight_error = point.row_weight_error;
  const double error = visits * advantage_error + weight_error * (size + visits * advantage_error) +
                       reverse.adjoint_error_bound * (1.0 + weight_error) * (advantage.max_mean + advantage_error) +
                       rounding(4) * size;
  const double eta = relative_policy_error == 0.0
                         ? 0.0
                         : relative_policy_error * (1.0 + weight_error) * (1.0 + rounding(8)) + weight_error;
  const PolicyErrorEffect effect = effect_of_policy_error(
      mdp, point, advantage, result.occupancy, visits * (1.0 + rounding(mdp.n_rows() + 8)), size + error, eta);
  result.performance_error_bound = bounds::round_up((point.value_error_bound + effect.values) * (1.0 + rounding(8)) +
                                                    rounding(8) * std::abs(result.performance));
  result.logit_gradient_error_bound = (error + effect.logit_gradient) * (1.0 + rounding(mdp.n_rows() + 8));
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
  centre_discount(result);
  return result;
}

}  // namespace mdp::solvers
