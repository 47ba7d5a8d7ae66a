// solvers/inexact.hpp — inexact policy iteration as an improver (internal).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libmdp/kernels/permuted_chain.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/iterate.hpp"
#include "solvers/krylov.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {

/// Gauss-Seidel sweeps over all rows in the order of the values improve the policy, so that a change runs through
/// all states behind it at once; then V gets a Krylov step for that policy, as accurate as the residual deserves. The
/// preconditioner is incomplete LU in the same order, in which most transitions lead to earlier states; or sparse LU of
/// an earlier policy.
///
/// From a flat start on an MDP with absorbing states, V and the first policy come from search_backward(): a poor
/// policy improves by one step of the way per iteration, where a proper one is needed.
///
/// Safeguard: where a dozen iterations do not halve the span of the residual, modified policy iteration continues from the
/// best V for as much work as was done; it cannot fail, so neither can this.
/// Source: Dembo, Eisenstat and Steihaug (1982); Gargiani, Zanelli, Liao-McPherson, Summers and Lygeros (2022).
class InexactPolicyIteration : public Improver {
 public:
  struct Options {
    KrylovMethod krylov = KrylovMethod::bicgstab;
    bool backward_start = true;
    bool sparse_lu = false;         ///< precondition by sparse LU
    double max_flops = infinity;    ///< of a factorisation
    double max_bytes = infinity;    ///< of the factors
    double forcing = 0.1;           ///< of the residual's span, what a Krylov step may leave,
    double forcing_settled = 1e-3;  ///< and where the policy hardly changes any more
  };

  explicit InexactPolicyIteration(const Options& options) : options_(options) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool gave_up() const override { return gave_up_; }
  [[nodiscard]] double work() const override { return work_; }

 private:
  [[nodiscard]] bool advance(const Mdp& mdp, Iterate& it, Run& run);
  [[nodiscard]] bool progresses(Iterate& it);
  void refresh_order(const Mdp& mdp, const Iterate& it, const Run& run);
  void factorise(const Mdp& mdp, const Iterate& it, const Run& run);
  void factorise_sparsely(const Mdp& mdp, const Iterate& it, const Run& run);
  double krylov_step(const Mdp& mdp, std::span<const double> residual, std::span<double> step, double tolerance,
                     Run& run);
  void precondition(std::span<const double> r, std::span<double> z);
  void solve_policy(const Mdp& mdp, Iterate& it, Run& run);
  void recentre(const Mdp& mdp, Iterate& it, const Run& run);

  Options options_;
  bool begun_ = false;
  std::optional<double> shift_;  // T v - v of the solution that v approaches: (1 - gamma) times its constant
  int rounds_ = 0;
  double work_ = 0.0;     // entries read
  bool gave_up_ = false;  // in the last call
  bool settled_ = false;  // whether the last sweep changed the policy in a few states at most

  double reference_ = infinity;  // span of the residual when it last halved
  int idle_ = 0;                 // iterations since
  std::vector<double> best_;
  double best_span_ = infinity;

  std::vector<State> order_;
  std::optional<kernels::PermutedChain> chain_;
  kernels::IncompleteLu incomplete_;
  std::optional<SparseLu> lu_;
  Policy factorised_;
  double evaluation_work_ = 0.0;  // of the last policy, in entries read
  std::vector<double> scattered_;
};

}  // namespace mdp::solvers
