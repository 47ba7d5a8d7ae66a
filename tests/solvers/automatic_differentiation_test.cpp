// D1 to D8 against automatic differentiation of their definitions, on random problems of every family.
#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/derivative.hpp"
#include "solvers/differentiated_iteration.hpp"
#include "solvers/directional.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/policy_sensitivity.hpp"
#include "solvers/soft.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/automatic.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using oracles::Auto;
using oracles::AutoTwo;

constexpr double patient = 1.0 - 1e-6;

// Absorbing and unreachable states; several actions everywhere; one action everywhere.
Mdp of_family(int family, std::uint64_t seed, double discount) {
  if (family == 0) return tests::mixed_mdp(seed, discount);
  return generate::garnet(
      {.shape = {.states = 5, .actions = family == 1 ? 3 : 1, .successors = 3}, .discount = discount, .seed = seed});
}

std::vector<double> normal_vector(std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& xi : x) xi = normal(random);
  return x;
}

std::size_t n_entries(const Mdp& mdp) { return static_cast<std::size_t>(mdp.n_rows() + mdp.n_transitions() + 1); }

EntryDirection as_entries(const Mdp& mdp, const std::vector<double>& list) {
  const auto costs = list.begin() + mdp.n_rows();
  return {{list.begin(), costs}, {costs, list.end() - 1}, list.back()};
}

// Ten digits; where 1/(1 - gamma) is 1e6, what condition numbers of that size leave of the doubles' sixteen.
double ten_digits(double discount) { return discount == patient ? 1e-9 : 1e-10; }

Auto weighted(std::span<const double> weights, const std::vector<Auto>& x) {
  Auto sum(0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) sum += Auto(Auto(weights[i]) * x[i]);
  return sum;
}

// The gradient of f by every entry is that of automatic differentiation, relative to the largest of its kind: or, where values
// of size `values` are known to ten digits only (1/(1 - gamma) = 1e6), to what is multiplied by them.
void compare(const EntryGradient& gradient, const Auto& f, double discount, double values) {
  const bool hard = discount == patient;
  Eigen::Index e = 0;
  double by_cost = 0.0;
  const auto kind = [&](std::span<const double> given) {
    std::vector<double> exact, gap;
    for (const double x : given) {
      exact.push_back(oracles::derivative(f, e++));
      gap.push_back(x - exact.back());
    }
    const double size = std::max(max_abs(exact), hard ? by_cost * values : 0.0);
    CHECK(max_abs(gap) <= (hard ? 2e-9 : 1e-10) * size + 1e-14 * (1.0 + (hard ? values : 0.0)));
    return max_abs(exact);
  };
  by_cost = kind(gradient.cost);
  kind(gradient.probability);
  kind(std::span(&gradient.discount, 1));
}

double largest_value(const std::vector<Auto>& v) {
  double most = 0.0;
  for (const Auto& x : v) most = std::max(most, std::abs(static_cast<double>(x.value())));
  return most;
}

SolveResult solved(const Mdp& mdp) {
  SolveOptions options;
  options.relative_tolerance = 1e-13;
  return solve(mdp, options);
}

struct Instance {
  int family;
  std::uint64_t seed;
  double discount;
  Mdp mdp;
};

Instance instance() {
  const int family = GENERATE(0, 1, 2);
  const std::uint64_t seed = GENERATE(1u, 2u, 3u);
  const double discount = GENERATE(0.5, 0.9375, patient);
  UNSCOPED_INFO("family " << family << ", seed " << seed << ", discount " << discount);
  return {family, seed, discount, of_family(family, seed, discount)};
}

// Features of rows for a log-linear class of two parameters.
RowFeatures two_features(const Mdp& mdp, std::mt19937_64& random) {
  RowFeatures f{2, {0}, {}, normal_vector(static_cast<std::size_t>(2 * mdp.n_rows()), random)};
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    f.parameter.insert(f.parameter.end(), {0, 1});
    f.begin.push_back(2 * row + 2);
  }
  return f;
}

// J of pi_(w + x u + y v) where the entries move along `by_x` and `by_y`, too.
AutoTwo performance_along(const Mdp& mdp, const PolicyClass& policies, std::span<const double> w, double beta,
                          std::span<const double> u, std::span<const double> by_u, std::span<const double> v,
                          std::span<const double> by_v) {
  const auto r = oracles::moved_along(mdp, by_u, by_v);
  const RowFeatures& f = policies.features();
  std::vector<AutoTwo> logits(mdp.n_rows(), AutoTwo(0.0));
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    for (Offset k = f.begin[row]; k < f.begin[row + 1]; ++k) {
      const auto i = static_cast<std::size_t>(f.parameter[k]);
      logits[row] += AutoTwo(AutoTwo(f.value[k]) * oracles::along(w[i], u[i], v[i]));
    }
  }
  return oracles::performance(r, mdp.initial(), oracles::log_policy_of(r, logits, policies.exploration()),
                              AutoTwo(beta));
}

}  // namespace

TEST_CASE("Automatic differentiation: D1, V*, Q* and V^pi by every entry") {
  const Instance at = instance();
  std::mt19937_64 random(at.seed);
  const auto r = oracles::every_entry(at.mdp);
  const std::vector<double> g = normal_vector(at.mdp.n_states(), random), h = normal_vector(at.mdp.n_rows(), random);
  const auto of = [&](const std::vector<Auto>& v) {
    std::vector<Auto> q;
    for (Offset row = 0; row < r.n_rows(); ++row) q.push_back(oracles::q_value(r, row, v));
    return Auto(weighted(g, v) + weighted(h, q));
  };
  const Linearisation optimum = linearise_optimum(at.mdp, solved(at.mdp));
  if (optimum.status() == Status::converged) {  // no tie of the random draw
    compare(optimum.vjp({.values = g, .q = h}).gradient, of(oracles::optimal_values(r)), at.discount,
            largest_value(oracles::optimal_values(r)));
  }
  const StochasticPolicy policy = tests::random_policy(at.seed, at.mdp);
  std::vector<Auto> weight;
  for (const double p : policy) weight.emplace_back(p);
  compare(linearise_policy(at.mdp, policy).vjp({.values = g, .q = h}).gradient, of(oracles::policy_values(r, weight)),
          at.discount, largest_value(oracles::policy_values(r, weight)));
}

TEST_CASE("Automatic differentiation: D2, value iteration stopped after any number of sweeps") {
  const Instance at = instance();
  std::mt19937_64 random(at.seed);
  const std::vector<double> list = normal_vector(n_entries(at.mdp), random);
  const auto r = oracles::every_entry(at.mdp);
  for (const int sweeps : {1, 2, 9}) {
    const std::vector<Auto> v = oracles::value_iteration(r, sweeps);
    const auto it = differentiated_value_iteration(at.mdp, as_entries(at.mdp, list), {.sweeps = sweeps});
    if (it.n_ties > 0) continue;
    for (State s = 0; s < at.mdp.n_states(); ++s) {
      double exact = 0.0, size = 0.0;
      for (std::size_t e = 0; e < list.size(); ++e) {
        exact += oracles::derivative(v[s], static_cast<Eigen::Index>(e)) * list[e];
        size += std::abs(oracles::derivative(v[s], static_cast<Eigen::Index>(e)) * list[e]);
      }
      CHECK(std::abs(it.derivative[s] - exact) <= 1e-13 * size);
    }
  }
}

TEST_CASE("Automatic differentiation: D3, at ties the best and the worst of the tied policies' derivatives") {
  const double discount = GENERATE(0.5, 0.9375, patient);
  MdpBuilder b(3);  // V = 1/(1 - gamma) everywhere, every action optimal
  b.discount(discount);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  b.row(1, 1.0).to(0, 1.0);
  b.row(1, 1.0).to(2, 0.25).to(0, 0.75);
  b.row(2, 1.0).to(2, 1.0);
  const Mdp mdp = b.build();
  std::mt19937_64 random(3);
  const auto r = oracles::every_entry(mdp);
  for (int trial = 0; trial < 5; ++trial) {
    const std::vector<double> list = normal_vector(n_entries(mdp), random);
    const auto d = directional_derivative(mdp, solved(mdp), as_entries(mdp, list));
    REQUIRE(d.ties.size() == 2);
    std::vector<double> least(3, infinity), most(3, -infinity);
    for (const Offset first : {0, 1}) {
      for (const Offset second : {2, 3}) {
        std::vector<Auto> weight(5, Auto(0.0));
        for (const Offset row : {first, second, Offset{4}}) weight[row] = Auto(1.0);
        const std::vector<Auto> v = oracles::policy_values(r, weight);
        for (std::size_t s = 0; s < 3; ++s) {
          double along = 0.0;
          for (std::size_t e = 0; e < list.size(); ++e)
            along += oracles::derivative(v[s], static_cast<Eigen::Index>(e)) * list[e];
          least[s] = std::min(least[s], along);
          most[s] = std::max(most[s], along);
        }
      }
    }
    const double digits = ten_digits(discount) * std::max(max_abs(least), max_abs(most));
    for (std::size_t s = 0; s < 3; ++s) {
      CHECK(std::abs(d.right[s] - least[s]) <= digits);
      CHECK(std::abs(d.left[s] - most[s]) <= digits);
    }
  }
}

TEST_CASE("Automatic differentiation: D4, soft values, their Q and log pi by every entry") {
  const Instance at = instance();
  std::mt19937_64 random(at.seed);
  const double beta = 0.5;
  const auto soft = oracles::soft_policy_iteration(oracles::every_entry(at.mdp), Auto(beta), 25);
  SoftOptions options{.temperature = beta};
  options.polish = true;
  const Linearisation linear = linearise_soft(at.mdp, solve_soft(at.mdp, options));
  const std::vector<double> g = normal_vector(at.mdp.n_states(), random), h = normal_vector(at.mdp.n_rows(), random),
                            k = normal_vector(at.mdp.n_rows(), random);
  compare(linear.vjp({.values = g, .q = h}).gradient, Auto(weighted(g, soft.values) + weighted(h, soft.q)), at.discount,
          largest_value(soft.values));
  if (at.family == 2) return;  // one action: log pi = 0
  compare(linear.vjp({.log_policy = k}).gradient, weighted(k, soft.log_policy), at.discount,
          largest_value(soft.values));
}

TEST_CASE("Automatic differentiation: D5, second derivatives by policies and entries together") {
  const Instance at = instance();
  std::mt19937_64 random(at.seed);
  const double beta = GENERATE(0.0, 0.5);
  const double exploration = GENERATE(0.0, 0.125);
  const Mdp& mdp = at.mdp;
  const PolicyClass policies(mdp, two_features(mdp, random), exploration);
  const std::vector<double> w = normal_vector(2, random), u = normal_vector(2, random), v = normal_vector(2, random);
  const std::vector<double> by_u = normal_vector(n_entries(mdp), random), by_v = normal_vector(n_entries(mdp), random);
  const AutoTwo j = performance_along(mdp, policies, w, beta, u, by_u, v, by_v);

  const PolicyClass::Point point = policies.at(w);
  const PolicyExpansion expansion(mdp, point.log_policy(), {.temperature = beta});
  const PolicyChange change = expansion.along({point.along(u), as_entries(mdp, by_u)});
  const PolicyEntryDirection gradient = expansion.gradient();
  const double by_y = inner(point.pull_back(gradient.log_policy), v) + dot(gradient.entries, as_entries(mdp, by_v));
  const double second = inner(point.pull_back(change.gradient.log_policy), v) +
                        inner(point.curvature(u, gradient.log_policy), v) +
                        dot(change.gradient.entries, as_entries(mdp, by_v));
  const double digits = ten_digits(at.discount);
  CHECK(std::abs(change.performance - oracles::by_x(j)) <= digits * std::abs(oracles::by_x(j)) + 1e-13);
  CHECK(std::abs(by_y - oracles::by_y(j)) <= digits * std::abs(oracles::by_y(j)) + 1e-13);
  CHECK(std::abs(second - oracles::by_x_and_y(j)) <= 10 * digits * std::abs(oracles::by_x_and_y(j)) + 1e-12);
}

TEST_CASE("Automatic differentiation: D5, the Hessians of rho0 V* and of its soft version in few directions") {
  const Instance at = instance();
  std::mt19937_64 random(at.seed);
  const Mdp& mdp = at.mdp;
  const std::vector<double> u = normal_vector(n_entries(mdp), random), v = normal_vector(n_entries(mdp), random);
  const std::vector<EntryDirection> directions{as_entries(mdp, u), as_entries(mdp, v)};
  const auto of_start = [&](const std::vector<AutoTwo>& values) {
    AutoTwo j(0.0);
    for (State s = 0; s < mdp.n_states(); ++s) j += AutoTwo(AutoTwo(mdp.initial()[s]) * values[s]);
    return j;
  };
  const auto compare_hessian = [&](const std::vector<double>& h, auto&& values) {
    REQUIRE(h.size() == 4);
    const double exact = oracles::by_x_and_y(of_start(values(oracles::moved_along(mdp, u, v))));
    const double twice = oracles::by_x_and_y(of_start(values(oracles::moved_along(mdp, u, u))));
    const double digits = 10 * ten_digits(at.discount);
    CHECK(std::abs(h[0] - twice) <= digits * std::abs(twice));
    CHECK(std::abs(h[1] - exact) <= digits * std::max(std::abs(twice), std::abs(exact)));
    CHECK(std::abs(h[2] - exact) <= digits * std::max(std::abs(twice), std::abs(exact)));
  };
  const SolveResult solution = solved(mdp);
  if (linearise_optimum(mdp, solution).status() == Status::converged) {
    std::vector<double> log_policy(mdp.n_rows(), -infinity);
    for (State s = 0; s < mdp.n_states(); ++s) log_policy[selected_row(mdp, solution.policy, s)] = 0.0;
    compare_hessian(PolicyExpansion(mdp, log_policy).entry_hessian(directions),
                    [](const oracles::RawMdp<AutoTwo>& r) { return oracles::optimal_values(r); });
  }
  const PolicyClass policies = PolicyClass::tabular(mdp);
  const InSimOptions options{.temperature = 0.5};
  const InSimOptimum optimum = in_sim_optimum(mdp, policies, options);
  if (optimum.status != Status::converged) return;
  compare_hessian(
      PolicySensitivity(mdp, policies, optimum, options).value_hessian(directions),
      [](const oracles::RawMdp<AutoTwo>& r) { return oracles::soft_policy_iteration(r, AutoTwo(0.5), 25).values; });
}

TEST_CASE(
    "Automatic differentiation: D6, the implicit equation of restricted classes, and D7's blocks of tabular ones") {
  const Instance at = instance();
  if (at.family == 2) return;  // one action: there is no policy to choose
  std::mt19937_64 random(at.seed);
  const double beta = 0.5;
  const Mdp& mdp = at.mdp;
  const bool tabular = GENERATE(false, true);
  const PolicyClass policies = tabular ? PolicyClass::tabular(mdp) : PolicyClass(mdp, two_features(mdp, random));
  // Where 1/(1 - gamma) is 1e6 the bound on the gradient that is left has a factor of its square times rounding.
  const InSimOptions options{.temperature = beta, .tolerance = at.discount == patient ? 1e-5 : 1e-9};
  const InSimOptimum optimum = in_sim_optimum(mdp, policies, options);
  INFO(optimum.message);
  REQUIRE(optimum.status == Status::converged);
  const auto n = static_cast<std::size_t>(policies.n_parameters());
  const std::vector<double> by = normal_vector(n_entries(mdp), random), still(by.size(), 0.0), none(n, 0.0);
  const PolicySensitivity sensitivity(mdp, policies, optimum, options);
  const SensitivityForward moved = sensitivity.jvp(as_entries(mdp, by));
  REQUIRE(moved.status == Status::converged);
  const auto second = [&](std::span<const double> u, std::span<const double> by_u, std::span<const double> v) {
    return oracles::by_x_and_y(performance_along(mdp, policies, optimum.parameters, beta, u, by_u, v, still));
  };
  std::vector<double> unit(n, 0.0);
  const double digits = at.discount == patient ? 1e-6 : 1e-9;  // both terms are sums of what cancels
  const double nothing = at.discount == patient ? 1e-7 : 1e-9;
  for (std::size_t i = 0; i < n; ++i) {
    unit[i] = 1.0;
    const double by_policy = second(moved.parameters, still, unit), by_entries = second(none, by, unit);
    CHECK(std::abs(by_policy + by_entries) <= digits * (std::abs(by_entries) + std::abs(by_policy)) + nothing);
    if (tabular) {  // J_ww e_i of D7: d beta (diag pi - pi pi^T)
      const PolicyExpansion& e = sensitivity.expansion();
      const auto own = static_cast<Offset>(i);
      const State s = mdp.state_of(own);
      const double d = e.occupancy()[s], pi = e.policy()[own];
      const double exact = second(unit, still, unit);
      CHECK(std::abs(exact - d * beta * pi * (1.0 - pi)) <= digits * std::abs(exact) + 1e-9);
    }
    unit[i] = 0.0;
  }
}

TEST_CASE("Automatic differentiation: D8, the world's performance and other functionals by every entry of the model") {
  const Instance at = instance();
  if (at.family == 2) return;
  std::mt19937_64 random(at.seed);
  const double beta = 0.5;
  Buffer<double> cost(at.mdp.cost().begin(), at.mdp.cost().end());
  for (double& c : cost) c += 0.25 * std::normal_distribution<double>()(random);
  const Mdp world = at.family == 0 ? at.mdp : of_family(1, at.seed + 10, at.discount);
  const Mdp model = at.mdp.with_cost(cost).with_discount(Discount(at.discount == patient ? patient : 0.875));
  const auto soft = oracles::soft_policy_iteration(oracles::every_entry(model), Auto(beta), 25);
  const Auto j = oracles::performance(oracles::raw<Auto>(world), world.initial(), soft.log_policy, Auto(0.0));
  InRealOptions options;
  options.soft.temperature = beta;
  const InRealGradient gradient = in_real_gradient(world, model, options);
  compare(gradient.gradient, j, at.discount, largest_value(soft.values));

  // A functional of one's own, sum g log pi, by the same adjoint.
  const PolicyClass policies = PolicyClass::tabular(model);
  const InSimOptions in_sim{.temperature = beta};
  const InSimOptimum optimum = in_sim_optimum(model, policies, in_sim);
  if (optimum.status != Status::converged) return;
  const std::vector<double> g = normal_vector(model.n_rows(), random);
  compare(PolicySensitivity(model, policies, optimum, in_sim).vjp(g), weighted(g, soft.log_policy), at.discount,
          largest_value(soft.values));
}
