#include "solvers/exact/until_exit.hpp"

#include <cmath>

namespace mdp::solvers {
namespace {

constexpr double u = unit_roundoff;
constexpr double smallest_weight = 0x1p-900;  // no subnormal probability is trusted

}  // namespace

// mpq_get_d truncates: relative error below 2^-52, and an absolute one below 2^-1074 where the result is subnormal.
ExactGap::Double ExactGap::convert(const mpq_class& x) {
  const auto bits = static_cast<double>(mpz_sizeinbase(x.get_num_mpz_t(), 2)) -
                    static_cast<double>(mpz_sizeinbase(x.get_den_mpz_t(), 2));
  if (bits > 1020.0) return {0.0, infinity};
  const double near = x.get_d();
  return {near, 4.0 * u * std::abs(near) + 0x1p-1060};
}

ExactGap::ExactGap(std::span<const mpq_class> value) : value_(value) {
  near_.reserve(value.size());
  for (const mpq_class& v : value) near_.push_back(convert(v));
}

// Proof of the bound: with relative errors of 4 u in each number, a product has at most 4 u + 4 u + u and second-order terms, below
// 12 u; k + 2 terms are added with at most (k + 2) u of the sum of sizes each. `error` collects 2 (12 + k + 2) u times that
// sum, and the absolute parts; an infinite or invalid one decides nothing.
int ExactGap::sign(const mpq_class& offset, const RationalRow& row, std::int64_t base) const {
  const Double c = convert(offset);
  const Double b = near_[at(base)];
  double sum = c.near - b.near;
  double size = std::abs(c.near) + std::abs(b.near);
  double error = c.error + b.error;
  for (const auto& [next, p] : row) {
    const Double v = near_[at(next)];
    const double weight = p.get_d();
    const double term = weight * v.near;
    sum += term;
    size += std::abs(term);
    error += weight < smallest_weight ? infinity : v.error;
  }
  error += 2.0 * (14.0 + static_cast<double>(row.size())) * u * size;
  if (std::abs(sum) > 2.0 * error) return sum > 0.0 ? 1 : -1;
  return cmp(expectation(offset, row, value_), value_[at(base)]);
}

namespace {

// Improves where some row is better, taking the best row by exact comparison with the current one.
struct Improvement {
  std::size_t n_changed = 0;
  mpq_class least_gap;
};

Improvement improve(const ExitProblem& problem, std::span<const mpq_class> value, std::vector<Offset>& rows) {
  const ExactGap gap(value);
  Improvement result;
  for (std::size_t s = 0; s < problem.n_states(); ++s) {
    mpq_class best = 0;
    for (Offset row = problem.state_rows[s]; row < problem.state_rows[s + 1]; ++row) {
      if (row == rows[s]) continue;
      const ExitProblem::Row& r = problem.rows[at(row)];
      if (gap.sign(r.cost, r.to, static_cast<std::int64_t>(s)) >= 0) continue;
      const mpq_class own = expectation(r.cost, r.to, value) - value[s];
      if (own >= best) continue;
      if (best == 0) ++result.n_changed;
      best = own;
      rows[s] = row;
    }
    if (best < result.least_gap) result.least_gap = best;
  }
  return result;
}

}  // namespace

bool too_large(const ExactSize& size, const ExactRun& run) {
  return (run.max_bytes > 0.0 && size.bytes > run.max_bytes) ||
         (run.max_operations > 0.0 && size.operations > run.max_operations);
}

ExitAnswer solve_until_exit(const ExitProblem& problem, std::vector<Offset> start, const ExactRun& run) {
  ExitAnswer answer;
  std::vector<Offset> rows = std::move(start);
  while (true) {
    std::vector<RationalRow> chosen;
    std::vector<mpq_class> cost;
    for (const Offset row : rows) {
      chosen.push_back(problem.rows[at(row)].to);
      cost.push_back(problem.rows[at(row)].cost);
    }
    RationalChain chain(std::move(chosen));
    answer.size = chain.size();
    answer.end = too_large(answer.size, run) ? ExactEnd::too_large : ExactEnd::stopped;
    if (answer.end == ExactEnd::too_large) return answer;
    auto value = chain.solve(cost, run.keep_going);
    if (!value) return answer;
    answer.value = std::move(*value);
    answer.rows = rows;
    const Improvement improvement = improve(problem, answer.value, rows);
    const bool goes_on = !run.swept || run.swept(improvement.least_gap, improvement.n_changed);
    if (improvement.n_changed == 0) {
      answer.end = ExactEnd::solved;
      return answer;
    }
    if (!goes_on) return answer;
  }
}

}  // namespace mdp::solvers
