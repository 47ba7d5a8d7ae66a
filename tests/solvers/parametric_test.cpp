// Parametric families (theory.md, section 4: derivatives by theta) against differences of what they build.
#include "solvers/parametric.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/soft.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;

Mdp garnet(std::uint64_t seed) {
  return generate::garnet({.shape = {.states = 4, .actions = 2, .successors = 3}, .discount = 0.875, .seed = seed});
}

std::vector<double> normal_vector(std::size_t n, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0.0, scale);
  std::vector<double> x(n);
  for (double& xi : x) xi = normal(random);
  return x;
}

ParametricMdp everything(const Mdp& base) {
  const std::vector<std::int64_t> groups{0, 1, 0, 1};
  return {base,
          {cost_features(RowFeatures::shared(base, groups)), softmax_transitions(base), cost_table(base),
           discount_parameter(0.9, 0.5, 0.99)}};
}

}  // namespace

TEST_CASE(
    "Parametric MDPs: Jacobian products are differences, and their transposes, for every family and composition") {
  const Mdp base = garnet(1);
  const std::vector<Mdp> models{garnet(1), garnet(2), garnet(3)};
  const int kind = GENERATE(0, 1, 2);
  const ParametricMdp family = kind == 0   ? everything(base)
                               : kind == 1 ? mixture(models)
                                           : mixture(models, 1e-3, {discount_parameter(0.75, 0.5, 0.9)});
  std::vector<double> theta = family.start();
  if (kind == 0) {
    const std::vector<double> by = normal_vector(theta.size() - 1, 5, 0.5);
    for (std::size_t i = 0; i < by.size(); ++i) theta[i] += by[i];
  } else {
    theta[0] += 0.25;
    theta[2] -= 0.25;
  }
  const ParametricCheck check = family.check(theta);
  INFO(check.entry << " by parameter " << check.parameter << ": " << check.jvp << ", difference " << check.difference);
  CHECK(check.max_error < 1e-9);
  CHECK(check.adjoint_defect < 1e-12);
  const Mdp at = family.at(theta);
  CHECK(at.n_transitions() == family.base().n_transitions());
}

TEST_CASE("Parametric MDPs: the start of a part leaves the base as it is; a mixture's corners are its models") {
  const Mdp base = garnet(1);
  const ParametricMdp tilted(base, {softmax_transitions(base), cost_table(base)});
  const Mdp same = tilted.at(tilted.start());
  for (Offset k = 0; k < base.n_transitions(); ++k) CHECK(same.probability()[k] == Approx(base.probability()[k]));
  CHECK(std::equal(same.cost().begin(), same.cost().end(), base.cost().begin()));
  CHECK(same.discount() == base.discount());

  const std::vector<Mdp> models{garnet(1), garnet(2)};
  const double floor = 1e-9;
  const ParametricMdp mixed = mixture(models, floor);
  const Mdp corner = mixed.at(std::vector<double>{1.0 - floor, floor});
  for (Offset row = 0; row < base.n_rows(); ++row) CHECK(corner.cost()[row] == Approx(base.cost()[row]).margin(1e-7));
  double kept = 0.0;
  for (const double p : corner.probability()) kept += p > 1e-8 ? p : 0.0;
  CHECK(kept == Approx(static_cast<double>(base.n_rows())).epsilon(1e-7));
}

TEST_CASE("Parametric MDPs: projections lead to the nearest point of the domain") {
  const std::vector<Mdp> models{garnet(1), garnet(2), garnet(3)};
  const ParametricMdp family = mixture(models, 0.1, {discount_parameter(0.75, 0.5, 0.9)});
  CHECK(family.violated(std::vector<double>{0.5, 0.5, 0.5, 0.75}).find("sum to 1.5") != std::string::npos);
  CHECK(family.violated(std::vector<double>{0.95, 0.05, 0.0, 0.75}).find("below 0.1") != std::string::npos);
  CHECK(family.violated(std::vector<double>{0.4, 0.3, 0.3, 0.95}).find("discount 0.95") != std::string::npos);
  const std::vector<double> p = family.project({2.0, 0.0, -1.0, 0.95});
  CHECK(p[0] == Approx(0.8));
  CHECK(p[1] == Approx(0.1));
  CHECK(p[2] == Approx(0.1));
  CHECK(p[3] == 0.9);
  CHECK(family.violated(p).empty());
  // Equal excess goes away equally.
  const std::vector<double> q = family.project({0.6, 0.6, 0.3, 0.75});
  CHECK(q[0] == Approx(0.6 - 0.5 / 3));
  CHECK(q[2] == Approx(0.3 - 0.5 / 3));
}

TEST_CASE("Parametric MDPs: the chain rule carries D8 to parameters") {
  const Mdp world = garnet(7);
  const Mdp base = garnet(8);
  const ParametricMdp family = everything(base);
  std::vector<double> theta = family.start();
  const std::vector<double> by = normal_vector(theta.size() - 1, 9, 0.25);
  for (std::size_t i = 0; i < by.size(); ++i) theta[i] += by[i];
  InRealOptions options;
  options.soft.temperature = 0.5;
  const auto j = [&](std::span<const double> at) { return in_real_gradient(world, family.at(at), options); };
  const std::vector<double> gradient = family.vjp(theta, j(theta).gradient);
  for (const std::size_t i : {std::size_t{0}, std::size_t{5}, std::size_t{30}, theta.size() - 2, theta.size() - 1}) {
    std::vector<double> up = theta, down = theta;
    const double h = 1e-5;
    up[i] += h;
    down[i] -= h;
    CHECK(gradient[i] == Approx((j(up).performance - j(down).performance) / (2 * h)).epsilon(1e-6).margin(1e-8));
  }
}

TEST_CASE("Parametric MDPs: a user's family is checked, and the worst entry named") {
  const Mdp base = garnet(1);
  const bool wrong = GENERATE(false, true);
  UserFamily family;
  family.n_parameters = 2;
  family.start = {0.5, 1.0};
  family.values = [base](std::span<const double> theta) {
    Entries e{{base.cost().begin(), base.cost().end()}, {base.probability().begin(), base.probability().end()}, 0.0};
    e.cost[3] += theta[0] * theta[1];
    e.discount = 0.5 + 0.25 * theta[0];
    return e;
  };
  family.jvp = [base, wrong](std::span<const double> theta, std::span<const double> u) {
    EntryDirection d = zero_direction(base);
    d.cost[3] = u[0] * theta[1] + (wrong ? 2.0 : 1.0) * theta[0] * u[1];
    d.discount = 0.25 * u[0];
    return d;
  };
  family.vjp = [](std::span<const double> theta, const EntryGradient& g) {
    return std::vector<double>{g.cost[3] * theta[1] + 0.25 * g.discount, g.cost[3] * theta[0]};
  };
  const ParametricMdp mine(base, {user_defined(family)});
  const ParametricCheck check = mine.check(mine.start());
  CHECK((check.max_error < 1e-9) == !wrong);
  CHECK((check.adjoint_defect < 1e-12) == !wrong);
  if (wrong) {
    CHECK(check.parameter == 1);
    CHECK(check.entry == "cost[3]");
    CHECK(check.jvp == 1.0);
    CHECK(check.difference == Approx(0.5));
  }
  CHECK(mine.at(mine.start()).discount() == Approx(0.625));
  // Two callables are enough: the transpose of the products by units.
  const EntryGradient g{std::vector<double>(base.n_rows(), 3.0), std::vector<double>(base.n_transitions(), 1.0), -2.0};
  const std::vector<double> given = mine.vjp(mine.start(), g);
  family.vjp = nullptr;
  const ParametricMdp two(base, {user_defined(family)});
  if (!wrong) CHECK(two.vjp(two.start(), g) == given);
  CHECK(two.check(two.start()).adjoint_defect < 1e-12);
}

TEST_CASE("Parametric MDPs: logits of transitions that share parameters, as a table of their own") {
  const Mdp base = garnet(1);
  RowFeatures f{2, {0}, {}, {}};  // one tilts by the successor's number, one moves the first transition of each row
  for (Offset k = 0; k < base.n_transitions(); ++k) {
    f.parameter.push_back(0);
    f.value.push_back(static_cast<double>(base.next_state()[k]));
    if (k % 3 == 0) {
      f.parameter.push_back(1);
      f.value.push_back(1.0);
    }
    f.begin.push_back(static_cast<Offset>(f.parameter.size()));
  }
  const ParametricMdp shared(base, {softmax_transitions(base, f)});
  const ParametricMdp table(base, {softmax_transitions(base)});
  const std::vector<double> theta{0.25, -0.5};
  CHECK(shared.check(theta).max_error < 1e-9);
  CHECK(shared.check(theta).adjoint_defect < 1e-12);
  const Mdp by_features = shared.at(theta), by_table = table.at(f.times(theta));
  for (Offset k = 0; k < base.n_transitions(); ++k) {
    CHECK(by_features.probability()[k] == Approx(by_table.probability()[k]).epsilon(1e-15));
  }
  CHECK_THROWS_WITH(softmax_transitions(base, RowFeatures::identity(base)), Catch::Contains("transition features"));
}

TEST_CASE("Parametric MDPs refuse what is no MDP, and supports that depend on theta") {
  const Mdp base = garnet(1);
  UserFamily family;
  family.n_parameters = 1;
  family.start = {0.0};
  family.values = [base](std::span<const double> theta) {
    Entries e{{base.cost().begin(), base.cost().end()}, {base.probability().begin(), base.probability().end()}, 0.5};
    e.probability[1] += (1.0 - theta[0]) * e.probability[0];
    e.probability[0] *= theta[0];
    return e;
  };
  family.jvp = [base](std::span<const double>, std::span<const double>) { return zero_direction(base); };
  family.vjp = [](std::span<const double>, const EntryGradient&) { return std::vector<double>{0.0}; };
  const ParametricMdp vanishing(base, {user_defined(family)});
  CHECK_NOTHROW(vanishing.at(std::vector<double>{0.5}));
  CHECK_THROWS_WITH(vanishing.at(std::vector<double>{0.0}), Catch::Contains("the support must not depend on theta"));
  CHECK_THROWS_WITH(vanishing.at(std::vector<double>{-1.0}), Catch::Contains("state 0, action 0"));
  CHECK_THROWS_WITH(vanishing.at(std::vector<double>{infinity}), Catch::Contains("theta[0] is not finite"));
  CHECK_THROWS_WITH(vanishing.at(std::vector<double>{}), "theta: 0 entries, 1 expected");
  family.vjp = nullptr;
  CHECK_NOTHROW(user_defined(family));
  family.jvp = nullptr;
  CHECK_THROWS_WITH(user_defined(family), Catch::Contains("both needed"));
  CHECK_THROWS_WITH(discount_parameter(0.5, 0.5, 1.0), Catch::Contains("highest < 1"));
  const std::vector<Mdp> models{garnet(1), garnet(2)};
  CHECK_THROWS_WITH(mixture(models, 0.0), Catch::Contains("need a floor > 0"));
  CHECK_THROWS_WITH(mixture(std::vector<Mdp>{}), "mixture: no models");
  const std::vector<Mdp> unlike{garnet(1), garnet(2).with_discount(Discount(0.5))};
  CHECK_THROWS_WITH(mixture(unlike), "mixture: models with different discounts");
  CHECK_THROWS_WITH(ParametricMdp(base, {nullptr}), Catch::Contains("a part is missing"));
}
