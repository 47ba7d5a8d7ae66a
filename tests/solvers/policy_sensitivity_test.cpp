#include "solvers/policy_sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/soft.hpp"
#include "solvers/unrolled.hpp"
#include "tests/oracles/fifty_digits.hpp"
#include "tests/support/directions.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using mdp::tests::random_direction;
using oracles::Fifty;

Mdp garnet(std::int64_t states, std::uint64_t seed, double discount = 0.9375) {
  return generate::garnet(
      {.shape = {.states = states, .actions = 3, .successors = 3}, .discount = discount, .seed = seed});
}

double gap(std::span<const double> x, std::span<const double> y) {
  double most = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

// The in-sim performance in 50 digits at w + x e_i + y e_j, the entries moved by z along a direction.
struct Objective50 {
  const Mdp& mdp;
  const PolicyClass& policies;
  std::vector<double> w;
  double beta;
  std::vector<double> direction;

  [[nodiscard]] Fifty at(std::int64_t i, const Fifty& x, std::int64_t j, const Fifty& y, const Fifty& z) const {
    const RowFeatures& f = policies.features();
    std::vector<Fifty> logits(mdp.n_rows(), Fifty(0.0));
    for (Offset row = 0; row < mdp.n_rows(); ++row) {
      for (Offset k = f.begin[row]; k < f.begin[row + 1]; ++k) {
        Fifty parameter(w[f.parameter[k]]);
        if (f.parameter[k] == i) parameter += x;
        if (f.parameter[k] == j) parameter += y;
        logits[row] += Fifty(f.value[k]) * parameter;
      }
    }
    const auto r = oracles::moved(mdp, direction, z);
    return oracles::performance(r, mdp.initial(), oracles::policy_of(r, logits, policies.exploration()), beta);
  }
  [[nodiscard]] double hessian(std::int64_t i, std::int64_t j) const {
    return oracles::mixed_difference([&](const Fifty& x, const Fifty& y) { return at(i, x, j, y, Fifty(0.0)); });
  }
  [[nodiscard]] double by_entries(std::int64_t i) const {
    return oracles::mixed_difference([&](const Fifty& x, const Fifty& z) { return at(i, x, -1, Fifty(0.0), z); });
  }
};

std::vector<double> entry_list(const EntryDirection& d) {
  std::vector<double> all = d.cost;
  all.insert(all.end(), d.probability.begin(), d.probability.end());
  all.push_back(d.discount);
  return all;
}

RowFeatures random_features(const Mdp& mdp, std::int64_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  RowFeatures f{n, {0}, {}, {}};
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    for (std::int64_t i = 0; i < n; ++i) {
      f.parameter.push_back(i);
      f.value.push_back(normal(random));
    }
    f.begin.push_back(static_cast<Offset>(f.parameter.size()));
  }
  return f;
}

}  // namespace

TEST_CASE("D6, D7: tabular softmax: the local form, the dense Hessian and conjugate gradients agree, and with D4") {
  const std::uint64_t seed = 11;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Mdp model = garnet(6, 2);
  const PolicyClass policies = PolicyClass::tabular(model);
  InSimOptions options{.temperature = 0.5};
  const InSimOptimum optimum = in_sim_optimum(model, policies, options);
  REQUIRE(optimum.status == Status::converged);
  CHECK(optimum.stationarity_bound < 1e-9);
  CHECK(optimum.unreached.empty());
  const EntryDirection direction = random_direction(model, random);

  const PolicySensitivity local(model, policies, optimum, options);
  CHECK(local.local());
  const SensitivityForward by_d7 = local.jvp(direction);
  options.path = HessianPath::dense;
  const PolicySensitivity dense(model, policies, optimum, options);
  CHECK_FALSE(dense.local());
  const SensitivityForward by_hessian = dense.jvp(direction);
  REQUIRE(by_hessian.status == Status::converged);
  options.path = HessianPath::matrix_free;
  const PolicySensitivity free(model, policies, optimum, options);
  const SensitivityForward by_products = free.jvp(direction);
  REQUIRE(by_products.status == Status::converged);

  SoftOptions soft;
  soft.temperature = 0.5;
  soft.polish = true;
  const std::vector<double> d4 = linearise_soft(model, solve_soft(model, soft)).jvp(direction).log_policy;
  CHECK(gap(by_d7.log_policy, d4) <= 1e-10 * (1.0 + max_abs(d4)));
  CHECK(gap(by_hessian.log_policy, d4) <= 1e-9 * (1.0 + max_abs(d4)));
  CHECK(gap(by_products.log_policy, d4) <= 1e-9 * (1.0 + max_abs(d4)));
  CHECK(gap(local.local_log_policy(direction), d4) <= 1e-10 * (1.0 + max_abs(d4)));

  // Only the entropy's part of the Hessian is left, and it is block diagonal: d beta (diag pi - pi pi^T).
  const HessianParts parts = dense.hessian_parts();
  CHECK(max_abs(parts.fisher) <= 1e-11 * max_abs(parts.total));
  CHECK(max_abs(parts.advantage) <= 1e-11 * max_abs(parts.total));
  CHECK(max_abs(parts.cross) <= 1e-11 * max_abs(parts.total));
  CHECK(gap(parts.total, parts.entropy) <= 1e-11 * max_abs(parts.total));
  const PolicyExpansion& at = dense.expansion();
  for (Offset i = 0; i < model.n_rows(); ++i) {
    for (Offset j = 0; j < model.n_rows(); ++j) {
      const State s = model.state_of(i);
      const double pi = at.policy()[i];
      const double block = s != model.state_of(j) ? 0.0 : (i == j ? pi : 0.0) - pi * at.policy()[j];
      CHECK(parts.total[i * model.n_rows() + j] == Approx(0.5 * at.occupancy()[s] * block).margin(1e-11));
    }
  }
}

TEST_CASE("D6, D7: restricted classes need the whole Hessian; the local form is wrong by what is reported") {
  const std::uint64_t seed = 12;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const int kind = GENERATE(0, 1, 2);
  const Mdp model = garnet(4, 21);
  const std::vector<std::int64_t> groups{0, 1, 0, 1};
  const PolicyClass policies = kind == 0   ? PolicyClass(model, random_features(model, 3, 5))
                               : kind == 1 ? PolicyClass(model, RowFeatures::shared(model, groups))
                                           : PolicyClass(model, random_features(model, 3, 6), 0.125);
  const InSimOptions options{.temperature = 0.25};
  const InSimOptimum optimum = in_sim_optimum(model, policies, options);
  INFO(optimum.message);
  REQUIRE(optimum.status == Status::converged);
  CHECK(optimum.stationarity_bound < 1e-8);
  CHECK(optimum.curvature_min > 0.0);
  CHECK(optimum.n_gauge == (kind == 1 ? 2 : 0));  // a shift of the logits of each group

  const PolicySensitivity sensitivity(model, policies, optimum, options);
  const EntryDirection direction = random_direction(model, random);
  const SensitivityForward forward = sensitivity.jvp(direction);
  REQUIRE(forward.status == Status::converged);
  // J_ww dw + J_wtheta = 0, both from differences in 50 digits.
  const Objective50 j{model, policies, optimum.parameters, 0.25, entry_list(direction)};
  const std::int64_t n = policies.n_parameters();
  std::vector<double> exact_hessian;
  for (std::int64_t i = 0; i < n; ++i) {
    double row = 0.0, terms = 0.0;
    for (std::int64_t k = 0; k < n; ++k) {
      exact_hessian.push_back(j.hessian(i, k));
      row += exact_hessian.back() * forward.parameters[k];
      terms += std::abs(exact_hessian.back() * forward.parameters[k]);
    }
    const double mixed = j.by_entries(i);
    CHECK(std::abs(row + mixed) <= 1e-10 * (terms + std::abs(mixed) + 1.0));
  }
  // The parts add up to the Hessian. The cross terms never vanish here: D7 is for tabular softmax only. H2 does for every
  // log-linear class (d^2 log pi is the same for all actions, A has mean 0), not for e-soft ones; H1 at an optimum whose
  // features are indicators.
  const HessianParts parts = sensitivity.hessian_parts();
  std::vector<double> sum(n * n);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < n; ++k) {
      sum[i * n + k] = parts.fisher[i * n + k] + parts.advantage[i * n + k] + parts.cross[i * n + k] +
                       parts.cross[k * n + i] + parts.entropy[i * n + k];
    }
  }
  CHECK(gap(sum, parts.total) <= 1e-11 * max_abs(parts.total));
  CHECK(gap(parts.total, exact_hessian) <= 1e-10 * max_abs(parts.total));
  CHECK((max_abs(parts.fisher) > 1e-3 * max_abs(parts.total)) == (kind != 1));
  CHECK((max_abs(parts.advantage) > 1e-3 * max_abs(parts.total)) == (kind == 2));
  CHECK(max_abs(parts.cross) > 1e-3 * max_abs(parts.total));
  CHECK(gap(sensitivity.local_log_policy(direction), forward.log_policy) > 0.05 * max_abs(forward.log_policy));

  // Reverse is the transpose.
  std::vector<double> g(model.n_rows());
  std::normal_distribution<double> normal;
  for (double& x : g) x = normal(random);
  CHECK(dot(sensitivity.vjp(g), direction) == Approx(inner(g, forward.log_policy)).epsilon(1e-8).margin(1e-9));
}

TEST_CASE("D7 fails away from the optimum: soft advantages do not vanish there, nor the parts that they make") {
  const Mdp model = garnet(5, 3);
  const PolicyClass policies = PolicyClass::tabular(model);
  InSimOptimum elsewhere;
  elsewhere.status = Status::converged;  // it is not: the parts are defined at any policy
  elsewhere.parameters.assign(model.n_rows(), 0.0);
  elsewhere.parameters[2] = 1.0;
  const PolicySensitivity there(model, policies, elsewhere, {.temperature = 0.5});
  const HessianParts parts = there.hessian_parts();
  CHECK(max_abs(parts.fisher) > 0.01 * max_abs(parts.total));
  CHECK(max_abs(parts.advantage) <= 1e-12 * max_abs(parts.total));  // softmax: d^2 log pi is the same for all actions
  CHECK(max_abs(parts.cross) > 0.01 * max_abs(parts.total));
  CHECK(gap(parts.total, parts.entropy) > 0.05 * max_abs(parts.total));
}

TEST_CASE("D8: the gradient of world performance by the policy's sensitivity is the adjoint's") {
  const Mdp world = garnet(6, 31);
  const Mdp model = garnet(6, 32, 0.875);
  const PolicyClass policies = PolicyClass::tabular(model);
  InSimOptions options{.temperature = 0.5};
  const InSimOptimum optimum = in_sim_optimum(model, policies, options);
  const PolicyGradient in_world = policy_gradient(world, PolicyExpansion(world, optimum.log_policy).policy());
  InRealOptions in_real;
  in_real.soft.temperature = 0.5;
  const EntryGradient adjoint = in_real_gradient(world, model, in_real).gradient;
  for (const HessianPath path : {HessianPath::automatic, HessianPath::dense, HessianPath::matrix_free}) {
    options.path = path;
    const EntryGradient g = PolicySensitivity(model, policies, optimum, options).vjp(in_world.logit_gradient);
    CHECK(gap(g.cost, adjoint.cost) <= 1e-9 * max_abs(adjoint.cost));
    CHECK(gap(g.probability, adjoint.probability) <= 1e-9 * max_abs(adjoint.probability));
    CHECK(g.discount == Approx(adjoint.discount).epsilon(1e-8));
  }
}

TEST_CASE("D5: the Hessian of the optimal soft performance is a difference of its gradient, in 50 digits") {
  std::mt19937_64 random(19);
  const Mdp model = garnet(4, 61, 0.75);
  const PolicyClass policies = PolicyClass::tabular(model);
  const InSimOptions options{.temperature = 0.5};
  const PolicySensitivity at(model, policies, in_sim_optimum(model, policies, options), options);
  const EntryDirection u = random_direction(model, random), v = random_direction(model, random);
  const std::vector<double> list_u = entry_list(u), list_v = entry_list(v);
  const auto j = [&](const Fifty& x, const Fifty& y) {
    auto r = oracles::moved(model, list_u, x);
    for (std::size_t e = 0; e < list_v.size(); ++e) oracles::entry(r, e) += y * Fifty(list_v[e]);
    const auto soft = oracles::soft_value_iteration<Fifty>(r, Fifty(0.5), {}, 350);  // 0.75^350 < 1e-43
    Fifty sum(0.0);
    for (State s = 0; s < model.n_states(); ++s) sum += Fifty(model.initial()[s]) * soft.values[s];
    return sum;
  };
  const Fifty h(1e-8);  // h^2 times a fourth derivative, and 1e-43/h^2
  const double exact = static_cast<double>((j(h, h) - j(h, -h) - j(-h, h) + j(-h, -h)) / (4 * h * h));
  CHECK(dot(at.value_hessian_product(u), v) == Approx(exact).epsilon(1e-10));
}

TEST_CASE("D6: stationary policies over a finite horizon are a class of the unrolled MDP") {
  const double discount = GENERATE(0.875, 1.0);
  const HessianPath path = GENERATE(HessianPath::dense, HessianPath::matrix_free);
  INFO("discount " << discount);
  const Mdp model = garnet(3, 41, 0.875).with_discount(Discount(discount));
  const std::vector<double> terminal{1.0, -2.0, 0.5};
  const Unrolled unrolled(model, 4, terminal);
  const PolicyClass policies(unrolled.mdp(), unrolled.stationary(random_features(model, 2, 7)));
  const InSimOptions options{.temperature = 0.5, .temperature_scale = unrolled.temperature_scale(), .path = path};
  const InSimOptimum optimum = in_sim_optimum(unrolled.mdp(), policies, options);
  INFO(optimum.message);
  REQUIRE(optimum.status == Status::converged);

  // The N-stage sum in 50 digits, by its definition.
  std::mt19937_64 random(4);
  const EntryDirection direction = random_direction(model, random);
  const std::vector<double> list = entry_list(direction);
  const RowFeatures f = random_features(model, 2, 7);
  const auto performance = [&](const std::vector<Fifty>& w, const Fifty& z) {
    const auto r = oracles::moved(model, list, z);
    std::vector<Fifty> logits(model.n_rows(), Fifty(0.0));
    for (Offset row = 0; row < model.n_rows(); ++row) {
      for (Offset k = f.begin[row]; k < f.begin[row + 1]; ++k) logits[row] += Fifty(f.value[k]) * w[f.parameter[k]];
    }
    const auto policy = oracles::policy_of(r, logits);
    std::vector<Fifty> v(terminal.begin(), terminal.end());
    for (int k = 0; k < 4; ++k) {
      std::vector<Fifty> next(v.size(), Fifty(0.0));
      for (State s = 0; s < 3; ++s) {
        for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
          next[s] += policy[row] * (oracles::q_value(r, row, v) + Fifty(0.5) * log(policy[row]));
        }
      }
      v = next;
    }
    Fifty j(0.0);
    for (State s = 0; s < 3; ++s) j += Fifty(model.initial()[s]) * v[s];
    return j;
  };
  const auto w = [&](std::size_t i, const Fifty& x, std::size_t j, const Fifty& y) {
    std::vector<Fifty> at;
    for (const double wi : optimum.parameters) at.emplace_back(wi);
    at[i] += x;
    at[j] += y;
    return at;
  };
  CHECK(static_cast<double>(performance(w(0, Fifty(0.0), 0, Fifty(0.0)), Fifty(0.0))) ==
        Approx(optimum.performance).epsilon(1e-12));
  const SensitivityForward forward =
      PolicySensitivity(unrolled.mdp(), policies, optimum, options).jvp(unrolled.spread(direction));
  for (std::size_t i = 0; i < 2; ++i) {
    double sum = oracles::mixed_difference(
        [&](const Fifty& x, const Fifty& z) { return performance(w(i, x, 0, Fifty(0.0)), z); });
    for (std::size_t k = 0; k < 2; ++k) {
      sum += forward.parameters[k] * oracles::mixed_difference([&](const Fifty& x, const Fifty& y) {
               return performance(w(i, x, k, y), Fifty(0.0));
             });
    }
    CHECK(std::abs(sum) < 1e-9);
  }
  // spread and fold are transposes.
  EntryGradient g = zero_direction(unrolled.mdp());
  for (std::size_t row = 0; row < g.cost.size(); ++row) g.cost[row] = std::sin(1.0 + static_cast<double>(row));
  for (std::size_t k = 0; k < g.probability.size(); ++k) g.probability[k] = std::cos(static_cast<double>(k));
  g.discount = 0.5;
  CHECK(dot(unrolled.fold(g), direction) == Approx(dot(g, unrolled.spread(direction))).epsilon(1e-12));
}

TEST_CASE("D6, D7 at discount 1: policies of every stage of a finite horizon, by backward induction in 50 digits") {
  const Mdp model = garnet(3, 43, 0.875).with_discount(Discount(1.0));
  constexpr int horizon = 5;
  const Unrolled unrolled(model, horizon);
  const Mdp& stages = unrolled.mdp();
  const PolicyClass policies = PolicyClass::tabular(stages);
  InSimOptions options{.temperature = 0.25, .temperature_scale = unrolled.temperature_scale()};
  const InSimOptimum optimum = in_sim_optimum(stages, policies, options);
  INFO(optimum.message);
  REQUIRE(optimum.status == Status::converged);
  CHECK(optimum.stationarity_bound < 1e-9);

  // log pi of every stage, and J, by V <- -beta log sum exp(-Q/beta).
  std::mt19937_64 random(4);
  const EntryDirection direction = random_direction(model, random);
  const std::vector<double> list = entry_list(direction);
  const Fifty beta(0.25);
  const auto backward = [&](const Fifty& z) {
    const auto r = oracles::moved(model, list, z);
    std::vector<Fifty> v(3, Fifty(0.0)), log_policy(horizon * model.n_rows());
    for (int k = horizon; k-- > 0;) {
      std::vector<Fifty> next;
      for (State s = 0; s < 3; ++s) {
        Fifty sum(0.0);
        for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
          sum += exp(-oracles::q_value(r, row, v) / beta);
        }
        next.push_back(-beta * log(sum));
        for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
          log_policy[k * model.n_rows() + row] = (next.back() - oracles::q_value(r, row, v)) / beta;
        }
      }
      v = next;
    }
    Fifty j(0.0);
    for (State s = 0; s < 3; ++s) j += Fifty(model.initial()[s]) * v[s];
    log_policy.push_back(j);
    return log_policy;
  };
  const std::vector<Fifty> exact = backward(Fifty(0.0));
  const Fifty h(1e-18);
  const std::vector<Fifty> up = backward(h), down = backward(-h);
  CHECK(optimum.performance == Approx(static_cast<double>(exact.back())).epsilon(1e-13));
  const PolicySensitivity sensitivity(stages, policies, optimum, options);
  CHECK(sensitivity.local());
  const SensitivityForward forward = sensitivity.jvp(unrolled.spread(direction));
  options.path = HessianPath::dense;  // D7's Hessian, with its gauge and what stages after the end do not see
  const SensitivityForward dense =
      PolicySensitivity(stages, policies, optimum, options).jvp(unrolled.spread(direction));
  std::vector<double> g(stages.n_rows(), 0.0);
  double along = 0.0;
  for (std::size_t row = 0; row + 1 < exact.size(); ++row) {
    const double d = static_cast<double>((up[row] - down[row]) / (2 * h));
    CHECK(optimum.log_policy[row] == Approx(static_cast<double>(exact[row])).epsilon(1e-12).margin(1e-13));
    CHECK(forward.log_policy[row] == Approx(d).epsilon(1e-10).margin(1e-11));
    CHECK(dense.log_policy[row] == Approx(d).epsilon(1e-8).margin(1e-9));
    g[row] = std::sin(1.0 + static_cast<double>(row));
    along += g[row] * d;
  }
  CHECK(dot(unrolled.fold(sensitivity.vjp(g)), direction) == Approx(along).epsilon(1e-10));
  // The gradient of the optimal J is that of the value: D4 and D5 agree.
  const double d_j = static_cast<double>((up.back() - down.back()) / (2 * h));
  CHECK(dot(unrolled.fold(sensitivity.expansion().gradient().entries), direction) == Approx(d_j).epsilon(1e-11));
  options.temperature_scale[0] = 0.0;
  CHECK_THROWS_WITH(in_sim_optimum(stages, policies, options), Catch::Contains("must be positive and finite"));
  options.temperature_scale.pop_back();
  options.temperature_scale[0] = 1.0;
  CHECK_THROWS_WITH(in_sim_optimum(stages, policies, options), Catch::Contains("temperature_scale"));
}

TEST_CASE("D6: states that nothing in-sim reaches are reported, and D7 gives their policy all the same") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 0.5).to(1, 0.5);
  b.row(0, 1.5).to(1, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  b.row(1, 0.25).to(0, 1.0);
  b.row(2, 1.0).to(0, 1.0);
  b.row(2, 2.0).to(1, 1.0);
  b.initial(0, 1.0);
  const Mdp model = b.build();
  const PolicyClass policies = PolicyClass::tabular(model);
  InSimOptions options{.temperature = 0.5};
  const InSimOptimum optimum = in_sim_optimum(model, policies, options);
  REQUIRE(optimum.status == Status::converged);
  CHECK(optimum.unreached == std::vector<State>{2});
  EntryDirection direction = zero_direction(model);
  direction.cost[4] = 1.0;
  CHECK(std::abs(PolicySensitivity(model, policies, optimum, options).jvp(direction).log_policy[4]) > 0.1);
  options.path = HessianPath::dense;  // the occupancy cancels in D7, not here: nothing moves
  const PolicySensitivity dense(model, policies, optimum, options);
  const SensitivityForward still = dense.jvp(direction);
  CHECK(still.status == Status::converged);
  CHECK(std::abs(still.log_policy[4]) < 1e-12);
}

TEST_CASE("D6: where no state offers a choice every parameter is gauge, and nothing moves") {
  const Mdp model =
      generate::garnet({.shape = {.states = 4, .actions = 1, .successors = 2}, .discount = 0.875, .seed = 5});
  const PolicyClass policies(model, random_features(model, 2, 3));
  const InSimOptions options{.temperature = 0.5};
  const InSimOptimum optimum = in_sim_optimum(model, policies, options);
  CHECK(optimum.status == Status::converged);
  CHECK(optimum.n_gauge == 2);
  EntryDirection direction = zero_direction(model);
  direction.cost[0] = 1.0;
  const SensitivityForward moved = PolicySensitivity(model, policies, optimum, options).jvp(direction);
  CHECK(moved.status == Status::converged);
  CHECK(moved.parameters == std::vector<double>(2, 0.0));
  CHECK(moved.log_policy == std::vector<double>(4, 0.0));
}

TEST_CASE("D6: ill-posed problems are refused, not answered with a number") {
  const Mdp model = garnet(4, 51);
  const InSimOptimum tabular = in_sim_optimum(model, PolicyClass::tabular(model), {});
  CHECK(tabular.status == Status::refused);
  CHECK(tabular.message.find("dnu/dtheta is ill-posed (D6)") != std::string::npos);
  CHECK(tabular.parameters.empty());

  // Shared logits without entropy: one action dominates, the optimum is at infinity.
  MdpBuilder b(2);
  b.discount(0.5);
  for (State s = 0; s < 2; ++s) {
    b.row(s, 1.0).to(s, 1.0);
    b.row(s, 2.0).to(s, 1.0);
  }
  const Mdp dominated = b.build();
  const std::vector<std::int64_t> one{0, 0};
  const PolicyClass shared(dominated, RowFeatures::shared(dominated, one));
  const InSimOptimum infinite = in_sim_optimum(dominated, shared, {});
  INFO(infinite.message);
  CHECK(infinite.status != Status::converged);
  const PolicySensitivity none(dominated, shared, infinite, {});
  CHECK(none.status() == Status::refused);
  CHECK(none.jvp(zero_direction(dominated)).status == Status::refused);
  CHECK_THROWS_WITH(none.vjp(std::vector<double>(4, 0.0)), Catch::Contains("not at an in-sim optimum"));

  CHECK_THROWS_WITH(in_sim_optimum(model, PolicyClass::tabular(model), {.temperature = -1.0}),
                    Catch::Contains("temperature"));
  CHECK_THROWS_WITH(PolicyClass(model, RowFeatures::identity(model), 1.0), Catch::Contains("is not in [0, 1)"));
  CHECK_THROWS_WITH(RowFeatures::shared(model, std::vector<std::int64_t>{0, -1, 0, 0}), Catch::Contains("below 0"));
}
