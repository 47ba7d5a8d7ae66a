#include "solvers/finite_derivative.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/linearise.hpp"
#include "solvers/optimal_actions.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

double one_norm(std::span<const double> x) {
  double sum = 0.0;
  for (const double entry : x) sum += std::abs(entry);
  return sum * (1.0 + rounding(static_cast<Offset>(x.size()) + 1));
}

/// The stages from the first to the last, each with its adjoint.
class Stages {
 public:
  Stages(const Mdp& mdp, const CriterionResult& solution, const DerivativeOptions& options, bool of_policy)
      : mdp_(mdp), solution_(solution), options_(options), of_policy_(of_policy), q_(mdp.n_rows()) {
    find_value_errors();
  }

  OptimumGradient operator()() {
    const std::size_t n_stages = solution_.policy_by_stage.size();
    lambda_.assign(mdp_.initial().begin(), mdp_.initial().end());
    visited_.resize(lambda_.size());
    std::transform(lambda_.begin(), lambda_.end(), visited_.begin(), [](double p) { return p > 0.0 ? 1 : 0; });
    ReverseDerivative& reverse = result_.reverse;
    reverse.status = Status::converged;
    reverse.message = of_policy_ ? "derivative of the value of the reported policy, not of the optimal values"
                                 : "derivative of the optimal values; the optimal actions are unique";
    reverse.gradient = zero_direction(mdp_);
    if (!options_.probability) reverse.gradient.probability.clear();
    reverse.adjoint.assign(lambda_.size(), 0.0);
    result_.of_policy = of_policy_;
    result_.tie_margin = 0.0;
    for (std::size_t k = 0; k < n_stages; ++k) stage(k);
    for (auto& [s, tie] : ties_) result_.ties.push_back(std::move(tie));
    finish(n_stages);
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::span<const double> values(std::size_t k) const { return solution_.value_by_stage[k]; }
  [[nodiscard]] double product_error() const {
    return rounding(mdp_.max_row_length() + 8) + mdp_.entry_error().probability + 2.0 * unit_roundoff;
  }

  // E_k of V_k*, or of the values of the policy.
  void find_value_errors() {
    const std::size_t n_stages = solution_.policy_by_stage.size();
    errors_.assign(n_stages + 1, 0.0);
    for (std::size_t k = n_stages; k-- > 0;) {
      kernels::q_values(mdp_, values(k + 1), q_, options_.threads);
      double residual = 0.0;
      for (State s = 0; s < mdp_.n_states(); ++s) {
        if (!(values(k)[s] < infinity)) continue;
        const auto first = q_.begin() + mdp_.state_rows()[s];
        const double t = of_policy_ ? first[solution_.policy_by_stage[k][s]]
                                    : *std::min_element(first, q_.begin() + mdp_.state_rows()[s + 1]);
        residual = std::max(residual, std::abs(values(k)[s] - t));
      }
      errors_[k] = bounds::round_up(
          (mdp_.discount() * errors_[k + 1] + residual + bounds::sweep_error(mdp_, max_abs_finite(values(k + 1)))) *
          (1.0 + rounding(8)));
    }
  }

  // The actions that may be optimal in a state visited at stage k; the first of them is taken.
  Action taken(std::size_t k, State s, double q_error) {
    if (of_policy_) return solution_.policy_by_stage[k][s];
    const double upper = bounds::round_up(values(k)[s] + errors_[k]);
    Tie tie{s, {}};
    for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
      if (!(bounds::round_down(q_[row] - q_error) > upper)) {
        tie.actions.push_back(static_cast<Action>(row - mdp_.state_rows()[s]));
      }
    }
    if (options_.at_ties == AtTies::drop_duplicates) drop_duplicates(mdp_, tie);
    if (tie.actions.empty()) {
      throw InvalidArgument("derivative: the solution's bounds exclude every action of state " + mdp_.state_name(s));
    }
    const Action first = tie.actions.front();
    if (tie.actions.size() > 1) {
      if (ties_.empty()) first_tied_stage_ = k;
      ties_.try_emplace(s, std::move(tie));
    }
    return first;
  }

  void stage(std::size_t k) {
    kernels::q_values(mdp_, values(k + 1), q_, options_.threads);
    const double size = max_abs_finite(values(k + 1));
    const double q_error =
        bounds::round_up(mdp_.discount() * errors_[k + 1] + bounds::sweep_error(mdp_, size)) * (1.0 + rounding(8));
    result_.tie_margin = std::max(result_.tie_margin, (2.0 * (q_error + errors_[k]) + rounding(4) * size));
    std::vector<double> rho(mdp_.n_rows(), 0.0);
    graph::StateSet next(visited_.size(), 0);
    for (State s = 0; s < mdp_.n_states(); ++s) {
      if (visited_[s] == 0) continue;
      if (!(values(k)[s] < infinity)) {
        infinite_ = s;
        return;
      }
      const Offset row = mdp_.state_rows()[s] + taken(k, s, q_error);
      rho[row] = lambda_[s];
      for (Offset i = mdp_.row_begin()[row]; i < mdp_.row_begin()[row + 1]; ++i) next[mdp_.next_state()[i]] = 1;
    }
    add(rho, k, size);
    visited_ = std::move(next);
    kernels::transpose_rows(mdp_, rho, lambda_);
    for (double& x : lambda_) x *= mdp_.discount();
  }

  void add(std::span<const double> rho, std::size_t k, double size) {
    EntryGradient& gradient = result_.reverse.gradient;
    std::vector<double> probability(gradient.probability.size());
    gradient.discount += kernels::entry_gradient(
        mdp_, rho, values(k + 1), options_.convention == EntryConvention::normalised, probability, options_.threads);
    for (std::size_t i = 0; i < probability.size(); ++i) gradient.probability[i] += probability[i];
    for (std::size_t row = 0; row < rho.size(); ++row) gradient.cost[row] += rho[row];
    for (std::size_t s = 0; s < lambda_.size(); ++s) result_.reverse.adjoint[s] += lambda_[s];

    const double norm = one_norm(rho);
    const double largest = max_abs_finite(rho);
    const double value_error = errors_[k + 1] + product_error() * (size + errors_[k + 1]);
    adjoint_error_ += lambda_error_;
    adjoint_norm_ += norm;
    by_probability_error_ += mdp_.discount() * (lambda_error_ * size + (largest + lambda_error_) * value_error);
    by_discount_error_ += lambda_error_ * size + (norm + lambda_error_) * value_error;
    gradient_size_ += (norm + lambda_error_) * size;
    const double transposed = rounding(8) + rounding(2 * mdp_.n_transitions()) * rounding(2 * mdp_.n_transitions());
    lambda_error_ = mdp_.discount() * (lambda_error_ + (transposed + product_error()) * (norm + lambda_error_)) *
                    (1.0 + rounding(8));
  }

  void finish(std::size_t n_stages) {
    ReverseDerivative& reverse = result_.reverse;
    const auto refuse = [&](std::string why) {
      reverse = {};
      reverse.status = Status::refused;
      reverse.message = std::move(why);
    };
    if (infinite_ >= 0) {
      return refuse("the performance is infinite: state " + mdp_.state_name(infinite_) + ", visited, has value inf");
    }
    if (!result_.ties.empty()) {
      return refuse(
          fmt::format("stage {}: {}; V* may have no derivative", first_tied_stage_, tie_message(mdp_, result_.ties)));
    }
    // Sums over the stages are rounded once per stage.
    const double summed = rounding(static_cast<Offset>(n_stages) + 4);
    const double inflate = 1.0 + rounding(4 * static_cast<Offset>(n_stages) + 64);
    const double centred = options_.convention == EntryConvention::normalised ? 2.0 : 1.0;
    reverse.adjoint_error_bound = (adjoint_error_ + summed * adjoint_norm_) * inflate;
    reverse.cost_error_bound = reverse.adjoint_error_bound;
    reverse.probability_error_bound = centred * (by_probability_error_ + summed * gradient_size_) * inflate;
    reverse.discount_error_bound = (by_discount_error_ + summed * gradient_size_) * inflate;
    reverse.level = reverse.discount_error_bound < infinity ? Level::certified : Level::approximate;
  }

  const Mdp& mdp_;
  const CriterionResult& solution_;
  const DerivativeOptions& options_;
  bool of_policy_;
  std::vector<double> q_, lambda_;
  graph::StateSet visited_;
  std::vector<double> errors_;  // [n_stages+1] E_k
  std::map<State, Tie> ties_;
  std::size_t first_tied_stage_ = 0;
  State infinite_ = -1;  // a state that is visited
  double lambda_error_ = 0.0, adjoint_error_ = 0.0, adjoint_norm_ = 0.0;
  double by_probability_error_ = 0.0, by_discount_error_ = 0.0, gradient_size_ = 0.0;
  OptimumGradient result_;
};

}  // namespace

OptimumGradient finite_optimum_gradient(const Mdp& mdp, const CriterionResult& solution,
                                        const DerivativeOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  const auto n = static_cast<std::size_t>(mdp.n_states());
  const bool fits = solution.criterion == Criterion::finite &&
                    solution.value_by_stage.size() == solution.policy_by_stage.size() + 1 &&
                    std::all_of(solution.value_by_stage.begin(), solution.value_by_stage.end(),
                                [&](const auto& stage) { return stage.size() == n; });
  if (!fits) throw InvalidArgument("derivative: the solution is not one of criterion finite, with all its stages");
  OptimumGradient found = Stages(mdp, solution, options, false)();
  if (found.ties.empty() || options.at_ties != AtTies::use_policy) return found;
  OptimumGradient of_policy = Stages(mdp, solution, options, true)();
  of_policy.ties = std::move(found.ties);
  of_policy.tie_margin = found.tie_margin;
  return of_policy;
}

}  // namespace mdp::solvers
