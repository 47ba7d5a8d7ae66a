#include "estimators/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/Dense>

#include "estimators/judgement.hpp"
#include "estimators/stage_derivatives.hpp"
#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::estimators {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Whether some stage of the problem is in s with positive probability.
bool reaches(const Problem& problem, State s) {
  for (std::int64_t t = 0; t < problem.horizon(); ++t) {
    if (problem.stages().occupancy(t)[at(s)] > 0.0) return true;
  }
  return false;
}

std::vector<Parameter> free_logits(const Problem& problem) {
  std::vector<Parameter> free;
  const Mdp& mdp = problem.mdp();
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.n_actions(s) < 2 || !reaches(problem, s)) continue;
    for (Offset row = mdp.state_rows()[at(s)]; row + 1 < mdp.state_rows()[at(s) + 1]; ++row)
      free.push_back({ParameterKind::policy_logit, row});
  }
  return free;
}

void require_determined(const Problem& model, const Problem& world) {
  const Mdp& mdp = world.mdp();
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.n_actions(s) < 2 || !reaches(world, s) || reaches(model, s)) continue;
    throw InvalidArgument("the world visits state " + mdp.state_name(s) +
                          ", which the model does not: its policy's derivative is undetermined there (D6)");
  }
}

std::vector<double> flat(const Matrix& m) { return {m.data(), m.data() + m.size()}; }

/// A raw gradient by the entries of rows, as one by their tabular logits: p (g - E g).
std::vector<double> by_logits(const Mdp& mdp, std::span<const double> raw) {
  std::vector<double> g(raw.begin(), raw.end());
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    double mean = 0.0;
    for (Offset i = mdp.row_begin()[at(row)]; i < mdp.row_begin()[at(row) + 1]; ++i)
      mean += mdp.probability()[at(i)] * raw[at(i)];
    for (Offset i = mdp.row_begin()[at(row)]; i < mdp.row_begin()[at(row) + 1]; ++i)
      g[at(i)] = mdp.probability()[at(i)] * (raw[at(i)] - mean);
  }
  return g;
}

}  // namespace

Sensitivity::Sensitivity(const Problem& model, const Problem* world)
    : model_(&model), world_(world), free_(free_logits(model)), theta_(model_parameters(model.mdp())) {
  if (!(model.temperature() > 0.0)) {
    throw InvalidArgument("temperature = 0: without entropy a tabular softmax policy has no finite optimum (D6)");
  }
  if (world != nullptr) require_determined(model, *world);
  std::vector<double> in_sim;
  const StageGradient g = stage_gradient(model);
  for (const Parameter& x : free_) in_sim.push_back(g.of(x));
  in_sim_gradient_norm_ = norm(in_sim);
  if (world != nullptr) {
    const StageGradient in_real = stage_gradient(*world);
    for (const Parameter& x : free_) gradient_.push_back(in_real.of(x));
  }
  solve(stage_hessian(model, free_, free_), stage_hessian(model, free_, theta_));
}

void Sensitivity::solve(std::vector<double> hessian, std::vector<double> mixed) {
  hessian_ = std::move(hessian);
  mixed_ = std::move(mixed);
  const auto f = static_cast<Eigen::Index>(free_.size());
  const auto p = static_cast<Eigen::Index>(theta_.size());
  const Eigen::Map<const Matrix> h(hessian_.data(), f, f);
  const Eigen::Map<const Matrix> m(mixed_.data(), f, p);
  const Eigen::FullPivLU<Eigen::MatrixXd> lu(h);
  if (f == 0 || !lu.isInvertible()) throw InvalidArgument("the Hessian of the policy's logits is singular");
  const Matrix inverse = lu.inverse();
  const Matrix s = -(inverse * m);
  inverse_ = flat(inverse);
  s_ = flat(s);
  if (world_ == nullptr) return;
  const Eigen::Map<const Eigen::VectorXd> w(gradient_.data(), f);
  const Eigen::VectorXd adjoint = -(inverse.transpose() * w);
  const Eigen::VectorXd total = s.transpose() * w;
  adjoint_.assign(adjoint.data(), adjoint.data() + f);
  total_.assign(total.data(), total.data() + p);
}

Sensitivity Sensitivity::with_hessians(std::vector<double> hessian, std::vector<double> mixed) const {
  Sensitivity other = *this;
  other.solve(std::move(hessian), std::move(mixed));
  return other;
}

std::vector<double> infinite_policy_derivative(const Sensitivity& s) {
  const Mdp& mdp = s.model().mdp();
  if (!(mdp.exact_discount().complement.hi > 0.0)) return {};
  const auto soft = solvers::solve_soft(mdp, {.temperature = s.model().temperature(), .polish = true});
  const solvers::Linearisation linear = solvers::linearise_soft(mdp, soft);
  std::vector<double> result(s.n_free() * s.n_theta());
  for (std::size_t j = 0; j < s.n_theta(); ++j) {
    solvers::EntryDirection direction = solvers::zero_direction(mdp);
    const Parameter& theta = s.theta()[j];
    if (theta.kind == ParameterKind::cost) {
      direction.cost[at(theta.index)] = 1.0;
    } else {  // dp = p_b (e_b - p)
      const Offset row = std::ranges::upper_bound(mdp.row_begin(), theta.index) - mdp.row_begin().begin() - 1;
      const double p = mdp.probability()[at(theta.index)];
      for (Offset i = mdp.row_begin()[at(row)]; i < mdp.row_begin()[at(row) + 1]; ++i)
        direction.probability[at(i)] = p * ((i == theta.index ? 1.0 : 0.0) - mdp.probability()[at(i)]);
    }
    const auto d = linear.jvp(direction);
    if (d.log_policy.empty()) return {};
    for (std::size_t i = 0; i < s.n_free(); ++i) {
      const Offset row = s.free()[i].index;
      const Offset held = mdp.state_rows()[at(mdp.state_of(row)) + 1] - 1;
      result[i * s.n_theta() + j] = d.log_policy[at(row)] - d.log_policy[at(held)];
    }
  }
  return result;
}

std::vector<double> infinite_world_gradient(const Sensitivity& s) {
  const Mdp& model = s.model().mdp();
  const Mdp& world = s.world()->mdp();
  if (!(model.exact_discount().complement.hi > 0.0 && world.exact_discount().complement.hi > 0.0)) return {};
  solvers::InRealOptions options;
  options.soft.temperature = s.model().temperature();
  const auto g = solvers::in_real_gradient(world, model, options);
  if (g.gradient.cost.empty()) return {};
  std::vector<double> result = by_logits(model, g.gradient.probability);
  result.insert(result.end(), g.gradient.cost.begin(), g.gradient.cost.end());
  return result;
}

}  // namespace mdp::estimators
