// What every solver of the discounted criterion must do on the same models, certified by exact rationals.
#include <cmath>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/planted.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::solvers;
using oracles::contains;

namespace {

struct Way {
  Method method;
  LinearSolver linear_solver;
};

SolveOptions options_of(int way) {
  static const Way ways[] = {{Method::automatic, LinearSolver::automatic},
                             {Method::value_iteration, LinearSolver::automatic},
                             {Method::policy_iteration, LinearSolver::sparse_lu},
                             {Method::policy_iteration, LinearSolver::iterative},
                             {Method::modified_policy_iteration, LinearSolver::automatic},
                             {Method::inexact_policy_iteration, LinearSolver::automatic},
                             {Method::gauss_seidel, LinearSolver::automatic},
                             {Method::prioritized, LinearSolver::automatic},
                             {Method::topological, LinearSolver::automatic},
                             {Method::anderson, LinearSolver::automatic},
                             {Method::action_elimination, LinearSolver::automatic},
                             {Method::linear_programming, LinearSolver::automatic}};
  SolveOptions options;
  options.method = ways[way].method;
  options.linear_solver = ways[way].linear_solver;
  return options;
}

constexpr int n_ways = 12;

// The answer is what it says: intervals, error bound and loss bound hold exactly.
void require_honest(const oracles::Problem& p, const SolveResult& r) {
  const auto best = oracles::optimal_values(p.exact, r.policy);
  REQUIRE(r.level == Level::certified);
  REQUIRE(r.values.size() == best.size());
  mpq_class error;
  for (std::size_t s = 0; s < best.size(); ++s) {
    CAPTURE(s, r.value_lower[s], r.value_upper[s]);
    REQUIRE(contains(r.value_lower[s], r.value_upper[s], best[s]));
    if (!best[s]) {
      REQUIRE(r.values[s] == infinity);
      continue;
    }
    REQUIRE(r.value_lower[s] <= r.values[s]);
    REQUIRE(r.values[s] <= r.value_upper[s]);
    error = std::max(error, mpq_class(abs(mpq_class(r.values[s]) - *best[s])));
  }
  if (r.value_error_bound < infinity) REQUIRE(error <= mpq_class(r.value_error_bound));
  const auto reached = oracles::policy_values(p.exact, r.policy);
  for (std::size_t s = 0; s < best.size(); ++s) {
    if (!best[s] || !(r.policy_loss_bound < infinity)) continue;
    REQUIRE(reached[s]);
    REQUIRE(*reached[s] - *best[s] <= mpq_class(r.policy_loss_bound));
  }
}

// Converged means: half-width at most A + R |value| at every state of finite value.
void require_accurate(const SolveResult& r, double absolute, double relative) {
  REQUIRE(r.converged());
  double largest = 0.0;
  for (std::size_t s = 0; s < r.values.size(); ++s) {
    if (r.values[s] == infinity) continue;
    const double half = std::max(r.value_upper[s] - r.values[s], r.values[s] - r.value_lower[s]);
    REQUIRE(half <= absolute + relative * std::abs(r.values[s]));
    largest = std::max(largest, half);
  }
  REQUIRE(r.value_error_bound >= largest);
}

oracles::Problem of_mdp(const Mdp& mdp) { return {oracles::exact_model_of(mdp), mdp}; }

}  // namespace

TEST_CASE("Random models are solved to the default accuracy, and the bounds are honest") {
  const int way = GENERATE(range(0, n_ways));
  const int seed = GENERATE(range(0, 12));
  const bool maximize = seed % 2 == 1;
  std::mt19937_64 random(static_cast<unsigned>(seed));
  oracles::RandomOptions model;
  model.objective = maximize ? Objective::maximize : Objective::minimize;
  model.rational = seed % 3 == 0;
  model.row_sum_miss = seed % 3 == 1 ? 1e-8 : 0.0;
  model.inadmissible = seed % 4 == 3 ? 0.25 : 0.0;
  model.discount = seed % 5 == 4 ? mpq_class(9999, 10000) : mpq_class(9, 10);
  const auto p = oracles::random_problem(random, model);
  CAPTURE(way, seed);
  const SolveResult r = solve(p.mdp, options_of(way));
  require_honest(p, r);
  require_accurate(r, 1e-9 * std::min(1.0, p.mdp.max_abs_cost()), 1e-9);
  REQUIRE(r.method.size() > 0);
  REQUIRE(r.message.size() > 0);
  REQUIRE(r.sweeps > 0);
}

TEST_CASE("Both tolerances are kept to: absolute, relative, tight (C2, C4)") {
  const int way = GENERATE(range(0, n_ways));
  std::mt19937_64 random(5);
  const auto p = oracles::random_problem(random);
  SolveOptions options = options_of(way);
  options.tolerance = 1e-4;
  require_accurate(solve(p.mdp, options), 1e-4, 0.0);
  options.tolerance.reset();
  options.relative_tolerance = 1e-6;
  require_accurate(solve(p.mdp, options), 0.0, 1e-6);
  options.tolerance = 1e-13;
  options.relative_tolerance = 0.0;
  const SolveResult tight = solve(p.mdp, options);
  require_accurate(tight, 1e-13, 0.0);
  require_honest(p, tight);
}

TEST_CASE("A tolerance below the spacing of doubles ends as precision_limit, with bounds that hold") {
  const int way = GENERATE(range(0, n_ways));
  std::mt19937_64 random(6);
  const auto p = oracles::random_problem(random);
  SolveOptions options = options_of(way);
  options.tolerance = 1e-25;
  const SolveResult r = solve(p.mdp, options);
  REQUIRE(r.status == Status::precision_limit);
  REQUIRE(r.value_error_bound < 1e-14);
  require_honest(p, r);
}

TEST_CASE("Stopped early: the status says why, the interval is right all the same") {
  const int way = GENERATE(range(0, n_ways));
  const int seed = GENERATE(range(20, 26));
  std::mt19937_64 random(static_cast<unsigned>(seed));
  oracles::RandomOptions model;
  model.states = 20;
  model.discount = mpq_class(999, 1000);
  const auto p = oracles::random_problem(random, model);
  SolveOptions options = options_of(way);
  CAPTURE(way, seed);

  options.max_sweeps = 1;
  const SolveResult one = solve(p.mdp, options);
  // The linear program has the answer as soon as it has swept once: a stop then finds it converged.
  const bool program = options.method == Method::linear_programming;
  REQUIRE(one.status == (program && one.converged() ? Status::converged : Status::sweep_limit));
  REQUIRE(one.sweeps == 1);
  require_honest(p, one);

  options.max_sweeps = std::numeric_limits<std::int64_t>::max();
  int calls = 0;
  options.observer = [&calls](const SweepRecord& record) {
    ++calls;
    REQUIRE(record.sweep == calls);
    return calls < 2;
  };
  const SolveResult watched = solve(p.mdp, options);
  REQUIRE(watched.status == (program && watched.converged() ? Status::converged : Status::interrupted));
  REQUIRE(calls == 2);
  require_honest(p, watched);

  options.observer = nullptr;
  options.time_limit_seconds = 1e-9;
  const SolveResult timed = solve(p.mdp, options);
  REQUIRE(timed.status == (program && timed.converged() ? Status::converged : Status::time_limit));
  require_honest(p, timed);
}

TEST_CASE("The half-widths that an observer sees hold, and the trace is what it saw") {
  const int way = GENERATE(range(0, n_ways));
  std::mt19937_64 random(8);
  const auto p = oracles::random_problem(random);
  SolveOptions options = options_of(way);
  options.record_trace = true;
  std::vector<double> seen;
  options.observer = [&seen](const SweepRecord& record) {
    seen.push_back(record.half_width);
    return true;
  };
  const SolveResult r = solve(p.mdp, options);
  REQUIRE(r.trace.size() == seen.size());
  REQUIRE(static_cast<std::int64_t>(seen.size()) == r.sweeps);
  for (std::size_t k = 0; k < seen.size(); ++k) {
    REQUIRE(r.trace[k].half_width == seen[k]);
    SolveOptions limited = options_of(way);
    limited.max_sweeps = static_cast<std::int64_t>(k) + 1;
    if (k < 3) require_honest(p, solve(p.mdp, limited));
  }
}

TEST_CASE("The start vector changes the way, not the answer") {
  const int way = GENERATE(range(0, n_ways));
  std::mt19937_64 random(9);
  const auto p = oracles::random_problem(random);
  SolveOptions options = options_of(way);
  std::uniform_real_distribution<double> uniform(-1e3, 1e3);
  for (State s = 0; s < p.mdp.n_states(); ++s) options.start.push_back(uniform(random));
  options.start[0] = infinity;
  const SolveResult r = solve(p.mdp, options);
  require_honest(p, r);
  require_accurate(r, 1e-9 * std::min(1.0, p.mdp.max_abs_cost()), 1e-9);
}

TEST_CASE("The same bits for 1, 2 and 4 threads") {
  const int way = GENERATE(range(0, n_ways));
  generate::PlantedOptions planted;
  const bool program = options_of(way).method == Method::linear_programming;  // a simplex: small models only
  planted.shape = {program ? 100 : 3000, 5, 6};
  planted.seed = 3;
  const Mdp m = generate::planted(planted).mdp;
  REQUIRE((program || m.blocks().size() > 2));
  SolveOptions options = options_of(way);
  options.threads = 1;
  options.linear_solver = LinearSolver::iterative;  // a factorisation of this graph would fill in
  const SolveResult one = solve(m, options);
  REQUIRE(one.converged());
  for (const int threads : {2, 4}) {
    options.threads = threads;
    const SolveResult many = solve(m, options);
    REQUIRE(many.values == one.values);
    REQUIRE(many.value_lower == one.value_lower);
    REQUIRE(many.value_upper == one.value_upper);
    REQUIRE(many.policy == one.policy);
    REQUIRE(many.sweeps == one.sweeps);
  }
}

TEST_CASE("One state, one action, absorbing states, duplicates, no cost at all") {
  const int way = GENERATE(range(0, n_ways));
  const SolveOptions options = options_of(way);
  const auto solved = [&](MdpBuilder& b, double discount) {
    const auto p = of_mdp(b.discount(discount).build());
    const SolveResult r = solve(p.mdp, options);
    REQUIRE(r.converged());
    require_honest(p, r);
    return r;
  };
  MdpBuilder one(1);
  one.row(0, 3.0).to(0, 1.0);
  REQUIRE(solved(one, 0.5).values[0] == Approx(6.0).epsilon(1e-9));

  MdpBuilder free(2);
  free.row(0, 0.0).to(1, 1.0);
  free.goal(1);
  REQUIRE(solved(free, 0.5).values == std::vector<double>{0.0, 0.0});

  MdpBuilder absorbing(3);
  absorbing.row(0, 1.0).to(1, 0.5).to(2, 0.25).to(1, 0.25);
  absorbing.row(0, 1.0).to(1, 0.75).to(2, 0.25);  // the same row: a tie, to the lowest position
  absorbing.row(1, 0.0).to(1, 1.0);
  absorbing.row(2, -2.0).to(2, 1.0);
  const SolveResult tie = solved(absorbing, 0.9);
  REQUIRE(tie.policy[0] == 0);
  REQUIRE(std::abs(tie.values[1]) <= 1e-9);

  MdpBuilder myopic(2);
  myopic.row(0, 2.0).to(1, 1.0);
  myopic.row(0, 1.0).to(0, 1.0);
  myopic.row(1, -1.0).to(0, 1.0);
  const SolveResult zero = solved(myopic, 0.0);
  REQUIRE(zero.policy[0] == 1);
  REQUIRE(zero.values[0] == Approx(1.0).epsilon(1e-15));
}

TEST_CASE("Inadmissible costs: +inf exactly where the graph says so") {
  const int way = GENERATE(range(0, n_ways));
  MdpBuilder b(4, Objective::maximize);
  b.row(0, -infinity).to(3, 1.0);
  b.row(0, 1.0).to(1, 0.5).to(3, 0.5);  // half the mass on a state of infinite value
  b.row(0, -5.0).to(3, 1.0);
  b.row(1, -infinity).to(1, 1.0);
  b.row(2, 1.0).to(0, 1.0);
  b.row(3, 0.0).to(3, 1.0);
  const auto p = of_mdp(b.discount(0.9).build());
  const SolveResult r = solve(p.mdp, options_of(way));
  REQUIRE(r.converged());
  require_honest(p, r);
  REQUIRE(r.policy[0] == 2);
  REQUIRE(r.values[1] == infinity);
  REQUIRE(r.values[2] == Approx(-1.0 + 0.9 * 5.0));

  MdpBuilder none(1);
  none.row(0, infinity).to(0, 1.0);
  const SolveResult all_infinite = solve(none.discount(0.5).build(), options_of(way));
  REQUIRE(all_infinite.converged());
  REQUIRE(all_infinite.values[0] == infinity);
  REQUIRE(all_infinite.value_error_bound == 0.0);
}

TEST_CASE("A discount of 1 - 1e-9 with values of 1e9 is certified with the defaults") {
  const int way = GENERATE(0, 2);  // the others need 1e6 sweeps
  MdpBuilder b(3, Objective::maximize);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 0.0).to(1, 1.0);
  b.row(1, 1.000001).to(1, 1.0);
  b.row(2, 1.0).to(0, 0.25).to(1, 0.25).to(2, 0.5);
  const auto p = of_mdp(b.discount(1.0 - 1e-9).build());
  const SolveResult r = solve(p.mdp, options_of(way));
  REQUIRE(r.converged());
  require_honest(p, r);
  REQUIRE(r.policy[0] == 1);
  REQUIRE(r.value_error_bound < 1e-6);
  REQUIRE(r.policy_loss_bound < 1e-6);
}

TEST_CASE("Planted models: V* is known to the planted bounds at any size") {
  const int way = GENERATE(range(0, n_ways));
  generate::PlantedOptions options;
  options.shape = {1000, 4, 5};
  options.discount = 0.99;
  options.seed = 11;
  const auto planted = generate::planted(options);
  SolveOptions solve_options = options_of(way);
  if (way == 2) solve_options.linear_solver = LinearSolver::automatic;
  const SolveResult r = solve(planted.mdp, solve_options);
  REQUIRE(r.converged());
  for (std::size_t s = 0; s < r.values.size(); ++s) {
    REQUIRE(std::abs(r.values[s] - planted.values[s]) <= r.value_error_bound + planted.value_error_bound);
  }
}

TEST_CASE("Level approximate: the same test on the estimate, no bounds claimed") {
  const int way = GENERATE(range(0, n_ways));
  std::mt19937_64 random(12);
  const auto p = oracles::random_problem(random);
  SolveOptions options = options_of(way);
  options.level = Level::approximate;
  const SolveResult r = solve(p.mdp, options);
  REQUIRE(r.converged());
  REQUIRE(r.level == Level::approximate);
  REQUIRE(r.value_lower.empty());
  REQUIRE(std::isnan(r.value_error_bound));
  REQUIRE(r.residual_min <= r.residual_max);
  const auto best = oracles::optimal_values(p.exact);
  for (std::size_t s = 0; s < best.size(); ++s) REQUIRE(std::abs(r.values[s] - best[s]->get_d()) < 1e-7);
}

TEST_CASE("Misuse throws and says what the rule is") {
  std::mt19937_64 random(13);
  const Mdp m = oracles::random_problem(random).mdp;
  REQUIRE_THROWS_WITH(solve(m.with_discount(1.0)), "discount = 1, required < 1 for the discounted criterion");
  REQUIRE_THROWS_AS(solve(m.with_discount(1.0)), InvalidArgument);
  SolveOptions options;
  options.level = Level::exact;
  REQUIRE_THROWS_WITH(solve(m, options), "level = exact is solve_exactly()'s, required approximate or certified");
  options = {};
  options.start = {1.0};
  REQUIRE_THROWS_WITH(solve(m, options), "start has 1 entries, required 0 or n_states = 8");
  options = {};
  options.tolerance = -1.0;
  REQUIRE_THROWS_WITH(solve(m, options), "tolerance = -1, required finite and >= 0");
  options = {};
  options.max_sweeps = 0;
  REQUIRE_THROWS_AS(solve(m, options), InvalidOption);
  REQUIRE_THROWS_WITH(method_from_string("simplex"),
                      Catch::StartsWith("method = simplex, required one of auto, value-iteration, gauss-seidel,"));
  for (const Method method : {Method::automatic, Method::value_iteration, Method::policy_iteration}) {
    REQUIRE(method_from_string(to_string(method)) == method);
  }
}
