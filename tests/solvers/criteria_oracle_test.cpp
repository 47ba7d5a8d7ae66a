// Every criterion against its definition: random tiny models, all policies, exact rationals.
#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "solvers/criterion.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::oracles;
using namespace mdp::solvers;

namespace {

constexpr std::uint64_t n_models = 400;

void check_interval(const Extended& truth, double value, double lower, double upper) {
  INFO("truth " << truth.infinite << " " << truth.value.get_d() << ", value " << value << " in [" << lower << ", "
                << upper << "]");
  const bool inside = truth.within(lower, upper);
  CHECK(inside);
  if (truth.infinite == 0) {
    CHECK(upper - lower <= 1e-12 * (1.0 + std::abs(value)));
    CHECK(value >= lower);
    CHECK(value <= upper);
  } else {
    CHECK(lower == upper);
    CHECK(value == lower);
  }
}

void check(const std::vector<Extended>& truth, const CriterionResult& r) {
  INFO(r.message);
  CHECK(r.converged());
  REQUIRE(r.values.size() == truth.size());
  for (std::size_t s = 0; s < truth.size(); ++s) {
    INFO("state " << s);
    check_interval(truth[s], r.values[s], r.value_lower[s], r.value_upper[s]);
  }
}

// The value of the policy reported is the optimal one (where it is finite).
std::vector<int> chosen(const CriterionResult& r) { return {r.policy.begin(), r.policy.end()}; }

}  // namespace

TEST_CASE("finite: backward induction in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {.inadmissible = seed % 2 == 0});
    const int horizon = static_cast<int>(seed % 7);
    const mpq_class discount(static_cast<long>(seed % 5), 4);  // 0, 1/4, ... 1
    INFO("seed " << seed);
    CriterionOptions options;
    options.horizon = horizon;
    const auto mdp = model.build().with_discount(discount.get_d());
    const auto r = solve_criterion(mdp, Criterion::finite, options);
    check(finite_values(model, horizon, discount), r);
    CHECK(r.value_by_stage.size() == static_cast<std::size_t>(horizon) + 1);
    CHECK(r.policy_by_stage.size() == static_cast<std::size_t>(horizon));
  }
}

TEST_CASE("reach: all policies in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {});
    INFO("seed " << seed);
    const auto r = solve_criterion(model.build(), Criterion::reach);
    const auto truth = reach_values(model);
    check(truth, r);
    const int sign = model.objective == Objective::maximize ? -1 : 1;
    const auto own = chain_of(model, chosen(r)).reach(model.goal);
    for (std::size_t s = 0; s < truth.size(); ++s) CHECK(sign * own[s] == truth[s].value);
  }
}

TEST_CASE("goal: all policies in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < 2 * n_models; ++seed) {
    const bool excluded = seed % 2 == 0;
    const auto model = random_model(seed, {.negative = seed % 3 == 0, .inadmissible = seed % 5 == 0});
    INFO("seed " << seed << (excluded ? " excluded" : " infinite"));
    CriterionOptions options;
    options.improper = excluded ? Improper::excluded : Improper::infinite;
    const auto r = solve_criterion(model.build(), Criterion::goal, options);
    const auto truth = goal_values(model, excluded);
    check(truth, r);
    const Chain own = chain_of(model, chosen(r));
    const auto cost = own.transient_cost();
    const auto reach = own.reach(model.goal);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      if (truth[s].infinite != 0) continue;
      CHECK(reach[s] == 1);
      CHECK(cost[s] == truth[s].value);
    }
  }
}

TEST_CASE("total: all policies in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < 2 * n_models; ++seed) {
    const auto model =
        random_model(seed, {.negative = seed % 2 == 0, .inadmissible = seed % 5 == 0, .with_goal = seed % 3 != 0});
    INFO("seed " << seed);
    const auto r = solve_criterion(model.build(), Criterion::total);
    INFO(r.message);
    bool undefined = false;
    const auto truth = total_values(model);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      INFO("state " << s);
      if (truth[s]) {
        check_interval(*truth[s], r.values[s], r.value_lower[s], r.value_upper[s]);
      } else {
        CHECK(std::isnan(r.values[s]));
        undefined = true;
      }
    }
    CHECK(r.status == (undefined ? Status::undefined : Status::converged));
    CHECK(r.witness.empty() == !undefined);
    const Chain own = chain_of(model, chosen(r));
    const auto cost = own.transient_cost();
    for (std::size_t s = 0; s < truth.size(); ++s) {
      if (truth[s] && truth[s]->infinite == 0) CHECK(cost[s] == truth[s]->value);
    }
  }
}

TEST_CASE("average: all policies in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {.inadmissible = seed % 5 == 0, .with_goal = seed % 3 == 0});
    INFO("seed " << seed);
    const auto r = solve_criterion(model.build(), Criterion::average);
    INFO(r.message);
    CHECK(r.converged());
    const auto truth = gains(model);
    REQUIRE(r.gain.size() == truth.size());
    const Chain own = chain_of(model, chosen(r));
    for (std::size_t s = 0; s < truth.size(); ++s) {
      INFO("state " << s);
      check_interval(truth[s], r.gain[s], r.gain_lower[s], r.gain_upper[s]);
      if (truth[s].infinite != 0) continue;
      CHECK(own.gain[s] == truth[s].value);
      CHECK(r.bias[s] == Approx(own.bias[s].get_d()).margin(1e-12));
    }
  }
}
