#include "equivalence/exact_cost.hpp"

#include <algorithm>

#include "solvers/exact/exact_answer.hpp"

namespace mdp::equivalence {
namespace {

bool is_free(const io::ExactModel& model, std::int64_t s) {
  const auto first = model.rows.begin() + model.state_rows[at(s)],
             last = model.rows.begin() + model.state_rows[at(s) + 1];
  return std::all_of(first, last, [](const auto& row) { return !row.inadmissible && row.cost == 0; });
}

}  // namespace

ExactCost exact_equivalent_cost(const io::ExactModel& world, const io::ExactModel& model,
                                const solvers::SolveOptions& options) {
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  const auto solved = solvers::solve_exact(world, solvers::Criterion::discounted, exact);
  ExactCost result{solved.status, solved.message, model};
  if (!solved.converged()) return result;
  for (std::size_t r = 0; r < model.rows.size(); ++r) {
    auto& row = result.model.rows[r];
    row.inadmissible = !solved.q[r].is_finite();
    row.cost = 0;
    if (row.inadmissible) continue;
    for (const auto& [next, p] : row.to) {
      const auto& value = solved.value[at(next)];
      if (!value.is_finite() && model.discount != 0) {
        result.status = Status::refused;
        result.message = "TC(a) fails: the model can go where V* is infinite";
        return result;
      }
      row.cost -= p * value.finite;
    }
    row.cost = solved.q[r].finite + model.discount * row.cost;
  }
  std::erase_if(result.model.goal, [&](std::int64_t s) { return !is_free(result.model, s); });
  result.status = Status::converged;
  result.message = "Q^* = Q* exactly (T1)";
  return result;
}

}  // namespace mdp::equivalence
