// N stages and a terminal cost, by backward induction in rationals; see solvers/finite_horizon.hpp.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "solvers/exact/exact_criteria.hpp"

namespace mdp::solvers {
namespace {

// A stage adds at most as many bits as the common denominator of a row and its discounted successors has.
ExactSize size_of(const io::ExactModel& model, std::int64_t horizon) {
  double bits = 1.0, entries = 0.0;
  for (const auto& row : model.rows) {
    mpz_class common = row.cost.get_den();
    for (const auto& [next, p] : row.to) mpz_lcm(common.get_mpz_t(), common.get_mpz_t(), p.get_den_mpz_t());
    bits = std::max(bits,
                    static_cast<double>(mpz_sizeinbase(mpz_class(common * model.discount.get_den()).get_mpz_t(), 2)));
    entries += static_cast<double>(row.to.size());
  }
  const auto stages = static_cast<double>(horizon);
  ExactSize size;
  size.bytes =
      stages * stages * bits / 8.0 * static_cast<double>(model.n_states + static_cast<std::int64_t>(model.rows.size()));
  size.operations = stages * stages * bits / 64.0 * entries;
  return size;
}

}  // namespace

std::vector<Extended> exact_terminal(const ExactOptions& options, std::size_t n_states) {
  std::vector<Extended> terminal = options.terminal;
  if (terminal.empty()) {
    for (const double x : options.criterion.terminal) {
      terminal.push_back(std::isinf(x) ? Extended::infinity(x > 0.0 ? 1 : -1) : Extended(mpq_class(x)));
    }
  }
  if (terminal.empty()) terminal.resize(n_states);
  if (terminal.size() != n_states) {
    throw InvalidArgument(
        fmt::format("terminal cost: {} entries, required {}, one per state", terminal.size(), n_states));
  }
  for (std::size_t s = 0; s < terminal.size(); ++s) {
    if (terminal[s].infinite < 0)
      throw InvalidArgument(fmt::format("terminal cost of state {}: -inf when minimised", s));
  }
  return terminal;
}

void solve_exact_finite(ExactContext& context, ExactAnswer& answer) {
  const io::ExactModel& model = context.model();
  const std::int64_t horizon = context.options().criterion.horizon;
  if (horizon < 0) throw InvalidOption("criterion finite needs a horizon >= 0");
  const ExactSize size = size_of(model, horizon);
  const bool too_large = size.bytes > context.limits().max_bytes || size.operations > context.limits().max_operations;
  if (context.limits().max_bytes > 0.0 && too_large && context.unfinished(ExactEnd::too_large, size, answer)) return;

  std::vector<std::vector<Extended>> values{exact_terminal(context.options(), context.n_states())};
  std::vector<Policy> policies;
  std::vector<std::vector<char>> optimal;
  for (std::int64_t k = horizon - 1; k >= 0; --k) {
    if (!context.run().may_sweep() || !context.limits().keep_going()) {
      (void)context.unfinished(ExactEnd::stopped, {}, answer);
      return;
    }
    answer.q = exact_q(model, model.discount, values.back());
    std::vector<Extended> value;
    Policy policy;
    for (std::size_t s = 0; s < context.n_states(); ++s) {
      const auto first = answer.q.begin() + model.state_rows[s];
      const auto best = std::min_element(first, answer.q.begin() + model.state_rows[s + 1]);
      value.push_back(*best);
      policy.push_back(static_cast<Action>(best - first));
    }
    optimal.push_back(tied_rows(model, answer.q, value));
    values.push_back(std::move(value));
    policies.push_back(std::move(policy));
    context.run().count_sweep({0.0, 0.0}, not_computed);
  }
  answer.value = values.back();
  if (horizon > 0) answer.policy = policies.back();
  if (horizon > 0) answer.optimal = optimal.back();
  answer.value_by_stage.assign(values.rbegin(), values.rend());
  answer.policy_by_stage.assign(policies.rbegin(), policies.rend());
  answer.optimal_by_stage.assign(optimal.rbegin(), optimal.rend());
}

}  // namespace mdp::solvers
