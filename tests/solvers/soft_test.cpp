#include "solvers/soft.hpp"

#include <cmath>
#include <random>

#include <Eigen/Core>
#include <catch2/catch.hpp>
#include <unsupported/Eigen/AutoDiff>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/raw_mdp.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using oracles::RawMdp;
using Long = long double;

Mdp garnet(std::int64_t states, std::uint64_t seed, double discount) {
  return generate::garnet(
      {.shape = {.states = states, .actions = 3, .successors = 3}, .discount = discount, .seed = seed});
}

SoftOptions at(double temperature, std::vector<double> reference = {}) {
  SoftOptions options;
  options.temperature = temperature;
  options.reference = std::move(reference);
  return options;
}

std::vector<double> random_reference(const Mdp& mdp, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.1, 2.0);
  std::vector<double> mu(mdp.n_rows());
  for (double& x : mu) x = uniform(random);
  return mu;
}

// The derivative of f at 0 from four values: the error is h^4/30 times the fifth derivative.
template <class F>
std::vector<Long> difference(F&& f, Long h) {
  const std::vector<Long> a = f(-2 * h), b = f(-h), c = f(h), d = f(2 * h);
  std::vector<Long> derivative;
  for (std::size_t i = 0; i < a.size(); ++i) derivative.push_back((a[i] - 8 * b[i] + 8 * c[i] - d[i]) / (12 * h));
  return derivative;
}

// Values, Q and log pi in one vector, by the definition, entry e moved.
std::vector<Long> moved(const Mdp& mdp, const SoftOptions& options, std::size_t e, bool normalised, Long step) {
  RawMdp<Long> r = oracles::raw<Long>(mdp);
  oracles::entry(r, e) += step;
  if (normalised) oracles::normalise(r);
  const auto soft = oracles::soft_value_iteration<Long>(r, options.temperature, options.reference, 250);
  std::vector<Long> all = soft.values;
  all.insert(all.end(), soft.q.begin(), soft.q.end());
  all.insert(all.end(), soft.log_policy.begin(), soft.log_policy.end());
  return all;
}

}  // namespace

TEST_CASE("D4, C1: the soft enclosure contains the fixed point, whatever temperature, measure and method") {
  const double temperature = GENERATE(1e-4, 0.05, 1.0, 30.0, 1e6);
  const bool counting = GENERATE(true, false);
  const auto method = GENERATE(SoftMethod::automatic, SoftMethod::newton, SoftMethod::value_iteration);
  const Mdp mdp = garnet(6, 11, 0.875);
  SoftOptions options = at(temperature, counting ? std::vector<double>{} : random_reference(mdp, 4));
  options.method = method;
  const SoftResult soft = solve_soft(mdp, options);
  INFO("temperature " << temperature << " counting " << counting);
  REQUIRE(soft.converged());
  CHECK(soft.level == Level::certified);
  const auto exact = oracles::soft_value_iteration(oracles::raw<Long>(mdp), Long(temperature), options.reference, 400);
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(soft.value_lower[s] <= exact.values[s]);
    CHECK(exact.values[s] <= soft.value_upper[s]);
    CHECK(std::abs(soft.values[s] - exact.values[s]) <= soft.value_error_bound);
    CHECK(soft.value_error_bound <= 1e-9 + 1e-9 * std::abs(soft.values[s]));
    double mass = 0.0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      CHECK(std::abs(soft.log_policy[row] - exact.log_policy[row]) <= soft.log_policy_error_bound);
      CHECK(std::abs(soft.policy[row] - std::exp(exact.log_policy[row])) <=
            relative_policy_error(soft) * soft.policy[row] + 1e-300);
      mass += soft.policy[row];
    }
    CHECK(mass == Approx(1.0).epsilon(1e-15));
  }
}

TEST_CASE("D4, C1: the enclosure holds where nothing but rounding is left of it") {
  const std::uint64_t seed = GENERATE(range(1u, 41u));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::int64_t actions = seed % 2 == 0 ? 3 : 40;
  const Mdp plain = generate::garnet({.shape = {.states = 4, .actions = actions, .successors = 3},
                                      .discount = seed % 3 == 0 ? 0.984375 : 0.5,
                                      .seed = seed});
  // Shaping makes costs and values large and leaves the residual small, whose own rounding would hide that of the sweep.
  Buffer<double> cost(plain.cost().begin(), plain.cost().end());
  std::vector<double> phi(4);
  for (double& x : phi) x = seed % 5 == 0 ? 0.0 : 2e3 * (uniform(random) - 0.5);
  for (State s = 0; s < plain.n_states(); ++s) {
    for (Offset row = plain.state_rows()[s]; row < plain.state_rows()[s + 1]; ++row) {
      cost[row] += phi[s];
      for (Offset k = plain.row_begin()[row]; k < plain.row_begin()[row + 1]; ++k) {
        cost[row] -= plain.discount() * plain.probability()[k] * phi[plain.next_state()[k]];
      }
    }
  }
  const Mdp mdp = plain.with_cost(std::move(cost));
  SoftOptions options = at(std::pow(10.0, 5.0 * uniform(random) - 3.0));
  options.polish = true;
  if (seed % 4 < 2) {
    for (Offset row = 0; row < mdp.n_rows(); ++row) {
      options.reference.push_back(std::pow(10.0, 20.0 * uniform(random) - 10.0));
    }
  }
  const SoftResult soft = solve_soft(mdp, options);
  CHECK(soft.converged());
  const auto exact =
      oracles::soft_value_iteration(oracles::raw<Long>(mdp), Long(options.temperature), options.reference, 3000);
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(soft.value_lower[s] <= exact.values[s]);
    CHECK(exact.values[s] <= soft.value_upper[s]);
    CHECK(soft.value_error_bound <= 1e-10 * std::abs(soft.values[s]) + 1e-10);
  }
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    CHECK(std::abs(soft.log_policy[row] - exact.log_policy[row]) <= soft.log_policy_error_bound);
  }
}

TEST_CASE("D4: closed form of one state") {
  // V = -beta log(n exp(-(c + gamma V)/beta)) = c + gamma V - beta log n
  MdpBuilder b(1);
  b.discount(0.75);
  for (int a = 0; a < 3; ++a) b.row(0, 2.0).to(0, 1.0);
  const Mdp mdp = b.build();
  CHECK(solve_soft(mdp, at(0.5)).values[0] == Approx((2.0 - 0.5 * std::log(3.0)) / 0.25).epsilon(1e-9));
  // A measure that sums to 1 charges nothing for following it.
  CHECK(solve_soft(mdp, at(0.5, {0.25, 0.25, 0.5})).values[0] == Approx(8.0).epsilon(1e-9));
  CHECK(solve_soft(mdp, at(0.5, {0.25, 0.25, 0.5})).policy[2] == Approx(0.5).epsilon(1e-9));
}

TEST_CASE("D4: V* - beta log(n)/(1 - gamma) <= V_beta <= V*, so that V_beta tends to V* with beta") {
  const Mdp mdp = garnet(50, 2, 0.9375);
  const SolveResult hard = solve(mdp);
  for (const double beta : {1.0, 1e-2, 1e-4, 1e-8, 1e-100, 1e-305}) {
    const SoftResult soft = solve_soft(mdp, at(beta));
    REQUIRE(soft.converged());
    for (State s = 0; s < mdp.n_states(); ++s) {
      CHECK(soft.value_lower[s] <= hard.value_upper[s]);
      CHECK(soft.value_upper[s] >= hard.value_lower[s] - beta * std::log(3.0) / 0.0625);
    }
  }
  const SoftResult nearly_hard = solve_soft(mdp, at(1e-300));
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(nearly_hard.policy[selected_row(mdp, hard.policy, s)] == Approx(1.0));
  }
}

TEST_CASE("D4 at discount 0: one log-sum-exp of the costs") {
  const Mdp mdp = garnet(5, 2, 0.0);
  const SoftResult soft = solve_soft(mdp, at(0.5));
  CHECK(soft.converged());
  for (State s = 0; s < mdp.n_states(); ++s) {
    double sum = 0.0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row)
      sum += std::exp(-mdp.cost()[row] / 0.5);
    CHECK(soft.values[s] == Approx(-0.5 * std::log(sum)));
  }
  CHECK(linearise_soft(mdp, soft).performance_gradient().status == Status::converged);
}

TEST_CASE("D4: scaling the measure by k shifts every value by -beta log(k)/(1 - gamma)") {
  const Mdp mdp = garnet(8, 6, 0.875);
  const std::vector<double> mu = random_reference(mdp, 9);
  std::vector<double> scaled = mu;
  for (double& x : scaled) x *= 8.0;
  const SoftResult a = solve_soft(mdp, at(0.3, mu));
  const SoftResult b = solve_soft(mdp, at(0.3, scaled));
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(b.values[s] == Approx(a.values[s] - 0.3 * std::log(8.0) / 0.125).margin(1e-8));
  }
}

TEST_CASE("D4: rows of measure zero and inadmissible rows are never taken; infinite values are found") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, infinity).to(0, 1.0);
  b.row(0, -50.0).to(0, 1.0);  // forbidden by the measure below
  b.row(1, 0.0).to(2, 1.0);    // leads to infinity
  b.row(1, 3.0).to(0, 1.0);
  b.row(2, infinity).to(0, 1.0);
  b.row(2, infinity).to(1, 1.0);
  const Mdp mdp = b.build();
  const auto method = GENERATE(SoftMethod::automatic, SoftMethod::newton, SoftMethod::value_iteration);
  SoftOptions options = at(2.0, {1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0});
  options.method = method;
  const SoftResult soft = solve_soft(mdp, options);
  REQUIRE(soft.converged());
  CHECK(soft.values[0] == Approx(2.0));
  CHECK(soft.values[1] == Approx(4.0));
  CHECK(soft.values[2] == infinity);
  CHECK(soft.value_lower[2] == infinity);
  CHECK(soft.policy == StochasticPolicy{1.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5});
  CHECK(soft.log_policy[1] == -infinity);
  CHECK(soft.log_policy[2] == -infinity);
  CHECK(soft.q[3] == infinity);

  const Linearisation linear = linearise_soft(mdp, soft);
  EntryDirection d = zero_direction(mdp);
  d.cost.assign(mdp.n_rows(), 1.0);
  const ForwardDerivative forward = linear.jvp(d);
  CHECK(forward.values[0] == Approx(2.0));
  CHECK(forward.values[1] == Approx(2.0));
  CHECK(std::isnan(forward.values[2]));
  CHECK(forward.log_policy[0] == Approx(0.0).margin(1e-14));
  CHECK(std::isnan(forward.log_policy[3]));
  CHECK(forward.level == Level::certified);

  const SoftResult nowhere = solve_soft(mdp.with_cost(Buffer<double>(7, infinity)), at(1.0));
  CHECK(nowhere.converged());
  CHECK(nowhere.values == std::vector<double>(3, infinity));
}

TEST_CASE("D4: Newton converges in a few steps where the discount is near 1") {
  for (const double discount : {0.99, 0.999, 0.999999}) {
    for (const double temperature : {1e-3, 0.1, 10.0}) {
      const SoftResult soft = solve_soft(garnet(500, 3, discount), at(temperature));
      INFO("discount " << discount << " temperature " << temperature << " " << soft.message);
      CHECK(soft.iterations <= 15);
      CHECK(soft.value_error_bound <= 1e-8 / (1.0 - discount));
      CHECK(soft.converged());
    }
  }
}

TEST_CASE("D4: a soft solution stopped early says so, and its interval is right") {
  const Mdp mdp = garnet(20, 5, 0.96875);
  const SoftResult full = solve_soft(mdp, at(0.1));
  const auto method = GENERATE(SoftMethod::automatic, SoftMethod::newton, SoftMethod::value_iteration);
  SoftOptions options = at(0.1);
  options.method = method;
  options.max_sweeps = 2;
  options.record_trace = true;
  SoftResult soft = solve_soft(mdp, options);
  CHECK(soft.status == Status::sweep_limit);
  CHECK(soft.trace.size() == 2);
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(soft.value_lower[s] <= full.value_upper[s]);
    CHECK(soft.value_upper[s] >= full.value_lower[s]);
  }
  options.max_sweeps = 1000000;
  options.observer = [](const SweepRecord& record) { return record.sweep < 3; };
  CHECK(solve_soft(mdp, options).status == Status::interrupted);
  options.observer = {};
  options.time_limit_seconds = 1e-9;
  CHECK(solve_soft(mdp, options).status == Status::time_limit);
  options.time_limit_seconds = infinity;
  options.tolerance = 0.0;
  soft = solve_soft(mdp, options);
  CHECK(soft.status == Status::precision_limit);
  CHECK(soft.value_error_bound < 1e-11);
  CHECK(soft.value_error_bound > 0.0);
}

TEST_CASE("D4: derivatives of V, Q and log pi are differences of the definition, within their bounds") {
  const bool normalised = GENERATE(false, true);
  const bool counting = GENERATE(true, false);
  const Mdp mdp = garnet(4, 21, 0.875);
  SoftOptions options = at(0.25, counting ? std::vector<double>{} : random_reference(mdp, 8));
  options.relative_tolerance = 1e-12;
  const SoftResult soft = solve_soft(mdp, options);
  const Linearisation linear =
      linearise_soft(mdp, soft, {.convention = normalised ? EntryConvention::normalised : EntryConvention::raw});

  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> g(mdp.n_states()), h(mdp.n_rows()), k(mdp.n_rows());
  for (auto* x : {&g, &h, &k}) {
    for (double& xi : *x) xi = normal(random);
  }
  const ReverseDerivative reverse = linear.vjp({.values = g, .q = h, .log_policy = k});
  REQUIRE(reverse.level == Level::certified);
  std::vector<double> gradient = reverse.gradient.cost;
  gradient.insert(gradient.end(), reverse.gradient.probability.begin(), reverse.gradient.probability.end());
  gradient.push_back(reverse.gradient.discount);

  for (std::size_t e = 0; e < gradient.size(); ++e) {
    INFO("entry " << e);
    const auto d = difference([&](Long step) { return moved(mdp, options, e, normalised, step); }, 2e-4L);
    EntryDirection direction = zero_direction(mdp);
    const std::size_t costs = direction.cost.size();
    const std::size_t probabilities = direction.probability.size();
    (e < costs                   ? direction.cost[e]
     : e < costs + probabilities ? direction.probability[e - costs]
                                 : direction.discount) = 1.0;
    const ForwardDerivative forward = linear.jvp(direction);
    std::vector<double> all = forward.values;
    all.insert(all.end(), forward.q.begin(), forward.q.end());
    all.insert(all.end(), forward.log_policy.begin(), forward.log_policy.end());
    REQUIRE(all.size() == d.size());
    double by_reverse = 0.0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool is_v = i < g.size();
      const bool is_q = !is_v && i < g.size() + h.size();
      const double bound = is_v   ? forward.value_error_bound
                           : is_q ? forward.q_error_bound
                                  : forward.log_policy_error_bound;
      CHECK(bound < 1e-6);
      CHECK(std::abs(all[i] - d[i]) <= bound + 1e-7);  // h^4 times a fifth derivative
      by_reverse += (is_v ? g[i] : is_q ? h[i - g.size()] : k[i - g.size() - h.size()]) * static_cast<double>(d[i]);
    }
    CHECK(gradient[e] == Approx(by_reverse).epsilon(1e-7).margin(1e-6));
  }
  CHECK(reverse.cost_error_bound < 1e-6);
  CHECK(reverse.probability_error_bound < 1e-5);
  CHECK(reverse.discount_error_bound < 1e-5);
}

TEST_CASE("D4: the bounds of derivatives cover the error of a solution stopped early") {
  const Mdp mdp = garnet(6, 40, 0.875);
  SoftOptions options = at(0.5);
  options.method = SoftMethod::value_iteration;
  options.max_sweeps = 12;
  const SoftResult early = solve_soft(mdp, options);
  options.max_sweeps = 1000;
  options.polish = true;
  const SoftResult late = solve_soft(mdp, options);
  CHECK(late.converged());
  CHECK(late.value_error_bound < 1e-12);
  CHECK(late.value_error_bound < 1e-4 * early.value_error_bound);
  const Linearisation blurred = linearise_soft(mdp, early);
  const Linearisation sharp = linearise_soft(mdp, late);
  const auto gap = [](std::span<const double> x, std::span<const double> y) {
    double largest = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
    return largest;
  };
  EntryDirection direction = zero_direction(mdp);
  for (std::size_t row = 0; row < direction.cost.size(); row += 2) direction.cost[row] = 1.0;
  const ForwardDerivative a = blurred.jvp(direction);
  const ForwardDerivative b = sharp.jvp(direction);
  CHECK(gap(a.values, b.values) > b.value_error_bound);
  CHECK(gap(a.values, b.values) <= a.value_error_bound);
  CHECK(gap(a.q, b.q) <= a.q_error_bound);
  CHECK(gap(a.log_policy, b.log_policy) <= a.log_policy_error_bound);
  CHECK(gap(early.log_policy, late.log_policy) <= early.log_policy_error_bound);
  const ReverseDerivative c = blurred.performance_gradient();
  const ReverseDerivative d = sharp.performance_gradient();
  CHECK(gap(c.gradient.cost, d.gradient.cost) > d.cost_error_bound);
  CHECK(gap(c.gradient.cost, d.gradient.cost) <= c.cost_error_bound);
  CHECK(gap(c.gradient.probability, d.gradient.probability) <= c.probability_error_bound);
  CHECK(std::abs(c.gradient.discount - d.gradient.discount) <= c.discount_error_bound);
}

TEST_CASE("D4: agrees with automatic differentiation of soft value iteration") {
  using Number = Eigen::AutoDiffScalar<Eigen::VectorXd>;
  const Mdp mdp = garnet(4, 30, 0.75);
  RawMdp<Number> r = oracles::raw<Number>(mdp);
  const std::size_t n = oracles::n_entries(r);
  for (std::size_t e = 0; e < n; ++e) oracles::entry(r, e).derivatives() = Eigen::VectorXd::Unit(n, e);
  const auto soft = oracles::soft_value_iteration<Number>(r, Number(0.5), {}, 150);
  SoftOptions options = at(0.5);
  options.relative_tolerance = 1e-13;
  const Linearisation linear = linearise_soft(mdp, solve_soft(mdp, options));
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    std::vector<double> k(mdp.n_rows(), 0.0);
    k[row] = 1.0;
    const EntryGradient gradient = linear.vjp({.log_policy = k}).gradient;
    const auto& exact = soft.log_policy[row].derivatives();
    for (std::size_t e = 0; e < gradient.cost.size(); ++e) {
      CHECK(gradient.cost[e] == Approx(exact[e]).epsilon(1e-11).margin(1e-12));
    }
    for (std::size_t e = 0; e < gradient.probability.size(); ++e) {
      CHECK(gradient.probability[e] == Approx(exact[gradient.cost.size() + e]).epsilon(1e-11).margin(1e-12));
    }
    CHECK(gradient.discount == Approx(exact[n - 1]).epsilon(1e-11).margin(1e-12));
  }
}

TEST_CASE("Soft solutions have the same bits for any number of threads") {
  const Mdp mdp = garnet(20000, 3, 0.9);
  SoftOptions options = at(0.1);
  options.method = SoftMethod::value_iteration;
  options.threads = 1;
  const SoftResult one = solve_soft(mdp, options);
  options.threads = 2;
  const SoftResult two = solve_soft(mdp, options);
  CHECK(one.values == two.values);
  CHECK(one.policy == two.policy);
  CHECK(one.sweeps == two.sweeps);
}

TEST_CASE("Soft options refuse what is out of range") {
  const Mdp mdp = garnet(3, 1, 0.5);
  CHECK_THROWS_AS(solve_soft(mdp, at(0.0)), InvalidOption);
  CHECK_THROWS_AS(solve_soft(mdp, at(not_computed)), InvalidOption);
  SoftOptions options;
  options.max_sweeps = 0;
  CHECK_THROWS_AS(solve_soft(mdp, options), InvalidOption);
  options = {};
  options.tolerance = -1.0;
  CHECK_THROWS_AS(solve_soft(mdp, options), InvalidOption);
  CHECK_THROWS_AS(solve_soft(mdp, at(1.0, {1.0})), InvalidArgument);
  CHECK_THROWS_AS(solve_soft(mdp, at(1.0, std::vector<double>(9, 0.0))), InvalidArgument);
  CHECK_THROWS_AS(solve_soft(mdp, at(1.0, std::vector<double>(9, -1.0))), InvalidArgument);
  CHECK_THROWS_AS(solve_soft(mdp.with_discount(Discount(1.0))), InvalidArgument);
  CHECK_THROWS_AS(linearise_soft(garnet(4, 1, 0.5), solve_soft(mdp)), InvalidArgument);
}
