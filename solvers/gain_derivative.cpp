// The gain and the bias of a policy with one recurrent class, and the optimal gain.
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/two_double.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/linearise.hpp"
#include "solvers/optimal_actions.hpp"
#include "solvers/policy_system.hpp"
#include "solvers/undiscounted_derivative.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

double compensated_dot(std::span<const double> x, std::span<const double> y) {
  TwoDouble sum;
  for (std::size_t i = 0; i < x.size(); ++i) sum = sum + two_product(x[i], y[i]);
  return sum.value();
}

// Relative error of what a row of the MDP meant expects, and of its rounding.
double row_error(const Mdp& mdp) { return rounding(mdp.max_row_length() + 8) + mdp.entry_error().probability; }

double cost_error(const Mdp& mdp, double size) {
  return mdp.entry_error().cost * size + mdp.entry_error().cost_absolute;
}

// States from which the chain of the rows taken may end in a closed component other than `own`.
graph::StateSet ends_elsewhere(const Mdp& mdp, std::span<const char> taken, const graph::Components& closed,
                               State own) {
  const graph::Components parts = graph::strongly_connected_components(mdp, taken);
  std::vector<std::vector<State>> members(parts.count);
  for (State s = 0; s < mdp.n_states(); ++s) members[parts.of_state[s]].push_back(s);
  std::vector<char> elsewhere(parts.count, 0);  // successors have lower numbers
  for (State part = 0; part < parts.count; ++part) {
    for (const State s : members[part]) {
      if (closed.of_state[s] >= 0 && closed.of_state[s] != own) elsewhere[part] = 1;
      for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
        if (taken[row] == 0) continue;
        for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
          if (elsewhere[parts.of_state[mdp.next_state()[k]]] != 0) elsewhere[part] = 1;
        }
      }
    }
  }
  graph::StateSet result(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) result[s] = elsewhere[parts.of_state[s]];
  return result;
}

// A state of the class that is visited often: the most likely one after some lazy steps from all alike.
State often_visited(const Mdp& mdp, std::span<const double> row_weights, const graph::Components& closed, State own) {
  std::vector<double> x(mdp.n_states(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) x[s] = closed.of_state[s] == own ? 1.0 : 0.0;
  std::vector<double> moved(mdp.n_states());
  std::vector<double> rows(mdp.n_rows());
  for (int step = 0; step < 32; ++step) {
    for (State s = 0; s < mdp.n_states(); ++s) {
      for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) rows[row] = row_weights[row] * x[s];
    }
    kernels::transpose_rows(mdp, rows, moved);
    for (std::size_t s = 0; s < x.size(); ++s) x[s] = 0.5 * (x[s] + moved[s]);
  }
  return static_cast<State>(std::max_element(x.begin(), x.end()) - x.begin());
}

}  // namespace

// Numbers per state whose mean under mu is 0.
struct GainLinearisation::Centred {
  std::vector<double> values;  // 0 outside
  double error = infinity;
};

GainLinearisation::GainLinearisation(const Mdp& mdp, std::span<const Action> policy, const DerivativeOptions& options)
    : mdp_(mdp.with_discount(Discount(1.0))), options_(options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  require_valid(mdp_, policy);
  for (State s = 0; s < mdp_.n_states(); ++s) {
    if (mdp_.cost()[selected_row(mdp_, policy, s)] < infinity) continue;
    throw InvalidArgument("derivative: the policy takes an inadmissible action in state " + mdp_.state_name(s));
  }
  message_ = find_class(policy);
  if (!message_.empty()) {
    status_ = Status::refused;
    return;
  }
  message_ = "derivative of the gain and bias of a policy with one recurrent class";
  find_stationary();
  find_bias();
  if (bias_error_ < infinity) return;
  status_ = Status::precision_limit;
  message_ = "I - P of the policy is singular within the rounding of doubles: nothing can be proved of its solutions";
}

std::string GainLinearisation::find_class(std::span<const Action> policy) {
  graph::RowMask taken(mdp_.n_rows(), 0);
  for (State s = 0; s < mdp_.n_states(); ++s) taken[selected_row(mdp_, policy, s)] = 1;
  const graph::Components closed = graph::maximal_end_components(mdp_, taken);
  const graph::StateSet reached = graph::reachable_states(mdp_, taken);
  std::vector<char> within(closed.count, 0);
  for (State s = 0; s < mdp_.n_states(); ++s) {
    if (closed.of_state[s] >= 0 && reached[s] != 0) within[closed.of_state[s]] = 1;
  }
  const auto n_within = std::count(within.begin(), within.end(), 1);
  if (n_within != 1) {
    return fmt::format(
        "the policy has {} recurrent classes within reach of the initial distribution: the gain is no number "
        "of one class",
        n_within);
  }
  const auto own = static_cast<State>(std::find(within.begin(), within.end(), 1) - within.begin());
  inside_ = ends_elsewhere(mdp_, taken, closed, own);
  for (char& s : inside_) s = s == 0 ? 1 : 0;
  row_weights_.assign(mdp_.n_rows(), 0.0);
  for (State s = 0; s < mdp_.n_states(); ++s) {
    if (inside_[s] != 0) row_weights_[selected_row(mdp_, policy, s)] = 1.0;
  }
  reference_ = often_visited(mdp_, row_weights_, closed, own);
  return {};
}

// y = visits between two visits to t, t's own 1 among them: (I - P)^T y = P(t, .), t absorbing. Both y and its sum are off by
// at most e, so y/sum is by 2e/(sum - e).
void GainLinearisation::find_stationary() {
  std::vector<double> weights = row_weights_;
  std::vector<double> start(mdp_.n_states(), 0.0);
  for (Offset row = mdp_.state_rows()[reference_]; row < mdp_.state_rows()[reference_ + 1]; ++row) {
    if (weights[row] == 0.0) continue;
    weights[row] = 0.0;
    for (Offset k = mdp_.row_begin()[row]; k < mdp_.row_begin()[row + 1]; ++k) {
      start[mdp_.next_state()[k]] += mdp_.probability()[k];
    }
  }
  system_ = std::make_shared<const PolicySystem>(
      PolicySystem::until_absorption(mdp_, weights, LinearOptions{.threads = options_.threads}));
  LinearSolution visits = system_->solve_transposed(start);
  const double error = visits.error_bound + system_->error_of(2.0 * row_error(mdp_));
  const std::vector<double> one(visits.x.size(), 1.0);
  const double sum = compensated_dot(one, visits.x);
  if (sum > error) stationary_error_ = (2.0 * error / (sum - error) + rounding(8)) * (1.0 + rounding(16));
  stationary_ = std::move(visits.x);
  for (double& x : stationary_) x /= sum;
}

GainLinearisation::Centred GainLinearisation::deviation(std::vector<double> x, double error) const {
  for (std::size_t s = 0; s < x.size(); ++s) {
    if (inside_[s] == 0 || static_cast<State>(s) == reference_) x[s] = 0.0;
  }
  LinearSolution z = system_->solve(x);
  const double solved_error = z.error_bound + system_->error_of(error);
  const double mean = compensated_dot(stationary_, z.x);
  const double size = max_abs_finite(z.x);
  Centred result{std::move(z.x)};
  result.error = (2.0 * solved_error + (stationary_error_ + rounding(8)) * size) * (1.0 + rounding(16));
  for (std::size_t s = 0; s < x.size(); ++s) result.values[s] = inside_[s] != 0 ? result.values[s] - mean : 0.0;
  return result;
}

void GainLinearisation::find_bias() {
  std::vector<double> cost(mdp_.n_states());
  kernels::average_rows(mdp_, row_weights_, mdp_.cost(), cost, options_.threads);
  const double size = max_abs_finite(cost);
  gain_ = compensated_dot(stationary_, cost);
  gain_error_ = ((stationary_error_ + rounding(8)) * size + cost_error(mdp_, size)) * (1.0 + rounding(16));
  for (double& c : cost) c -= gain_;
  Centred h = deviation(std::move(cost), gain_error_ + cost_error(mdp_, size) + rounding(4) * size);
  bias_error_ = h.error;
  bias_ = std::move(h.values);
  for (std::size_t s = 0; s < bias_.size(); ++s) {
    if (inside_[s] == 0) bias_[s] = not_computed;
  }
}

namespace {

std::vector<double> zero_where_missing(std::span<const double> x) {
  std::vector<double> y(x.begin(), x.end());
  std::replace_if(
      y.begin(), y.end(), [](double value) { return std::isnan(value); }, 0.0);
  return y;
}

void require_differentiable(Status status, const std::string& message) {
  if (status != Status::converged) throw InvalidArgument("no derivative: " + message);
}

}  // namespace

GainLinearisation::Change GainLinearisation::jvp(const EntryDirection& direction) const {
  require_differentiable(status_, message_);
  require_direction(mdp_, direction);
  struct Sources {
    std::vector<double> mean;
    double error;
  };
  // dL + dP v of the rows taken; |dp - p sum dp| adds up to twice sum |dp|.
  const auto sources = [&](std::span<const double> cost, std::span<const double> v, double v_error) {
    std::vector<double> rows(mdp_.n_rows());
    const kernels::ChangeSize size =
        kernels::entry_sources(mdp_, v, {cost, direction.probability, 0.0, true}, rows, options_.threads);
    Sources result{std::vector<double>(mdp_.n_states()),
                   2.0 * row_error(mdp_) * size.magnitude + 2.0 * size.probability * v_error};
    kernels::average_rows(mdp_, row_weights_, rows, result.mean, options_.threads);
    return result;
  };
  const auto mean_of = [&](const Sources& x, double& error) {
    error = ((stationary_error_ + rounding(8)) * max_abs_finite(x.mean) + x.error) * (1.0 + rounding(16));
    return compensated_dot(stationary_, x.mean);
  };
  const std::vector<double> h = zero_where_missing(bias_);
  Sources moved = sources(direction.cost, h, bias_error_);
  Change change;
  change.gain = mean_of(moved, change.gain_error_bound);
  const double size = max_abs_finite(moved.mean);
  for (double& x : moved.mean) x -= change.gain;
  Centred by_entries = deviation(std::move(moved.mean), moved.error + change.gain_error_bound + rounding(4) * size);
  // mu moves, too, and with it what has mean 0.
  const Centred second = deviation(h, bias_error_);
  double shift_error = 0.0;
  const double shift =
      mean_of(sources(std::vector<double>(mdp_.n_rows(), 0.0), second.values, second.error), shift_error);
  change.bias_error_bound =
      (by_entries.error + shift_error + rounding(4) * (max_abs_finite(by_entries.values) + std::abs(shift))) *
      (1.0 + rounding(16));
  change.bias = std::move(by_entries.values);
  for (std::size_t s = 0; s < change.bias.size(); ++s) {
    change.bias[s] = inside_[s] != 0 ? change.bias[s] - shift : not_computed;
  }
  return change;
}

ReverseDerivative GainLinearisation::gain_gradient() const {
  require_differentiable(status_, message_);
  ReverseDerivative result;
  result.status = status_;
  result.message = message_;
  result.adjoint = stationary_;
  result.adjoint_error_bound = stationary_error_;
  result.gradient.cost = row_weights_;
  for (State s = 0; s < mdp_.n_states(); ++s) {
    for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
      result.gradient.cost[row] *= stationary_[s];
    }
  }
  const std::vector<double> h = zero_where_missing(bias_);
  if (options_.probability) result.gradient.probability.resize(mdp_.n_transitions());
  kernels::entry_gradient(mdp_, result.gradient.cost, h, true, result.gradient.probability, options_.threads);
  const double size = max_abs_finite(h) + bias_error_;
  result.cost_error_bound = stationary_error_;
  result.probability_error_bound =
      2.0 * (stationary_error_ * size + max_abs_finite(stationary_) * (bias_error_ + 2.0 * row_error(mdp_) * size)) *
      (1.0 + rounding(16));
  result.discount_error_bound = 0.0;
  result.level = result.probability_error_bound < infinity ? Level::certified : Level::approximate;
  return result;
}

namespace {

enum class RowVerdict : char { worse, tied, better, loses_gain };

// What the bias of a policy says of every row: c + P h - h - g against its error. Rows that lead out of the policy's states
// are judged by the bounds on the optimal gains there.
struct Verdicts {
  std::vector<RowVerdict> of_row;
  double margin = 0.0;
};

Verdicts judge_rows(const Mdp& mdp, const GainLinearisation& at, const CriterionResult& solution, double upper_gain) {
  const std::vector<double> h = zero_where_missing(at.bias());
  std::vector<double> q(mdp.n_rows());
  kernels::q_values(mdp, h, q);
  const double size = max_abs_finite(h);
  const double error = (bounds::sweep_error(mdp, size) + 2.0 * at.bias_error_bound() + at.gain_error_bound() +
                        rounding(4) * (mdp.max_abs_cost() + 2.0 * size + std::abs(at.gain()))) *
                       (1.0 + rounding(16));
  Verdicts verdicts{std::vector<RowVerdict>(mdp.n_rows(), RowVerdict::tied), 2.0 * error};
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (!(mdp.cost()[row] < infinity)) {
        verdicts.of_row[row] = RowVerdict::loses_gain;
        continue;
      }
      double gain = 0.0;
      bool leaves = std::isnan(at.bias()[s]);
      for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
        gain += mdp.probability()[k] * solution.gain_lower[mdp.next_state()[k]];
        leaves = leaves || std::isnan(at.bias()[mdp.next_state()[k]]);
      }
      const double slack = row_error(mdp) * max_abs_finite(solution.gain_lower);
      const double advantage = q[row] - at.gain() - h[s];
      if (gain - slack > upper_gain) {
        verdicts.of_row[row] = RowVerdict::loses_gain;
      } else if (!leaves && std::abs(advantage) > error) {
        verdicts.of_row[row] = advantage > 0.0 ? RowVerdict::worse : RowVerdict::better;
      }
    }
  }
  return verdicts;
}

// The best row of each state where one is better than the policy's; false if there is none.
bool improve(const Mdp& mdp, const GainLinearisation& at, const Verdicts& verdicts, Policy& policy) {
  const std::vector<double> h = zero_where_missing(at.bias());
  std::vector<double> q(mdp.n_rows());
  kernels::q_values(mdp, h, q);
  bool improved = false;
  for (State s = 0; s < mdp.n_states(); ++s) {
    double best = infinity;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (verdicts.of_row[row] != RowVerdict::better || !(q[row] < best)) continue;
      best = q[row];
      policy[s] = static_cast<Action>(row - mdp.state_rows()[s]);
      improved = true;
    }
  }
  return improved;
}

// States that may be recurrent under an optimal policy, each with the actions that keep it so; or why there is no derivative.
std::string tied_actions(const Mdp& mdp, const GainLinearisation& at, const Verdicts& verdicts, bool drop,
                         std::vector<Tie>& ties) {
  graph::RowMask keeps_gain(mdp.n_rows()), tied(mdp.n_rows());
  for (std::size_t row = 0; row < tied.size(); ++row) {
    keeps_gain[row] = verdicts.of_row[row] != RowVerdict::loses_gain ? 1 : 0;
    tied[row] = verdicts.of_row[row] == RowVerdict::tied ? 1 : 0;
  }
  const graph::StateSet within = graph::reachable_states(mdp, keeps_gain);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (within[s] == 0 || !std::isnan(at.bias()[s])) continue;
    return "state " + mdp.state_name(s) +
           " can be reached, and from there the policy may end in another recurrent class whose gain is not proved "
           "worse";
  }
  graph::Components ends = graph::maximal_end_components(mdp, tied);
  State own = -1;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (ends.of_state[s] < 0 || within[s] == 0) continue;
    if (own < 0) own = ends.of_state[s];
    if (ends.of_state[s] == own) continue;
    return "optimal policies may have different recurrent classes, one with state " + mdp.state_name(s) +
           ": their gains cannot be told apart";
  }
  graph::ban_leaving_rows(mdp, ends, tied);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (ends.of_state[s] != own || own < 0) continue;
    Tie tie{s, {}};
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (tied[row] != 0) tie.actions.push_back(static_cast<Action>(row - mdp.state_rows()[s]));
    }
    if (drop) drop_duplicates(mdp, tie);
    if (tie.actions.size() > 1) ties.push_back(std::move(tie));
  }
  return {};
}

}  // namespace

OptimumGradient gain_optimum_gradient(const Mdp& mdp, const CriterionResult& solution,
                                      const DerivativeOptions& options) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  if (solution.criterion != Criterion::average || solution.gain_lower.size() != n || solution.policy.size() != n) {
    throw InvalidArgument("derivative: the solution is not one of criterion average, with bounds and a policy");
  }
  const Mdp at_one = mdp.with_discount(Discount(1.0));
  double upper_gain = -infinity;
  for (std::size_t s = 0; s < n; ++s) {
    if (mdp.initial()[s] > 0.0) upper_gain = std::max(upper_gain, solution.gain_upper[s]);
  }
  OptimumGradient result;
  const auto refuse = [&](std::string why) {
    result.reverse.status = Status::refused;
    result.reverse.message = std::move(why);
    return result;
  };
  Policy policy = solution.policy;
  for (;;) {
    const GainLinearisation at(mdp, policy, options);
    if (at.status() != Status::converged) {
      refuse(at.message());
      result.reverse.status = at.status();
      return result;
    }
    const Verdicts verdicts = judge_rows(at_one, at, solution, upper_gain);
    if (improve(at_one, at, verdicts, policy)) continue;  // transient states: the gain is optimal already
    result.tie_margin = verdicts.margin;
    const std::string why = tied_actions(at_one, at, verdicts, options.at_ties == AtTies::drop_duplicates, result.ties);
    result.of_policy = options.at_ties == AtTies::use_policy && !(why.empty() && result.ties.empty());
    if (!result.of_policy && !why.empty()) return refuse(why);
    if (!result.of_policy && !result.ties.empty())
      return refuse(tie_message(mdp, result.ties) + "; the gain may have no derivative");
    result.reverse = at.gain_gradient();
    if (!result.of_policy) result.reverse.message = "derivative of the optimal gain; the recurrent actions are unique";
    return result;
  }
}

}  // namespace mdp::solvers
