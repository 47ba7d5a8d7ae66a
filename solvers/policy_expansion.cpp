#include "solvers/policy_expansion.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/each_row.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

using bounds::rounding;

StochasticPolicy exponentials(const std::vector<double>& logs) {
  StochasticPolicy policy(logs.size());
  std::transform(logs.begin(), logs.end(), policy.begin(), [](double x) { return std::exp(x); });
  return policy;
}

// L + beta log(pi/mu) of the rows that are taken, 0 for the others.
std::vector<double> soft_costs(const Mdp& mdp, const std::vector<double>& log_policy, const ExpansionOptions& options) {
  std::vector<double> costs(mdp.n_rows(), 0.0);
  for_each_row(mdp, [&](State s, Offset row) {
    if (log_policy[row] == -infinity) return;
    costs[row] = mdp.cost()[row];
    if (options.temperature > 0.0) {
      const double log_mu = options.reference.empty() ? 0.0 : std::log(options.reference[row]);
      costs[row] += options.temperature_of(s) * (log_policy[row] - log_mu);
    }
    if (std::isfinite(costs[row])) return;
    throw InvalidArgument("policy: takes the action " + mdp.action_name(row) + " of state " + mdp.state_name(s) +
                          ", whose cost is not finite");
  });
  return costs;
}

}  // namespace

std::string ExpansionOptions::check() const {
  if (!(temperature >= 0.0 && temperature < infinity)) {
    return "temperature: " + std::to_string(temperature) + " is not in [0, inf)";
  }
  for (const double scale : temperature_scale) {
    if (!(scale > 0.0 && scale < infinity)) return "temperature_scale: entries must be positive and finite";
  }
  if (threads < 0) return "threads: " + std::to_string(threads) + " is below 0 (0 = all)";
  return "";
}

PolicyExpansion::PolicyExpansion(const Mdp& mdp, std::vector<double> log_policy, const ExpansionOptions& options)
    : mdp_(mdp), options_(options), log_policy_(std::move(log_policy)) {
  if (const std::string problem = options_.check(); !problem.empty()) throw InvalidOption(problem);
  require_size("log_policy", log_policy_.size(), mdp.n_rows());
  if (!options_.reference.empty()) require_size("reference", options_.reference.size(), mdp.n_rows());
  if (!options_.temperature_scale.empty()) {
    require_size("temperature_scale", options_.temperature_scale.size(), mdp.n_states());
  }
  policy_ = exponentials(log_policy_);
  require_valid(mdp_, std::span<const double>(policy_));
  system_ = std::make_unique<PolicySystem>(mdp_, std::span<const double>(policy_),
                                           LinearOptions{.threads = options_.threads});
  const std::vector<double> costs = soft_costs(mdp_, log_policy_, options_);
  std::vector<double> mean(mdp.n_states());
  kernels::average_rows(mdp_, policy_, costs, mean, options_.threads);
  LinearSolution v = system_->solve(mean);
  LinearSolution d = system_->solve_transposed(mdp_.initial());
  values_ = std::move(v.x);
  occupancy_ = std::move(d.x);
  performance_ = accurate_inner(mdp_.initial(), values_);
  advantage_.resize(costs.size());
  kernels::add_expectation(mdp_, costs, values_, advantage_, options_.threads);
  for_each_row(mdp_, [&](State s, Offset row) {
    advantage_[row] = log_policy_[row] == -infinity ? 0.0 : advantage_[row] - values_[s];
  });
  // sum_a pi A = 0: what errors of V leave there is taken out.
  kernels::average_rows(mdp_, policy_, advantage_, mean, options_.threads);
  for_each_row(mdp_, [&](State s, Offset row) {
    if (log_policy_[row] > -infinity) advantage_[row] -= mean[s];
  });
  // The rounding of the costs and of their average; pi by exp, within 2 ulp and its rows' sums.
  const Offset n = mdp_.n_rows() - mdp_.n_states() + 1;
  const double right_error = rounding(n + 12) * max_abs(costs) + mdp_.entry_error().cost * mdp_.max_abs_cost() +
                             mdp_.entry_error().cost_absolute;
  set_error_bound(v.error_bound + bounds::value_error(right_error, mdp_.exact_discount()), d.error_bound);
}

PolicyExpansion::~PolicyExpansion() = default;
PolicyExpansion::PolicyExpansion(PolicyExpansion&&) noexcept = default;
PolicyExpansion& PolicyExpansion::operator=(PolicyExpansion&&) noexcept = default;

void PolicyExpansion::set_error_bound(double value_error, double occupancy_error) {
  std::vector<double> sizes(advantage_.size()), mean(values_.size());
  std::transform(advantage_.begin(), advantage_.end(), sizes.begin(), [](double a) { return std::abs(a); });
  kernels::average_rows(mdp_, policy_, sizes, mean, options_.threads);
  double visits = occupancy_error, size = 0.0;
  for (std::size_t s = 0; s < mean.size(); ++s) {
    visits += std::abs(occupancy_[s]);
    size += std::abs(occupancy_[s]) * mean[s];
  }
  double largest_log = 0.0;
  for (const double x : log_policy_) largest_log = x > -infinity ? std::max(largest_log, std::abs(x)) : largest_log;
  const double charge =
      options_.temperature * (options_.temperature_scale.empty() ? 1.0 : max_abs(options_.temperature_scale));
  const double magnitude = mdp_.max_abs_cost() + charge * largest_log + max_abs(values_);
  // Of Q twice, as its average is subtracted, where the error of V drops out.
  const Offset most = mdp_.n_rows() - mdp_.n_states() + 1;
  const double q_error =
      mdp_.discount() * value_error + bounds::sweep_error(mdp_, max_abs(values_)) + rounding(8) * magnitude;
  const double row_error = 2.0 * q_error + rounding(most + 2) * max_abs(advantage_);
  gradient_error_ = (visits * row_error + occupancy_error * (max_abs(mean) + row_error) + rounding(16) * size) *
                    (1.0 + rounding(mdp_.n_rows() + 16));
}

PolicyEntryDirection PolicyExpansion::gradient() const {
  PolicyEntryDirection g{std::vector<double>(mdp_.n_rows()), zero_direction(mdp_)};
  for_each_row(mdp_, [&](State s, Offset row) {
    g.entries.cost[row] = occupancy_[s] * policy_[row];
    g.log_policy[row] = g.entries.cost[row] * advantage_[row];
  });
  g.entries.discount =
      kernels::entry_gradient(mdp_, g.entries.cost, values_, false, g.entries.probability, options_.threads);
  return g;
}

PolicyChange PolicyExpansion::along(const PolicyEntryDirection& u) const {
  require_size("direction.log_policy", u.log_policy.size(), mdp_.n_rows());
  require_finite("direction.log_policy", u.log_policy);
  require_direction(mdp_, u.entries);
  const int threads = options_.threads;
  const double gamma = mdp_.discount();
  const auto n_states = static_cast<std::size_t>(mdp_.n_states());
  const auto n_rows = static_cast<std::size_t>(mdp_.n_rows());
  PolicyChange change;

  // dV from its sources, dQ, dA.
  std::vector<double> sources(n_rows), work(n_rows), mean(n_states);
  kernels::entry_sources(mdp_, values_, {u.entries.cost, u.entries.probability, u.entries.discount, false}, sources,
                         threads);
  for (std::size_t row = 0; row < n_rows; ++row) work[row] = sources[row] + advantage_[row] * u.log_policy[row];
  kernels::average_rows(mdp_, policy_, work, mean, threads);
  change.values = system_->solve(mean).x;
  change.performance = accurate_inner(mdp_.initial(), change.values);
  change.q.resize(n_rows);
  kernels::add_expectation(mdp_, sources, change.values, change.q, threads);
  change.advantage.resize(n_rows);
  for_each_row(mdp_, [&](State s, Offset row) {
    change.advantage[row] =
        policy_[row] == 0.0 ? 0.0 : change.q[row] + options_.temperature_of(s) * u.log_policy[row] - change.values[s];
  });

  // dd, and the change of d pi.
  std::vector<double> pairs(n_rows), moved(n_rows), by_policy(n_states), by_entries(n_states);
  for_each_row(mdp_, [&](State s, Offset row) {
    pairs[row] = occupancy_[s] * policy_[row];
    moved[row] = pairs[row] * (gamma * u.log_policy[row] + u.entries.discount);
  });
  kernels::transpose_rows(mdp_, moved, by_policy);
  kernels::transpose_entries(mdp_, u.entries.probability, pairs, by_entries);
  for (std::size_t s = 0; s < n_states; ++s) by_policy[s] += gamma * by_entries[s];
  change.occupancy = system_->solve_transposed(by_policy).x;

  // The gradient's change, term by term.
  change.gradient = {std::vector<double>(n_rows), zero_direction(mdp_)};
  std::vector<double>& d_pairs = change.gradient.entries.cost;
  for_each_row(mdp_, [&](State s, Offset row) {
    d_pairs[row] = policy_[row] * (change.occupancy[s] + occupancy_[s] * u.log_policy[row]);
    change.gradient.log_policy[row] =
        policy_[row] * (change.occupancy[s] * advantage_[row] + occupancy_[s] * change.advantage[row]);
  });
  const auto by_discount = [&](std::span<const double> weight, std::span<const double> p, std::span<const double> v) {
    kernels::expect_entries(mdp_, p, v, work, threads);
    return accurate_inner(weight, work);
  };
  change.gradient.entries.discount = by_discount(d_pairs, mdp_.probability(), values_) +
                                     by_discount(pairs, u.entries.probability, values_) +
                                     by_discount(pairs, mdp_.probability(), change.values);
  for (std::size_t row = 0; row < n_rows; ++row) {
    moved[row] = gamma * d_pairs[row] + u.entries.discount * pairs[row];
    work[row] = gamma * pairs[row];
  }
  kernels::add_row_products(mdp_, moved, values_, change.gradient.entries.probability, threads);
  kernels::add_row_products(mdp_, work, change.values, change.gradient.entries.probability, threads);
  return change;
}

std::vector<double> PolicyExpansion::entry_hessian(std::span<const EntryDirection> directions) const {
  std::vector<double> h;
  for (const EntryDirection& u : directions) {
    const PolicyChange change = along({std::vector<double>(mdp_.n_rows(), 0.0), u});
    for (const EntryDirection& v : directions) h.push_back(dot(change.gradient.entries, v));
  }
  return h;
}

PolicyEntryDirection PolicyExpansion::occupancy_gradient(std::span<const double> g) const {
  require_size("g", g.size(), mdp_.n_states());
  const std::vector<double> x = system_->solve(g).x;
  PolicyEntryDirection result{std::vector<double>(mdp_.n_rows()), zero_direction(mdp_)};
  std::vector<double> pairs(mdp_.n_rows()), onward(mdp_.n_rows()), mean(mdp_.n_states());
  for_each_row(mdp_, [&](State s, Offset row) { pairs[row] = occupancy_[s] * policy_[row]; });
  result.entries.discount =
      kernels::entry_gradient(mdp_, pairs, x, false, result.entries.probability, options_.threads);
  kernels::expect_entries(mdp_, mdp_.probability(), x, onward, options_.threads);
  kernels::average_rows(mdp_, policy_, onward, mean, options_.threads);
  for_each_row(mdp_, [&](State s, Offset row) {
    result.log_policy[row] = mdp_.discount() * pairs[row] * (onward[row] - mean[s]);
  });
  return result;
}

}  // namespace mdp::solvers
