// libmdp/kernels/bellman.hpp — the Bellman operator: one pass over the transitions.
#pragma once

#include <span>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/sparse_rows.hpp"
#include "libmdp/kernels/stream_ahead.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// q of one row:  c + gamma * (((p1 v1 + p2 v2) + p3 v3) + …), successors ascending, one accumulator.
/// The order is part of the contract: the same bits everywhere. 0 * inf := 0 for gamma = 0.
struct RowValue {
  const Offset* begin;
  const State* next;
  const double* p;
  const double* cost;
  const double* v;
  double discount;

  RowValue(const Mdp& mdp, std::span<const double> values)
      : begin(mdp.row_begin().data()),
        next(mdp.next_state().data()),
        p(mdp.probability().data()),
        cost(mdp.cost().data()),
        v(values.data()),
        discount(mdp.discount()) {}

  /// sum p v of a row.
  [[nodiscard]] double expectation(Offset row) const { return row_product(begin[row], begin[row + 1], p, next, v); }
  [[nodiscard]] double operator()(Offset row) const {
    return discount == 0.0 ? cost[row] : cost[row] + discount * expectation(row);
  }
};

/// visit_rows() for one way to say where rows end. The visitor goes in and out by value, so that it lives in registers.
template <class Rows, class Visitor>
[[nodiscard]] [[gnu::noinline]] Visitor visit(const Mdp& mdp, Rows ends, std::span<const double> v, State first,
                                              State last, Visitor visitor) {
  const RowValue q(mdp, v);
  const Offset* rows = mdp.state_rows().data();
  Offset row = rows[first];
  Offset k = q.begin[row];
  StreamAhead ahead(q.p, q.next, k, q.begin[rows[last]], mdp.n_transitions(), v);
  for (State s = first; s < last; ++s) {
    visitor.start(s);
    for (Action a = 0; row < rows[s + 1]; ++row, ++a) {
      const Offset end = ends.end(row, k);
      ahead(end);
      visitor.row(a, row, q.cost[row] + q.discount * row_product<Rows>(k, end, q.p, q.next, q.v));
      k = end;
    }
    visitor.finish(s);
  }
  return visitor;
}

/// visit_rows() where no transition counts: v = 0, to the bit (p * 0 and sums of it are 0, and c + 0.0 turns -0.0 into 0.0 as
/// there), or gamma = 0.
template <class Visitor>
void visit_costs(const Mdp& mdp, State first, State last, Visitor& visitor) {
  const Offset* rows = mdp.state_rows().data();
  const double nothing = mdp.discount() == 0.0 ? -0.0 : 0.0;
  for (State s = first; s < last; ++s) {
    visitor.start(s);
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      visitor.row(static_cast<Action>(row - rows[s]), row, mdp.cost()[row] + nothing);
    }
    visitor.finish(s);
  }
}

/// The one loop behind every sweep: for each state of [first, last), visitor.start(s), then
/// visitor.row(position, row, q) for its rows in order, then visitor.finish(s).
template <class Visitor>
void visit_rows(const Mdp& mdp, std::span<const double> v, State first, State last, Visitor& visitor) {
  if (mdp.discount() == 0.0) return visit_costs(mdp, first, last, visitor);
  const Offset* rows = mdp.state_rows().data();
  with_rows(mdp.row_begin().data(), rows[first], rows[last], mdp.max_row_length(),
            [&](auto ends) { visitor = visit(mdp, ends, v, first, last, visitor); });
}

/// min and max of TV - V over the states where both are finite; (+inf, -inf) if there is none.
struct ResidualRange {
  double min = infinity;
  double max = -infinity;
  State n_changed = 0;  ///< entries of the policy that a sweep changed
  double lead = 0.0;    ///< of the least q of a state over the others, the smallest there is; 0 = not known
};

/// tv = T v:  tv(s) = min_a q(s,a); and the range of tv - v, in one pass.
///
/// \param v       [n_states]; may hold +inf (a state whose value is infinite), never NaN or -inf
/// \param tv      [n_states], written; must not overlap v
/// \param policy  [n_states] or empty; written: the greedy action, ties to the lowest position
/// Traffic per sweep: 12 B per transition, 16 B per row (8 where rows are equally long and short), 24 B per state (28 with policy), plus the gathers of v; where
/// v is 0 everywhere, T v = min c, and transitions are not read.
/// Rounding: see sweep_error() in libmdp/bounds.hpp.
ResidualRange bellman_sweep(const Mdp& mdp, std::span<const double> v, std::span<double> tv,
                            std::span<Action> policy = {}, int threads = 0);

/// Whether v is 0 everywhere: bellman_sweep() does not read transitions then.
[[nodiscard]] bool is_zero(std::span<const double> v);

/// q(row) = c + gamma p v for every row. q [n_rows], written.
void q_values(const Mdp& mdp, std::span<const double> v, std::span<double> q, int threads = 0);

}  // namespace mdp::kernels
