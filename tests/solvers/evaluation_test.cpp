// Values of given policies against exact rationals (theory.md, section 0).
#include "solvers/evaluation.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::solvers;
using Catch::Matchers::Contains;
using oracles::contains;

namespace {

oracles::RandomOptions model(int seed) {
  oracles::RandomOptions options;
  options.rational = seed % 3 == 0;
  options.row_sum_miss = seed % 3 == 1 ? 1e-8 : 0.0;
  options.inadmissible = seed % 4 == 3 ? 0.15 : 0.0;
  options.discount = seed % 5 == 4 ? mpq_class(99999, 100000) : mpq_class(9, 10);
  return options;
}

void require_honest(const EvaluationResult& r, const oracles::ExactValues& truth) {
  REQUIRE(r.converged());
  for (std::size_t s = 0; s < truth.size(); ++s) {
    CAPTURE(s, r.value_lower[s], r.value_upper[s]);
    REQUIRE(contains(r.value_lower[s], r.value_upper[s], truth[s]));
    if (!truth[s]) continue;
    REQUIRE(mpq_class(abs(mpq_class(r.values[s]) - *truth[s])) <= mpq_class(r.value_error_bound));
  }
}

StochasticPolicy random_policy(const Mdp& mdp, std::mt19937_64& random) {
  StochasticPolicy policy(static_cast<std::size_t>(mdp.n_rows()));
  std::uniform_int_distribution<int> weight(0, 4);
  for (State s = 0; s < mdp.n_states(); ++s) {
    double sum = 0.0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) sum += policy[row] = weight(random);
    if (sum == 0.0) sum = policy[mdp.state_rows()[s]] = 1.0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) policy[row] /= sum;
  }
  return policy;
}

}  // namespace

TEST_CASE("The value of a deterministic policy is enclosed") {
  const int seed = GENERATE(range(0, 30));
  const auto solver = GENERATE(LinearSolver::sparse_lu, LinearSolver::iterative);
  CAPTURE(seed);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  const auto p = oracles::random_problem(random, model(seed));
  Policy policy;
  for (State s = 0; s < p.mdp.n_states(); ++s) {
    policy.push_back(std::uniform_int_distribution<Action>(0, static_cast<Action>(p.mdp.n_actions(s)) - 1)(random));
  }
  SolveOptions options;
  options.linear_solver = solver;
  require_honest(evaluate(p.mdp, policy, options), oracles::policy_values(p.exact, policy));
}

TEST_CASE("The value of a randomised policy is enclosed, its probabilities divided by their sum") {
  const int seed = GENERATE(range(0, 30));
  const auto solver = GENERATE(LinearSolver::sparse_lu, LinearSolver::iterative);
  CAPTURE(seed);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  const auto p = oracles::random_problem(random, model(seed));
  const StochasticPolicy policy = random_policy(p.mdp, random);
  const std::vector<mpq_class> exact(policy.begin(), policy.end());
  SolveOptions options;
  options.linear_solver = solver;
  require_honest(evaluate(p.mdp, policy, options), oracles::policy_values(p.exact, exact));
}

TEST_CASE("Costs that cancel in the average are not taken for exact zeros") {
  MdpBuilder b(1);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, -1.0).to(0, 1.0);
  b.row(0, 0.0).to(0, 1.0);
  const Mdp m = b.discount(0.5).build();
  const StochasticPolicy third{1.0 / 3.0, 1.0 / 3.0, 1.0 - 2.0 / 3.0};
  const EvaluationResult r = evaluate(m, third);
  REQUIRE(r.converged());
  REQUIRE(r.value_lower[0] <= 0.0);
  REQUIRE(r.value_upper[0] >= 0.0);
  REQUIRE(r.value_error_bound > 0.0);
  REQUIRE(r.value_error_bound < 1e-29);
}

TEST_CASE("Probabilities of a policy are what their text says, not the nearest doubles") {
  MdpBuilder b(1);
  b.row(0, 9.0).to(0, 1.0);
  b.row(0, -1.0).to(0, 1.0);
  const Mdp m = b.discount(1.0 - 1e-9).build();
  const std::vector<TwoDouble> meant{TwoDouble(1.0) / 10.0, TwoDouble(9.0) / 10.0};
  const StochasticPolicy doubles{meant[0].hi, meant[1].hi};
  const std::vector<double> tails{meant[0].lo, meant[1].lo};
  const EvaluationResult exact = evaluate(m, RandomisedPolicy(doubles, tails));  // 9/10 - 9/10 = 0
  CHECK(exact.value_lower[0] <= 0.0);
  CHECK(exact.value_upper[0] >= 0.0);
  CHECK(exact.value_error_bound < 1e-18);
  const EvaluationResult rounded = evaluate(m, doubles);
  CHECK((rounded.value_lower[0] > 0.0 || rounded.value_upper[0] < 0.0));
  CHECK_THROWS_WITH(evaluate(m, RandomisedPolicy(doubles, std::span(tails).first(1))), Contains("or no tail"));
  const std::vector<double> wrong{1e-3, 0.0};
  CHECK_THROWS_WITH(evaluate(m, RandomisedPolicy(doubles, wrong)), Contains("half a unit in the last place"));
}

TEST_CASE("An inadmissible row counts only where the policy may take it") {
  MdpBuilder b(2);
  b.row(0, infinity).to(0, 1.0);
  b.row(0, 1.0).to(0, 1.0);
  b.row(1, 1.0).to(0, 1.0);
  const Mdp m = b.discount(0.5).build();
  REQUIRE(evaluate(m, StochasticPolicy{0.0, 1.0, 1.0}).values[1] == Approx(2.0));
  REQUIRE(evaluate(m, StochasticPolicy{0.5, 0.5, 1.0}).values == std::vector<double>{infinity, infinity});
  REQUIRE(evaluate(m, Policy{0, 0}).values == std::vector<double>{infinity, infinity});
}

TEST_CASE("An induced chain keeps bits, names of nothing, sense and initial distribution") {
  std::mt19937_64 random(4);
  oracles::RandomOptions options;
  options.objective = Objective::maximize;
  options.rational = true;
  const auto p = oracles::random_problem(random, options);
  const Policy policy(static_cast<std::size_t>(p.mdp.n_states()), 0);
  const Mdp chain = induced_chain(p.mdp, policy);
  REQUIRE(chain.objective() == Objective::maximize);
  REQUIRE(chain.n_rows() == chain.n_states());
  for (State s = 0; s < chain.n_states(); ++s) {
    const Offset row = selected_row(p.mdp, policy, s);
    REQUIRE(chain.cost()[s] == p.mdp.cost()[row]);
    const auto length = p.mdp.row_begin()[row + 1] - p.mdp.row_begin()[row];
    REQUIRE(chain.row_begin()[s + 1] - chain.row_begin()[s] == length);
    for (Offset k = 0; k < length; ++k) {
      REQUIRE(chain.probability()[chain.row_begin()[s] + k] == p.mdp.probability()[p.mdp.row_begin()[row] + k]);
    }
  }
}

TEST_CASE("A policy that does not fit is refused") {
  std::mt19937_64 random(4);
  const Mdp m = oracles::random_problem(random).mdp;
  REQUIRE_THROWS_AS(evaluate(m, Policy{0}), InvalidArgument);
  REQUIRE_THROWS_AS(evaluate(m, Policy(8, 99)), InvalidArgument);
  REQUIRE_THROWS_AS(evaluate(m, StochasticPolicy(static_cast<std::size_t>(m.n_rows()), 0.3)), InvalidArgument);
}
