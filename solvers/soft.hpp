// solvers/soft.hpp — entropy-regularised dynamic programming and its derivatives (theory.md, D4).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"
#include "solvers/options.hpp"

namespace mdp::solvers {

enum class SoftMethod {
  automatic,       ///< sweeps while they converge fast, Newton steps where they do not
  newton,          ///< V + (I - gamma P_pi)^-1 (TV - V), pi soft-greedy for V: soft policy iteration, quadratic
  value_iteration  ///< V <- TV, factor gamma per sweep
};

struct SoftOptions {
  /// beta > 0, in units of cost. V_beta tends to V* as beta -> 0, to averages as beta -> inf.
  double temperature = 1.0;
  /// mu: [n_rows] finite, >= 0, positive somewhere in each state; rows with 0 are never taken. Need not sum
  /// to 1 (it does when beta KL(pi|mu) is meant: uniform_policy()). Empty: the counting measure, 1 for every row.
  std::vector<double> reference = {};
  SoftMethod method = SoftMethod::automatic;
  /// Converged: half-width of the enclosure <= tolerance + relative_tolerance |V| in every state of finite value.
  /// One given: the other is 0. None: 1e-9 min(1, max |cost|) and 1e-9, as SolveOptions.
  std::optional<double> tolerance = {};           ///< >= 0, finite
  std::optional<double> relative_tolerance = {};  ///< >= 0, finite
  /// Go on where the tolerance is met until rounding stops the progress, as derivatives like it.
  bool polish = false;
  /// Most sweeps, >= 1; a Newton step is one sweep and one linear solve.
  std::int64_t max_sweeps = std::numeric_limits<std::int64_t>::max();
  double time_limit_seconds = infinity;  ///< > 0; looked at between sweeps
  int threads = 0;                       ///< 0 = all; the answer has the same bits for any number
  bool record_trace = false;
  /// Called after each sweep; false stops the run with the best bounds so far (Status::interrupted).
  std::function<bool(const SweepRecord&)> observer = {};

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// V_beta, Q_beta, pi_beta. A state where every row that mu allows is inadmissible has value +inf.
struct SoftResult {
  Status status = Status::not_run;
  Level level = Level::certified;
  std::string message;
  std::string method;
  double temperature = not_computed;
  std::vector<double> values;       ///< [n_states] V_beta
  std::vector<double> value_lower;  ///< [n_states] lower <= V_beta <= upper, rounding and row sums included
  std::vector<double> value_upper;
  std::vector<double> q;           ///< [n_rows] Q_beta; +inf = inadmissible
  StochasticPolicy policy;         ///< [n_rows] pi_beta; uniform in states of infinite value
  std::vector<double> log_policy;  ///< [n_rows] log pi_beta, right where `policy` underflows; -inf = never taken
  double value_error_bound = not_computed;       ///< largest half-width over states of finite value
  double log_policy_error_bound = not_computed;  ///< of each finite entry of log_policy
  double residual_min = not_computed;            ///< range of T V - V at the last sweep, as computed
  double residual_max = not_computed;
  std::int64_t sweeps = -1;
  std::int64_t iterations = -1;  ///< Newton steps
  double seconds = not_computed;
  std::vector<SweepRecord> trace;  ///< if SoftOptions::record_trace

  [[nodiscard]] bool converged() const noexcept { return status == Status::converged; }
};

/// Solves V = T V,  (T V)(s) = -beta log sum_a mu(a|s) exp(-(L + gamma P V)(s,a)/beta),  certified by C1, which
/// holds verbatim: T V = min_pi (L_pi + gamma P_pi V + beta KL(pi|mu)). Sums are taken relative to the largest term:
/// no overflow for any beta. Rounding: exp and log are taken to be within 2 ulp (as glibc's are).
/// \throws InvalidOption; InvalidArgument if the discount is 1.
[[nodiscard]] SoftResult solve_soft(const Mdp& mdp, const SoftOptions& options = {});

/// Bound on |meant pi - policy| / policy, of every entry that does not underflow.
[[nodiscard]] double relative_policy_error(const SoftResult& solution);

/// D4: the linearised soft Bellman equation. pi_beta is fixed in it (envelope), so that D1's formulas hold with
/// pi-averaged rows; its jvp() also gives d log pi. Options' at_ties does not matter.
[[nodiscard]] Linearisation linearise_soft(const Mdp& mdp, const SoftResult& solution,
                                           const DerivativeOptions& options = {});

}  // namespace mdp::solvers
