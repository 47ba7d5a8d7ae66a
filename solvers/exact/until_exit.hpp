// solvers/exact/until_exit.hpp — least cost until exit in rationals, by policy iteration (internal; needs GMP, not installed).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include "libmdp/types.hpp"
#include "solvers/exact/rational_chain.hpp"

namespace mdp::solvers {

/// V(s) = min over rows of s:  cost + sum_j p_j V(j), sum_j p_j <= 1; what is left of 1 exits, worth 0. A discount is an exit
/// of probability 1 - gamma.
struct ExitProblem {
  struct Row {
    RationalRow to;
    mpq_class cost;
    Offset origin = -1;  ///< whatever the caller wants to remember
  };

  std::vector<Offset> state_rows{0};  ///< [n_states+1]
  std::vector<Row> rows;

  [[nodiscard]] std::size_t n_states() const noexcept { return state_rows.size() - 1; }
  void close_state() { state_rows.push_back(static_cast<Offset>(rows.size())); }
};

/// Limits of an exact run, and what it tells while it runs.
struct ExactRun {
  LiftedSystem::KeepGoing keep_going;  ///< asked often; empty = always
  std::function<bool(mpq_class, std::size_t)>
      swept;                    ///< after each pass over all rows: least gap, rows changed; false stops
  double max_bytes = 0.0;       ///< a system predicted to need more is refused; 0 = no limit
  double max_operations = 0.0;  ///< the same for multiplications
};

[[nodiscard]] bool too_large(const ExactSize& size, const ExactRun& run);

enum class ExactEnd { solved, stopped, too_large };

struct ExitAnswer {
  ExactEnd end = ExactEnd::stopped;
  ExactSize size;                ///< where it was too large: of the system that was not solved
  std::vector<mpq_class> value;  ///< [n_states] V*; at any other end V of the last policy evaluated, or empty
  std::vector<Offset> rows;      ///< [n_states] optimal rows, that exit with probability 1
};

/// Policy iteration from a policy that exits with probability 1. Every policy that does not must have a mean cost above 0 in some
/// recurrent class: then no improvement leads to one, and the last policy is optimal (Bertsekas and Tsitsiklis 1991). With a
/// discount every policy exits. An action changes only where it is better, exactly.
/// \param start  [n_states] rows
[[nodiscard]] ExitAnswer solve_until_exit(const ExitProblem& problem, std::vector<Offset> start, const ExactRun& run);

/// Signs of  offset + sum p value - base  for many rows and the same values: doubles with an error bound decide most, rationals
/// the rest.
class ExactGap {
 public:
  explicit ExactGap(std::span<const mpq_class> value);

  /// -1, 0 or 1.
  [[nodiscard]] int sign(const mpq_class& offset, const RationalRow& row, std::int64_t base) const;

 private:
  struct Double {
    double near = 0.0, error = 0.0;
  };
  [[nodiscard]] static Double convert(const mpq_class& x);

  std::span<const mpq_class> value_;
  std::vector<Double> near_;
};

}  // namespace mdp::solvers
