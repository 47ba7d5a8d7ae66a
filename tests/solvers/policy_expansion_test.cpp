#include "solvers/policy_expansion.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/policy_class.hpp"
#include "tests/oracles/fifty_digits.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using oracles::Fifty;

Mdp small(std::uint64_t seed, double discount = 0.9375) {
  return generate::garnet({.shape = {.states = 4, .actions = 3, .successors = 3}, .discount = discount, .seed = seed});
}

std::vector<double> normal_vector(std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& xi : x) xi = normal(random);
  return x;
}

// w and the entries moving together: [n_parameters], and costs, probabilities, discount in one list.
struct Direction {
  std::vector<double> w, entries;
};

Direction random_direction(const Mdp& mdp, std::int64_t n, std::mt19937_64& random) {
  return {normal_vector(n, random), normal_vector(mdp.n_rows() + mdp.n_transitions() + 1, random)};
}

EntryDirection as_entries(const Mdp& mdp, const std::vector<double>& list) {
  const auto costs = list.begin() + mdp.n_rows();
  return {{list.begin(), costs}, {costs, list.end() - 1}, list.back()};
}

// A class, a point of it and the problem of 50 digits beside them.
struct Case {
  Mdp mdp;
  PolicyClass policies;
  std::vector<double> w;
  double beta;

  [[nodiscard]] Fifty at(const Direction& u, const Fifty& x, const Direction& v, const Fifty& y) const {
    auto r = oracles::moved(mdp, u.entries, x);
    for (std::size_t e = 0; e < v.entries.size(); ++e) oracles::entry(r, e) += y * Fifty(v.entries[e]);
    std::vector<Fifty> logits(mdp.n_rows(), Fifty(0.0));
    const RowFeatures& f = policies.features();
    for (Offset row = 0; row < mdp.n_rows(); ++row) {
      for (Offset k = f.begin[row]; k < f.begin[row + 1]; ++k) {
        const auto i = f.parameter[k];
        logits[row] += Fifty(f.value[k]) * (Fifty(w[i]) + x * Fifty(u.w[i]) + y * Fifty(v.w[i]));
      }
    }
    return oracles::performance(r, mdp.initial(), oracles::policy_of(r, logits, policies.exploration()), beta);
  }
};

RowFeatures random_features(const Mdp& mdp, std::int64_t n, std::mt19937_64& random) {
  RowFeatures f{n, {0}, {}, {}};
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    for (std::int64_t i = 0; i < n; ++i) f.parameter.push_back(i);
    f.begin.push_back(static_cast<Offset>(f.parameter.size()));
  }
  f.value = normal_vector(f.parameter.size(), random);
  return f;
}

}  // namespace

TEST_CASE("D5: gradients and Hessian products are differences in 50 digits, for every class of policies") {
  const std::uint64_t seed = 77;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const double beta = GENERATE(0.0, 0.5);
  const int kind = GENERATE(0, 1, 2, 3);
  const double discount = GENERATE(0.5, 0.9375, 0.999999);
  const Mdp mdp = small(5 + kind, discount);
  const std::vector<std::int64_t> groups{0, 1, 0, 1};
  const PolicyClass policies = kind == 0   ? PolicyClass::tabular(mdp)
                               : kind == 1 ? PolicyClass(mdp, random_features(mdp, 3, random))
                               : kind == 2 ? PolicyClass(mdp, RowFeatures::shared(mdp, groups))
                                           : PolicyClass(mdp, RowFeatures::identity(mdp), 0.25);
  const Case at{mdp, policies, normal_vector(policies.n_parameters(), random), beta};
  const PolicyClass::Point point = policies.at(at.w);
  const PolicyExpansion expansion(mdp, point.log_policy(), {.temperature = beta});
  const Direction u = random_direction(mdp, policies.n_parameters(), random);
  const Direction v = random_direction(mdp, policies.n_parameters(), random);
  const Direction none{std::vector<double>(policies.n_parameters(), 0.0), std::vector<double>(v.entries.size(), 0.0)};

  const PolicyEntryDirection gradient = expansion.gradient();
  const double first =
      inner(point.pull_back(gradient.log_policy), u.w) + dot(gradient.entries, as_entries(mdp, u.entries));
  const double exact_first = oracles::difference([&](const Fifty& x) { return at.at(u, x, none, Fifty(0.0)); });
  const double digits = discount > 0.99 ? 1e-9 : 1e-11;  // 1/(1 - gamma) roundings
  CHECK(std::abs(first - exact_first) <= digits * (1.0 + std::abs(exact_first)));

  const PolicyChange change = expansion.along({point.along(u.w), as_entries(mdp, u.entries)});
  CHECK(std::abs(change.performance - exact_first) <= digits * (1.0 + std::abs(exact_first)));
  const std::vector<double> curved = point.curvature(u.w, gradient.log_policy);
  const double second = inner(point.pull_back(change.gradient.log_policy), v.w) + inner(curved, v.w) +
                        dot(change.gradient.entries, as_entries(mdp, v.entries));
  const double exact_second =
      oracles::mixed_difference([&](const Fifty& x, const Fifty& y) { return at.at(u, x, v, y); });
  CHECK(std::abs(second - exact_second) <= 10 * digits * (1.0 + std::abs(exact_second)));
}

TEST_CASE("D5: Hessian products are symmetric, and the occupancy's gradient is the transpose of its change") {
  const std::uint64_t seed = 3;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Mdp mdp = generate::garnet({.shape = {.states = 300, .actions = 4, .successors = 5}, .discount = 0.96875});
  const PolicyClass policies = PolicyClass::tabular(mdp);
  const PolicyClass::Point point = policies.at(normal_vector(mdp.n_rows(), random));
  const PolicyExpansion expansion(mdp, point.log_policy(), {.temperature = 0.25});
  const Direction u = random_direction(mdp, mdp.n_rows(), random);
  const Direction v = random_direction(mdp, mdp.n_rows(), random);
  const auto form = [&](const Direction& a, const Direction& b) {
    const PolicyChange change = expansion.along({point.along(a.w), as_entries(mdp, a.entries)});
    return inner(point.pull_back(change.gradient.log_policy), b.w) +
           inner(point.curvature(a.w, expansion.gradient().log_policy), b.w) +
           dot(change.gradient.entries, as_entries(mdp, b.entries));
  };
  CHECK(form(u, v) == Approx(form(v, u)).epsilon(1e-10));

  const std::vector<double> g = normal_vector(mdp.n_states(), random);
  const PolicyEntryDirection back = expansion.occupancy_gradient(g);
  const PolicyChange change = expansion.along({point.along(u.w), as_entries(mdp, u.entries)});
  CHECK(inner(back.log_policy, point.along(u.w)) + dot(back.entries, as_entries(mdp, u.entries)) ==
        Approx(inner(g, change.occupancy)).epsilon(1e-10));
}

TEST_CASE("D5: the gradient is the policy gradient of D6, within the bounds of both") {
  const Mdp mdp = small(9);
  const std::vector<double> w{0.3, -1.0, 0.2, 0.0, 0.5, 2.0, -0.1, 0.7, 0.7, 1.0, 0.0, -2.0};
  const std::vector<double> log_policy = PolicyClass::tabular(mdp).at(w).log_policy();
  const PolicyExpansion expansion(mdp, log_policy);
  const PolicyGradient other = policy_gradient(mdp, expansion.policy());
  const std::vector<double> gradient = expansion.gradient().log_policy;
  double gap = 0.0;
  for (std::size_t row = 0; row < gradient.size(); ++row) gap += std::abs(gradient[row] - other.logit_gradient[row]);
  CHECK(gap <= expansion.gradient_error_bound() + other.logit_gradient_error_bound);
  CHECK(expansion.gradient_error_bound() < 1e-10);
}

TEST_CASE("D5: an expansion refuses what does not fit") {
  const Mdp mdp = small(1);
  const std::vector<double> log_policy(mdp.n_rows(), -std::log(3.0));
  CHECK_THROWS_WITH(PolicyExpansion(mdp, log_policy, {.temperature = -1.0}), Catch::Contains("is not in [0, inf)"));
  CHECK_THROWS_WITH(PolicyExpansion(mdp, std::vector<double>(3, 0.0)), "log_policy: 3 entries, 12 expected");
  CHECK_THROWS_AS(PolicyExpansion(mdp, std::vector<double>(12, 0.0)), InvalidArgument);
  CHECK_THROWS_AS(PolicyExpansion(mdp.with_discount(Discount(1.0)), log_policy), InvalidArgument);
  Buffer<double> cost(mdp.cost().begin(), mdp.cost().end());
  cost[4] = infinity;
  CHECK_THROWS_WITH(PolicyExpansion(mdp.with_cost(cost), log_policy), Catch::Contains("whose cost is not finite"));
  CHECK_THROWS_AS(PolicyExpansion(mdp, log_policy).along({}), InvalidArgument);
}
