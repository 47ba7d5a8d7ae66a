// libmdp/mdp.hpp — what an MDP is: immutable, validated, flat arrays.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp {

/// A discount and its complement, both kept to about 106 bits: 1 - 0.999999999 has seven digits in double,
/// and every discounted bound divides by it (theory.md, section 0, "Semantics of numbers").
struct Discount {
  TwoDouble value = 1.0;       ///< gamma, in [0, 1]
  TwoDouble complement = 0.0;  ///< 1 - gamma

  Discount() = default;
  /// The dyadic number itself; the complement is exact. \throws InvalidOption unless 0 <= gamma <= 1.
  Discount(double gamma);  // NOLINT(google-explicit-constructor): a double is one
  /// gamma and 1 - gamma as a reader rounded them from the text. \throws InvalidOption as above.
  Discount(TwoDouble gamma, TwoDouble one_minus_gamma);
};

/// Names for people. Empty vectors: no names.
struct Names {
  std::vector<std::string> states;   ///< [n_states] or empty
  std::vector<std::string> actions;  ///< table of distinct action names
  Buffer<std::int32_t> row_action;   ///< [n_rows] position in `actions`, -1 = unnamed; or empty
};

/// How far stored doubles may be from the MDP that the input means (theory.md, section 0). For every entry
/// |meant p - p| <= probability * p and |meant cost - cost| <= cost * |cost| + cost_absolute.
struct EntryError {
  double probability = 0.0;
  double cost = 0.0;
  double cost_absolute = 0.0;
};

/// The flat arrays of an MDP on their way into one: see build(). Costs in the sense of `objective`.
struct MdpArrays {
  Objective objective = Objective::minimize;
  Buffer<Offset> state_rows;        ///< [n_states+1] first row of each state
  Buffer<Offset> row_begin;         ///< [n_rows+1] first transition of each row
  Buffer<State> next_state;         ///< [n_transitions]
  Buffer<double> probability;       ///< [n_transitions]
  Buffer<double> probability_tail;  ///< [n_transitions] or empty: meant p = probability + tail
  Buffer<double> cost;              ///< [n_rows]; +inf (-inf when maximising) = inadmissible
  Buffer<double> cost_tail;         ///< [n_rows] or empty
  Discount discount;                ///< 1 if the file has none
  Buffer<double> initial;           ///< [n_states] or empty = uniform
  std::vector<State> goal;          ///< absorbing cost-free states; any order
  Names names;
};

/// What a state without rows that is not a goal becomes.
enum class DeadEnds { refuse, absorbing };

struct BuildOptions {
  /// A row is an error if |sum - 1| > row_sum_tolerance. In [0, 1).
  double row_sum_tolerance = 1e-6;
  DeadEnds dead_ends = DeadEnds::refuse;
  /// Problems listed in full in InvalidModel; the rest are counted. >= 1.
  std::int64_t max_problems = 20;
  int threads = 0;  ///< 0 = all

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// A finite MDP, minimising cost (theory.md, section 0). Immutable, valid by construction, cheap to copy
/// (copies share storage), safe to read from many threads.
///
/// States own consecutive *rows*, one per available action: rows state_rows()[s] .. state_rows()[s+1]-1.
/// Row r has transitions row_begin()[r] .. row_begin()[r+1]-1, successors strictly ascending, probabilities > 0.
/// Every state has a row. Rows sum to 1 but for rounding; row_sum_defect() is what the input missed by.
class Mdp {
 public:
  [[nodiscard]] State n_states() const noexcept { return static_cast<State>(structure_->state_rows.size()) - 1; }
  [[nodiscard]] Offset n_rows() const noexcept { return static_cast<Offset>(structure_->row_begin.size()) - 1; }
  [[nodiscard]] Offset n_transitions() const noexcept { return static_cast<Offset>(structure_->next_state.size()); }

  [[nodiscard]] std::span<const Offset> state_rows() const noexcept { return structure_->state_rows; }
  [[nodiscard]] std::span<const Offset> row_begin() const noexcept { return structure_->row_begin; }
  [[nodiscard]] std::span<const State> next_state() const noexcept { return structure_->next_state; }
  [[nodiscard]] std::span<const double> probability() const noexcept { return structure_->probability; }
  /// [n_transitions] or empty: the meant probability is probability + tail, divided by its row's sum.
  [[nodiscard]] std::span<const double> probability_tail() const noexcept { return structure_->probability_tail; }
  /// [n_rows], minimised: a file's rewards with the sign turned. +inf = inadmissible.
  [[nodiscard]] std::span<const double> cost() const noexcept { return costs_->cost; }
  /// [n_rows] or empty.
  [[nodiscard]] std::span<const double> cost_tail() const noexcept { return costs_->cost_tail; }

  [[nodiscard]] Offset n_actions(State s) const noexcept {
    return structure_->state_rows[static_cast<std::size_t>(s) + 1] -
           structure_->state_rows[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] double discount() const noexcept { return discount_.value.hi; }
  [[nodiscard]] const Discount& exact_discount() const noexcept { return discount_; }

  /// [n_states], sums to 1.
  [[nodiscard]] std::span<const double> initial() const noexcept { return *initial_; }
  /// Ascending.
  [[nodiscard]] std::span<const State> goal() const noexcept { return structure_->goal; }
  [[nodiscard]] const Names& names() const noexcept { return structure_->names; }
  /// The sense in which results are reported; costs inside are minimised whatever it says.
  [[nodiscard]] Objective objective() const noexcept { return objective_; }

  /// Largest |row sum - 1| of the input, before normalisation.
  [[nodiscard]] double row_sum_defect() const noexcept { return structure_->row_sum_defect; }
  /// [n_rows] |row sum - 1| of the input per row, rounded up; empty if every row summed to 1 exactly.
  [[nodiscard]] std::span<const float> row_defect() const noexcept { return structure_->row_defect; }
  /// Stored against meant entries.
  [[nodiscard]] const EntryError& entry_error() const noexcept { return entry_error_; }
  /// Most transitions in a row, and largest |finite cost|.
  [[nodiscard]] Offset max_row_length() const noexcept { return structure_->max_row_length; }
  [[nodiscard]] double max_abs_cost() const noexcept { return costs_->max_abs; }
  /// Whether some cost is +inf.
  [[nodiscard]] bool has_inadmissible() const noexcept { return costs_->has_infinite; }

  /// State boundaries of the fixed blocks that parallel loops work on, [n_blocks+1]. They depend on the
  /// model only, never on the number of threads: sums over blocks have the same bits for any of it.
  [[nodiscard]] std::span<const State> blocks() const noexcept { return structure_->blocks; }

  /// "bar" or, without names, "2".
  [[nodiscard]] std::string state_name(State s) const;
  /// Name or position of the action of a row; the row's state is found by bisection.
  [[nodiscard]] std::string action_name(Offset row) const;
  /// State that owns a row. O(log n_states).
  [[nodiscard]] State state_of(Offset row) const;

  /// The same states, rows and transitions with other costs (minimised sense, [n_rows], no NaN, no -inf),
  /// sharing storage. `tail` [n_rows] or empty. Costs are taken as the dyadic numbers they are. \throws InvalidArgument.
  [[nodiscard]] Mdp with_cost(Buffer<double> cost, Buffer<double> tail = {}) const;
  /// The same MDP with another discount, sharing storage.
  [[nodiscard]] Mdp with_discount(const Discount& discount) const;
  /// The same MDP seen in another sense: results are reported negated, costs inside do not change.
  [[nodiscard]] Mdp with_objective(Objective objective) const;
  /// The same MDP with other initial probabilities [n_states], sharing storage. \throws InvalidArgument.
  [[nodiscard]] Mdp with_initial(std::span<const double> initial) const;

  friend Mdp build(MdpArrays&& arrays, const BuildOptions& options);

 private:
  struct Structure {
    Buffer<Offset> state_rows, row_begin;
    Buffer<State> next_state;
    Buffer<double> probability, probability_tail;
    std::vector<State> goal;
    std::vector<State> blocks;
    Names names;
    Buffer<float> row_defect;
    double row_sum_defect = 0.0;
    double probability_error = 0.0;
    Offset max_row_length = 0;
  };
  struct Costs {
    Buffer<double> cost, cost_tail;
    double max_abs = 0.0;
    double relative_error = 0.0;
    bool has_infinite = false;

    static Costs of(Buffer<double> cost, Buffer<double> tail);
  };

  Mdp() = default;
  /// Divides by the sum where it is off by more than rounding; "" or the violated rule.
  static std::string normalise_initial(std::span<double> initial);

  std::shared_ptr<const Structure> structure_;
  std::shared_ptr<const Costs> costs_;
  std::shared_ptr<const Buffer<double>> initial_;
  Discount discount_;
  Objective objective_ = Objective::minimize;
  EntryError entry_error_;
};

/// Validates, normalises and takes over the arrays (moved, worked on in place: peak memory is that of the
/// arrays plus O(n_states + n_rows)).
///
/// Goal states without rows get one cost-free self-loop; goal states with other rows are an error. Duplicate
/// successors of a row are added up, zeros dropped, successors sorted. A row whose sum is within
/// n_entries * 2^-53 of 1 is kept to the bit (the MDP meant divides by the sum; the difference is in
/// entry_error()); one within row_sum_tolerance is divided by its sum in twice the precision, its rounding
/// tail kept; any other is an error. Rewards are negated here, once.
///
/// \throws InvalidModel with all problems of the first kinds found, each naming state and action;
///         InvalidOption. Cost O(n_transitions), parallel.
[[nodiscard]] Mdp build(MdpArrays&& arrays, const BuildOptions& options = {});

}  // namespace mdp
