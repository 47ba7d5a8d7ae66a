// solvers/exact/exact_context.hpp — what the exact criteria share: graph, limits, start (internal; needs GMP, not installed).
#pragma once

#include <optional>
#include <vector>

#include "solvers/collapsed.hpp"
#include "solvers/exact/exact_answer.hpp"
#include "solvers/exact/until_exit.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// The graph of an exact model as an Mdp: equal probabilities, and the sign of each cost (infinity where inadmissible) for its
/// cost. What the graph decides is decided from it, without a rounding.
[[nodiscard]] Mdp structure_of(const io::ExactModel& model);

/// One exact solve: the model, its graph, and a policy to start from.
class ExactContext {
 public:
  ExactContext(const io::ExactModel& model, Criterion criterion, const ExactOptions& options);

  [[nodiscard]] const io::ExactModel& model() const { return model_; }
  [[nodiscard]] const Mdp& structure() const { return structure_; }
  [[nodiscard]] const ExactOptions& options() const { return options_; }
  [[nodiscard]] std::size_t n_states() const { return static_cast<std::size_t>(model_.n_states); }
  [[nodiscard]] Run& run() { return run_; }
  [[nodiscard]] const ExactRun& limits() const { return limits_; }

  /// [n_states] a policy of the model, not to be trusted: that of the options, of the solver in doubles, or the first rows.
  [[nodiscard]] const Policy& start() const { return start_; }

  /// What the solver in doubles found, if it ran.
  [[nodiscard]] const std::optional<CriterionResult>& certified() const { return certified_; }

  /// Puts status and message of an unfinished solve into the answer. False if it was solved.
  [[nodiscard]] bool unfinished(ExactEnd end, const ExactSize& size, ExactAnswer& answer) const;

 private:
  [[nodiscard]] Policy find_start(Criterion criterion);

  const io::ExactModel& model_;
  const ExactOptions& options_;
  Run run_;
  Mdp structure_;
  Policy start_;
  ExactRun limits_;
  std::optional<CriterionResult> certified_;
  double next_look_ = 0.0;
};

/// The open states of an exact model as an ExitProblem, components collapsed to one state each, and back.
struct ExactCollapse {
  Collapse graph;                   ///< open, usable, component, inside, may_stay; its costs are not read
  std::span<const mpq_class> cost;  ///< [n_rows]
  mpq_class discount = 1;
  std::vector<mpq_class> stay_cost = {};  ///< [components] or empty = 0
};

struct ExactCollapsed {
  ExactEnd end = ExactEnd::stopped;
  ExactSize size;
  std::vector<mpq_class> value;  ///< [n_states] 0 where not open
  mpq_class error;               ///< > 0: of each, refined to ExactOptions::digits
};

/// The least cost until the open states are left, every state outside worth 0.
[[nodiscard]] ExactCollapsed solve_exact_collapsed(ExactContext& context, const ExactCollapse& collapse);

/// A policy of `tied` rows that reaches `target` with probability 1 from every state of `states`, whose tied rows keep to the two
/// sets: the lowest tied row wherever that does it, else the lowest that leads nearer. States of neither set are left alone.
void take_tied_rows(const Mdp& structure, std::span<const char> states, std::span<const char> target,
                    std::span<const char> tied, Policy& policy);

/// [n_rows] exact costs.
[[nodiscard]] std::vector<mpq_class> costs_of(const io::ExactModel& model);

/// [n_rows] 1 = q equals the value of the row's state.
[[nodiscard]] std::vector<char> tied_rows(const io::ExactModel& model, std::span<const Extended> q,
                                          std::span<const Extended> value);

}  // namespace mdp::solvers
