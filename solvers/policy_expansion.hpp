// solvers/policy_expansion.hpp — the performance of a randomised policy to second order (theory.md, D5, D6).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

class PolicySystem;

/// Policy and entries moving together, or a gradient with respect to both.
struct PolicyEntryDirection {
  std::vector<double> log_policy;  ///< [n_rows] d log pi; sum_a pi d log pi = 0 in every state
  EntryDirection entries;          ///< raw: each entry alone
};

struct ExpansionOptions {
  double temperature = 0.0;            ///< beta >= 0: weight of the entropy term; 0: none
  std::vector<double> reference = {};  ///< mu as in SoftOptions; empty = counting measure
  /// [n_states] > 0: the entropy's weight in a state is temperature times this (Unrolled at discount 1); empty = 1.
  std::vector<double> temperature_scale = {};
  int threads = 0;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
  /// The entropy's weight in state s.
  [[nodiscard]] double temperature_of(State s) const {
    return temperature_scale.empty() ? temperature : temperature * temperature_scale[s];
  }
};

/// What a direction u does at first order.
struct PolicyChange {
  double performance = 0.0;
  std::vector<double> values;     ///< [n_states] dV
  std::vector<double> q;          ///< [n_rows] dQ, Q = L + gamma P V without the entropy of the first choice
  std::vector<double> occupancy;  ///< [n_states] dd
  std::vector<double> advantage;  ///< [n_rows] d(Q + beta log(pi/mu) - V)
  /// The gradient's own change: `log_policy` is pi (dd A + d dA) over rows, so that for a policy of parameters w,
  /// with scores s_i = d log pi/dw_i and w moving along u,
  /// d^2 J/dw_i du = sum s_i log_policy + sum (s_i s_u + d s_i/du) d pi A; `entries` is d(dJ/dentries).
  PolicyEntryDirection gradient;
};

/// J(pi, entries) = rho0^T V,  V = sum_a pi (L + beta log(pi/mu) + gamma P V), at one policy, with every derivative up to
/// the second as products with directions (D5: no minimum inside, pi moves on its own):
///
///     dJ/dlog pi = d pi A,   A = L + gamma P V + beta log(pi/mu) - V,   d = R_pi^T rho0,
///     dJ/dL = d pi,  dJ/dP(s') = gamma d pi V(s'),  dJ/dgamma = sum d pi P V,
///     dV = R_pi sum_a pi (A d log pi + dL + gamma dP V + dgamma P V),
///     dd = R_pi^T (P^T (gamma d dpi + dgamma d pi) + gamma dP^T d pi).
///
/// One factorisation; the gradient costs one solve and one transposed solve, a Hessian-vector product one more of each.
class PolicyExpansion {
 public:
  /// \param log_policy  [n_rows] log pi; -inf = never taken. Sums of exp() are 1 to 1e-9 in every state.
  /// \throws InvalidOption; InvalidArgument  discount 1, a policy that is none, one that takes an inadmissible row
  PolicyExpansion(const Mdp& mdp, std::vector<double> log_policy, const ExpansionOptions& options = {});
  ~PolicyExpansion();
  PolicyExpansion(PolicyExpansion&&) noexcept;
  PolicyExpansion& operator=(PolicyExpansion&&) noexcept;

  [[nodiscard]] const Mdp& mdp() const noexcept { return mdp_; }
  [[nodiscard]] double temperature() const noexcept { return options_.temperature; }
  [[nodiscard]] double performance() const noexcept { return performance_; }
  [[nodiscard]] const std::vector<double>& log_policy() const noexcept { return log_policy_; }
  [[nodiscard]] const StochasticPolicy& policy() const noexcept { return policy_; }
  [[nodiscard]] const std::vector<double>& values() const noexcept { return values_; }        ///< [n_states] V
  [[nodiscard]] const std::vector<double>& occupancy() const noexcept { return occupancy_; }  ///< [n_states] d
  [[nodiscard]] const std::vector<double>& advantage() const noexcept { return advantage_; }  ///< [n_rows] A

  /// dJ/dlog pi (over rows, sums to 0 in every state) and dJ/dentries.
  [[nodiscard]] PolicyEntryDirection gradient() const;
  /// Proved bound of the 1-norm of gradient().log_policy's error, for log pi as given; inf if rounding spoils it.
  /// Proof: with e_V, e_d the errors of both solves (PolicySystem) and of the right-hand side, A, centred, moves by
  /// a = 2 (gamma e_V + r), r the rounding of Q; sum |d pi A| by  |d|_1 a + e_d max_s sum_a pi |A|  and the rounding of
  /// two products.
  [[nodiscard]] double gradient_error_bound() const noexcept { return gradient_error_; }
  /// Derivatives of everything along u. \throws InvalidArgument for wrong shapes or numbers that are not finite.
  [[nodiscard]] PolicyChange along(const PolicyEntryDirection& u) const;
  /// The Hessian of J in few directions of the entries, the policy fixed: [m * m], one forward and one transposed solve each
  /// (D5). At V* with unique optimal actions it is that of rho0^T V*: log_policy 0 for them, -inf for the others.
  [[nodiscard]] std::vector<double> entry_hessian(std::span<const EntryDirection> directions) const;
  /// Gradient of g . d, the occupancy weighed by g [n_states]; one solve.
  [[nodiscard]] PolicyEntryDirection occupancy_gradient(std::span<const double> g) const;

 private:
  void set_error_bound(double value_error, double occupancy_error);

  Mdp mdp_;
  ExpansionOptions options_;
  std::vector<double> log_policy_;
  StochasticPolicy policy_;
  std::unique_ptr<PolicySystem> system_;
  std::vector<double> values_, occupancy_, advantage_;
  double performance_ = 0.0;
  double gradient_error_ = infinity;
};

}  // namespace mdp::solvers
