#include "equivalence/exact_rows.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "equivalence/exact_text.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::equivalence {
namespace {

using io::Extended;
using Row = std::vector<std::pair<std::int64_t, mpq_class>>;

// Whether p is the row itself but for the rounding of its entries.
bool is_rounded(const Row& p, const Row& row) {
  static const mpq_class rounding(
      "1/2251799813685248");  // 2^-51: of an entry, and of the sum that they were divided by
  return std::equal(p.begin(), p.end(), row.begin(), row.end(), [](const auto& a, const auto& b) {
    return a.first == b.first && abs(a.second - b.second) <= rounding * b.second;
  });
}

// E_p[V]; nothing where it is infinite.
std::optional<mpq_class> mean(const Row& p, const std::vector<Extended>& values) {
  mpq_class sum = 0;
  for (const auto& [next, chance] : p) {
    if (!values[at(next)].is_finite()) return std::nullopt;
    sum += chance * values[at(next)].finite;
  }
  return sum;
}

// p with mass moved between its extremes until E_p[V] = target; false if that takes more than there is.
bool meet(Row& p, const std::vector<Extended>& values, const mpq_class& target, mpq_class& largest_change) {
  const mpq_class missing = target - *mean(p, values);
  if (missing == 0) return true;
  const auto value = [&](const auto& entry) -> const mpq_class& { return values[at(entry.first)].finite; };
  auto high = p.begin(), low = p.begin();
  for (auto it = p.begin(); it != p.end(); ++it) {
    if (value(*it) > value(*high) || (value(*it) == value(*high) && it->second > high->second)) high = it;
    if (value(*it) < value(*low) || (value(*it) == value(*low) && it->second > low->second)) low = it;
  }
  if (value(*high) == value(*low)) return false;
  const mpq_class mass = missing / (value(*high) - value(*low));
  high->second += mass;
  low->second -= mass;
  if (high->second < 0 || low->second < 0) return false;
  largest_change = std::max(largest_change, mpq_class(abs(mass)));
  std::erase_if(p, [](const auto& entry) { return entry.second == 0; });
  return true;
}

}  // namespace

ExactRows exact_equivalent_model(const io::ExactModel& world, const io::ExactModel& near, const mpq_class& discount,
                                 const mpq_class& shift, const solvers::SolveOptions& options) {
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  const auto solved = solvers::solve_exact(world, solvers::Criterion::discounted, exact);
  ExactRows result{solved.status, solved.message, world, 0};
  if (!solved.converged()) return result;
  result.model.discount = discount;
  for (std::int64_t s = 0; s < world.n_states; ++s) {
    for (auto r = world.state_rows[at(s)]; r < world.state_rows[at(s) + 1]; ++r) {
      Row& p = result.model.rows[at(r)].to;
      p = near.rows[at(r)].to;
      if (discount == world.discount && shift == 0 && is_rounded(p, world.rows[at(r)].to)) {
        p = world.rows[at(r)].to;
        continue;
      }
      const auto moment = mean(world.rows[at(r)].to, solved.value);
      if (world.rows[at(r)].inadmissible || !solved.value[at(s)].is_finite() || (!moment && world.discount != 0)) {
        continue;  // no equation
      }
      const mpq_class future = (world.discount == 0 ? mpq_class(0) : mpq_class(world.discount * *moment)) +
                               shift * (discount == 0 ? mpq_class(1) : mpq_class(1 - discount));
      const bool met = discount == 0 ? future == 0
                                     : mean(p, solved.value) &&
                                           meet(p, solved.value, mpq_class(future / discount), result.largest_change);
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
