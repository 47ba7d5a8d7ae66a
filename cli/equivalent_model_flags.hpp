// cli/equivalent_model_flags.hpp — which equivalent model is asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "cli/world_and_model.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/graph/neighbours.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/transition_data.hpp"

namespace mdp::cli {

/// --divergence, --support, --shift, --counts, --graph, --metric, --direction, --seed.
class EquivalentModelFlags {
 public:
  void add_to(Command& command);

  /// Refuses words that do not exist, before any file is read. \throws UsageError
  void require_valid() const;
  /// Nothing but the kl-nearest rows on the reference's support is asked for.
  [[nodiscard]] bool is_default() const;
  /// Refuses what a model that only keeps the optimal actions (T8) has no use for. \throws UsageError
  void require_fit_for_actions() const;
  /// The reference: --reference, or the frequencies of --counts with the world's rows where nothing was seen. Call before
  /// options(). \throws UsageError, InputError, InvalidArgument
  [[nodiscard]] Mdp reference(const PairFlags& pair, const Mdp& world, const CommonFlags& common);
  /// What --counts holds; empty without it.
  [[nodiscard]] const TransitionCounts& counts() const { return counts_; }
  /// Options of the library; they refer to this object. Reads the files that the flags name.
  /// \throws UsageError, InputError, InvalidArgument
  [[nodiscard]] equivalence::EquivalentModelOptions options(const PairFlags& pair, const Mdp& world,
                                                            const CommonFlags& common);

  [[nodiscard]] equivalence::Divergence divergence() const;

 private:
  [[nodiscard]] equivalence::Support support(const PairFlags& pair, const Mdp& world, const CommonFlags& common) const;
  [[nodiscard]] equivalence::Metric metric(const Mdp& world);

  std::string divergence_ = "kl";
  std::string support_ = "reference";
  std::string shift_ = "0";
  std::string counts_file_, graph_file_, metric_file_, direction_file_;
  std::optional<std::uint64_t> seed_;

  std::optional<graph::NeighbourGraph> graph_;
  std::vector<double> distances_;  // [n_states * n_states]
  std::vector<double> direction_;  // [n_states] in cost sense
  TransitionCounts counts_;
  std::vector<double> row_counts_;  // [n_rows] or empty
};

}  // namespace mdp::cli
