// The in-sim optimum of a policy class (theory.md, D6).
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/in_sim_hessian.hpp"
#include "solvers/policy_sensitivity.hpp"
#include "solvers/soft.hpp"

namespace mdp::solvers {
namespace {

// A policy of the class with its derivatives.
struct Iterate {
  std::vector<double> w;
  PolicyClass::Point point;
  PolicyExpansion expansion;
  InSimHessian hessian;

  Iterate(const Mdp& model, const PolicyClass& policies, const InSimOptions& options, std::vector<double> at)
      : w(std::move(at)),
        point(policies.at(w)),
        expansion(model, point.log_policy(), options.expansion()),
        hessian(policies, point, expansion) {}
  Iterate(const Iterate&) = delete;

  [[nodiscard]] double stationarity() const { return max_abs(hessian.gradient()); }
  [[nodiscard]] double stationarity_bound() const {
    return bounds::round_up(stationarity() + hessian.gradient_error());
  }
  // In whose units the tolerance is meant.
  [[nodiscard]] double scale(const InSimOptions& options) const {
    const double charge =
        options.temperature * (options.temperature_scale.empty() ? 1.0 : max_abs(options.temperature_scale));
    return (max_abs(expansion.values()) + charge) / expansion.mdp().exact_discount().complement.value();
  }
};

constexpr const char* no_finite_logit = "an inadmissible action, or one that mu forbids: its optimal logit is -inf";

// Largest difference of logits that a finite optimum is believed to have.
constexpr double most_logit = 500.0;

class Search {
 public:
  Search(const Mdp& model, const PolicyClass& policies, const InSimOptions& options)
      : model_(model), policies_(policies), options_(options) {
    std::vector<double> start = options.start;
    if (start.empty()) start.assign(policies.n_parameters(), 0.0);
    require_size("start", start.size(), policies.n_parameters());
    at_ = std::make_unique<Iterate>(model, policies, options, std::move(start));
    visited_ = visited_by(model, at_->expansion.log_policy());
  }

  InSimOptimum run() {
    while (result_.status == Status::not_run) step();
    return finish();
  }

 private:
  // One Newton step: H off the gauge, negative curvature turned round, halved until J falls.
  void step() {
    const GaugeFixedSolver solver(at_->hessian, policies_, visited_, options_.path);
    std::vector<double> right = at_->hessian.gradient();
    for (double& x : right) x = -x;
    const GaugeFixedSolver::Solution newton = solver.solve(right, true);
    const double length = policies_.effect(newton.x, visited_);
    const bool stationary = at_->stationarity_bound() <= options_.tolerance * at_->scale(options_);
    // Where only rounding is left of the gradient, conjugate gradients can not be solved for it: a short step will do, and a long
    // one is tried for what it is worth.
    const bool decided = solver.dense() || newton.solved || newton.negative_curvature;
    if (stationary && (length <= 1e-6 || (decided && at_->stationarity() <= at_->hessian.gradient_error()))) {
      const bool minimum = !newton.negative_curvature && (newton.solved || (!solver.dense() && length <= 1e-6));
      if (minimum)
        return end(Status::converged, "the gradient of the in-sim performance vanishes, its Hessian does not");
      if (!solver.dense() && length <= 1e-6 && at_->stationarity() <= at_->hessian.gradient_error()) {
        // Curvature along what is rounding, gauge directions among it, says nothing; solves with J_ww will tell.
        return end(Status::converged, "the gradient of the in-sim performance vanishes up to rounding");
      }
      if (newton.negative_curvature && length > 1e-6) {
        // A saddle: go down along what the Hessian offers is not tried; say so.
        return end(Status::precision_limit, "stationary, but the Hessian has negative curvature: not a minimum");
      }
      return end(
          Status::refused,
          "no finite optimum: the gradient and the Hessian vanish together along directions that move the policy");
    }
    if (result_.iterations >= options_.max_iterations) {
      return end(Status::sweep_limit, "max_iterations reached");
    }
    if (!move(newton.x)) {
      return end(stationary ? Status::converged : Status::precision_limit,
                 stationary ? "the gradient of the in-sim performance vanishes up to rounding"
                            : "rounding stops the search before the gradient is within the tolerance");
    }
    if (policies_.effect(at_->w) > most_logit) {
      end(Status::refused,
          "no finite optimum: the logits grow beyond " + std::to_string(static_cast<int>(most_logit)) +
              " (without entropy weight a policy may want to be deterministic; D6 is ill-posed there)");
    }
  }

  // Backtracking on the exact J; steps too small for J to show must shorten the gradient.
  bool move(std::span<const double> step) {
    const double slope = inner(at_->hessian.gradient(), step);
    const double j = at_->expansion.performance();
    const double noise = 1e-13 * (std::abs(j) + max_abs(at_->expansion.values()));
    const double length = policies_.effect(step);
    double t = length > 8.0 ? 8.0 / length : 1.0;
    for (int halvings = 0; halvings < 60; ++halvings, t *= 0.5) {
      std::vector<double> w = at_->w;
      for (std::size_t i = 0; i < w.size(); ++i) w[i] += t * step[i];
      auto next = std::make_unique<Iterate>(model_, policies_, options_, std::move(w));
      const double gain = next->expansion.performance() - j;
      const bool lower = gain <= 1e-4 * t * slope && -gain > noise;
      const bool flatter = std::abs(gain) <= noise && next->stationarity() < 0.9 * at_->stationarity();
      if (lower || flatter) {
        at_ = std::move(next);
        ++result_.iterations;
        return true;
      }
      if (std::abs(t * slope) < noise) return false;
    }
    return false;
  }

  void end(Status status, std::string message) {
    result_.status = status;
    result_.message = std::move(message);
  }

  InSimOptimum finish() {
    const GaugeFixedSolver solver(at_->hessian, policies_, visited_, options_.path);
    result_.curvature_min = solver.curvature_min();
    result_.n_gauge = solver.n_gauge();
    result_.performance = at_->expansion.performance();
    result_.stationarity = at_->stationarity();
    result_.stationarity_bound = at_->stationarity_bound();
    result_.log_policy = at_->expansion.log_policy();
    result_.parameters = std::move(at_->w);
    return std::move(result_);
  }

  const Mdp& model_;
  const PolicyClass& policies_;
  const InSimOptions& options_;
  std::unique_ptr<Iterate> at_;
  std::vector<char> visited_;
  InSimOptimum result_;
};

// The soft policy where states have temperatures of their own, by soft policy iteration: log pi <- log pi - A/beta_s, the
// soft advantages vanish at the optimum. Quadratic; exact after N + 1 steps where N stages are unrolled.
SoftResult soft_policy_iteration(const Mdp& model, const InSimOptions& options) {
  const ExpansionOptions charges = options.expansion();
  SoftResult result;
  result.status = Status::sweep_limit;
  result.message = "max_iterations reached";
  result.log_policy.assign(model.n_rows(), 0.0);
  const auto normalise = [&](State s) {
    const Offset first = model.state_rows()[s], last = model.state_rows()[s + 1];
    const double top = *std::max_element(result.log_policy.begin() + first, result.log_policy.begin() + last);
    double sum = 0.0;
    for (Offset row = first; row < last; ++row) sum += std::exp(result.log_policy[row] - top);
    for (Offset row = first; row < last; ++row) result.log_policy[row] -= top + std::log(sum);
  };
  for (State s = 0; s < model.n_states(); ++s) normalise(s);
  double before = infinity;
  for (result.iterations = 0; result.iterations < options.max_iterations; ++result.iterations) {
    const PolicyExpansion at(model, result.log_policy, charges);
    double most = 0.0;
    for (State s = 0; s < model.n_states(); ++s) {
      for (Offset row = model.state_rows()[s]; row < model.state_rows()[s + 1]; ++row) {
        const double step = at.advantage()[row] / charges.temperature_of(s);
        result.log_policy[row] -= step;
        most = std::max(most, std::abs(step));
      }
      normalise(s);
    }
    if (most <= 1e-15 || (most < 1e-10 && most >= before)) {
      result.status = Status::converged;
      result.message = "soft advantages vanish";
      break;
    }
    before = most;
  }
  return result;
}

// The optimum of a tabular softmax is the soft policy, whatever is visited.
InSimOptimum soft_optimum(const Mdp& model, const PolicyClass& policies, const InSimOptions& options) {
  SoftOptions soft;
  soft.temperature = options.temperature;
  soft.reference = options.reference;
  soft.polish = true;
  soft.threads = options.threads;
  const bool inadmissible = !options.temperature_scale.empty() && model.has_inadmissible();
  const bool forbidden =
      !options.temperature_scale.empty() && std::ranges::find(options.reference, 0.0) != options.reference.end();
  InSimOptimum result;
  if (inadmissible || forbidden) {
    result.status = Status::refused;
    result.message = no_finite_logit;
    return result;
  }
  const SoftResult solved =
      options.temperature_scale.empty() ? solve_soft(model, soft) : soft_policy_iteration(model, options);
  result.status = solved.status;
  result.message = "the soft Bellman equation: " + solved.message;
  const auto state = std::find(solved.values.begin(), solved.values.end(), infinity);
  if (state != solved.values.end()) {
    result.status = Status::refused;
    result.message =
        "no policy of finite cost in state " + model.state_name(static_cast<State>(state - solved.values.begin()));
    return result;
  }
  if (std::find(solved.log_policy.begin(), solved.log_policy.end(), -infinity) != solved.log_policy.end()) {
    result.status = Status::refused;
    result.message = no_finite_logit;
    return result;
  }
  // w = log pi less the class's offset, which is what logits 0 mean.
  result.parameters = solved.log_policy;
  const std::span<const double> offset = policies.offset();
  for (std::size_t row = 0; row < offset.size(); ++row) result.parameters[row] -= offset[row];
  const Iterate at(model, policies, options, result.parameters);
  result.log_policy = at.expansion.log_policy();
  result.performance = at.expansion.performance();
  result.stationarity = at.stationarity();
  result.stationarity_bound = at.stationarity_bound();
  result.iterations = solved.iterations;
  // What counts is the gradient that is left, also where values are not as narrow as asked for.
  const bool stationary = result.stationarity_bound <= options.tolerance * at.scale(options);
  if (result.status == Status::precision_limit && stationary) {
    result.status = Status::converged;
    result.message = "the soft Bellman equation, to rounding";
  } else if (result.status == Status::converged && !stationary) {
    result.status = Status::precision_limit;
    result.message = "the soft policy is stationary up to rounding, which exceeds the tolerance";
  }
  return result;
}

}  // namespace

std::string InSimOptions::check() const {
  if (!(temperature >= 0.0 && temperature < infinity)) {
    return "temperature: " + std::to_string(temperature) + " is not in [0, inf)";
  }
  if (std::string problem = expansion().check(); !problem.empty()) return problem;
  if (!(tolerance > 0.0)) return "tolerance: must be > 0";
  if (max_iterations < 1) return "max_iterations: " + std::to_string(max_iterations) + " is below 1";
  if (threads < 0) return "threads: " + std::to_string(threads) + " is below 0 (0 = all)";
  return "";
}

InSimOptimum in_sim_optimum(const Mdp& model, const PolicyClass& policies, const InSimOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  InSimOptimum result;
  if (options.temperature == 0.0 && policies.is_tabular()) {
    result.status = Status::refused;
    result.message =
        "temperature 0 with a tabular softmax: the in-sim optimum is deterministic, its logits are infinite, and "
        "dnu/dtheta "
        "is ill-posed (D6); give an entropy weight > 0";
    return result;
  }
  result =
      policies.is_tabular_softmax() ? soft_optimum(model, policies, options) : Search(model, policies, options).run();
  if (result.log_policy.empty()) return result;
  const std::vector<char> visited = visited_by(model, result.log_policy);
  for (State s = 0; s < model.n_states(); ++s) {
    if (visited[s] == 0) result.unreached.push_back(s);
  }
  return result;
}

}  // namespace mdp::solvers
