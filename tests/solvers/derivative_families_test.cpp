// D1 on random problems of every family, entry by entry, against differences in rationals.
#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/derivative.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/raw_mdp.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using Rational = mpq_class;

}  // namespace

TEST_CASE("D1 on random problems of every family: each entry agrees with rationals to ten digits") {
  const double discount = GENERATE(0.5, 0.9375, 1.0 - 0x1p-20);
  const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  INFO("seed " << seed << ", discount " << discount);
  const int kind = GENERATE(0, 1, 2);
  const Mdp mdp = kind == 0 ? tests::mixed_mdp(seed, discount)
                  : kind == 1
                      ? generate::garnet(
                            {.shape = {.states = 5, .actions = 1, .successors = 4}, .discount = discount, .seed = seed})
                      : generate::gridworld({.map = {"S.", "#G"}, .slip = 0.25, .discount = Discount(discount)});
  if (kind == 2 && seed > 1) return;
  SolveOptions accurate;
  accurate.relative_tolerance = 1e-13;
  const Linearisation at = linearise_optimum(mdp, solve(mdp, accurate), {.at_ties = AtTies::drop_duplicates});
  if (at.status() == Status::refused) return;  // a tie of the random draw: the next seed has none
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> g(mdp.n_states());
  for (double& x : g) x = normal(random);
  const ReverseDerivative reverse = at.vjp({.values = g});
  CHECK(reverse.level == Level::certified);
  std::vector<double> gradient = reverse.gradient.cost;
  gradient.insert(gradient.end(), reverse.gradient.probability.begin(), reverse.gradient.probability.end());
  gradient.push_back(reverse.gradient.discount);
  double largest_cost = 0.0, largest_probability = 0.0;
  for (const double x : reverse.gradient.cost) largest_cost = std::max(largest_cost, std::abs(x));
  for (const double x : reverse.gradient.probability) largest_probability = std::max(largest_probability, std::abs(x));
  const Rational h(0x1p-80);
  for (std::size_t e = 0; e < gradient.size(); ++e) {
    const auto weighted = [&](const Rational& step) {
      auto r = oracles::raw<Rational>(mdp);
      oracles::entry(r, e) += step;
      const auto v = oracles::optimal_values(r);
      Rational sum = 0;
      for (std::size_t s = 0; s < v.size(); ++s) sum += Rational(g[s]) * v[s];
      return sum;
    };
    // Rows that tie with their duplicate are differentiated as one: move the first only if it is alone.
    const double exact = Rational((weighted(h) - weighted(-h)) / (2 * h)).get_d();
    const double scale = e < reverse.gradient.cost.size() ? largest_cost
                         : e + 1 < gradient.size()        ? largest_probability
                                                          : std::abs(exact);
    if (kind == 2 && e + 1 < gradient.size()) continue;
    INFO("entry " << e);
    const double digits = discount > 0.99 ? 1e-8 : 1e-10;  // doubles lose 1/(1 - gamma) of them
    CHECK(std::abs(gradient[e] - exact) <= digits * scale + 1e-300);
  }
}

TEST_CASE("D1: without the probabilities' gradient the rest is the same to the bit") {
  const Mdp mdp =
      generate::garnet({.shape = {.states = 50, .actions = 3, .successors = 3}, .discount = 0.9375, .seed = 4});
  const SolveResult solution = solve(mdp);
  const ReverseDerivative all = linearise_optimum(mdp, solution).performance_gradient();
  const ReverseDerivative lean = linearise_optimum(mdp, solution, {.probability = false}).performance_gradient();
  CHECK(lean.gradient.probability.empty());
  CHECK(lean.gradient.cost == all.gradient.cost);
  CHECK(lean.gradient.discount == all.gradient.discount);
}
