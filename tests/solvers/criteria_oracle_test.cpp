// Every criterion against its definition: random tiny models, all policies, exact rationals.
#include <algorithm>
#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "solvers/certify.hpp"
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

TEST_CASE("policies evaluated by every criterion, in rationals", "[criteria]") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {.negative = seed % 4 == 0});
    const bool deterministic = seed % 2 == 0;
    const auto policy = random_policy(model, seed + 1, deterministic);
    const auto chain = mixed_chain(model, policy);
    INFO("seed " << seed);
    const Mdp mdp = model.build();
    const auto evaluate = [&](Criterion criterion, const CriterionOptions& options) {
      return evaluate_criterion(mdp, std::span<const double>(policy), criterion, options);
    };
    check(reach_values(chain), evaluate(Criterion::reach, {}));
    CriterionOptions options;
    options.horizon = 4;
    check(finite_values(chain, 4, 1), evaluate(Criterion::finite, options));
    options.improper = seed % 3 == 0 ? Improper::excluded : Improper::infinite;
    check(goal_values(chain, options.improper == Improper::excluded), evaluate(Criterion::goal, options));
    const auto average = evaluate(Criterion::average, {});
    const auto gain = gains(chain);
    for (std::size_t s = 0; s < gain.size(); ++s) {
      check_interval(gain[s], average.gain[s], average.gain_lower[s], average.gain_upper[s]);
    }
    // E[sum of the positive parts] - E[sum of the negative parts], undefined where both are infinite.
    const auto total = evaluate(Criterion::total, {});
    const auto paid = total_values(mixed_chain(model, policy, 1));
    const auto earned = total_values(mixed_chain(model, policy, -1));
    bool undefined = false;
    for (std::size_t s = 0; s < paid.size(); ++s) {
      CAPTURE(s);
      if (paid[s]->infinite != 0 && earned[s]->infinite != 0) {
        undefined = true;
        CHECK(std::isnan(total.values[s]));
        continue;
      }
      const Extended truth{paid[s]->infinite - earned[s]->infinite, paid[s]->value - earned[s]->value};
      check_interval(truth, total.values[s], total.value_lower[s], total.value_upper[s]);
    }
    CHECK((total.status == Status::undefined) == undefined);
    CHECK(total.witness.empty() == !undefined);
  }
}

TEST_CASE("finite: a policy for each stage, in rationals", "[criteria]") {
  for (std::uint64_t seed = 900; seed < 960; ++seed) {
    CAPTURE(seed);
    const auto model = random_model(seed, {.negative = seed % 2 == 0});
    const Mdp mdp = model.build();
    std::vector<StochasticPolicy> stages;
    std::vector<mpq_class> truth(model.n());
    for (std::uint64_t k = 0; k < 5; ++k) stages.push_back(random_policy(model, 10 * seed + k, k == 2));
    for (std::size_t k = stages.size(); k-- > 0;) {
      const auto chain = mixed_chain(model, stages[k]);
      std::vector<mpq_class> now;
      for (std::size_t s = 0; s < model.n(); ++s) {
        now.push_back(chain.rows[s][0].cost);
        for (std::size_t t = 0; t < model.n(); ++t) now.back() += chain.rows[s][0].p[t] * truth[t];
      }
      truth = std::move(now);
    }
    CriterionOptions options;
    options.horizon = 5;
    const std::vector<RandomisedPolicy> policies(stages.begin(), stages.end());
    const auto r = evaluate_by_stage(mdp, policies, options);
    REQUIRE(r.converged());
    CHECK(r.value_by_stage.size() == 6);
    CHECK(r.policy.empty());
    for (std::size_t s = 0; s < truth.size(); ++s) {
      CHECK(mpq_class(r.value_lower[s]) <= truth[s]);
      CHECK(truth[s] <= mpq_class(r.value_upper[s]));
    }
    const auto certified = certify_by_stage(mdp, std::vector<double>(model.n(), 0.0), policies, options);
    const auto best = solve_criterion(mdp, Criterion::finite, options);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      CHECK(truth[s] - mpq_class(best.value_upper[s]) <= mpq_class(certified.policy_loss_bound));
    }
    options.horizon = 4;
    CHECK_THROWS_WITH(evaluate_by_stage(mdp, policies, options), Catch::Contains("of 5 stages, required horizon = 4"));
  }
}

TEST_CASE("total: an inadmissible action that may be taken is infinite, whatever is paid elsewhere", "[criteria]") {
  MdpBuilder b(2);
  b.row(0, infinity).to(1, 1.0);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, -1.0).to(1, 1.0);
  b.row(1, -3.0).to(1, 1.0);  // for ever
  const Mdp mdp = b.build();
  const auto may = evaluate_criterion(mdp, StochasticPolicy{0.25, 0.5, 0.25, 1.0}, Criterion::total);
  CHECK(may.status == Status::converged);
  CHECK(may.values == std::vector<double>{infinity, -infinity});
  const auto never = evaluate_criterion(mdp, StochasticPolicy{0.0, 0.5, 0.5, 1.0}, Criterion::total);
  CHECK(never.values == std::vector<double>{-infinity, -infinity});
}

TEST_CASE("costs of both signs at random: the sums count, not the mean of a state", "[criteria]") {
  MdpBuilder b(3);
  b.row(0, 1.0).to(0, 1.0);  // 0: +1 or -1 for ever: infinity minus infinity
  b.row(0, -1.0).to(0, 1.0);
  b.row(1, 4.0).to(2, 1.0);  // 1: once
  b.row(1, -2.0).to(2, 1.0);
  b.row(2, 0.0).to(2, 1.0);
  const Mdp mdp = b.build();
  const std::vector<double> policy{0.5, 0.5, 0.25, 0.75, 1.0};
  const auto r = evaluate_criterion(mdp, std::span<const double>(policy), Criterion::total);
  CHECK(r.status == Status::undefined);
  CHECK(r.value_lower[0] == -infinity);
  CHECK(r.value_upper[0] == infinity);
  CHECK(r.values[1] == Approx(-0.5).margin(1e-15));
  CHECK(r.witness == std::vector<State>{0, 0});
}
