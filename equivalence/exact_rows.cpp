#include "equivalence/exact_rows.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "equivalence/exact_text.hpp"
#include "equivalence/scaled_values.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::equivalence {
namespace {

using Row = std::vector<std::pair<std::int64_t, mpq_class>>;

// Whether p is the row itself but for the rounding of its entries.
bool is_rounded(const Row& p, const Row& row) {
  static const mpq_class rounding(
      "1/2251799813685248");  // 2^-51: of an entry, and of the sum that they were divided by
  return std::equal(p.begin(), p.end(), row.begin(), row.end(), [](const auto& a, const auto& b) {
    return a.first == b.first && abs(a.second - b.second) <= rounding * b.second;
  });
}

// p with mass moved between its extremes until E_p[V] = target, in units; false if that takes more than there is.
bool meet(Row& p, const ScaledValues& values, const mpq_class& target, mpq_class& largest_change) {
  const mpq_class missing = target - *values.mean(p);
  if (missing == 0) return true;
  const auto value = [&](const auto& entry) -> const mpz_class& { return values.scaled[at(entry.first)]; };
  auto high = p.begin(), low = p.begin();
  for (auto it = p.begin(); it != p.end(); ++it) {
    if (value(*it) > value(*high) || (value(*it) == value(*high) && it->second > high->second)) high = it;
    if (value(*it) < value(*low) || (value(*it) == value(*low) && it->second > low->second)) low = it;
  }
  if (value(*high) == value(*low)) return false;
  const mpq_class mass = missing / mpz_class(value(*high) - value(*low));
  high->second += mass;
  low->second -= mass;
  if (high->second < 0 || low->second < 0) return false;
  if (abs(mass) > largest_change) largest_change = abs(mass);
  std::erase_if(p, [](const auto& entry) { return entry.second == 0; });
  return true;
}

}  // namespace

ExactRows exact_equivalent_model(const io::ExactModel& world, const io::ExactModel& near, const mpq_class& discount,
                                 const mpq_class& shift, const solvers::SolveOptions& options, double max_characters) {
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  const auto solved = solvers::solve_exact(world, solvers::Criterion::discounted, exact);
  ExactRows result{solved.status, solved.message, world, 0};
  if (!solved.converged()) return result;
  result.model.discount = discount;
  const ScaledValues values(solved.value);
  // Two entries of a row become quotients of numbers as long as these.
  const double characters = 4.0 * values.digits() * static_cast<double>(world.rows.size());
  if (characters > max_characters) {
    result.status = Status::refused;
    result.message = "the rows in rationals would take some " + std::to_string(static_cast<std::int64_t>(characters)) +
                     " characters";
    return result;
  }
  for (std::int64_t s = 0; s < world.n_states; ++s) {
    for (auto r = world.state_rows[at(s)]; r < world.state_rows[at(s) + 1]; ++r) {
      Row& p = result.model.rows[at(r)].to;
      p = near.rows[at(r)].to;
      if (discount == world.discount && shift == 0 && is_rounded(p, world.rows[at(r)].to)) {
        p = world.rows[at(r)].to;
        continue;
      }
      const auto moment = values.mean(world.rows[at(r)].to);
      if (world.rows[at(r)].inadmissible || values.finite[at(s)] == 0 || (!moment && world.discount != 0)) {
        continue;  // no equation
      }
      const mpq_class future = (world.discount == 0 ? mpq_class(0) : mpq_class(world.discount * *moment)) +
                               shift * (discount == 0 ? mpq_class(1) : mpq_class(1 - discount)) * values.unit;
      const bool met = discount == 0
                           ? future == 0
                           : values.mean(p) && meet(p, values, mpq_class(future / discount), result.largest_change);
      if (met) continue;
      result.status = Status::refused;
      result.message = pair_text(world, s, r) + ": no row on this support has the moment that T6 asks for, exactly";
      return result;
    }
  }
  result.message = shift == 0 ? "Q^* = Q* exactly (T6)" : "Q^* = Q* + c exactly (T7)";
  return result;
}

}  // namespace mdp::equivalence
