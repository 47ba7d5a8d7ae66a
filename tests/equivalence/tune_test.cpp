// Tuning (theory.md, section 6) against what the theory promises of its learners.
#include "equivalence/tune.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "equivalence/defect_gradient.hpp"
#include "equivalence/fit.hpp"
#include "equivalence/outer_model.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/solve.hpp"

namespace {

using namespace mdp;
using namespace mdp::equivalence;
using solvers::DescentState;
using solvers::ParametricMdp;

Mdp world() { return generate::gridworld({.map = {"S...", ".HH.", "....", "H..G"}, .slip = 0.3, .discount = 0.95}); }

// No slip, or lost anywhere around: a mixture that cannot be the world.
ParametricMdp family(const Mdp& w, std::vector<solvers::Part> further = {}) {
  const Mdp straight = most_likely_model(w);
  const Mdp even = fit_maximum_likelihood(w, TransitionData{}, {.support = FitSupport::world, .smoothing = 1.0});
  const std::vector<Mdp> models{straight, even};
  further.insert(further.begin(), solvers::cost_table(w));
  return solvers::mixture(models, 1e-6, std::move(further));
}

solvers::SolveResult solved(const Mdp& w) {
  solvers::SolveOptions options;
  options.relative_tolerance = 1e-12;
  return solvers::solve(w, options);
}

// Which of (2 weights, one cost per row) may move.
std::vector<char> mask(const ParametricMdp& f, bool weights, bool costs) {
  std::vector<char> free(f.n_parameters(), costs ? 1 : 0);
  free[0] = free[1] = weights ? 1 : 0;
  return free;
}

// Counts in proportion to the world's probabilities.
TransitionCounts infinite_data(const Mdp& w) {
  TransitionCounts counts{{w.row_begin().begin(), w.row_begin().end()},
                          {w.next_state().begin(), w.next_state().end()},
                          {w.probability().begin(), w.probability().end()}};
  for (double& n : counts.count) n *= 1000.0;
  return counts;
}

}  // namespace

TEST_CASE("Section 6: likelihood leaves regret in a wrong class; costs remove it; the model stays wrong") {
  const Mdp w = world();
  const solvers::SolveResult solution = solved(w);
  const ParametricMdp f = family(w);
  const TransitionCounts data = infinite_data(w);
  TuneOptions options{.objective = TuneObjective::likelihood, .temperature = 0.02, .free = mask(f, true, false)};
  options.gradient_tolerance = 1e-7;
  const TuneResult fitted = tune(w, solution, f, data, {.x = f.start()}, options);
  INFO(fitted.message);
  CHECK(fitted.status == Status::converged);
  const TuneRecord& by_likelihood = fitted.trace.back();
  CHECK(by_likelihood.log_likelihood > fitted.trace.front().log_likelihood);
  CHECK(by_likelihood.regret.lower > 1e-3);
  CHECK(by_likelihood.epsilon > 0.01);

  options.objective = TuneObjective::world_performance;
  options.free = mask(f, false, true);
  options.max_iterations = 60;
  const TuneResult cost = tune(w, solution, f, data, {.x = fitted.state.x}, options);
  INFO(cost.message);
  CHECK(cost.ending == TuneEnding::regret_zero);
  CHECK(cost.trace.back().regret.upper <= 1e-9);
  CHECK(cost.trace.back().log_likelihood == by_likelihood.log_likelihood);  // the model did not move
  CHECK(cost.trace.back().performance < cost.trace.front().performance);
  for (std::size_t i = 1; i < cost.trace.size(); ++i) CHECK(cost.trace[i].performance < cost.trace[i - 1].performance);
  CHECK(cost.state.x[0] == fitted.state.x[0]);

  options.free = mask(f, true, true);
  const TuneResult both = tune(w, solution, f, data, {.x = fitted.state.x}, options);
  CHECK(both.ending == TuneEnding::regret_zero);
  CHECK(f.violated(both.state.x).empty());

  // T9's defect: the costs can remove it, too (T1), and then Q^* = Q*.
  options.objective = TuneObjective::defect;
  options.free = mask(f, false, true);
  options.max_iterations = 200;
  options.gradient_tolerance = 1e-12;
  const TuneResult equal = tune(w, solution, f, data, {.x = fitted.state.x}, options);
  CHECK(equal.trace.back().epsilon < 1e-7);
  CHECK(equal.trace.back().regret.upper < 1e-6);
}

TEST_CASE("Gauss-Newton: the models of all three objectives have their gradients") {
  const Mdp w = world();
  const solvers::SolveResult solution = solved(w);
  const ParametricMdp f = family(w, {solvers::discount_parameter(0.9, 0.5, 0.95)});
  const TransitionCounts data = infinite_data(w);
  std::vector<double> theta = f.start();
  theta[0] = 0.75;
  theta[1] = 0.25;
  for (std::size_t i = 2; i + 1 < theta.size(); ++i) theta[i] = 0.1 * std::sin(static_cast<double>(i));
  const Mdp model = f.at(theta);
  const std::vector<char> free = mask(f, true, true);
  const auto compare = [&](const solvers::LeastSquaresModel& m, const std::vector<double>& gradient) {
    double most = 0.0, gap = 0.0;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      double product = 0.0;
      for (std::size_t k = 0; k < m.residual.size(); ++k) product += m.jacobian[k * theta.size() + i] * m.residual[k];
      gap = std::max(gap, std::abs(product - gradient[i]));
      most = std::max(most, std::abs(gradient[i]));
    }
    CHECK(gap <= 1e-10 * most);
  };
  solvers::InRealOptions in_real;
  in_real.soft.temperature = 0.5;
  const solvers::InRealGradient at = solvers::in_real_gradient(w, model, in_real);
  compare(performance_model(w, f, theta, at, free), f.vjp(theta, at.gradient));
  compare(defect_model(w, solution, f, theta, free, 1), f.vjp(theta, mean_square_defect(w, solution, model).gradient));
  solvers::EntryGradient likelihood = likelihood_gradient(model, data);
  for (double& g : likelihood.probability) g = -g;
  compare(likelihood_model(f, theta, data, free), f.vjp(theta, likelihood));
  const solvers::LeastSquaresModel masked = performance_model(w, f, theta, at, mask(f, false, true));
  for (std::size_t k = 0; k < masked.residual.size(); ++k) CHECK(masked.jacobian[k * theta.size()] == 0.0);
}

TEST_CASE("Gauss-Newton as the outer method: the optimum of the others, in fewer steps") {
  const Mdp w = world();
  const solvers::SolveResult solution = solved(w);
  const ParametricMdp f = family(w);
  const TransitionCounts data = infinite_data(w);
  TuneOptions options{.objective = TuneObjective::likelihood, .temperature = 0.05, .free = mask(f, true, false)};
  options.gradient_tolerance = 1e-7;
  const TuneResult quasi = tune(w, solution, f, data, {.x = f.start()}, options);
  options.method = solvers::DescentMethod::gauss_newton;
  const TuneResult fitted = tune(w, solution, f, data, {.x = f.start()}, options);
  CHECK(fitted.status == Status::converged);
  CHECK(fitted.state.x[0] == Approx(quasi.state.x[0]).epsilon(1e-5));
  CHECK(fitted.state.iteration <= 15);
  CHECK(f.violated(fitted.state.x).empty());

  // From a policy that is wrong and saturated, where gradients are tiny and one step of logits is not.
  options.objective = TuneObjective::world_performance;
  options.free = mask(f, false, true);
  options.max_iterations = 60;
  options.gradient_tolerance = 1e-14;
  const TuneResult cost = tune(w, solution, f, data, {.x = fitted.state.x}, options);
  INFO(cost.message);
  CHECK(cost.ending == TuneEnding::regret_zero);
  CHECK(cost.state.iteration <= 15);
  for (std::size_t i = 1; i < cost.trace.size(); ++i) CHECK(cost.trace[i].performance < cost.trace[i - 1].performance);

  // Delta is linear in the costs: one step, and Q^* = Q*.
  options.objective = TuneObjective::defect;
  options.gradient_tolerance = 1e-12;
  const TuneResult equal = tune(w, solution, f, data, {.x = fitted.state.x}, options);
  CHECK(equal.state.iteration <= 2);
  CHECK(equal.trace.back().epsilon < 1e-9);
}

TEST_CASE("D8: tuning costs moves nothing along the shaping directions, the gauge") {
  const Mdp w = world();
  const ParametricMdp f = family(w);
  const auto method = GENERATE(solvers::DescentMethod::quasi_newton, solvers::DescentMethod::gauss_newton);
  TuneOptions options{.temperature = 0.05, .free = mask(f, false, true), .method = method};
  options.max_iterations = 8;
  options.regret_tolerance = 0.0;
  const TuneResult run = tune(w, solved(w), f, {}, {.x = f.start()}, options);
  REQUIRE(run.state.iteration == 8);
  const Mdp model = f.at(f.start());  // its transitions did not move
  double moved = 0.0, along = 0.0;
  for (State t = 0; t < w.n_states(); ++t) {  // Phi = 1 at t: change(s, a) = [s = t] - gamma P(t | s, a)
    double product = 0.0;
    for (State s = 0; s < w.n_states(); ++s) {
      for (Offset row = w.state_rows()[s]; row < w.state_rows()[s + 1]; ++row) {
        double shape = s == t ? 1.0 : 0.0;
        for (Offset k = model.row_begin()[row]; k < model.row_begin()[row + 1]; ++k) {
          if (model.next_state()[k] == t) shape -= 0.95 * model.probability()[k];
        }
        product += shape * (run.state.x[2 + row]);
        moved = std::max(moved, std::abs(run.state.x[2 + row]));
      }
    }
    along = std::max(along, std::abs(product));
  }
  CHECK(moved > 0.01);
  CHECK(along < 1e-9 * moved);
}

TEST_CASE("Section 6: a run stopped and resumed has the bits of one that was not") {
  const Mdp w = world();
  const solvers::SolveResult solution = solved(w);
  const ParametricMdp f = family(w);
  const auto method = GENERATE(solvers::DescentMethod::gradient, solvers::DescentMethod::quasi_newton,
                               solvers::DescentMethod::gauss_newton);
  TuneOptions options{.temperature = 0.05, .free = mask(f, true, true), .method = method};
  options.regret_tolerance = 0.0;
  options.max_iterations = 6;
  const TuneResult whole = tune(w, solution, f, {}, {.x = f.start()}, options);
  REQUIRE(whole.state.iteration == 6);
  options.observer = [](const TuneRecord& record, const DescentState&) { return record.iteration < 3; };
  const TuneResult half = tune(w, solution, f, {}, {.x = f.start()}, options);
  CHECK(half.ending == TuneEnding::interrupted);
  CHECK(half.state.iteration == 3);
  options.observer = nullptr;
  options.max_iterations = 3;
  options.threads = 1;
  const TuneResult rest = tune(w, solution, f, {}, half.state, options);
  CHECK(rest.state.x == whole.state.x);
  CHECK(rest.state.moves == whole.state.moves);
  CHECK(rest.trace.back().performance == whole.trace.back().performance);
}

TEST_CASE("Section 6: a saturated policy is called flat, not optimal; a restricted family stops at a local optimum") {
  MdpBuilder b(2);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 2.0).to(0, 0.5).to(1, 0.5);
  b.row(1, 0.0).to(1, 1.0);
  b.row(1, 9.0).to(0, 1.0);
  b.initial(0, 1.0);
  const Mdp w = b.build();  // V*(0) = 2 by the first action
  const Mdp wrong = w.with_cost({9.0, 0.0, 0.0, 9.0});
  const ParametricMdp f(wrong, {solvers::cost_table(wrong)});
  TuneOptions options{.temperature = 0.01};
  const TuneResult flat = tune(w, solved(w), f, {}, {.x = f.start()}, options);
  INFO(flat.message);
  CHECK(flat.ending == TuneEnding::flat);
  CHECK(flat.trace.back().regret.lower > 0.1);
  CHECK(flat.improvement_left > 0.1);
  CHECK(flat.policy_gradient_norm < 1e-12);

  // One parameter that moves both costs of state 0 alike changes nothing: stationary for the family, not for the policy.
  const std::vector<std::int64_t> group{0, 1};
  solvers::RowFeatures feature{1, {0, 1, 2, 2, 2}, {0, 0}, {1.0, 1.0}};
  const Mdp mild = w.with_cost({1.2, 1.0, 0.0, 9.0});
  const ParametricMdp restricted(mild.with_discount(Discount(0.0)), {solvers::cost_features(feature)});
  options.temperature = 0.5;
  const TuneResult local = tune(w, solved(w), restricted, {}, {.x = {0.0}}, options);
  INFO(local.message);
  CHECK(local.ending == TuneEnding::stationary);
  CHECK(local.trace.back().regret.lower > 0.1);
  CHECK(local.policy_gradient_norm > 1e-3);
}

TEST_CASE("T9: the defect's gradients are differences") {
  const auto garnet = [](std::uint64_t seed) {
    return generate::garnet({.shape = {.states = 4, .actions = 2, .successors = 3}, .discount = 0.875, .seed = seed});
  };
  const Mdp w = garnet(1);
  const Mdp model = garnet(2).with_discount(Discount(0.75));
  const solvers::SolveResult solution = solved(w);
  const EpsilonGradient at = epsilon_gradient(w, solution, model);
  REQUIRE(at.status == Status::converged);
  REQUIRE(at.rows.size() == 1);
  const MeanSquareDefect square = mean_square_defect(w, solution, model);
  const double h = 1e-5;
  const auto moved_cost = [&](Offset row, double by) {
    Buffer<double> cost(model.cost().begin(), model.cost().end());
    cost[row] += by;
    return model.with_cost(cost);
  };
  for (Offset row = 0; row < model.n_rows(); ++row) {
    const Mdp up = moved_cost(row, h), down = moved_cost(row, -h);
    CHECK(at.gradient.cost[row] ==
          Approx((epsilon_gradient(w, solution, up).epsilon - epsilon_gradient(w, solution, down).epsilon) / (2 * h))
              .margin(1e-9));
    CHECK(square.gradient.cost[row] ==
          Approx((mean_square_defect(w, solution, up).value - mean_square_defect(w, solution, down).value) / (2 * h))
              .margin(1e-8));
  }
  const Mdp up = model.with_discount(Discount(0.75 + h)), down = model.with_discount(Discount(0.75 - h));
  CHECK(at.gradient.discount ==
        Approx((epsilon_gradient(w, solution, up).epsilon - epsilon_gradient(w, solution, down).epsilon) / (2 * h)));
  CHECK(square.gradient.discount ==
        Approx((mean_square_defect(w, solution, up).value - mean_square_defect(w, solution, down).value) / (2 * h)));
  for (Offset k = 0; k < model.n_transitions(); ++k) {
    const bool here = k >= model.row_begin()[at.rows[0]] && k < model.row_begin()[at.rows[0] + 1];
    CHECK((at.gradient.probability[k] != 0.0) == here);
  }
  CHECK(epsilon_gradient(w, solution, w).status == Status::refused);  // epsilon is 0
}

TEST_CASE("Likelihood of counts, and its gradient") {
  const Mdp w = world();
  TransitionData data;
  data.add(0, 0, w.next_state()[0]);
  data.add(0, 0, w.next_state()[0]);
  data.add(0, 0, w.next_state()[1]);
  const TransitionCounts counts = count_transitions(w, data);
  const double expected = (2 * std::log(w.probability()[0]) + std::log(w.probability()[1])) / 3;
  CHECK(mean_log_likelihood(w, counts) == Approx(expected));
  CHECK(likelihood_gradient(w, counts).probability[1] == Approx(1.0 / (3 * w.probability()[1])));
  // Weights are repetitions, and fractions of one.
  TransitionData weighted;
  weighted.add(0, 0, w.next_state()[1]);
  weighted.add(0, 0, w.next_state()[0]);
  weighted.count = {0.5, 1.0};
  const TransitionCounts half = count_transitions(w, weighted);
  CHECK(half.total() == 1.5);
  CHECK(mean_log_likelihood(w, half) == Approx(expected));
  CHECK(likelihood_gradient(w, half).probability[0] == Approx(likelihood_gradient(w, counts).probability[0]));
  CHECK(likelihood_gradient(w, half).probability[1] == Approx(likelihood_gradient(w, counts).probability[1]));
  data.add(0, 0, static_cast<State>(w.n_states() - 1));
  CHECK(stored_at(w, count_transitions(w, data)).back() == -1);
  CHECK(mean_log_likelihood(w, count_transitions(w, data)) == -infinity);
}

TEST_CASE("Tuning refuses what does not fit") {
  const Mdp w = world();
  const solvers::SolveResult solution = solved(w);
  const ParametricMdp f = family(w);
  CHECK_THROWS_WITH(tune(w, solution, f, {}, {.x = f.start()}, {.temperature = 0.0}),
                    Catch::Contains("has no derivative (D8)"));
  CHECK_THROWS_WITH(tune(w, solution, f, {}, {.x = f.start()}, {.objective = TuneObjective::likelihood}),
                    Catch::Contains("likelihood needs data"));
  TransitionData seen;
  seen.add(0, 0, f.base().next_state()[0]);
  seen.add(0, 0, static_cast<State>(w.n_states() - 1));
  seen.count = {7.0, 3.0};
  TransitionCounts impossible = count_transitions(w, seen);
  CHECK_THROWS_WITH(tune(w, solution, f, impossible, {.x = f.start()}, {.objective = TuneObjective::likelihood}),
                    Catch::Contains("3 of 10 samples are impossible"));
  impossible.row_begin.pop_back();
  CHECK_THROWS_WITH(tune(w, solution, f, impossible, {.x = f.start()}, {}),
                    Catch::Contains("not those of the world's"));
  CHECK_THROWS_AS(tune(w, solution, f, {}, {.x = {1.0}}, {}), InvalidArgument);
  CHECK_THROWS_AS(tune(w, solution, f, {}, {.x = f.start()}, {.max_iterations = -1}), InvalidOption);
}
