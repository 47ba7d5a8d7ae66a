#include "solvers/linear_program.hpp"

#include "libmdp/error.hpp"

#ifdef MDP_WITH_CLP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <ClpSimplex.hpp>
#pragma GCC diagnostic pop
#endif

namespace mdp::solvers {

int LinearProgram::add_column(double cost, double lower, double upper) {
  objective.push_back(cost);
  column_lower.push_back(lower);
  column_upper.push_back(upper);
  return static_cast<int>(objective.size()) - 1;
}

void LinearProgram::add_entry(int column_index, double entry) {
  column.push_back(column_index);
  value.push_back(entry);
}

void LinearProgram::end_row(double lower, double upper) {
  row_begin.push_back(static_cast<Offset>(column.size()));
  row_lower.push_back(lower);
  row_upper.push_back(upper);
}

#ifdef MDP_WITH_CLP

namespace {

void require_fitting(const LinearProgram& p) {
  const bool columns_fit = p.column_lower.size() == p.objective.size() && p.column_upper.size() == p.objective.size();
  const bool rows_fit = p.row_lower.size() + 1 == p.row_begin.size() && p.row_upper.size() == p.row_lower.size();
  const bool entries_fit =
      p.column.size() == p.value.size() && p.row_begin.back() == static_cast<Offset>(p.value.size());
  if (!columns_fit || !rows_fit || !entries_fit)
    throw InvalidArgument("linear program: lengths of columns, rows or entries differ");
}

std::string describe(int status) {
  if (status == 1) return "the linear program is infeasible";
  if (status == 2) return "the linear program is unbounded";
  return "CLP stopped with status " + std::to_string(status);
}

}  // namespace

bool has_linear_programming() noexcept { return true; }

LinearProgramResult solve_linear_program(const LinearProgram& program, double max_seconds) {
  require_fitting(program);
  const std::vector<int> begin(program.row_begin.begin(), program.row_begin.end());
  std::vector<int> lengths;
  for (std::size_t r = 0; r + 1 < begin.size(); ++r) lengths.push_back(begin[r + 1] - begin[r]);
  const auto n_columns = static_cast<int>(program.objective.size());
  const auto n_rows = static_cast<int>(program.row_lower.size());
  const CoinPackedMatrix matrix(false, n_columns, n_rows, begin.back(), program.value.data(), program.column.data(),
                                begin.data(), lengths.data());
  ClpSimplex clp;
  clp.setLogLevel(0);
  clp.setPrimalTolerance(1e-9);
  clp.setDualTolerance(1e-9);
  clp.loadProblem(matrix, program.column_lower.data(), program.column_upper.data(), program.objective.data(),
                  program.row_lower.data(), program.row_upper.data());
  if (max_seconds < infinity) clp.setMaximumSeconds(std::max(0.0, max_seconds));
  clp.initialSolve();
  LinearProgramResult result;
  constexpr int stopped = 3;
  result.status = clp.status() == 0         ? Status::converged
                  : clp.status() == stopped ? Status::time_limit
                                            : Status::refused;
  if (clp.status() != 0) result.message = describe(clp.status());
  result.x.assign(clp.primalColumnSolution(), clp.primalColumnSolution() + n_columns);
  result.dual.assign(clp.dualRowSolution(), clp.dualRowSolution() + n_rows);
  result.objective = clp.objectiveValue();
  return result;
}

#else

bool has_linear_programming() noexcept { return false; }

LinearProgramResult solve_linear_program(const LinearProgram& /*program*/, double /*max_seconds*/) {
  throw InvalidOption("linear programs need the component CLP, which this build does not have");
}

#endif

}  // namespace mdp::solvers
