// solvers/parametric_file.hpp — parametrisations in .npz files (docs/sim2real.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "solvers/policy_class.hpp"

namespace mdp::solvers {

/// What an .npz file says about the parameters of a family of MDPs and of a class of policies; what it does not say is absent.
struct Parametrisation {
  std::optional<RowFeatures> cost_features;        ///< Phi: L += Phi theta; items are rows
  std::optional<RowFeatures> transition_features;  ///< Psi: p ∝ p exp(Psi theta); items are stored transitions
  std::optional<RowFeatures> policy_features;      ///< F of a log-linear class; items are rows
  std::vector<double> policy_offset;               ///< [n_rows] logits at w = 0, or empty
  std::vector<double> theta;                       ///< where to start, all parameters of the family in order; or empty
};

/// Reads the arrays that are there of
///
///     cost_features, policy_features    float64 [n_rows, k]          transition_features    float64 [n_transitions, k]
///     transition_mask                   integers [n_transitions], 0 or 1: a logit of its own for each 1
///     policy_offset                     float64 [n_rows]             theta                  float64 [n_parameters]
///
/// Features may be sparse, as SciPy's csr_matrix holds them: X_indptr [n + 1], X_indices, X_data, X_columns (0-d) for X.
/// \param base  whose rows and stored transitions are counted
/// \throws InputError naming file and array: unknown, missing, of another shape or length, not finite, out of range
[[nodiscard]] Parametrisation read_parametrisation(const std::string& path, const Mdp& base);

/// Writes them as they are read, features sparse. \throws OutputError
void write_parametrisation(const std::string& path, const Parametrisation& parametrisation);

}  // namespace mdp::solvers
