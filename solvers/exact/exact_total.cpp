// The undiscounted sum for ever, exactly; see solvers/total.hpp for what the graph decides.
#include "solvers/end_components.hpp"
#include "solvers/exact/exact_criteria.hpp"
#include "solvers/infinite_values.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;

class ExactTotal {
 public:
  ExactTotal(ExactContext& context, ExactAnswer& answer)
      : context_(context),
        answer_(answer),
        m_(context.structure()),
        into_(m_),
        live_(live_part(m_)),
        ends_(signed_components(m_, live_.rows)),
        gains_(states_of(ends_.component, ends_.has_negative)),
        pays_(states_of(ends_.component, ends_.has_positive)) {}

  void operator()() {
    const StateSet may_gain = reaching(gains_);
    const StateSet may_pay = reaching(pays_);
    answer_.value.assign(context_.n_states(), Extended::infinity(1));
    for (std::size_t s = 0; s < may_gain.size(); ++s) {
      if (may_gain[s] != 0) answer_.value[s] = Extended::infinity(-1);
    }
    if (!solve_finite(graph::complement(may_gain))) return;
    answer_.undefined_states.assign(may_gain.size(), 0);
    for (std::size_t s = 0; s < may_gain.size(); ++s) {
      answer_.undefined_states[s] = may_gain[s] != 0 && may_pay[s] != 0 ? 1 : 0;
    }
    if (answer_.error > 0) return report_undefined();
    answer_.q = exact_q(context_.model(), 1, answer_.value);
    answer_.optimal = tied_rows(context_.model(), answer_.q, answer_.value);
    take_lowest_rows(m_, StateSet(may_gain.size(), 1), answer_.optimal, answer_.policy);
    choose_finite_rows();
    take_gains(may_gain);
    report_undefined();
  }

 private:
  [[nodiscard]] StateSet reaching(StateSet target) const {
    return graph::backward_closure(m_, into_, std::move(target), live_.rows, Needs::any, Needs::any);
  }

  // Where no cost < 0 can be paid for ever: the least cost until a cost-free component is entered for ever.
  bool solve_finite(const StateSet& no_gain) {
    ExactCollapse problem;
    problem.graph = until_free(m_, into_, no_gain, live_);
    const std::vector<mpq_class> cost = costs_of(context_.model());
    problem.cost = cost;
    ExactCollapsed solved = solve_exact_collapsed(context_, problem);
    if (context_.unfinished(solved.end, solved.size, answer_)) return false;
    answer_.error = solved.error;
    open_ = std::move(problem.graph.open);
    for (std::size_t s = 0; s < open_.size(); ++s) {
      if (open_[s] != 0) answer_.value[s] = std::move(solved.value[s]);
    }
    return true;
  }

  // A policy of tied rows attains V* if it comes to stay where V* = 0 at no cost. In the lowest tied rows that is so where the
  // states of value 0 stay among themselves by free rows; elsewhere they are made to.
  void choose_finite_rows() {
    RowMask resting(answer_.optimal.size(), 0);
    StateSet rest(open_.size(), 0);
    for (std::size_t s = 0; s < rest.size(); ++s) rest[s] = open_[s] != 0 && answer_.value[s] == Extended() ? 1 : 0;
    resting = rows_inside(m_, rest, free_rows(m_, answer_.optimal));
    const graph::Components ends = graph::maximal_end_components(m_, resting);
    rest = states_of(ends, std::vector<char>(at(ends.count), 1));
    take_lowest_rows(m_, rest, rows_inside(m_, ends, resting), answer_.policy);
    StateSet others = open_;
    for (std::size_t s = 0; s < others.size(); ++s) {
      if (rest[s] != 0) others[s] = 0;
    }
    take_tied_rows(m_, others, rest, answer_.optimal, answer_.policy);
  }

  // Towards a component with costs < 0, and there towards the rows that pay them.
  void take_gains(const StateSet& may_gain) {
    answer_.in_loop = gains_;
    take_rows(m_, graph::rows_towards(m_, into_, gains_, rows_of(m_, may_gain, live_.rows)), answer_.policy);
    StateSet doors(gains_.size(), 0);
    RowMask gaining(ends_.inside.size(), 0);
    for (std::size_t s = 0; s < gains_.size(); ++s) {
      if (gains_[s] == 0) continue;
      for (Offset row = m_.state_rows()[s]; row < m_.state_rows()[s + 1]; ++row) {
        gaining[at(row)] = ends_.inside[at(row)] != 0 && m_.cost()[at(row)] < 0.0 ? 1 : 0;
        if (gaining[at(row)] != 0) doors[s] = 1;
      }
    }
    take_lowest_rows(m_, doors, gaining, answer_.policy);
    take_rows(m_, graph::rows_towards(m_, into_, doors, rows_of(m_, gains_, ends_.inside)), answer_.policy);
  }

  void report_undefined() {
    const auto& undefined = answer_.undefined_states;
    if (graph::count(undefined) == 0) return;
    UndefinedTotal told = undefined_total(m_, undefined, pays_, gains_, live_.rows);
    answer_.status = Status::undefined;
    answer_.witness = std::move(told.witness);
    answer_.message = std::move(told.message);
  }

  ExactContext& context_;
  ExactAnswer& answer_;
  const Mdp& m_;
  graph::PredecessorsWhenNeeded into_;
  Live live_;
  SignedComponents ends_;
  StateSet gains_, pays_;
  StateSet open_;
};

}  // namespace

void solve_exact_total(ExactContext& context, ExactAnswer& answer) { ExactTotal(context, answer)(); }

}  // namespace mdp::solvers
