#include "solvers/undiscounted_derivative.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/Dense>

#include "libmdp/error.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

void require_arguments(const Mdp& mdp, std::span<const Action> policy, const UndiscountedOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  require_valid(mdp, policy);
  if (mdp.n_states() > options.max_states) {
    throw InvalidArgument("undiscounted derivative: " + std::to_string(mdp.n_states()) + " states, max_states is " +
                          std::to_string(options.max_states));
  }
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.cost()[selected_row(mdp, policy, s)] < infinity) continue;
    throw InvalidArgument("undiscounted derivative: the policy takes an inadmissible action in state " +
                          mdp.state_name(s));
  }
}

graph::RowMask rows_of(const Mdp& mdp, std::span<const Action> policy) {
  graph::RowMask taken(mdp.n_rows(), 0);
  for (State s = 0; s < mdp.n_states(); ++s) taken[selected_row(mdp, policy, s)] = 1;
  return taken;
}

// I - P_pi; rows in `skip` are those of the identity.
Matrix system_matrix(const Mdp& mdp, std::span<const Action> policy, std::span<const char> skip) {
  const Eigen::Index n = mdp.n_states();
  Matrix a = Matrix::Identity(n, n);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (!skip.empty() && skip[s] != 0) continue;
    const Offset row = selected_row(mdp, policy, s);
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      const State next = mdp.next_state()[k];
      if (skip.empty() || skip[next] == 0) a(s, next) -= mdp.probability()[k];
    }
  }
  return a;
}

// dL + dP v of the rows that are taken.
Vector sources(const Mdp& mdp, std::span<const Action> policy, const EntryDirection& direction,
               std::span<const double> v, bool normalised) {
  std::vector<double> rows(mdp.n_rows());
  kernels::entry_sources(mdp.with_discount(Discount(1.0)), v, {direction.cost, direction.probability, 0.0, normalised},
                         rows);
  Vector x(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) x(s) = rows[selected_row(mdp, policy, s)];
  return x;
}

// A state whose policy has a rival within the tolerance, and not for the same row; "" if none.
std::string rival(const Mdp& mdp, std::span<const Action> policy, std::span<const double> v, double gain,
                  std::span<const char> skip, double tolerance) {
  std::vector<double> q(mdp.n_rows());
  kernels::q_values(mdp.with_discount(Discount(1.0)), v, q);
  double scale = mdp.max_abs_cost();
  for (const double x : v) scale = std::max(scale, std::abs(x));
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (!skip.empty() && skip[s] != 0) continue;
    const Offset taken = selected_row(mdp, policy, s);
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (row == taken || q[row] - gain - v[s] > tolerance * scale) continue;
      return "state " + mdp.state_name(s) + ": action " + mdp.action_name(row) +
             " is as good as the policy's, or better; the optimal values may have no derivative";
    }
  }
  return "";
}

EntryGradient row_gradient(const Mdp& mdp, std::span<const Action> policy, const Vector& weight,
                           std::span<const double> v, bool normalised) {
  EntryGradient gradient = zero_direction(mdp);
  for (State s = 0; s < mdp.n_states(); ++s) gradient.cost[selected_row(mdp, policy, s)] = weight(s);
  kernels::entry_gradient(mdp.with_discount(Discount(1.0)), gradient.cost, v, normalised, gradient.probability);
  return gradient;
}

Eigen::Map<const Vector> as_vector(std::span<const double> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}
std::vector<double> as_std(const Vector& x) { return {x.data(), x.data() + x.size()}; }

void require_differentiable(Status status, const std::string& message) {
  if (status == Status::refused) throw InvalidArgument("no derivative: " + message);
}

}  // namespace

std::string UndiscountedOptions::check() const {
  if (!(tie_tolerance > 0.0)) return "tie_tolerance: must be > 0";
  if (max_states < 1) return "max_states: " + std::to_string(max_states) + " is below 1";
  return "";
}

struct GoalLinearisation::System {
  Eigen::PartialPivLU<Matrix> lu;
};

GoalLinearisation::GoalLinearisation(const Mdp& mdp, std::span<const Action> policy, const UndiscountedOptions& options)
    : mdp_(mdp), policy_(policy.begin(), policy.end()), goal_(mdp.n_states(), 0) {
  require_arguments(mdp, policy, options);
  for (const State s : mdp.goal()) goal_[s] = 1;
  const graph::GoalReachability reach = graph::goal_reachability(mdp, rows_of(mdp, policy));
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (reach.almost_sure[s] != 0) continue;
    status_ = Status::refused;
    message_ = "the policy is improper: from state " + mdp.state_name(s) +
               " it misses the goal with positive probability, and small changes of P make its value jump";
    return;
  }
  system_ = std::make_unique<System>(System{Eigen::PartialPivLU<Matrix>(system_matrix(mdp, policy, goal_))});
  Vector costs(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) costs(s) = goal_[s] != 0 ? 0.0 : mdp.cost()[selected_row(mdp, policy, s)];
  values_ = as_std(system_->lu.solve(costs));
  message_ = "derivative of the total cost of a proper policy";
  if (!options.optimal) return;
  if (std::string why = rival(mdp, policy, values_, 0.0, goal_, options.tie_tolerance); !why.empty()) {
    status_ = Status::refused;
    message_ = std::move(why);
  }
}

GoalLinearisation::~GoalLinearisation() = default;
GoalLinearisation::GoalLinearisation(GoalLinearisation&&) noexcept = default;

std::vector<double> GoalLinearisation::jvp(const EntryDirection& direction) const {
  require_differentiable(status_, message_);
  require_direction(mdp_, direction);
  Vector x = sources(mdp_, policy_, direction, values_, false);
  for (State s = 0; s < mdp_.n_states(); ++s) x(s) = goal_[s] != 0 ? 0.0 : x(s);
  return as_std(system_->lu.solve(x));
}

EntryGradient GoalLinearisation::vjp(std::span<const double> g) const {
  require_differentiable(status_, message_);
  require_size("g", g.size(), mdp_.n_states());
  Vector lambda = system_->lu.transpose().solve(Vector(as_vector(g)));
  for (State s = 0; s < mdp_.n_states(); ++s) lambda(s) = goal_[s] != 0 ? 0.0 : lambda(s);
  return row_gradient(mdp_, policy_, lambda, values_, false);
}

struct GainLinearisation::System {
  Eigen::PartialPivLU<Matrix> lu;  // of I - P + 1 mu^T
};

GainLinearisation::GainLinearisation(const Mdp& mdp, std::span<const Action> policy, const UndiscountedOptions& options)
    : mdp_(mdp), policy_(policy.begin(), policy.end()) {
  require_arguments(mdp, policy, options);
  const State n_closed = graph::maximal_end_components(mdp, rows_of(mdp, policy)).count;
  if (n_closed != 1) {
    status_ = Status::refused;
    message_ = "the policy has " + std::to_string(n_closed) +
               " recurrent classes: a small probability between them changes the gain by a jump";
    return;
  }
  // mu: the left null vector of I - P, by replacing its last equation.
  const Eigen::Index n = mdp.n_states();
  const Matrix a = system_matrix(mdp, policy, {});
  Matrix balance = a.transpose();
  balance.row(n - 1).setOnes();
  const Vector mu = Eigen::PartialPivLU<Matrix>(balance).solve(Vector(Vector::Unit(n, n - 1)));
  system_ = std::make_unique<System>(System{Eigen::PartialPivLU<Matrix>(a + Vector::Ones(n) * mu.transpose())});
  Vector costs(n);
  for (State s = 0; s < mdp.n_states(); ++s) costs(s) = mdp.cost()[selected_row(mdp, policy, s)];
  gain_ = mu.dot(costs);
  bias_ = as_std(system_->lu.solve(Vector(costs.array() - gain_)));
  stationary_ = as_std(mu);
  message_ = "derivative of the gain and bias of a policy with one recurrent class";
  if (!options.optimal) return;
  if (std::string why = rival(mdp, policy, bias_, gain_, {}, options.tie_tolerance); !why.empty()) {
    status_ = Status::refused;
    message_ = std::move(why);
  }
}

GainLinearisation::~GainLinearisation() = default;
GainLinearisation::GainLinearisation(GainLinearisation&&) noexcept = default;

GainLinearisation::Change GainLinearisation::jvp(const EntryDirection& direction) const {
  require_differentiable(status_, message_);
  require_direction(mdp_, direction);
  const Vector mu = as_vector(stationary_);
  const Vector source = sources(mdp_, policy_, direction, bias_, true);
  Change change;
  change.gain = mu.dot(source);
  // D x = (I - P + 1 mu^T)^{-1} x - (mu^T x) 1, and mu^T D = 0.
  const auto deviation = [&](const Vector& x) { return Vector((system_->lu.solve(x)).array() - mu.dot(x)); };
  const Vector second = deviation(as_vector(bias_));
  EntryDirection transitions = direction;
  std::fill(transitions.cost.begin(), transitions.cost.end(), 0.0);
  const double shift = mu.dot(sources(mdp_, policy_, transitions, as_std(second), true));
  change.bias = as_std(Vector(deviation(source.array() - change.gain).array() - shift));
  return change;
}

EntryGradient GainLinearisation::gain_gradient() const {
  require_differentiable(status_, message_);
  return row_gradient(mdp_, policy_, as_vector(stationary_), bias_, true);
}

}  // namespace mdp::solvers
