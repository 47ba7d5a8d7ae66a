// What every method keeps to under every criterion: bounds that hold wherever it is stopped, the same bits whatever the number of
// threads, mirror images for costs and rewards.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/applicability.hpp"
#include "tests/contract/question.hpp"
#include "tests/support/drawn_mdp.hpp"

using namespace mdp;
using namespace mdp::solvers;
using tests::Question;
using tests::question_of;

namespace {

std::vector<Question> all_questions() {
  std::vector<Question> questions;
  for (const Criterion criterion : {Criterion::discounted, Criterion::finite, Criterion::total, Criterion::goal,
                                    Criterion::reach, Criterion::average}) {
    questions.push_back(question_of(criterion));
  }
  questions.push_back(question_of(Criterion::goal, Improper::excluded));
  return questions;
}

// f(options) for every method that solves the same problem.
void for_each_method(const Mdp& mdp, const Question& question, const std::function<void(CriterionOptions)>& f) {
  for (const Method method : all_methods()) {
    if (method == Method::soft_value_iteration) continue;  // another problem
    if (!why_not(method, mdp, question.criterion, question.options.improper).empty()) continue;
    CriterionOptions options = question.options;
    options.solve.method = method;
    CAPTURE(to_string(question.criterion), to_string(method));
    f(options);
  }
}

// All numbers of an answer, and its policies.
std::vector<std::vector<double>> numbers_of(const CriterionResult& r, Objective objective) {
  std::vector<std::vector<double>> all{r.values,     r.value_lower, r.value_upper, r.gain,      r.gain_lower,
                                       r.gain_upper, r.bias,        r.bias_lower,  r.bias_upper};
  all.insert(all.end(), r.value_by_stage.begin(), r.value_by_stage.end());
  for (auto& numbers : all) numbers = in_sense(objective, numbers);
  return all;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void require_same(const CriterionResult& a, Objective sense_a, const CriterionResult& b, Objective sense_b) {
  const double sign = sense_a == sense_b ? 1.0 : -1.0;
  const auto left = numbers_of(a, sense_a), right = numbers_of(b, sense_b);
  REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    CAPTURE(i);
    REQUIRE(std::ranges::equal(left[i], right[i], [&](double x, double y) { return same(x, sign * y); }));
  }
  REQUIRE(a.policy == b.policy);
  REQUIRE(a.policy_by_stage == b.policy_by_stage);
  REQUIRE(a.status == b.status);
  REQUIRE(a.sweeps == b.sweeps);
  REQUIRE(a.witness == b.witness);
}

// The same costs as a file of that objective has them, built anew: Mdp::with_objective() would leave the signs to nobody.
Mdp built_with_objective(const Mdp& mdp, Objective objective) {
  MdpArrays arrays;
  arrays.objective = objective;
  const auto copy = [](auto span, auto& to) { to.assign(span.begin(), span.end()); };
  copy(mdp.state_rows(), arrays.state_rows);
  copy(mdp.row_begin(), arrays.row_begin);
  copy(mdp.next_state(), arrays.next_state);
  copy(mdp.probability(), arrays.probability);
  copy(mdp.probability_tail(), arrays.probability_tail);
  copy(in_sense(objective, mdp.cost()), arrays.cost);
  copy(in_sense(objective, mdp.cost_tail()), arrays.cost_tail);
  arrays.discount = mdp.discount();
  arrays.goal.assign(mdp.goal().begin(), mdp.goal().end());
  return build(std::move(arrays));
}

// Reaching one of two absorbing states; thousands of states, so that threads share the work.
Mdp two_ends() {
  const Mdp grid = generate::gridworld({.width = 90, .height = 60, .slip = 0.3});
  MdpBuilder b(grid.n_states());
  const State lost = grid.n_states() / 2;
  for (State s = 0; s < grid.n_states(); ++s) {
    for (Offset row = grid.state_rows()[at(s)]; row < grid.state_rows()[at(s) + 1]; ++row) {
      b.row(s, s == lost ? 0.0 : grid.cost()[at(row)]);
      if (s == lost) {
        b.to(s, 1.0);
        continue;
      }
      for (Offset k = grid.row_begin()[at(row)]; k < grid.row_begin()[at(row) + 1]; ++k)
        b.to(grid.next_state()[at(k)], grid.probability()[at(k)]);
    }
  }
  for (const State s : grid.goal()) b.goal(s);
  return b.discount(0.95).build();
}

void check_stops(std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t seed = from; seed < to; ++seed) {
    const tests::DrawnMdp drawn = tests::draw_mdp(seed);
    CAPTURE(seed, drawn.family);
    for (const Question& question : all_questions()) {
      const ExactAnswer truth = tests::proved_answer(drawn.mdp, question);
      const double largest_cost = question.criterion == Criterion::reach ? 1.0 : drawn.mdp.max_abs_cost();
      const Accuracy accuracy = resolve_accuracy(question.options.solve, largest_cost);
      for_each_method(drawn.mdp, question, [&](CriterionOptions options) {
        for (const std::int64_t sweeps : {1, 2, 3, 7, 25}) {
          CAPTURE(sweeps);
          options.solve.max_sweeps = sweeps;
          const CriterionResult r = solve_criterion(drawn.mdp, question.criterion, options);
          CAPTURE(to_string(r.status), r.message);
          tests::check_bounds(truth, r, accuracy);
          REQUIRE((r.converged() || r.status == Status::sweep_limit || r.status == Status::precision_limit ||
                   r.status == Status::undefined));
        }
      });
    }
  }
}

}  // namespace

TEST_CASE("Stopped after any sweep, every method under every criterion has bounds that hold (C1, C5)") {
  check_stops(0, 40);
}

TEST_CASE("Stopped after any sweep: hundreds of models", "[long]") { check_stops(40, 400); }

TEST_CASE("Costs and rewards are mirror images to the last bit, by every method under every criterion") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const tests::DrawnMdp drawn = tests::draw_mdp(seed);
    const Mdp costs = built_with_objective(drawn.mdp, Objective::minimize);
    const Mdp rewards = built_with_objective(drawn.mdp, Objective::maximize);
    CAPTURE(seed, drawn.family);
    for (const Question& question : all_questions()) {
      // Here the objectives ask different things: the least or the greatest probability, and who pays for missing the goal.
      if (question.criterion == Criterion::reach) continue;
      if (question.criterion == Criterion::goal && question.options.improper == Improper::infinite) continue;
      for_each_method(costs, question, [&](CriterionOptions options) {
        options.solve.max_sweeps = 500;
        require_same(solve_criterion(costs, question.criterion, options), Objective::minimize,
                     solve_criterion(rewards, question.criterion, options), Objective::maximize);
      });
    }
  }
}

TEST_CASE("The same bits for 1, 2 and 4 threads, by every method under every criterion", "[long]") {
  const Mdp ends = two_ends();
  const Mdp mixing = generate::garnet({.shape = {10000, 3, 4}, .discount = 0.95});
  REQUIRE(std::min(ends.blocks().size(), mixing.blocks().size()) > 2);
  for (const Question& question : all_questions()) {
    if (question.criterion == Criterion::goal && question.options.improper == Improper::infinite)
      continue;  // the same here
    const Mdp& mdp = question.criterion == Criterion::average ? mixing : ends;
    for_each_method(mdp, question, [&](CriterionOptions options) {
      if (options.solve.method == Method::linear_programming) return;  // a simplex: it takes minutes here
      options.solve.max_sweeps = 4;
      options.solve.threads = 1;
      const CriterionResult one = solve_criterion(mdp, question.criterion, options);
      for (const int threads : {2, 4}) {
        options.solve.threads = threads;
        require_same(one, mdp.objective(), solve_criterion(mdp, question.criterion, options), mdp.objective());
      }
    });
  }
}
