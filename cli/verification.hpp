// cli/verification.hpp — an equivalent model is solved, and its Q* compared with the world's.
#pragma once

#include <optional>
#include <string>

#include "cli/program.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "equivalence/candidate.hpp"
#include "equivalence/scope.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::cli {

/// The overall end of an equivalence command: the construction's status, and what solving its model proves.
struct Verified {
  Status status;  ///< converged only if the world is solved, the construction holds and the model confirms it
  std::string message;
  std::optional<bounds::Interval> q_distance;  ///< certified enclosure of max |Q^* - Q*|; none if not solved

  /// The smaller of what the construction and what solving proves, and what is lost in the doubles printed; NaN if neither proves any.
  double q_error_bound;

  /// What results of these commands begin with: status message level scope criterion objective discount.
  [[nodiscard]] Result head(Level level, equivalence::Scope scope, const Mdp& model) const;
  /// q_error_bound, q_distance {lower, upper}.
  void add_to(Result& result) const;
  void add_to(Facts& facts) const;
};

/// What equivalent_cost() or equivalent_model() says of its model.
struct Construction {
  Status status;
  std::string message;
  equivalence::Scope scope;
  double q_error_bound;  ///< proved before anything is solved; NaN: none
  const Mdp* model;
  double tails;        ///< of ||T^'V - T^V||, where its entries are told in doubles (equivalence/tail_effect.hpp)
  double shift = 0.0;  ///< c of T7: the model is to have Q* + c
};

/// Solves the constructed model, if it is to have the world's Q* at all pairs, and compares.
[[nodiscard]] Verified verify(const Mdp& world, const solvers::SolveResult& solved_world,
                              const Construction& construction, const solvers::SolveOptions& options,
                              const CommonFlags& common);

/// Half the span of V* where it is finite, rounded up.
[[nodiscard]] double half_span(const solvers::SolveResult& solved);

/// Largest |x| of the interval; NaN stays NaN.
[[nodiscard]] double largest_absolute(const bounds::Interval& interval);

/// --output FILE for a model (--output-model is the same).
void add_model_output(Command& command, std::string& path);

}  // namespace mdp::cli
