// libmdp/builder.hpp — collect rows in any order, validate them all at once.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "libmdp/mdp.hpp"

namespace mdp {

/// Collects an MDP row by row; states may come in any order, a state's rows keep the order in which they
/// came. Nothing is checked before build(), which reports all problems with state and action named.
///
///     MdpBuilder b(2, Objective::minimize);
///     b.row(0, 1.0, "go");  b.to(1, 0.5);  b.to(0, 0.5);
///     b.goal(1);
///     const Mdp m = b.discount(0.9).build();
///
/// Memory: the arrays of the MDP plus 4 bytes a row; rows that come in state order are not copied, others
/// once. reserve() avoids the growth copies of large models.
class MdpBuilder {
 public:
  /// \param n_states  number of states, >= 1 (checked by build()). No memory is taken for it here.
  explicit MdpBuilder(std::int64_t n_states, Objective objective = Objective::minimize);

  MdpBuilder& reserve(Offset n_rows, Offset n_transitions);
  MdpBuilder& discount(const Discount& discount);
  /// Adds probability to a state's initial mass. Never called: uniform.
  MdpBuilder& initial(std::int64_t state, double probability);
  MdpBuilder& goal(std::int64_t state);
  MdpBuilder& state_names(std::vector<std::string> names);

  /// Starts a row of `state`. `cost` in the sense of the objective; a TwoDouble carries the digits a double
  /// loses. An empty action is unnamed.
  MdpBuilder& row(std::int64_t state, TwoDouble cost, std::string_view action = {});
  /// Adds a successor to the row started last.
  MdpBuilder& to(std::int64_t next, TwoDouble probability);
  /// The same with a cost paid on this transition: p/sum * transition_cost is added to the row's cost.
  MdpBuilder& to(std::int64_t next, TwoDouble probability, TwoDouble transition_cost);

  /// Takes everything collected; the builder is empty afterwards.
  /// \throws InvalidModel, InvalidOption as mdp::build().
  [[nodiscard]] Mdp build(const BuildOptions& options = {});

 private:
  struct Stray {
    Offset row;
    std::string what;
  };

  void check(const BuildOptions& options) const;
  void fold_transition_costs();
  void order_rows();

  std::int64_t n_states_;
  MdpArrays arrays_;  // rows in order of arrival; state_rows is made by build()
  Buffer<State> row_state_;
  std::vector<std::pair<std::int64_t, double>> initial_;
  std::vector<std::int64_t> goal_;
  std::unordered_map<std::string, std::int32_t> action_ids_;
  Buffer<TwoDouble> transition_cost_;  // [n_rows] sum of p * cost, or empty
  std::vector<Stray> strays_;          // entries that name no state, found on arrival
  bool in_state_order_ = true;
};

}  // namespace mdp
