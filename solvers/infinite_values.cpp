#include "solvers/infinite_values.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace mdp::solvers {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;
using graph::without;

MissedGoal miss_goal(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into, const StateSet& goal, const Live& live,
                     Policy& policy) {
  MissedGoal missed;
  missed.avoid = without(graph::complement(graph::backward_closure(mdp, into, goal, live.rows, Needs::all, Needs::any)),
                         graph::complement(live.states));
  const RowMask on_the_way = rows_of(mdp, graph::complement(goal), live.rows);
  missed.may_miss = graph::backward_closure(mdp, into, missed.avoid, on_the_way, Needs::any, Needs::any);
  take_lowest_rows(mdp, missed.avoid, rows_inside(mdp, missed.avoid, live.rows), policy);
  take_rows(mdp, graph::rows_towards(mdp, into, missed.avoid, on_the_way), policy);
  missed.rest.open = without(without(live.states, goal), missed.may_miss);
  missed.rest.usable = rows_of(mdp, missed.rest.open, live.rows);
  return missed;
}

Collapse until_free(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into, const StateSet& no_gain,
                    const Live& live) {
  const RowMask usable = rows_of(mdp, no_gain, live.rows);
  Collapse collapse;
  collapse.inside = free_rows(mdp, usable);
  collapse.component = graph::maximal_end_components(mdp, collapse.inside);
  collapse.may_stay.assign(at(collapse.component.count), 1);
  const StateSet candidates = without(no_gain, graph::complement(live.states));
  collapse.open =
      graph::almost_surely_reaching(mdp, into, states_of(collapse.component, collapse.may_stay), candidates, usable);
  collapse.usable = rows_inside(mdp, collapse.open, usable);
  return collapse;
}

UndefinedTotal undefined_total(const Mdp& mdp, const StateSet& undefined, const StateSet& pays, const StateSet& gains,
                               const RowMask& rows) {
  const auto s = static_cast<State>(std::find(undefined.begin(), undefined.end(), char{1}) - undefined.begin());
  UndefinedTotal told;
  told.witness = graph::shortest_path(mdp, s, pays, rows);
  const State pay = told.witness.back();
  const auto path = graph::shortest_path(mdp, s, gains, rows);
  told.witness.insert(told.witness.end(), path.begin(), path.end());
  told.message = fmt::format(
      "{} states, state {} first, have no value: infinity minus infinity, since a cost > 0 can be paid for ever from "
      "state {} on and a cost < 0 from state {} on, both within reach",
      graph::count(undefined), mdp.state_name(s), mdp.state_name(pay), mdp.state_name(path.back()));
  return told;
}

}  // namespace mdp::solvers
