// cli/estimate_result.hpp — what `mdp estimate` reports: keys, senses and tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/result.hpp"
#include "estimators/judgement.hpp"
#include "estimators/truth.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli {

/// All that was found out, in cost sense.
struct Estimates {
  estimators::Quantity quantity = estimators::Quantity::policy_gradient;
  estimators::Targets targets;
  std::vector<double> truth;
  estimators::InfiniteTruth infinite;
  double truncation_bound = not_computed;  ///< of an entry of a policy gradient
  std::vector<estimators::Judgement> judgements;
  bool stopped = false;  ///< by Ctrl-C, before all estimators had their turn
  std::int64_t horizon = 0;
  std::int64_t replications = 1;
  std::uint64_t seed = 1;
  double temperature = 0.0;
  std::string model_hash, world_hash, data_hash;  ///< of the files, or empty
  std::string baseline;                           ///< of the estimator `causal`
  double in_sim_gradient_norm = not_computed;  ///< composed quantities: how far the policy is from the N-stage optimum

  [[nodiscard]] bool interrupted() const;
  [[nodiscard]] bool consistent() const;
};

/// Derivatives in cost sense become those of the file's objective by the file's numbers: a factor -1 when maximising (not
/// for the policy's derivative, `sensitivity`), and another one for each cost among the parameters (a negated reward).
[[nodiscard]] std::vector<double> derivative_in_sense(Objective objective, const Estimates& estimates,
                                                      std::span<const double> derivative);

[[nodiscard]] Result estimates_result(const Mdp& mdp, const Estimates& estimates);
[[nodiscard]] std::string estimates_tables(const Mdp& mdp, const Estimates& estimates);

}  // namespace mdp::cli
