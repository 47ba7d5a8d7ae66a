// The value of a policy in rationals: the answer of its chain.
#include <map>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/io/exact_arrays.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::solvers {
namespace {

// What a policy does in one state.
struct Mixture {
  std::map<std::int64_t, mpq_class> to;
  mpq_class paid, earned;  // means of the positive and of the negative parts of the costs
  bool inadmissible = false;

  [[nodiscard]] bool both_signs() const { return !inadmissible && paid != 0 && earned != 0; }
  [[nodiscard]] RationalRow successors() const { return {to.begin(), to.end()}; }
};

Mixture mixture_of(const io::ExactModel& model, std::int64_t s, std::span<const mpq_class> weight) {
  const Offset first = model.state_rows[at(s)], last = model.state_rows[at(s) + 1];
  mpq_class total;
  for (Offset row = first; row < last; ++row) {
    if (weight[at(row)] < 0) throw InvalidArgument(fmt::format("state {}: a probability of the policy is negative", s));
    total += weight[at(row)];
  }
  if (total == 0) throw InvalidArgument(fmt::format("state {}: the policy's probabilities sum to 0", s));
  Mixture mixture;
  for (Offset row = first; row < last; ++row) {
    if (weight[at(row)] == 0) continue;
    const mpq_class share = weight[at(row)] / total;
    const io::ExactModel::Row& own = model.rows[at(row)];
    mixture.inadmissible = mixture.inadmissible || own.inadmissible;
    (own.cost > 0 ? mixture.paid : mixture.earned) += share * own.cost;
    for (const auto& [next, p] : own.to) mixture.to[next] += share * p;
  }
  return mixture;
}

io::ExactModel::Row row_of(RationalRow to, mpq_class cost) {
  io::ExactModel::Row row;
  row.to = std::move(to);
  row.cost = std::move(cost);
  return row;
}

void require_fitting(const io::ExactModel& model, std::span<const mpq_class> policy) {
  if (policy.size() == model.rows.size()) return;
  throw InvalidArgument(
      fmt::format("policy: {} probabilities, required {}, one per row", policy.size(), model.rows.size()));
}

// Probabilities that sum to 1 in each state.
std::vector<mpq_class> normalised(const io::ExactModel& model, std::span<const mpq_class> policy) {
  std::vector<mpq_class> result(policy.begin(), policy.end());
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    mpq_class total;
    for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) total += policy[at(row)];
    for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) result[at(row)] /= total;
  }
  return result;
}

}  // namespace

std::vector<mpq_class> exact_weights(const io::ExactModel& model, std::span<const Action> policy) {
  if (policy.size() != at(model.n_states)) {
    throw InvalidArgument(fmt::format("policy: {} actions, required {}, one per state", policy.size(), model.n_states));
  }
  std::vector<mpq_class> weight(model.rows.size());
  for (std::size_t s = 0; s < policy.size(); ++s) {
    const Offset row = model.state_rows[s] + policy[s];
    if (policy[s] < 0 || row >= model.state_rows[s + 1]) {
      throw InvalidArgument(fmt::format("policy: state {} has no action {}", s, policy[s]));
    }
    weight[at(row)] = 1;
  }
  return weight;
}

ExactChain exact_chain(const io::ExactModel& model, std::span<const mpq_class> policy, Criterion criterion) {
  require_fitting(model, policy);
  ExactChain chain;
  io::ExactModel& m = chain.model;
  m.discount = model.discount;
  m.objective = model.objective;
  m.goal = model.goal;
  m.names = model.names;
  std::vector<io::ExactModel::Row> behind;
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    Mixture mixture = mixture_of(model, s, policy);
    chain.origin.push_back(static_cast<State>(s));
    if (criterion != Criterion::total || !mixture.both_signs()) {
      m.rows.push_back(
          row_of(mixture.successors(), mixture.inadmissible ? mpq_class(0) : mpq_class(mixture.paid + mixture.earned)));
      m.rows.back().inadmissible = mixture.inadmissible;
      continue;
    }
    const auto own = model.n_states + static_cast<std::int64_t>(behind.size());
    m.rows.push_back(row_of({{own, mpq_class(1)}}, mixture.paid));
    behind.push_back(row_of(mixture.successors(), mixture.earned));
  }
  for (std::size_t s = 0; s < at(model.n_states); ++s) {
    if (behind.empty() || m.rows[s].to.front().first < model.n_states) continue;
    chain.origin.push_back(static_cast<State>(s));
    if (!m.names.empty()) m.names.push_back(model.names[s] + " (earning)");
  }
  for (auto& row : behind) m.rows.push_back(std::move(row));
  m.n_states = static_cast<std::int64_t>(m.rows.size());
  for (std::int64_t s = 0; s <= m.n_states; ++s) m.state_rows.push_back(s);
  return chain;
}

ExactAnswer evaluate_exact(const io::ExactModel& model, std::span<const mpq_class> policy, Criterion criterion,
                           const ExactOptions& options) {
  const ExactChain chain = exact_chain(model, policy, criterion);
  ExactAnswer answer = solve_exact(chain.model, criterion, options);
  answer.evaluated_policy = normalised(model, policy);
  for (State& s : answer.witness) s = chain.origin[at(s)];
  return answer;
}

}  // namespace mdp::solvers
