// solvers/policy_sensitivity.hpp — the in-sim optimum of a policy class and how it moves with the model (D6, D7, D8).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/policy_class.hpp"
#include "solvers/policy_expansion.hpp"

namespace mdp::solvers {

/// How the Hessian of the in-sim performance is used.
enum class HessianPath {
  automatic,   ///< dense up to 400 parameters, else matrix-free
  dense,       ///< formed column by column, eigenvalues known: gauge directions are told from singular ones
  matrix_free  ///< conjugate gradients with Hessian-vector products
};

struct InSimOptions {
  double temperature = 0.0;            ///< beta >= 0: entropy weight of the in-sim objective
  std::vector<double> reference = {};  ///< mu; empty = counting measure
  /// [n_states] > 0: the entropy's weight in a state is temperature times this (Unrolled at discount 1); empty = 1.
  std::vector<double> temperature_scale = {};
  HessianPath path = HessianPath::automatic;
  /// Converged: largest |dJ/dw|, its error included, at most tolerance * (largest |V| + beta)/(1 - gamma).
  double tolerance = 1e-9;
  std::int64_t max_iterations = 200;  ///< Newton steps, >= 1
  std::vector<double> start = {};     ///< [n_parameters] w to start from; empty = 0
  int threads = 0;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
  [[nodiscard]] ExpansionOptions expansion() const {
    return {
        .temperature = temperature, .reference = reference, .temperature_scale = temperature_scale, .threads = threads};
  }
};

/// The Hessian of J(pi_w) by w in its named parts: total = advantage + fisher + cross + cross^T + entropy.
/// At the optimum of a tabular softmax with entropy weight only `entropy` is left (D7): soft advantages vanish in every
/// state, and with them all the others. Restricted classes keep the cross terms at their optimum, and H1 unless their features
/// are indicators. H2 vanishes for all log-linear classes everywhere (d^2 log pi is the same for every action, and A has mean
/// 0), not for e-soft ones.
/// Matrices are n_parameters^2, row by row.
struct HessianParts {
  std::int64_t n = 0;
  std::vector<double> total;
  std::vector<double> fisher;     ///< H1 = sum d pi A s s^T
  std::vector<double> advantage;  ///< H2 = sum d pi A (d^2 log pi)
  std::vector<double> cross;      ///< H12 = sum d pi s (dQ/dw)^T
  std::vector<double> entropy;    ///< beta sum d pi s s^T
};

/// An optimum in w of J(pi_w), or where the search ended.
struct InSimOptimum {
  Status status = Status::not_run;  ///< converged, sweep_limit, precision_limit; refused: no finite optimum (D6)
  std::string message;
  std::vector<double>
      parameters;  ///< w; gauge: the shortest step from the start, nothing along directions without effect
  std::vector<double> log_policy;            ///< [n_rows]
  double performance = not_computed;         ///< J with its entropy term
  double stationarity = not_computed;        ///< largest |dJ/dw|, as computed
  double stationarity_bound = not_computed;  ///< proved: the largest |dJ/dw| at these parameters is at most this
  double curvature_min = not_computed;       ///< smallest eigenvalue of the Hessian off the gauge; dense path only
  std::int64_t n_gauge = -1;                 ///< directions of w without effect on the visited states; dense path only
  std::vector<State> unreached;              ///< states of zero occupancy: nothing in-sim fixes their policy
  std::int64_t iterations = 0;
};

/// Minimises J(pi_w) = rho0^T V over w: Newton steps with the exact Hessian, negative curvature turned round, backtracking
/// on the exact J. For a tabular softmax the soft Bellman equation is solved instead (unique, in every state).
/// Refused: beta = 0 with a tabular class, whose optimum is at infinity (D6).
/// \throws InvalidOption; InvalidArgument  discount 1, shapes
[[nodiscard]] InSimOptimum in_sim_optimum(const Mdp& model, const PolicyClass& policies, const InSimOptions& options);

/// What the model's entries do to w* and to the policy.
struct SensitivityForward {
  Status status = Status::not_run;
  std::string message;
  std::vector<double> parameters;  ///< dw*
  std::vector<double> log_policy;  ///< [n_rows] d log pi
};

/// dw*/dtheta by the implicit function theorem (D6):  J_ww dw + J_wtheta = 0  at a stationary point. For a tabular softmax
/// both blocks are local (D7) and dw is D4's; the Hessian is not formed. Gauge directions get nothing; a Hessian that is
/// singular along a direction that moves the policy is refused.
class PolicySensitivity {
 public:
  /// \param optimum  of in_sim_optimum() with the same model, class and options
  PolicySensitivity(const Mdp& model, const PolicyClass& policies, const InSimOptimum& optimum,
                    const InSimOptions& options);
  ~PolicySensitivity();
  PolicySensitivity(const PolicySensitivity&) = delete;
  PolicySensitivity& operator=(const PolicySensitivity&) = delete;

  [[nodiscard]] Status status() const noexcept { return status_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const PolicyExpansion& expansion() const noexcept { return expansion_; }
  /// Whether dw is found state by state.
  [[nodiscard]] bool local() const noexcept;

  /// Forward: the optimum's move when the model's entries move along `direction` (raw).
  [[nodiscard]] SensitivityForward jvp(const EntryDirection& direction) const;
  /// Reverse: the gradient by the model's entries of a number f(log pi) with df/dlog pi = `g` [n_rows], at the cost of one
  /// solve with the Hessian whatever the number of entries. D8 for any class, and for any functional of the policy.
  /// \throws InvalidArgument  refused, a singular Hessian, or a wrong shape
  [[nodiscard]] EntryGradient vjp(std::span<const double> g) const;
  /// The optimal in-sim performance J*(entries) to second order: how its gradient d pi, gamma d pi V(s'), ... by the entries
  /// moves when they move along `direction` and w* with them (D5; dJ/dw = 0, so that no second derivative of w* enters).
  [[nodiscard]] EntryGradient value_hessian_product(const EntryDirection& direction) const;
  /// The full Hessian of J*(entries) in few directions, e.g. ParametricMdp::jvp() of unit vectors: [m * m], m products.
  [[nodiscard]] std::vector<double> value_hessian(std::span<const EntryDirection> directions) const;
  /// The Hessian of J by w along u; [n_parameters].
  [[nodiscard]] std::vector<double> hessian_product(std::span<const double> u) const;
  /// The Hessian and its parts, n_parameters forward solves. \throws InvalidArgument above 2000 parameters.
  [[nodiscard]] HessianParts hessian_parts() const;
  /// D7's Hessian-free answer, for comparison away from where it holds: d log pi = -(dQ - dV)/beta at this policy.
  [[nodiscard]] std::vector<double> local_log_policy(const EntryDirection& direction) const;

 private:
  struct Solver;
  void divide_by_scale(std::vector<double>& rows) const;

  const PolicyClass& policies_;
  InSimOptions options_;
  PolicyClass::Point point_;
  PolicyExpansion expansion_;
  ExpansionOptions expansion_options_;
  PolicyEntryDirection gradient_;
  std::unique_ptr<Solver> solver_;
  Status status_ = Status::converged;
  std::string message_;
};

}  // namespace mdp::solvers
