#include "equivalence/equivalent_model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "equivalence/best_shift.hpp"
#include "equivalence/boundary_term.hpp"
#include "equivalence/moment_rows.hpp"
#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/row_collector.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/shift_weight.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/tilt_rows.hpp"
#include "libmdp/vectors.hpp"

namespace mdp::equivalence {
namespace {

// "state 3, action go"
std::string pair_name(const Mdp& world, Offset row) {
  return "state " + world.state_name(world.state_of(row)) + ", action " + world.action_name(row);
}

void require_valid_options(const Mdp& world, const EquivalentModelOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (options.support.mask) require_same_shape(world, *options.support.mask, "mask");
  if (options.graph != nullptr && options.graph->n_states() != world.n_states()) {
    throw InvalidArgument("the neighbour graph has " + std::to_string(options.graph->n_states()) +
                          " states, the world " + std::to_string(world.n_states()));
  }
  if (options.divergence == Divergence::linear) {
    if (options.direction.size() != static_cast<std::size_t>(world.n_states())) {
      throw InvalidArgument("direction: " + std::to_string(options.direction.size()) +
                            " entries, required n_states = " + std::to_string(world.n_states()));
    }
    for (std::size_t s = 0; s < options.direction.size(); ++s) {
      if (std::abs(options.direction[s]) < infinity) continue;
      throw InvalidArgument("direction at state " + world.state_name(static_cast<State>(s)) + ": " +
                            std::to_string(options.direction[s]) + ", required finite");
    }
  }
  if (options.counts.empty()) return;
  if (options.counts.size() != static_cast<std::size_t>(world.n_rows())) {
    throw InvalidArgument("counts: " + std::to_string(options.counts.size()) +
                          " entries, required n_rows = " + std::to_string(world.n_rows()));
  }
  for (std::size_t row = 0; row < options.counts.size(); ++row) {
    if (options.counts[row] >= 0.0 && options.counts[row] < infinity) continue;
    throw InvalidArgument("counts at " + pair_name(world, static_cast<Offset>(row)) + ": " +
                          std::to_string(options.counts[row]) + ", required finite and >= 0");
  }
}

bool by_row(const InfeasibleRow& a, const InfeasibleRow& b) { return a.row < b.row; }

// Rows that stay on the reference's support are written where the reference has them; others are appended.
class Rows {
 public:
  Rows(const MomentEquations& eq, EquivalentModelResult& result)
      : eq_(eq),
        result_(result),
        in_place_(stays_in_reference(eq.divergence) || eq.support.rule == SupportRule::reference) {
    const auto n = static_cast<std::size_t>(eq.world.n_rows());
    result.outcome.resize(n);
    for (auto* column : {&result.multiplier, &result.divergence, &result.duality_gap, &result.moment_residual}) {
      column->resize(n);
    }
  }

  /// Solves every row; `shifts` becomes the interval of T7.
  Transitions solve(int threads, bounds::Interval& shifts) {
    const auto blocks = eq_.reference.blocks();
    Transitions transitions;
    if (in_place_) transitions = transitions_of(eq_.reference);
    std::vector<Block> parts(blocks.size() - 1);
    kernels::parallel_blocks(static_cast<std::ptrdiff_t>(parts.size()), threads, [&](std::ptrdiff_t block) {
      const auto b = static_cast<std::size_t>(block);
      if (tilts()) {
        tilt(blocks[b], blocks[b + 1], transitions, parts[b]);
      } else {
        MomentRows rows(eq_, result_.shift);
        each_row(blocks[b], blocks[b + 1], [&](State s, Offset row) { one(rows, s, row, transitions, parts[b]); });
      }
    });
    std::vector<RowBlock> collected;
    for (Block& part : parts) {
      shifts = {std::max(shifts.lower, part.shifts.lower), std::min(shifts.upper, part.shifts.upper)};
      std::sort(part.infeasible.begin(), part.infeasible.end(), by_row);
      result_.infeasible.insert(result_.infeasible.end(), part.infeasible.begin(), part.infeasible.end());
      if (!in_place_) collected.push_back(std::move(part.rows));
    }
    return in_place_ ? std::move(transitions) : join(collected, eq_.world.n_rows());
  }

 private:
  struct Block {
    RowBlock rows;
    std::vector<InfeasibleRow> infeasible;
    bounds::Interval shifts;
  };

  template <class F>
  void each_row(State first, State last, F&& f) const {
    for (State s = first; s < last; ++s) {
      const Offset begin = eq_.world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = begin; row < begin + eq_.world.n_actions(s); ++row) f(s, row);
    }
  }

  void one(MomentRows& rows, State s, Offset row, Transitions& transitions, Block& part) {
    rows.set(s, row);
    part.shifts = {std::max(part.shifts.lower, rows.shifts().lower), std::min(part.shifts.upper, rows.shifts().upper)};
    const bool feasible = in_place_ ? write(rows, row, transitions) : append(rows, row, part.rows);
    if (!feasible) part.infeasible.push_back({row, rows.target(), rows.low(), rows.high()});
  }

  // KL on the reference's support goes eight rows at a time; what is not solved there, and long rows, one by one.
  [[nodiscard]] bool tilts() const {
    return eq_.divergence == Divergence::kl && eq_.support.rule == SupportRule::reference &&
           eq_.discount.value.hi > 0.0;
  }

  void tilt(State first, State last, Transitions& transitions, Block& part) {
    MomentRows rows(eq_, result_.shift);
    kernels::TiltRows batch(eq_.world, eq_.reference, eq_.values, rows.ratio(), rows.ratio_minus_one(),
                            rows.shift_term());
    const double factor = (eq_.discount.value / shift_weight(eq_.discount)).hi;  // dc/dtau
    const auto flush = [&] {
      batch.solve([&](State s, Offset row, std::size_t lane, std::size_t length, const kernels::TiltBatch& solved) {
        if (solved.end[lane] == kernels::TiltBatch::End::unsolved) return one(rows, s, row, transitions, part);
        take(row, lane, length, solved, transitions);
        part.shifts = {std::max(part.shifts.lower, result_.shift + factor * solved.low[lane]),
                       std::min(part.shifts.upper, result_.shift + factor * solved.high[lane])};
      });
    };
    each_row(first, last, [&](State s, Offset row) {
      if (!batch.add(s, row)) one(rows, s, row, transitions, part);
      if (batch.full()) flush();
    });
    flush();
  }

  void take(Offset row, std::size_t lane, std::size_t length, const kernels::TiltBatch& solved,
            Transitions& transitions) {
    const auto r = static_cast<std::size_t>(row);
    const bool is_kept = solved.end[lane] == kernels::TiltBatch::End::kept;
    result_.outcome[r] = is_kept ? RowOutcome::kept : RowOutcome::projected;
    result_.multiplier[r] = solved.multiplier[lane];
    result_.divergence[r] = std::max(0.0, solved.divergence[lane]);
    result_.duality_gap[r] = solved.gap[lane];
    result_.moment_residual[r] = solved.residual[lane];
    if (is_kept) return;
    const auto begin = static_cast<std::size_t>(eq_.reference.row_begin()[r]);
    kernels::TiltRows::write(solved, lane, length, transitions.probability.data() + begin);
    if (transitions.probability_tail.empty()) return;
    std::fill_n(transitions.probability_tail.begin() + static_cast<std::ptrdiff_t>(begin), length, 0.0);
  }

  bool write(MomentRows& rows, Offset row, Transitions& transitions) {
    const auto r = static_cast<std::size_t>(row);
    const auto begin = static_cast<std::size_t>(eq_.reference.row_begin()[r]);
    const auto p = std::span(transitions.probability).subspan(begin, rows.states().size());
    const bool feasible = settle(rows, row, p);
    // Tails belong to entries that are as they were.
    if (result_.divergence[r] != 0.0 && !transitions.probability_tail.empty()) {
      std::fill_n(transitions.probability_tail.begin() + static_cast<std::ptrdiff_t>(begin), p.size(), 0.0);
    }
    return feasible;
  }

  bool append(MomentRows& rows, Offset row, RowBlock& block) {
    std::vector<double> p(rows.states().size());
    const bool feasible = settle(rows, row, p);
    block.add(rows.states(), p);
    return feasible;
  }

  bool settle(MomentRows& rows, Offset row, std::span<double> p) {
    const auto r = static_cast<std::size_t>(row);
    Projection projection = rows.project(p);
    if (projection.outcome == RowOutcome::projected && std::ranges::equal(p, rows.reference()))
      projection.outcome = RowOutcome::kept;
    result_.outcome[r] = projection.outcome;
    result_.multiplier[r] = projection.multiplier;
    result_.divergence[r] = projection.divergence;
    result_.duality_gap[r] = projection.duality_gap;
    result_.moment_residual[r] = rows.residual(p);
    return projection.outcome != RowOutcome::infeasible;
  }

  const MomentEquations& eq_;
  EquivalentModelResult& result_;
  bool in_place_;
};

void require_supported(const Mdp& world, const EquivalentModelResult& result, Divergence divergence) {
  const auto it = std::find(result.outcome.begin(), result.outcome.end(), RowOutcome::unsupported);
  if (it == result.outcome.end()) return;
  throw InvalidArgument("the reference at " + pair_name(world, it - result.outcome.begin()) +
                        " puts mass outside the support that is allowed, where the model has none: " +
                        std::string(to_string(divergence)) + " is infinite for every such model");
}

// Q* = inf needs a row that keeps Q^* infinite, where V* is finite: else the pair may attract the model's policy.
void refuse_finite_rows(const Mdp& world, std::span<const double> values, EquivalentModelResult& result) {
  if (!world.has_inadmissible()) return;
  for (State s = 0; s < world.n_states(); ++s) {
    if (values[static_cast<std::size_t>(s)] == infinity) continue;
    const auto first = static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(s)]);
    for (std::size_t row = first; row < first + static_cast<std::size_t>(world.n_actions(s)); ++row) {
      if (result.outcome[row] != RowOutcome::unbounded || result.defect.delta[row] == 0.0) continue;
      result.outcome[row] = RowOutcome::infeasible;
      result.multiplier[row] = not_computed;
      result.divergence[row] = infinity;
      result.infeasible.push_back({static_cast<Offset>(row), infinity});
    }
  }
  std::sort(result.infeasible.begin(), result.infeasible.end(), by_row);
}

void add_up(EquivalentModelResult& result) {
  TwoDouble sum;
  for (std::size_t row = 0; row < result.outcome.size(); ++row) {
    if (result.outcome[row] == RowOutcome::infeasible) continue;
    if (result.outcome[row] == RowOutcome::projected) ++result.n_changed;
    sum = sum + TwoDouble(result.divergence[row]);
    result.max_duality_gap = std::max(result.max_duality_gap, std::abs(result.duality_gap[row]));
    if (result.divergence[row] > result.max_divergence || result.max_divergence_row < 0) {
      result.max_divergence = result.divergence[row];
      result.max_divergence_row = static_cast<Offset>(row);
    }
  }
  result.n_infeasible = static_cast<Offset>(result.infeasible.size());
  if (result.n_infeasible > 0) result.first_infeasible_row = result.infeasible.front().row;
  result.sum_divergence = sum.value();
}

/// Why the row of the first infeasible pair is.
std::string reason_of(const InfeasibleRow& row, Divergence divergence) {
  const bool between = row.low <= row.target && row.target <= row.high;
  return divergence == Divergence::deterministic && between
             ? "no single successor has V* = (gamma/gamma^) E[V*] (T10)"
             : "its successors cannot have the world's (gamma/gamma^) E[V*] on average (T6)";
}

void conclude(const Mdp& world, const Discount& discount, Divergence divergence, EquivalentModelResult& result) {
  if (result.n_infeasible > 0) {
    result.scope = Scope::none;
    result.status = Status::refused;
    result.message = "no equivalent row on the support that is allowed at " + std::to_string(result.n_infeasible) +
                     (result.n_infeasible == 1 ? " pair" : " pairs") + ", first at " +
                     pair_name(world, result.first_infeasible_row) + ": " +
                     reason_of(result.infeasible.front(), divergence) + "; the nearest row is given";
  } else if (discount.value.hi >= 1.0) {
    result.scope = Scope::finite_horizon;
    result.status = Status::refused;
    result.message = result.shift == 0.0
                         ? "the model's discount is 1: Q^* = Q* holds for N stages with terminal cost V* (T2)"
                         : "the model's discount is 1: Q^* = Q*, costs less the gain, holds for N stages with terminal "
                           "cost V* (T2, T7)";
  } else {
    result.scope = Scope::all_pairs;
    result.status = Status::converged;
    result.message = result.shift == 0.0 ? "every row meets its moment equation: Q^* = Q* at every pair (T6)"
                                         : "every row meets its moment equation: Q^* = Q* + c at every pair (T7)";
  }
}

// Costs less the gain: what is left has gain 0.
Mdp less_gain(const Mdp& model, double gain) {
  const kernels::AccurateRow rows(model);
  Buffer<double> cost, tail;
  for (Offset row = 0; row < model.n_rows(); ++row) {
    const double own = model.cost()[static_cast<std::size_t>(row)];
    const TwoDouble rest = own < infinity ? rows.cost(row) - TwoDouble(gain) : TwoDouble(infinity);
    cost.push_back(rest.hi);
    tail.push_back(rest.lo);
  }
  return model.with_cost(std::move(cost), std::move(tail));
}

// What a model of discount 1 makes of  L^ = L = Q* + g - P^ V*  (T7, T3): the average criterion has gain g in every state, and where M(c) holds
// the bias V* - c; so for g = 0 the undiscounted sum, V* itself for M(0). Numbers are taken as they are: rounding of the rows is not bounded
// over an infinite sum.
void decide_undiscounted(const Mdp& world, std::span<const double> values, int threads, EquivalentModelResult& result) {
  const QTable table = q_table(world, values, threads);
  std::vector<double> advantage(table.q.size());
  for (State s = 0; s < world.n_states(); ++s) {
    const auto first = static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(s)]);
    for (std::size_t row = first; row < first + static_cast<std::size_t>(world.n_actions(s)); ++row) {
      const TwoDouble q = table.q[row];
      advantage[row] = q.hi < infinity ? std::max(0.0, (q - table.minimum[static_cast<std::size_t>(s)]).hi) : infinity;
    }
  }
  solvers::CriterionOptions criterion;
  criterion.solve.threads = threads;
  const BoundaryTerm term = boundary_term(*result.model, values, advantage, criterion.solve);
  result.level = Level::approximate;
  result.constant = term.constant;
  const std::string kind = result.shift == 0.0 ? "the undiscounted sum" : "the average criterion";
  if (term.holds == Verdict::no) {
    result.message +=
        ", not for " + kind + " (T2', T3): " + term.reason + "; the gain is the same in every state all the same";
    return;
  }
  const bool at_zero = term.holds_at_zero() == Verdict::yes;
  const std::string condition = at_zero ? "M(0) holds (T3)" : "M(c) holds (T3), c in `constant`";
  result.confirmation =
      confirm_gain_and_bias(result.shift == 0.0 ? *result.model : less_gain(*result.model, result.shift), term, values,
                            term.constant, 0.0, false, criterion);
  const double largest = std::max(1.0, max_abs_finite(values));
  if (result.confirmation->status != Status::converged) {
    result.status = result.confirmation->status;
    result.message += "; " + condition + ", but solving the model did not end: " + result.confirmation->message;
  } else if (result.confirmation->error.lower > 1e-6 * largest) {
    result.message += "; " + condition + ", but solving the model contradicts it: its gain or bias is " +
                      std::to_string(result.confirmation->error.lower) + " away";
  } else {
    result.status = Status::converged;
    result.scope = Scope::all_pairs;
    result.message = at_zero && result.shift == 0.0 ? result.message + "; so it does for " + kind
                     : result.shift == 0.0          ? "Q^* = Q* - c for " + kind
                                                    : "the gain is `shift` in every state, the bias V* - c (T7)";
    result.message += ": " + condition + ", and solving the model confirms it";
  }
}

}  // namespace

std::string EquivalentModelOptions::check() const {
  if (threads < 0) return "threads = " + std::to_string(threads) + ", required >= 0 (0 = all)";
  if (shift && !(std::abs(*shift) < infinity)) return "shift = " + std::to_string(*shift) + ", required finite";
  if (!shift && divergence == Divergence::uniform) return "the best shift: a random row is at no distance to minimise";
  return support.check();
}

namespace {

// What both entry points set up: checks, values, the neighbour graph, the equations.
struct Problem {
  Discount discount;
  std::vector<double> values;
  std::optional<graph::NeighbourGraph> own_graph;
  std::optional<MomentEquations> equations;

  Problem(const Mdp& world, const KnownValues& known, const Mdp& reference, const EquivalentModelOptions& options) {
    require_same_shape(world, reference, "reference");
    require_valid(world, known, "world");
    require_valid_options(world, options);
    discount = options.discount.value_or(reference.exact_discount());
    values = with_goal_values(world, known.values);
    const bool needs_graph = options.support.rule == SupportRule::within ||
                             (options.divergence == Divergence::wasserstein && !options.metric);
    if (needs_graph && options.graph == nullptr) own_graph = graph::neighbour_graph(world);
    equations.emplace(MomentEquations{world, values, known.certified() ? known.radius() : 0.0, reference, discount,
                                      options.support, own_graph ? &*own_graph : options.graph, options.divergence,
                                      options.metric ? &options.metric : nullptr, options.counts, options.direction,
                                      options.seed});
  }
};

}  // namespace

EquivalentModelResult equivalent_model(const Mdp& world, const KnownValues& world_values, const Mdp& reference,
                                       const EquivalentModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Problem problem(world, world_values, reference, options);
  const MomentEquations& equations = *problem.equations;
  const Discount& discount = problem.discount;

  EquivalentModelResult result;
  result.level = world_values.level();
  const bool certified = world_values.certified();
  if (options.shift) {
    result.shift = *options.shift;
  } else {
    const BestShift best =
        best_shift(equations, shift_interval(equations, certified, options.threads), options.threads);
    result.shift = best.shift;
    result.shift_suboptimality = best.suboptimality;
  }
  bounds::Interval shifts;
  Transitions transitions = Rows(equations, result).solve(options.threads, shifts);
  result.shift_interval = with_error(equations, shifts, certified);
  require_supported(world, result, options.divergence);
  result.model = rebuild(world, std::move(transitions), discount);
  result.defect = model_defect(world, world_values, *result.model, options.threads);
  refuse_finite_rows(world, problem.values, result);
  add_up(result);
  const ShiftedDefect about = about_shift(result.defect, discount, result.shift);
  result.epsilon = about.epsilon;
  result.q_error_bound = about.q_error_bound;
  conclude(world, discount, options.divergence, result);
  if (result.scope == Scope::finite_horizon) decide_undiscounted(world, problem.values, options.threads, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

PolytopeTable equivalent_polytopes(const Mdp& world, const KnownValues& world_values, const Mdp& reference,
                                   const EquivalentModelOptions& options) {
  if (!options.shift) throw InvalidOption("shift is absent, required a number for equivalent_polytopes()");
  const Problem problem(world, world_values, reference, options);
  PolytopeTable table;
  table.dimension.assign(static_cast<std::size_t>(world.n_rows()), -1);
  table.n_vertices.assign(table.dimension.size(), 0);
  kernels::for_states(reference.blocks(), options.threads, [&](State first, State last) {
    MomentRows rows(*problem.equations, *options.shift);
    for (State s = first; s < last; ++s) {
      const Offset begin = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = begin; row < begin + world.n_actions(s); ++row) {
        rows.set(s, row);
        const auto polytope = rows.polytope();
        if (!polytope) continue;
        table.dimension[static_cast<std::size_t>(row)] = polytope->dimension();
        table.n_vertices[static_cast<std::size_t>(row)] = polytope->n_vertices();
      }
    }
  });
  return table;
}

}  // namespace mdp::equivalence
