// equivalence/value_aware.hpp — fits that ask a model to be right where values need it (VAML).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// The rows that a value-aware fit may choose from.
enum class ValueAwareRows {
  deterministic,  ///< one successor: that of the least loss, ties to the lowest state
  support         ///< any distribution over the allowed successors: the nearest point of a convex hull
};

struct ValueAwareOptions {
  ValueAwareRows rows = ValueAwareRows::deterministic;
  /// Successors that a row may have: those of this MDP's row (same shape as the data); none: every state.
  std::optional<Mdp> allowed = {};
  int threads = 0;  ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Cost sense; losses in units of V.
struct ValueAwareFit {
  std::optional<Mdp> model;
  std::vector<double> loss;  ///< [n_rows] sqrt sum_j (E_rho^[V_j] - E_r[V_j])^2 of the fit
  double max_loss = 0.0;
  /// No allowed row has a loss that is smaller by more than this, but for rounding.
  double max_gap = 0.0;
};

/// VAML (Farahmand, Barreto and Nikovski 2017) over a finite set of value functions: per row minimises
///     sum_j ( sum_s' (rho^(s'|s,a) - r(s'|s,a)) V_j(s') )^2
/// over the allowed rows; r are the rows of `data` (a maximum-likelihood fit). With the one function V* and r the world's
/// rows, loss 0 in every row is T6. A row that the class can have stays as it is. Of several minimisers one with few successors.
/// \param values  each [n_states], finite; at least one
/// \throws InvalidArgument. Cost O(n_rows * allowed successors * values) and a small convex problem a row.
[[nodiscard]] ValueAwareFit fit_value_aware(const Mdp& data, const std::vector<std::vector<double>>& values,
                                            const ValueAwareOptions& options = {});

struct IteratedOptions {
  ValueAwareOptions fit = {};
  std::int64_t max_iterations = 1000;  ///< >= 1
  double tolerance = 1e-9;             ///< stops where max |V_{k+1} - V_k| is at most this; >= 0

  [[nodiscard]] std::string check() const;
};

struct IteratedFit {
  Status status = Status::not_run;  ///< converged, or sweep_limit after max_iterations
  std::string message;
  ValueAwareFit fit;               ///< the last
  std::vector<double> values;      ///< [n_states] the last V_k
  std::vector<double> difference;  ///< max |V_{k+1} - V_k| per iteration
};

/// Iterated VAML (Farahmand 2018): V_0 = 0; the k-th model is the value-aware fit for the one function V_k, and
/// V_{k+1} = T^_k V_k its Bellman step. The models change from step to step: the limit need not be the optimal value of the
/// last, and iteration need not settle in a restricted class.
/// \throws InvalidArgument, InvalidOption; InvalidArgument if V becomes infinite
[[nodiscard]] IteratedFit fit_iterated_value_aware(const Mdp& data, const IteratedOptions& options = {});

}  // namespace mdp::equivalence
