#include <cmath>

#include "solvers/goal_iteration.hpp"
#include "solvers/linear_program.hpp"

namespace mdp::solvers {
namespace {

// max sum v  as  min sum -v; one column per state of the order, one row per usable row: v(s) - P v <= c.
LinearProgram program_of(const GoalProblem& problem) {
  const Mdp& mdp = problem.mdp;
  LinearProgram program;
  std::vector<int> column(at(mdp.n_states()), -1);
  for (const State s : problem.start.order) column[at(s)] = program.add_column(-1.0, -infinity, infinity);
  for (const State s : problem.start.order) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (!(mdp.cost()[at(row)] < infinity)) continue;
      double own = 1.0;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
        const State next = mdp.next_state()[at(k)];
        if (next == s)
          own -= mdp.probability()[at(k)];
        else if (column[at(next)] >= 0)
          program.add_entry(column[at(next)], -mdp.probability()[at(k)]);
      }
      program.add_entry(column[at(s)], own);
      program.end_row(-infinity, mdp.cost()[at(row)]);
    }
  }
  return program;
}

class LinearProgrammingStep : public GoalStep {
 public:
  void begin(GoalIterate& it, bool warm, Run& run) override {
    const auto solved = solve_linear_program(program_of(it.problem), run.seconds_left());
    if (solved.status != Status::converged) {
      policies_->begin(it, warm, run);
      return;
    }
    std::size_t i = 0;
    for (const State s : it.problem.start.order) it.v[at(s)] = solved.x[i++];
  }
  void advance(GoalIterate& it, Run& run) override { policies_->advance(it, run); }
  [[nodiscard]] std::string name() const override { return "linear programming (CLP), then policy iteration"; }

 private:
  std::unique_ptr<GoalStep> policies_ = policy_step(true);
};

}  // namespace

std::unique_ptr<GoalStep> linear_programming_step() { return std::make_unique<LinearProgrammingStep>(); }

}  // namespace mdp::solvers
