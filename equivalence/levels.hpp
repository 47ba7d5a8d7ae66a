// equivalence/levels.hpp — how equivalent a world and a model are: the levels E0 to E6 (T4').
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "equivalence/candidate.hpp"
#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

/// An answer that may be out of reach of the precision.
enum class Verdict : std::uint8_t { no, undecided, yes };

[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

/// T4'. Every level implies those after it, except that E2 and E3 are incomparable, and E2 does not imply E4.
/// In a state with V* = inf every action is optimal (each attains the minimum).
enum class EquivalenceLevel : std::uint8_t {
  same_mdp,              ///< E0: the same costs, transitions and discount (initial distribution, goals and names apart)
  every_policy,          ///< E2: every stationary policy, randomised ones included, has the same value in both
  same_q,                ///< E3: Q^* = Q*
  same_advantage,        ///< E4: A^* = A*, and both values are infinite at the same states
  same_optimal_sets,     ///< E5: the same optimal actions in every state
  every_optimal_policy,  ///< E6 (every): each model-optimal policy is optimal in the world
  some_optimal_policy    ///< E6 (some): a model-optimal policy is optimal in the world
};
inline constexpr std::size_t n_equivalence_levels = 7;

/// "E0", "E2", "E3", "E4", "E5", "E6", "E6-some".
[[nodiscard]] std::string_view to_string(EquivalenceLevel level) noexcept;
/// The inverse; "E6-every" is E6. \throws InvalidOption listing the words.
[[nodiscard]] EquivalenceLevel equivalence_level_from_string(std::string_view word);

/// The answer for one level, and why.
struct LevelVerdict {
  Verdict holds = Verdict::undecided;
  /// Certified interval of the deciding number, where there is one: the level holds iff the number is 0.
  /// E0: largest difference of an entry; E2: largest |V^pi - V^pi| found; E3: ||Q^* - Q*||; E4: ||A^* - A*||.
  /// E5, E6, undecided: how much worse than others the actions are that may be tied at `state`.
  bounds::Interval number;
  State state = -1;            ///< where the level fails (no) or may fail (undecided); -1: nowhere in particular
  Action action = -1;          ///< the action there; -1: the whole state
  std::vector<double> policy;  ///< [n_rows] E2 fails: weights of a randomised policy whose value differs at `state`
  std::string reason;          ///< one sentence: certificate or witness
};

/// Numbers in cost sense.
struct LevelsResult {
  Status status = Status::not_run;  ///< of the model's solve and of the evaluation of its policy in the world
  std::string message;
  Level precision = Level::certified;  ///< exact: every verdict is decided in rationals
  std::array<LevelVerdict, n_equivalence_levels> levels;
  CandidateResult candidate;  ///< the model solved; defect, distance and regret with their bounds

  /// Certificate of T4':  Delta = phi - gamma^ E_rho^ phi + eta,  phi = V^* - V*,  eta = A^* - A*.
  std::vector<double> potential;  ///< [n_states] phi; NaN where a value is infinite
  std::vector<double> slack;      ///< [n_rows] eta; NaN where an advantage is infinite

  [[nodiscard]] LevelVerdict& operator[](EquivalenceLevel level) { return levels[static_cast<std::size_t>(level)]; }
  [[nodiscard]] const LevelVerdict& operator[](EquivalenceLevel level) const {
    return levels[static_cast<std::size_t>(level)];
  }
  /// The first level that holds, "none" if none does (E6 counts if every model-optimal policy is world-optimal).
  [[nodiscard]] std::string_view lowest() const noexcept;
  /// The levels that hold and are implied by no other that holds: at most two, E2 beside E3 or E4.
  [[nodiscard]] std::vector<EquivalenceLevel> maximal() const;
  /// One sentence: the maximal levels, and those that are undecided.
  [[nodiscard]] std::string summary() const;
};

struct LevelsOptions {
  solvers::SolveOptions solve = {};  ///< for the model and for policies; level certified
  /// Randomised policies that E2 is tried on, besides the optimal policies of both. >= 0.
  int n_policies = 2;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Decides every level of T4' as far as certified enclosures can. The only candidates are phi = V^* - V* and
/// eta = A^* - A*, so that one solve of the model decides.
///
/// A level that asks for equality of numbers is refuted when an enclosure of the difference excludes 0, and undecided
/// while it contains 0; only E5 and E6 can be confirmed, where every optimal action is certainly the only one.
/// Exact ties and equalities are for rationals: check_levels_exactly() of equivalence/exact_levels.hpp.
///
/// \throws InvalidArgument if the shapes differ, values do not fit or are not certified, or the model's discount is 1
///         (T4' needs gamma^ < 1); InvalidOption.
/// Cost: assess_candidate(), one pass over the transitions of each, and two evaluations for each policy that E2 is tried on.
[[nodiscard]] LevelsResult check_levels(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                        const LevelsOptions& options = {});

}  // namespace mdp::equivalence
