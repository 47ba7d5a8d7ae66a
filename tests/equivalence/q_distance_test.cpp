// T9, C3: interval arithmetic on two Q*: proved for every V* in the enclosures, and as sharp as they are.
#include "equivalence/q_distance.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/model_defect.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/planted.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

TEST_CASE("q distance: wide enclosures still enclose, from values that are off") {
  const auto seed = 20261127U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 100; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9);
    const Mdp model = random_mdp(random, shape, 0.5);
    const auto in_world = solve_exactly(world);
    const auto in_model = solve_exactly(model);
    // One-sided enclosures: V* is at an end of each.
    Known known(in_world.values), known_model(in_model.values);
    const double blur = 0.25;
    for (double& x : trial % 2 == 0 ? known.upper : known.lower) x += trial % 2 == 0 ? blur : -blur;
    for (double& x : trial % 4 < 2 ? known_model.upper : known_model.lower) x += trial % 4 < 2 ? blur : -blur;
    for (double& v : known.values) v += blur * draw(random, -4, 4);
    std::vector<Action> policy;  // anything
    policy.reserve(shape.size());
    for (const int n : shape) policy.push_back(draw(random, 0, n - 1));

    const auto result = q_distance(world, known.view(), model, known_model.view(), policy);

    Rational norm = 0, span = 0, slack = 0;
    for (std::size_t s = 0; s < shape.size(); ++s) {
      const auto first = static_cast<std::size_t>(world.state_rows()[s]);
      Rational low = in_model.q[first] - in_world.q[first], high = low;
      for (std::size_t row = first; row < first + static_cast<std::size_t>(shape[s]); ++row) {
        const Rational d = in_model.q[row] - in_world.q[row];
        REQUIRE(Rational(result.difference.lower) <= d);
        REQUIRE(d <= Rational(result.difference.upper));
        low = std::min(low, d);
        high = std::max(high, d);
      }
      norm = std::max({norm, high, Rational(-low)});
      span = std::max(span, Rational(high - low));
      const Rational chosen = in_model.q[first + static_cast<std::size_t>(policy[s])];
      slack = std::max(slack, Rational(chosen - in_model.values[s]));
    }
    REQUIRE(Rational(result.norm.lower) <= norm);
    REQUIRE(norm <= Rational(result.norm.upper));
    REQUIRE(span <= Rational(result.span_bound));
    REQUIRE(slack <= Rational(result.greedy_slack_bound));
    // An interval is wider than the truth by gamma blur of the world and gamma^ blur of the model, no more.
    const double width = (0.9 + 0.5) * blur + 1e-9;
    REQUIRE(result.norm.upper - result.norm.lower <= width);
    REQUIRE(result.norm.upper <= norm.get_d() + width);
    REQUIRE(result.span_bound <= span.get_d() + 2 * width);
    REQUIRE(result.greedy_slack_bound <= slack.get_d() + 0.5 * blur + 1e-9);
  }
}

TEST_CASE("q distance: the same bits for any number of threads") {
  const auto truth = generate::planted({.shape = {.states = 3000, .actions = 3, .successors = 5}, .seed = 3});
  const auto other = generate::planted({.shape = {.states = 3000, .actions = 3, .successors = 5}, .seed = 4});
  const KnownValues known(truth.values, truth.values, truth.values);
  const KnownValues known_other(other.values, other.values, other.values);
  const auto one = q_distance(truth.mdp, known, other.mdp, known_other, other.policy, 1);
  const auto two = q_distance(truth.mdp, known, other.mdp, known_other, other.policy, 2);
  double norm = 0.0;
  for (std::size_t row = 0; row < truth.q.size(); ++row) norm = std::max(norm, std::abs(other.q[row] - truth.q[row]));
  REQUIRE(one.norm.lower <= norm);
  REQUIRE(norm <= one.norm.upper);
  REQUIRE(one.norm.upper - one.norm.lower <= 1e-13);
  REQUIRE(one.greedy_slack_bound == 0.0);  // the planted policy is greedy by 2^-8
  REQUIRE(one.norm.upper == two.norm.upper);
  REQUIRE(one.span_bound == two.span_bound);
  REQUIRE(one.row == two.row);
}

TEST_CASE("q distance needs two enclosures and a policy of the model") {
  std::mt19937 random(1);
  const Mdp world = random_mdp(random, {2, 1}, 0.9);
  const std::vector<double> v{1.0, 2.0};
  const KnownValues known(v, v, v);
  REQUIRE_THROWS_WITH(q_distance(world, KnownValues(v), world, known),
                      "values of the world: an enclosure is needed (level certified)");
  REQUIRE_THROWS_WITH(q_distance(world, known, world, KnownValues(v)),
                      "values of the model: an enclosure is needed (level certified)");
  REQUIRE_THROWS_AS(q_distance(world, known, world, known, Policy{0, 1}), InvalidArgument);
}

TEST_CASE("q distance: 0 where every Q* is infinite in both") {
  MdpBuilder b(2);
  b.row(0, infinity).to(1, 1.0);
  b.row(1, infinity).to(0, 1.0);
  const Mdp world = b.discount(0.9).build();
  const std::vector<double> v{infinity, infinity};
  const KnownValues known(v, v, v);
  const QDistance none = q_distance(world, known, world, known);
  CHECK(none.norm.lower == 0.0);
  CHECK(none.norm.upper == 0.0);
  CHECK(none.row == -1);
  const ModelDefect defect = model_defect(world, known, world);
  CHECK(defect.epsilon == 0.0);
  CHECK_FALSE(std::signbit(defect.epsilon));
}
