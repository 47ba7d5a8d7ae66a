#include "solvers/policy_sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/Dense>

#include "libmdp/each_row.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/in_sim_hessian.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

constexpr std::int64_t most_parameters_of_parts = 2000;
constexpr const char* singular_hessian =
    "the Hessian of the in-sim performance is singular within rounding along a direction that moves the policy";

}  // namespace

// What solves J_ww x = b: Newton's matrix, or D7's local form, the linearised soft Bellman equation.
struct PolicySensitivity::Solver {
  InSimHessian hessian;
  std::unique_ptr<GaugeFixedSolver> general;
  std::unique_ptr<Linearisation> local;
};

PolicySensitivity::PolicySensitivity(const Mdp& model, const PolicyClass& policies, const InSimOptimum& optimum,
                                     const InSimOptions& options)
    : policies_(policies),
      options_(options),
      point_(policies.at(optimum.parameters)),
      expansion_(model, point_.log_policy(), options.expansion()),
      expansion_options_(options.expansion()),
      gradient_(expansion_.gradient()),
      solver_(new Solver{InSimHessian(policies, point_, expansion_), nullptr, nullptr}) {
  if (optimum.status != Status::converged) {
    status_ = Status::refused;
    message_ = "not at an in-sim optimum: " + optimum.message;
    return;
  }
  if (policies.is_tabular_softmax() && options.path == HessianPath::automatic) {
    LinearisationPoint soft;
    soft.values = expansion_.values();
    soft.row_weights = expansion_.policy();
    soft.temperature = options.temperature;
    soft.system = std::make_shared<const PolicySystem>(model, std::span<const double>(expansion_.policy()),
                                                       LinearOptions{.threads = options.threads});
    solver_->local =
        std::make_unique<Linearisation>(model, std::move(soft), DerivativeOptions{.threads = options.threads});
    message_ = "local in every state (D7)";
    return;
  }
  solver_->general = std::make_unique<GaugeFixedSolver>(solver_->hessian, policies,
                                                        visited_by(model, point_.log_policy()), options.path);
  if (!solver_->general->regular()) {
    status_ = Status::refused;
    message_ = singular_hessian;
    return;
  }
  message_ = solver_->general->dense() ? "dense Hessian" : "conjugate gradients with Hessian-vector products";
}

PolicySensitivity::~PolicySensitivity() = default;

bool PolicySensitivity::local() const noexcept { return solver_->local != nullptr; }

namespace {
[[noreturn]] void refuse(const std::string& message) { throw InvalidArgument("policy sensitivity: " + message); }
}  // namespace

// The linearised soft Bellman equation knows one temperature: log pi of a state is by its own.
void PolicySensitivity::divide_by_scale(std::vector<double>& rows) const {
  if (options_.temperature_scale.empty()) return;
  for_each_row(expansion_.mdp(), [&](State s, Offset row) { rows[row] /= options_.temperature_scale[s]; });
}

SensitivityForward PolicySensitivity::jvp(const EntryDirection& direction) const {
  SensitivityForward result{status_, message_, {}, {}};
  if (status_ == Status::refused) return result;
  if (local()) {
    ForwardDerivative forward = solver_->local->jvp(direction);
    result.status = forward.status;
    result.log_policy = std::move(forward.log_policy);
    divide_by_scale(result.log_policy);
    result.parameters = result.log_policy;
    return result;
  }
  // J_wtheta along the direction: how the gradient by w moves when the entries do.
  const PolicyChange change = expansion_.along({std::vector<double>(expansion_.mdp().n_rows(), 0.0), direction});
  std::vector<double> right = point_.pull_back(change.gradient.log_policy);
  for (double& x : right) x = -x;
  const GaugeFixedSolver::Solution solution = solver_->general->solve(right, false);
  if (!solution.solved) {
    result.status = Status::refused;
    result.message = singular_hessian;
    return result;
  }
  result.parameters = solution.x;
  result.log_policy = point_.along(solution.x);
  return result;
}

EntryGradient PolicySensitivity::vjp(std::span<const double> g) const {
  require_size("g", g.size(), expansion_.mdp().n_rows());
  if (status_ == Status::refused) refuse(message_);
  if (local()) {
    std::vector<double> scaled(g.begin(), g.end());
    divide_by_scale(scaled);
    return solver_->local->vjp({.log_policy = scaled}).gradient;
  }
  std::vector<double> right = point_.pull_back(g);
  for (double& x : right) x = -x;
  const GaugeFixedSolver::Solution solution = solver_->general->solve(right, false);
  if (!solution.solved) refuse(singular_hessian);
  return expansion_.along({point_.along(solution.x), zero_direction(expansion_.mdp())}).gradient.entries;
}

EntryGradient PolicySensitivity::value_hessian_product(const EntryDirection& direction) const {
  SensitivityForward moved = jvp(direction);
  if (moved.status == Status::refused) refuse(moved.message);
  return expansion_.along({std::move(moved.log_policy), direction}).gradient.entries;
}

std::vector<double> PolicySensitivity::value_hessian(std::span<const EntryDirection> directions) const {
  std::vector<double> h;
  for (const EntryDirection& u : directions) {
    const EntryGradient product = value_hessian_product(u);
    for (const EntryDirection& v : directions) h.push_back(dot(product, v));
  }
  return h;
}

std::vector<double> PolicySensitivity::hessian_product(std::span<const double> u) const {
  return solver_->hessian.product(u);
}

HessianParts PolicySensitivity::hessian_parts() const {
  using Matrix = Eigen::MatrixXd;
  const auto n = static_cast<Eigen::Index>(policies_.n_parameters());
  if (n > most_parameters_of_parts) refuse(std::to_string(n) + " parameters are too many for a dense Hessian");
  const Mdp& mdp = expansion_.mdp();
  Matrix total(n, n), fisher(n, n), by_policy(n, n), cross(n, n), entropy(n, n);
  std::vector<double> unit(n, 0.0), rows(mdp.n_rows());
  const auto pulled = [&](auto&& number) {
    for_each_row(mdp, [&](State s, Offset row) {
      rows[row] = expansion_.occupancy()[s] * expansion_.policy()[row] * number(s, row);
    });
    const std::vector<double> w = point_.pull_back(rows);
    return Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(w.data(), n));
  };
  for (Eigen::Index i = 0; i < n; ++i) {
    unit[i] = 1.0;
    const std::vector<double> score = point_.along(unit);
    const PolicyChange change = expansion_.along({score, zero_direction(mdp)});
    const std::vector<double>& a = expansion_.advantage();
    fisher.col(i) = pulled([&](State, Offset row) { return a[row] * score[row]; });
    cross.col(i) = pulled([&](State, Offset row) { return change.q[row]; });
    entropy.col(i) = pulled([&](State s, Offset row) { return expansion_options_.temperature_of(s) * score[row]; });
    const std::vector<double> curved = point_.curvature(unit, gradient_.log_policy);
    by_policy.col(i) = Eigen::Map<const Eigen::VectorXd>(curved.data(), n);
    const std::vector<double> all = solver_->hessian.product(unit);
    total.col(i) = Eigen::Map<const Eigen::VectorXd>(all.data(), n);
    unit[i] = 0.0;
  }
  const auto rows_of = [&](const Matrix& m) {
    const Matrix t = m.transpose();
    return std::vector<double>(t.data(), t.data() + t.size());
  };
  return {n, rows_of(total), rows_of(fisher), rows_of(by_policy - fisher), rows_of(cross), rows_of(entropy)};
}

std::vector<double> PolicySensitivity::local_log_policy(const EntryDirection& direction) const {
  if (options_.temperature == 0.0) refuse("D7 needs an entropy weight > 0");
  const Mdp& mdp = expansion_.mdp();
  const PolicyChange change = expansion_.along({std::vector<double>(mdp.n_rows(), 0.0), direction});
  std::vector<double> mean(mdp.n_states()), moved(mdp.n_rows());
  kernels::average_rows(mdp, expansion_.policy(), change.q, mean, options_.threads);
  for_each_row(mdp, [&](State s, Offset row) {
    moved[row] = -(change.q[row] - mean[s]) / expansion_options_.temperature_of(s);
  });
  return moved;
}

}  // namespace mdp::solvers
