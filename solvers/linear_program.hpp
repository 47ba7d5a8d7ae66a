// solvers/linear_program.hpp — linear programs by CLP (the only file pair that knows it; an optional component).
#pragma once

#include <string>
#include <vector>

#include "libmdp/status.hpp"
#include "libmdp/types.hpp"

namespace mdp::solvers {

/// minimise objective . x  subject to  row_lower <= A x <= row_upper,  column_lower <= x <= column_upper;  +-infinity = no bound.
struct LinearProgram {
  std::vector<double> objective, column_lower, column_upper;  ///< [n_columns]
  std::vector<Offset> row_begin = {0};                        ///< [n_rows+1] A in compressed rows
  std::vector<int> column;                                    ///< [n_entries]
  std::vector<double> value;                                  ///< [n_entries]
  std::vector<double> row_lower, row_upper;                   ///< [n_rows]

  /// Returns the position of a new column.
  int add_column(double cost, double lower, double upper);
  /// Adds an entry to the row under construction; end_row() closes it.
  void add_entry(int column_index, double entry);
  void end_row(double lower, double upper);
};

struct LinearProgramResult {
  /// converged: optimal within CLP's tolerances (1e-9); refused: infeasible or unbounded, see message; time_limit. Nothing is
  /// proved: callers check.
  Status status = Status::not_run;
  std::string message;
  std::vector<double> x;     ///< [n_columns]
  std::vector<double> dual;  ///< [n_rows] price of each row: d objective / d bound
  double objective = not_computed;
};

/// Whether CLP was there when the library was built.
[[nodiscard]] bool has_linear_programming() noexcept;

/// Solves by the simplex method.
/// \param max_seconds  of processor time
/// \throws InvalidOption without CLP, naming it; InvalidArgument if lengths do not fit.
[[nodiscard]] LinearProgramResult solve_linear_program(const LinearProgram& program, double max_seconds = infinity);

}  // namespace mdp::solvers
