#include "solvers/derivative.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

// Largest |x|, NaN apart.
double max_norm(std::span<const double> x) {
  double largest = 0.0;
  for (const double entry : x) largest = std::abs(entry) > largest ? std::abs(entry) : largest;
  return largest;
}

// max |x| over the finite entries.
// Sum of |x|, rounded up.
double one_norm(std::span<const double> x) {
  double sum = 0.0;
  for (const double entry : x) sum += std::abs(entry);
  return sum * (1.0 + rounding(static_cast<Offset>(x.size()) + 1));
}

// Weights x of outputs `values`, which must not be infinite where x is not 0.
void require_weights(const char* name, std::span<const double> x, std::span<const double> values) {
  require_size(name, x.size(), static_cast<std::int64_t>(values.size()));
  require_finite(name, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0.0 || values[i] < infinity) continue;
    throw InvalidArgument(std::string(name) + "[" + std::to_string(i) + "] weighs an infinite output");
  }
}

Offset max_actions(const Mdp& mdp) {
  Offset most = 1;
  for (State s = 0; s < mdp.n_states(); ++s) most = std::max(most, mdp.n_actions(s));
  return most;
}

// Relative error of gamma p of the MDP meant against the stored ones.
double entry_error(const Mdp& mdp) { return mdp.entry_error().probability + 2.0 * unit_roundoff; }

// For the second-order terms of the bounds below and their own rounding.
double inflation(const Mdp& mdp) {
  return 1.0 + 8.0 * (rounding(mdp.max_row_length() + 8) + entry_error(mdp)) + 64.0 * unit_roundoff;
}

// A weight that underflows is off by less than this, whatever its relative error.
constexpr double underflow = 0x1p-1000;

Level level_of(double bound) { return bound < infinity ? Level::certified : Level::approximate; }

}  // namespace

EntryDirection zero_direction(const Mdp& mdp) {
  return {.cost = std::vector<double>(mdp.n_rows(), 0.0),
          .probability = std::vector<double>(mdp.n_transitions(), 0.0),
          .discount = 0.0};
}

double dot(const EntryGradient& gradient, const EntryDirection& direction) {
  require_size("direction.cost", direction.cost.size(), static_cast<std::int64_t>(gradient.cost.size()));
  require_size("direction.probability", direction.probability.size(),
               static_cast<std::int64_t>(gradient.probability.size()));
  TwoDouble sum = two_product(gradient.discount, direction.discount);
  for (std::size_t i = 0; i < gradient.cost.size(); ++i) {
    sum = sum + two_product(gradient.cost[i], direction.cost[i]);
  }
  for (std::size_t k = 0; k < gradient.probability.size(); ++k) {
    sum = sum + two_product(gradient.probability[k], direction.probability[k]);
  }
  return sum.value();
}

EntryGradient in_sense(Objective objective, EntryGradient gradient) {
  if (objective == Objective::minimize) return gradient;
  // From 0, which keeps zeros positive.
  for (double& entry : gradient.probability) entry = 0.0 - entry;
  gradient.discount = 0.0 - gradient.discount;
  return gradient;
}

std::string DerivativeOptions::check() const {
  return threads < 0 ? "threads: " + std::to_string(threads) + " is below 0 (0 = all)" : "";
}

Linearisation::Linearisation(const Mdp& mdp, LinearisationPoint point, const DerivativeOptions& options)
    : mdp_(mdp), point_(std::move(point)), options_(options) {
  if (const std::string problem = options_.check(); !problem.empty()) throw InvalidOption(problem);
  if (point_.status != Status::converged) return;
  require_size("values", point_.values.size(), mdp_.n_states());
  require_size("row_weights", point_.row_weights.size(), mdp_.n_rows());
  const bool infinite = std::find(point_.values.begin(), point_.values.end(), infinity) != point_.values.end();
  if (mdp_.discount() == 0.0 && infinite) {
    point_.status = Status::refused;
    point_.message = "discount 0 and infinite values: values jump when the discount moves, they have no derivative";
  }
}

ForwardDerivative Linearisation::jvp(const EntryDirection& direction) const {
  require_direction(mdp_, direction);
  ForwardDerivative result;
  result.status = point_.status;
  result.message = point_.message;
  if (point_.status != Status::converged) return result;

  const auto& v = point_.values;
  const int threads = options_.threads;
  std::vector<double> q(mdp_.n_rows());
  const kernels::ChangeSize size = kernels::entry_sources(
      mdp_, v,
      {direction.cost, direction.probability, direction.discount, options_.convention == EntryConvention::normalised},
      q, threads);
  const double max_source = max_norm(q);
  std::vector<double> average(v.size());  // of the sources, then of dQ
  kernels::average_rows(mdp_, point_.row_weights, q, average, threads);
  std::vector<double> dv = point_.system->solve(average).x;
  const double max_dv = max_norm(dv);
  kernels::add_expectation(mdp_, q, dv, q, threads);
  kernels::average_rows(mdp_, point_.row_weights, q, average, threads);

  double residual = 0.0;  // of dV = sum_a pi dQ
  for (std::size_t s = 0; s < v.size(); ++s) {
    if (v[s] < infinity) {
      residual = std::max(residual, std::abs(average[s] - dv[s]));
    } else {
      dv[s] = not_computed;
    }
  }

  // Errors of the sources: rounding and entries, the error of V. Of dQ: rounding and entries again. Of the residual:
  // its rounding, the error of pi, that of dQ. Then C2.
  const double gamma = mdp_.discount();
  const Offset length = mdp_.max_row_length();
  const double max_q = max_norm(q);
  const double source_error = (rounding(length + 6) + entry_error(mdp_)) * size.magnitude +
                              (gamma * size.probability + std::abs(direction.discount)) * point_.value_error_bound;
  const double q_error =
      source_error + rounding(length + 3) * (max_source + gamma * max_dv) + entry_error(mdp_) * gamma * max_dv;
  const double residual_error = residual * (1.0 + 2.0 * unit_roundoff) +
                                rounding(max_actions(mdp_) + 2) * (max_q + max_dv) +
                                (point_.row_weight_error + underflow) * max_q + q_error;
  result.value_error_bound = point_.system->error_of(residual_error * inflation(mdp_));
  result.q_error_bound = (q_error + gamma * result.value_error_bound) * inflation(mdp_);
  result.level = level_of(result.q_error_bound);
  result.values = std::move(dv);
  result.q = std::move(q);
  if (point_.temperature > 0.0) set_log_policy(result);
  return result;
}

// d log pi = -(dQ - dV)/beta (D4); two differences and a quotient.
void Linearisation::set_log_policy(ForwardDerivative& result) const {
  result.log_policy.resize(result.q.size());
  for (State s = 0; s < mdp_.n_states(); ++s) {
    for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
      result.log_policy[row] = -(result.q[row] - result.values[s]) / point_.temperature;
    }
  }
  result.log_policy_error_bound = (result.q_error_bound + result.value_error_bound) / point_.temperature +
                                  rounding(4) * max_norm(result.log_policy);
}

// f's dependence on V and Q once log pi = -(Q - V)/beta + log mu is put in.
struct Linearisation::Weights {
  std::vector<double> values, q;
  double error = 0.0;  // bound of the 1-norm of what rounding does to both
};

Linearisation::Weights Linearisation::weights_of(const OutputGradient& output) const {
  Weights weights{std::vector<double>(mdp_.n_states(), 0.0), std::vector<double>(mdp_.n_rows(), 0.0)};
  if (!output.values.empty()) {
    require_weights("output.values", output.values, point_.values);
    weights.values.assign(output.values.begin(), output.values.end());
  }
  if (output.q.empty() && output.log_policy.empty()) return weights;

  std::vector<double> q(mdp_.n_rows());
  kernels::q_values(mdp_, point_.values, q, options_.threads);
  if (!output.q.empty()) {
    require_weights("output.q", output.q, q);
    weights.q.assign(output.q.begin(), output.q.end());
  }
  if (output.log_policy.empty()) return weights;
  if (!(point_.temperature > 0.0)) {
    throw InvalidArgument("output.log_policy: only a soft point has a policy that moves");
  }
  require_weights("output.log_policy", output.log_policy, q);
  for (State s = 0; s < mdp_.n_states(); ++s) {
    for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
      const double weight = output.log_policy[row] / point_.temperature;
      weights.q[row] -= weight;
      weights.values[s] += weight;
    }
  }
  weights.error = rounding(max_actions(mdp_) + 3) * (one_norm(weights.values) + one_norm(weights.q) +
                                                     2.0 * one_norm(output.log_policy) / point_.temperature);
  return weights;
}

ReverseDerivative Linearisation::vjp(const OutputGradient& output) const {
  ReverseDerivative result;
  result.status = point_.status;
  result.message = point_.message;
  if (point_.status != Status::converged) return result;

  const Weights weights = weights_of(output);
  const double gamma = mdp_.discount();
  const auto n = static_cast<std::size_t>(mdp_.n_states());
  std::vector<double> carried(n);  // P^T times numbers per row
  kernels::transpose_rows(mdp_, weights.q, carried);
  std::vector<double> right(n);
  for (std::size_t s = 0; s < n; ++s) right[s] = weights.values[s] + gamma * carried[s];
  result.adjoint = point_.system->solve_transposed(right).x;

  std::vector<double> rho = weights.q;
  for (State s = 0; s < mdp_.n_states(); ++s) {
    if (point_.values[s] == infinity) result.adjoint[s] = 0.0;
    for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
      rho[row] += point_.row_weights[row] * result.adjoint[s];
    }
  }
  kernels::transpose_rows(mdp_, rho, carried);
  for (std::size_t s = 0; s < n; ++s) carried[s] = weights.values[s] + gamma * carried[s] - result.adjoint[s];
  if (options_.probability) result.gradient.probability.resize(mdp_.n_transitions());
  result.gradient.discount =
      kernels::entry_gradient(mdp_, rho, point_.values, options_.convention == EntryConvention::normalised,
                              result.gradient.probability, options_.threads);
  set_bounds(result, rho, one_norm(carried), weights.error + output.error,
             one_norm(weights.values) + one_norm(weights.q));
  result.gradient.cost = std::move(rho);
  return result;
}

// In 1-norms. P^T rho does not exceed rho, nor P_pi^T lambda lambda. The error of lambda: its residual as computed, the
// rounding of the residual, of the weights, of pi and of the entries, over 1 - gamma (columns of R_pi^T). Then rho and the
// products with V.
void Linearisation::set_bounds(ReverseDerivative& result, std::span<const double> rho, double residual,
                               double weight_error, double weight_norm) const {
  const double gamma = mdp_.discount();
  const double adjoint_norm = one_norm(result.adjoint);
  const double rho_norm = one_norm(rho);
  const double policy_error = point_.row_weight_error + underflow;
  const double transposed = rounding(8) + rounding(2 * mdp_.n_transitions()) * rounding(2 * mdp_.n_transitions());
  const double residual_error = residual + weight_error +
                                transposed * (weight_norm + adjoint_norm + 2.0 * gamma * rho_norm) +
                                gamma * (entry_error(mdp_) * rho_norm + policy_error * adjoint_norm);
  const double adjoint_error = point_.system->error_of(residual_error * inflation(mdp_));
  const double rho_error =
      (adjoint_error + policy_error * adjoint_norm + weight_error + rounding(3) * (adjoint_norm + rho_norm)) *
      inflation(mdp_);

  const double value_error = point_.value_error_bound;
  const double v = max_abs_finite(point_.values) + value_error;
  const double product = rounding(mdp_.max_row_length() + 8) + entry_error(mdp_);
  const double centred = options_.convention == EntryConvention::normalised ? 2.0 : 1.0;
  result.adjoint_error_bound = adjoint_error;
  result.cost_error_bound = rho_error;
  result.probability_error_bound =
      centred * gamma * inflation(mdp_) * (rho_error * v + max_norm(rho) * (value_error + product * v));
  result.discount_error_bound = inflation(mdp_) * (rho_error * v + rho_norm * (value_error + product * v));
  result.level =
      level_of(std::max({result.cost_error_bound, result.probability_error_bound, result.discount_error_bound}));
}

ReverseDerivative Linearisation::performance_gradient() const {
  ReverseDerivative result;
  result.status = point_.status;
  result.message = point_.message;
  if (point_.status != Status::converged) return result;
  for (State s = 0; s < mdp_.n_states(); ++s) {
    if (mdp_.initial()[s] == 0.0 || point_.values[s] < infinity) continue;
    result.status = Status::refused;
    result.message = "the performance is infinite: initial state " + mdp_.state_name(s) + " has value inf";
    return result;
  }
  return vjp({.values = mdp_.initial()});
}

}  // namespace mdp::solvers
