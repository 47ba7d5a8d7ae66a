// T9: Delta and its enclosure when V* is known roughly only.
#include "equivalence/model_defect.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

TEST_CASE("T9: the range of Delta is proved for the true V*, whatever the values are") {
  const auto seed = 20261128U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9);
    const Mdp model = random_mdp(random, shape, trial % 2 == 0 ? 0.9 : 0.25);
    const auto solution = solve_exactly(world);
    // V* at a random corner of the enclosure, the values at the middle.
    const double blur = 0.5;
    Known known(solution.values);
    for (std::size_t s = 0; s < known.values.size(); ++s) {
      if (random() % 2 == 0)
        known.upper[s] += 2 * blur;
      else
        known.lower[s] -= 2 * blur;
      known.values[s] = 0.5 * (known.lower[s] + known.upper[s]);
    }

    const auto result = model_defect(world, known.view(), model);

    auto delta = exact_q(exact_model_of(model), solution.values);
    for (std::size_t row = 0; row < delta.size(); ++row) {
      delta[row] -= solution.q[row];
      REQUIRE(Rational(result.range.lower) <= delta[row]);
      REQUIRE(delta[row] <= Rational(result.range.upper));
      REQUIRE(abs(delta[row]) <= Rational(result.epsilon));
      // At the values, Delta is off by at most (gamma + gamma^) blur.
      REQUIRE(std::abs(result.delta[row] - delta[row].get_d()) <= (0.9 + model.discount()) * blur + 1e-9);
    }
    REQUIRE(result.row >= 0);
  }
}

TEST_CASE("T9: the range is attained, successor by successor, and what both have in common costs nothing") {
  // World goes from 0 to 1, the model to 2; both free. V*(1) in [0, 2], V*(2) in [4, 6].
  const auto to = [](int next) {
    MdpBuilder b(3);
    b.row(0, 0.0).to(next, 1.0);
    b.row(1, 1.0).to(1, 1.0);
    b.row(2, 1.0).to(2, 1.0);
    return b.discount(Discount(0.5)).build();
  };
  const std::vector<double> v{0.0, 1.0, 5.0}, lower{0.0, 0.0, 4.0}, upper{0.0, 2.0, 6.0};
  const auto result = model_defect(to(1), {v, lower, upper}, to(2));
  REQUIRE(result.delta == std::vector<double>{2.0, 0.0, 0.0});
  REQUIRE(result.range.upper == Approx(3.0));                // (6 - 0)/2
  REQUIRE(result.range.lower == Approx(0.0).margin(1e-14));  // rows 1 and 2 agree whatever V* is
  REQUIRE(result.epsilon == Approx(3.0));
  REQUIRE(result.q_difference.upper == Approx(6.0));
  const auto discounted = model_defect(to(1), {v, lower, upper}, to(1).with_discount(0.25));
  // Delta(2) = (1/4 - 1/2) V*(2) in [-3/2, -1].
  REQUIRE(discounted.range.lower == Approx(-1.5));
  REQUIRE(discounted.delta[2] == Approx(-1.25));
  REQUIRE(discounted.row == 2);
}

TEST_CASE("T9: without an enclosure Delta is approximate and nothing is bounded") {
  std::mt19937 random(1);
  const Mdp world = random_mdp(random, {2, 1}, 0.9);
  const std::vector<double> v{1.0, 2.0};
  const auto result = model_defect(world, KnownValues(v), world);
  REQUIRE(std::isnan(result.epsilon));
  REQUIRE(result.range.upper == infinity);
  REQUIRE(result.q_difference.lower == -infinity);
  REQUIRE(result.delta == std::vector<double>{0.0, 0.0, 0.0});
}

TEST_CASE("T9: the same bits for any number of threads") {
  const auto truth = generate::planted({.shape = {.states = 3000, .actions = 3, .successors = 5}, .seed = 3});
  const auto model = generate::garnet({.shape = {.states = 3000, .actions = 3, .successors = 7}, .seed = 4});
  const KnownValues known(truth.values, truth.values, truth.values);
  const auto one = model_defect(truth.mdp, known, model, 1);
  const auto three = model_defect(truth.mdp, known, model, 3);
  REQUIRE(one.delta == three.delta);
  REQUIRE(one.range.lower == three.range.lower);
  REQUIRE(one.epsilon == three.epsilon);
}
