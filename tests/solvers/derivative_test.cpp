#include "solvers/derivative.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <Eigen/Core>
#include <catch2/catch.hpp>
#include <unsupported/Eigen/AutoDiff>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/raw_mdp.hpp"
#include "tests/support/directions.hpp"

// Eigen's scalar compares a number with an expression by value; what the oracles need besides.
namespace {

using namespace mdp;
using namespace mdp::solvers;
using mdp::tests::random_direction;
using oracles::RawMdp;
using Rational = mpq_class;

Mdp small_garnet(std::uint64_t seed) {
  return generate::garnet({.shape = {.states = 5, .actions = 3, .successors = 3}, .discount = 0.9375, .seed = seed});
}

SolveResult solved(const Mdp& mdp) {
  SolveOptions options;
  options.relative_tolerance = 1e-13;
  return solve(mdp, options);
}

EntryDirection unit(const Mdp& mdp, std::size_t e) {
  EntryDirection d = zero_direction(mdp);
  const std::size_t costs = d.cost.size();
  if (e < costs) {
    d.cost[e] = 1.0;
  } else if (e < costs + d.probability.size()) {
    d.probability[e - costs] = 1.0;
  } else {
    d.discount = 1.0;
  }
  return d;
}

std::vector<double> entries(const EntryDirection& g) {
  std::vector<double> all = g.cost;
  all.insert(all.end(), g.probability.begin(), g.probability.end());
  all.push_back(g.discount);
  return all;
}

std::vector<double> random_vector(std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& xi : x) xi = normal(random);
  return x;
}

// Values and Q side by side: what a difference sees.
using Values = std::vector<Rational>;
template <class Solve>
Values values_and_q(const RawMdp<Rational>& r, Solve&& solve) {
  Values x = solve(r);
  const Values v = x;
  for (Offset row = 0; row < r.n_rows(); ++row) x.push_back(oracles::q_value(r, row, v));
  return x;
}

// Central difference in exact arithmetic, h = 2^-60: its error is h^2 times a third derivative, below 1e-30.
template <class Solve>
std::vector<double> exact_difference(const Mdp& mdp, std::size_t e, EntryConvention convention, Solve&& solve) {
  const Rational h(0x1p-60);
  const auto at = [&](const Rational& step) {
    RawMdp<Rational> r = oracles::raw<Rational>(mdp);
    oracles::normalise(r);
    oracles::entry(r, e) += step;
    if (convention == EntryConvention::normalised) oracles::normalise(r);
    return values_and_q(r, solve);
  };
  const Values up = at(h);
  const Values down = at(-h);
  std::vector<double> d;
  for (std::size_t i = 0; i < up.size(); ++i) d.push_back(Rational((up[i] - down[i]) / (2 * h)).get_d());
  return d;
}

// jvp() and vjp() against differences of every entry, within the promised bounds.
template <class Solve>
void compare_with_differences(const Linearisation& linear, EntryConvention convention, std::uint64_t seed,
                              Solve&& solve) {
  const Mdp& mdp = linear.mdp();
  std::mt19937_64 random(seed);
  const std::vector<double> g = random_vector(mdp.n_states(), random);
  const std::vector<double> h = random_vector(mdp.n_rows(), random);
  const ReverseDerivative reverse = linear.vjp({.values = g, .q = h});
  REQUIRE(reverse.status == Status::converged);
  REQUIRE(reverse.level == Level::certified);
  const std::vector<double> gradient = entries(reverse.gradient);
  for (std::size_t e = 0; e < gradient.size(); ++e) {
    INFO("entry " << e);
    const std::vector<double> exact = exact_difference(mdp, e, convention, solve);
    const auto exact_v = std::span(exact).first(mdp.n_states());
    const auto exact_q = std::span(exact).subspan(mdp.n_states());
    const ForwardDerivative forward = linear.jvp(unit(mdp, e));
    REQUIRE(forward.level == Level::certified);
    CHECK(forward.value_error_bound < 1e-8);
    CHECK(forward.q_error_bound < 1e-8);
    for (std::size_t s = 0; s < exact_v.size(); ++s) {
      CHECK(std::abs(forward.values[s] - exact_v[s]) <= forward.value_error_bound);
    }
    for (std::size_t row = 0; row < exact_q.size(); ++row) {
      CHECK(std::abs(forward.q[row] - exact_q[row]) <= forward.q_error_bound);
    }
    const bool is_cost = e < reverse.gradient.cost.size();
    const double bound = is_cost                   ? reverse.cost_error_bound
                         : e + 1 < gradient.size() ? reverse.probability_error_bound
                                                   : reverse.discount_error_bound;
    CHECK(bound < 1e-6);
    CHECK(std::abs(gradient[e] - inner(g, exact_v) - inner(h, exact_q)) <=
          bound + 1e-13 * (1.0 + std::abs(gradient[e])));
  }
}

}  // namespace

TEST_CASE("D1: derivatives of V* and Q* are exact differences in rationals, within their bounds") {
  const auto convention = GENERATE(EntryConvention::raw, EntryConvention::normalised);
  const auto seed = GENERATE(1u, 2u);
  const Mdp mdp = small_garnet(seed);
  const Linearisation linear = linearise_optimum(mdp, solved(mdp), {.convention = convention});
  REQUIRE(linear.status() == Status::converged);
  CHECK_FALSE(linear.of_policy());
  compare_with_differences(linear, convention, seed, [](const auto& r) { return oracles::optimal_values(r); });
}

TEST_CASE("D1: bounds hold for decimal entries, whose rows sum to 1 up to rounding only") {
  MdpBuilder b(4);
  b.discount(0.99);
  b.row(0, 0.1).to(0, 0.1).to(1, 0.2).to(2, 0.7);
  b.row(0, 0.7).to(1, 0.3).to(2, 0.3).to(3, 0.4);
  b.row(1, -0.3).to(0, 0.6).to(1, 0.1).to(3, 0.3);
  b.row(2, 1.3).to(2, 0.9).to(3, 0.1);
  b.row(2, 1.7).to(0, 1.0 / 3.0).to(1, 1.0 / 3.0).to(2, 1.0 / 3.0);
  b.row(2, 0.2).to(1, 1.0);
  b.row(3, 3.3).to(0, 0.55).to(3, 0.45);
  const Mdp mdp = b.build();
  const auto convention = GENERATE(EntryConvention::raw, EntryConvention::normalised);
  const Linearisation linear = linearise_optimum(mdp, solved(mdp), {.convention = convention});
  compare_with_differences(linear, convention, 10, [](const auto& r) { return oracles::optimal_values(r); });
}

TEST_CASE("D1: derivatives of V^pi are exact differences in rationals, deterministic and stochastic") {
  const auto convention = GENERATE(EntryConvention::raw, EntryConvention::normalised);
  const Mdp mdp = small_garnet(3);
  SECTION("deterministic") {
    const Policy policy{2, 0, 1, 1, 2};
    std::vector<Rational> weight;
    for (const double p : to_stochastic(mdp, policy)) weight.emplace_back(p);
    const Linearisation linear = linearise_policy(mdp, policy, {.convention = convention});
    CHECK(linear.of_policy());
    compare_with_differences(linear, convention, 3, [&](const auto& r) { return oracles::policy_values(r, weight); });
  }
  SECTION("stochastic, its rows summing to 1 up to rounding") {
    StochasticPolicy policy;
    for (State s = 0; s < 5; ++s) policy.insert(policy.end(), {0.1, 0.2, 0.7});
    std::vector<Rational> weight;
    const Rational sum = Rational(0.1) + Rational(0.2) + Rational(0.7);
    for (const double p : policy) weight.emplace_back(Rational(p) / sum);
    const Linearisation linear = linearise_policy(mdp, std::span<const double>(policy), {.convention = convention});
    compare_with_differences(linear, convention, 4, [&](const auto& r) { return oracles::policy_values(r, weight); });
  }
}

TEST_CASE("D1: agrees with automatic differentiation of value iteration") {
  using Number = Eigen::AutoDiffScalar<Eigen::VectorXd>;
  const Mdp mdp = small_garnet(5).with_discount(Discount(0.75));
  RawMdp<Number> r = oracles::raw<Number>(mdp);
  const std::size_t n = oracles::n_entries(r);
  for (std::size_t e = 0; e < n; ++e) oracles::entry(r, e).derivatives() = Eigen::VectorXd::Unit(n, e);
  const std::vector<Number> v = oracles::value_iteration(r, 200);  // D2: 200 * 0.75^200 < 1e-22
  const Linearisation linear = linearise_optimum(mdp, solved(mdp));
  for (State s = 0; s < mdp.n_states(); ++s) {
    std::vector<double> g(mdp.n_states(), 0.0);
    g[s] = 1.0;
    const std::vector<double> gradient = entries(linear.vjp({.values = g}).gradient);
    for (std::size_t e = 0; e < n; ++e) {
      CHECK(gradient[e] == Approx(v[s].derivatives()[e]).epsilon(1e-12).margin(1e-13));
    }
  }
}

TEST_CASE("D1: forward and reverse are transposes of each other on a large planted MDP") {
  const std::uint64_t seed = 20260;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto convention = GENERATE(EntryConvention::raw, EntryConvention::normalised);
  const auto planted = generate::planted({.shape = {.states = 2000, .actions = 4, .successors = 6}, .seed = 7});
  const Mdp& mdp = planted.mdp;
  const Linearisation linear = linearise_optimum(mdp, solved(mdp), {.convention = convention});
  REQUIRE(linear.status() == Status::converged);
  const EntryDirection direction = random_direction(mdp, random);
  const std::vector<double> g = random_vector(mdp.n_states(), random);
  const std::vector<double> h = random_vector(mdp.n_rows(), random);
  const ForwardDerivative forward = linear.jvp(direction);
  const ReverseDerivative reverse = linear.vjp({.values = g, .q = h});
  const double by_forward = inner(g, forward.values) + inner(h, forward.q);
  const double size = std::sqrt(inner(g, g) * inner(forward.values, forward.values)) +
                      std::sqrt(inner(h, h) * inner(forward.q, forward.q));
  CHECK(std::abs(dot(reverse.gradient, direction) - by_forward) <= 1e-11 * size);
  // Entries of rows that are not optimal do not move V*.
  const ReverseDerivative of_values = linear.vjp({.values = g});
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Offset optimal = selected_row(mdp, planted.policy, s);
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (row == optimal) continue;
      CHECK(of_values.gradient.cost[row] == 0.0);
      CHECK(of_values.gradient.probability[mdp.row_begin()[row]] == 0.0);
    }
  }
}

TEST_CASE("D1: the gradient of the performance is the occupancy") {
  const Mdp mdp = small_garnet(8);
  const Linearisation linear = linearise_optimum(mdp, solved(mdp));
  const ReverseDerivative j = linear.performance_gradient();
  double total = 0.0;
  for (const double x : j.gradient.cost) total += x;
  CHECK(total == Approx(1.0 / (1.0 - 0.9375)).epsilon(1e-13));
  CHECK(j.adjoint_error_bound < 1e-10);
}

TEST_CASE("D1, D3: where optimal actions are not provably unique, the derivative is refused and the ties are listed") {
  MdpBuilder b(2);
  b.discount(0.5).state_names({"a", "b"});
  b.row(0, 1.0, "x").to(1, 1.0);
  b.row(0, 1.0, "y").to(1, 1.0);
  b.row(0, 9.0, "z").to(1, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  const Mdp mdp = b.build();
  const SolveResult solution = solved(mdp);

  const Linearisation refused = linearise_optimum(mdp, solution);
  CHECK(refused.status() == Status::refused);
  REQUIRE(refused.ties().size() == 1);
  CHECK(refused.ties()[0].state == 0);
  CHECK(refused.ties()[0].actions == std::vector<Action>{0, 1});
  CHECK(refused.message().find("state a: actions x, y cannot be told apart") != std::string::npos);
  CHECK(refused.jvp(zero_direction(mdp)).status == Status::refused);
  CHECK(refused.jvp(zero_direction(mdp)).values.empty());
  CHECK(refused.performance_gradient().status == Status::refused);
  CHECK(std::isnan(refused.performance_gradient().cost_error_bound));

  // x and y are one action; the derivative is that of the MDP without y.
  const Linearisation first = linearise_optimum(mdp, solution, {.at_ties = AtTies::drop_duplicates});
  CHECK(first.status() == Status::converged);
  CHECK_FALSE(first.of_policy());
  CHECK(first.performance_gradient().gradient.cost == std::vector<double>{0.5, 0.0, 0.0, 1.5});

  const Linearisation of_policy = linearise_optimum(mdp, solution, {.at_ties = AtTies::use_policy});
  CHECK(of_policy.status() == Status::converged);
  CHECK(of_policy.of_policy());
  CHECK(of_policy.ties().size() == 1);
  const std::vector<double> g{1.0, 0.0};
  const ReverseDerivative reverse = of_policy.vjp({.values = g});
  CHECK(reverse.gradient.cost[solution.policy[0]] == Approx(1.0));
  CHECK(reverse.message.find("of the reported policy") != std::string::npos);
}

TEST_CASE("D1: only rows with the same cost, successors and probabilities are duplicates") {
  const auto different = GENERATE(0, 1, 2, 3);
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  if (different == 0) b.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  if (different == 1) b.row(0, 1.0).to(1, 0.25).to(2, 0.75);
  if (different == 2) b.row(0, 1.0).to(2, 1.0);
  if (different == 3) b.row(0, 2.0).to(0, 1.0);  // V* = 2 there: Q* = 2 + 2/2, worse
  b.row(1, 1.0).to(1, 1.0);
  b.row(2, 1.0).to(2, 1.0);
  const Mdp mdp = b.build();
  const auto status = linearise_optimum(mdp, solved(mdp), {.at_ties = AtTies::drop_duplicates}).status();
  CHECK((status == Status::converged) == (different == 0 || different == 3));
}

TEST_CASE("D1, C4: bounds too wide to prove the optimal action refuse, narrow ones do not") {
  MdpBuilder b(1);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 1.0 + 1e-7).to(0, 1.0);
  const Mdp mdp = b.build();
  SolveResult wide = solved(mdp);
  CHECK(linearise_optimum(mdp, wide).status() == Status::converged);
  wide.value_lower[0] -= 1e-6;
  CHECK(linearise_optimum(mdp, wide).status() == Status::refused);
  SolveResult without = solved(mdp);
  without.value_lower.clear();
  without.value_upper.clear();
  CHECK(linearise_optimum(mdp, without).status() == Status::converged);
}

TEST_CASE("D1: the bounds cover the error of V that the solution admits") {
  const Mdp mdp = small_garnet(6);
  SolveResult solution = solved(mdp);
  const Linearisation sharp = linearise_optimum(mdp, solution);
  for (State s = 0; s < mdp.n_states(); ++s) {
    solution.values[s] += s % 2 == 0 ? 1e-5 : -1e-5;
    solution.value_lower[s] -= 1.1e-5;
    solution.value_upper[s] += 1.1e-5;
  }
  const Linearisation blurred = linearise_optimum(mdp, solution);
  REQUIRE(blurred.status() == Status::converged);
  const auto gap = [](std::span<const double> x, std::span<const double> y) {
    double largest = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
    return largest;
  };
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 20; ++trial) {
    EntryDirection d = random_direction(mdp, random);
    d.cost.assign(d.cost.size(), 0.0);
    if (trial % 2 == 0) d.discount = 0.0;
    const ForwardDerivative a = blurred.jvp(d);
    const ForwardDerivative b = sharp.jvp(d);
    CHECK(gap(a.values, b.values) > b.value_error_bound);
    CHECK(gap(a.values, b.values) <= a.value_error_bound);
    CHECK(gap(a.q, b.q) <= a.q_error_bound);
    CHECK(a.value_error_bound < 0.1);
  }
  const ReverseDerivative a = blurred.performance_gradient();
  const ReverseDerivative b = sharp.performance_gradient();
  CHECK(gap(a.gradient.probability, b.gradient.probability) > b.probability_error_bound);
  CHECK(gap(a.gradient.probability, b.gradient.probability) <= a.probability_error_bound);
  CHECK(std::abs(a.gradient.discount - b.gradient.discount) <= a.discount_error_bound);
  CHECK(a.discount_error_bound < 0.1);
}

TEST_CASE("D1: the bound on the derivative by the discount is attained where V is off by a constant") {
  // E V is off by as much in every row, and R_pi makes 1/(1 - gamma) of a constant.
  const Mdp mdp = small_garnet(6);
  SolveResult solution = solved(mdp);
  EntryDirection discount = zero_direction(mdp);
  discount.discount = 1.0;
  const ForwardDerivative sharp = linearise_optimum(mdp, solution).jvp(discount);
  for (State s = 0; s < mdp.n_states(); ++s) {
    solution.values[s] += 1e-5;
    solution.value_upper[s] += 1e-5;
  }
  const ForwardDerivative blurred = linearise_optimum(mdp, solution).jvp(discount);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const double error = std::abs(blurred.values[s] - sharp.values[s]);
    CHECK(error == Approx(1e-5 / (1.0 - 0.9375)).epsilon(1e-6));
    CHECK(error <= blurred.value_error_bound);
  }
  CHECK(blurred.value_error_bound < 1.001 * 1e-5 / (1.0 - 0.9375));
}

TEST_CASE("D1: states of infinite value have no derivative and pass none on") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, 0.0).to(2, 1.0);  // leads to infinity
  b.row(1, 2.0).to(1, 1.0);
  b.row(1, infinity).to(0, 1.0);
  b.row(2, infinity).to(0, 1.0);
  b.initial(0, 1.0);
  const Mdp mdp = b.build();
  const Linearisation linear = linearise_optimum(mdp, solved(mdp));
  REQUIRE(linear.status() == Status::converged);
  EntryDirection d = zero_direction(mdp);
  d.cost = {1.0, 1.0, 1.0, 1.0, 1.0};
  const ForwardDerivative forward = linear.jvp(d);
  CHECK(forward.values[0] == Approx(2.0));
  CHECK(forward.values[1] == Approx(2.0));
  CHECK(std::isnan(forward.values[2]));
  CHECK(forward.q[0] == Approx(2.0));
  for (const Offset row : {1, 3, 4}) CHECK(std::isnan(forward.q[row]));
  CHECK(forward.value_error_bound < 1e-14);
  const EntryGradient gradient = linear.performance_gradient().gradient;
  CHECK(gradient.cost[0] == Approx(1.0));
  CHECK(gradient.cost[2] == Approx(1.0));
  for (const Offset row : {1, 3, 4}) CHECK(gradient.cost[row] == 0.0);
  CHECK(gradient.discount == Approx(4.0 + 4.0));  // V = 1 + 2 gamma/(1 - gamma)

  const std::vector<double> on_infinite{0.0, 0.0, 1.0};
  CHECK_THROWS_AS(linear.vjp({.values = on_infinite}), InvalidArgument);
  const std::vector<double> on_infinite_row{0.0, 1.0, 0.0, 0.0, 0.0};
  CHECK_THROWS_AS(linear.vjp({.q = on_infinite_row}), InvalidArgument);
  const Linearisation from_everywhere(mdp.with_initial(std::vector<double>{0.5, 0.0, 0.5}), linear.point());
  CHECK(from_everywhere.performance_gradient().status == Status::refused);
  CHECK(linearise_optimum(mdp.with_discount(Discount(0.0)), solved(mdp.with_discount(Discount(0.0)))).status() ==
        Status::refused);
}

TEST_CASE("D1: a policy that takes an inadmissible action has no derivative where it may do so") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, infinity).to(0, 1.0);
  b.row(1, 2.0).to(0, 0.5).to(2, 0.5);
  b.row(1, 4.0).to(0, 1.0);
  b.row(2, infinity).to(2, 1.0);
  b.row(2, 0.0).to(0, 1.0);
  const Mdp mdp = b.build();
  const Linearisation good = linearise_policy(mdp, Policy{0, 1, 1});
  CHECK(good.point().values[1] == Approx(5.0));
  CHECK(good.performance_gradient().status == Status::converged);
  const Linearisation bad = linearise_policy(mdp, Policy{0, 0, 0});
  CHECK(bad.point().values[0] == Approx(2.0));
  CHECK(bad.point().values[1] == infinity);
  CHECK(bad.performance_gradient().status == Status::refused);
  const std::vector<double> g{1.0, 0.0, 0.0};
  CHECK(bad.vjp({.values = g}).gradient.cost == std::vector<double>{2.0, 0.0, 0.0, 0.0, 0.0, 0.0});
  const StochasticPolicy mixed{1.0, 0.0, 0.5, 0.5, 0.0, 1.0};  // an inadmissible row of probability 0 does not count
  CHECK(linearise_policy(mdp, std::span<const double>(mixed)).performance_gradient().status == Status::converged);
}

TEST_CASE("D1 at discount 0: Q = L, and only the discount's derivative sees the transitions") {
  const Mdp mdp = small_garnet(9).with_discount(Discount(0.0));
  const Linearisation linear = linearise_optimum(mdp, solved(mdp));
  compare_with_differences(linear, EntryConvention::raw, 9, [](const auto& r) { return oracles::optimal_values(r); });
}

TEST_CASE("Gradients in the sense of a file that maximises") {
  MdpBuilder b(1, Objective::maximize);
  b.discount(0.5);
  b.row(0, 3.0).to(0, 1.0);  // U = 3/(1 - gamma) = 6
  const Mdp mdp = b.build();
  const EntryGradient g =
      in_sense(mdp.objective(), linearise_optimum(mdp, solved(mdp)).performance_gradient().gradient);
  CHECK(g.cost[0] == Approx(2.0));                 // dU/dreward = 1/(1 - gamma)
  CHECK(g.probability[0] == Approx(0.5 * 2 * 6));  // gamma U/(1 - gamma p)
  CHECK(g.discount == Approx(12.0));               // 3/(1 - gamma)^2
}

TEST_CASE("Derivatives have the same bits for any number of threads") {
  const auto planted = generate::planted({.shape = {.states = 6000, .actions = 3, .successors = 4}, .seed = 3});
  const SolveResult solution = solved(planted.mdp);
  std::mt19937_64 random(1);
  const EntryDirection direction = random_direction(planted.mdp, random);
  const Linearisation one = linearise_optimum(planted.mdp, solution, {.threads = 1});
  const Linearisation two = linearise_optimum(planted.mdp, solution, {.threads = 2});
  CHECK(one.jvp(direction).values == two.jvp(direction).values);
  CHECK(one.jvp(direction).value_error_bound == two.jvp(direction).value_error_bound);
  const ReverseDerivative a = one.performance_gradient();
  const ReverseDerivative c = two.performance_gradient();
  CHECK(a.gradient.cost == c.gradient.cost);
  CHECK(a.gradient.probability == c.gradient.probability);
  CHECK(a.gradient.discount == c.gradient.discount);
}

TEST_CASE("Derivatives refuse what does not fit") {
  const Mdp mdp = small_garnet(1);
  const SolveResult solution = solved(mdp);
  const Linearisation linear = linearise_optimum(mdp, solution);
  EntryDirection d = zero_direction(mdp);
  d.cost.pop_back();
  CHECK_THROWS_WITH(linear.jvp(d), "direction.cost: 14 entries, 15 expected");
  d = zero_direction(mdp);
  d.probability[7] = not_computed;
  CHECK_THROWS_WITH(linear.jvp(d), "direction.probability[7] is not finite");
  d = zero_direction(mdp);
  d.discount = infinity;
  CHECK_THROWS_AS(linear.jvp(d), InvalidArgument);
  CHECK_THROWS_AS(linear.vjp({.values = std::vector<double>(4, 0.0)}), InvalidArgument);
  CHECK_THROWS_AS(linear.vjp({.log_policy = std::vector<double>(15, 1.0)}), InvalidArgument);
  CHECK_THROWS_AS(linearise_optimum(mdp.with_discount(Discount(1.0)), solution), InvalidArgument);
  CHECK_THROWS_AS(linearise_optimum(mdp, SolveResult{}), InvalidArgument);
  CHECK_THROWS_AS(linearise_optimum(mdp, solution, {.threads = -1}), InvalidOption);
  SolveResult contradictory = solution;
  contradictory.value_upper.assign(5, -100.0);
  CHECK_THROWS_WITH(linearise_optimum(mdp, contradictory),
                    "derivative: the solution's bounds exclude every action of state 0");
  CHECK_THROWS_AS(dot(zero_direction(mdp), EntryDirection{}), InvalidArgument);
}
