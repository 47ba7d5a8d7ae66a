// Every method that applies, on random tiny models of every criterion, against all policies in exact rationals.
#include <string>

#include <catch2/catch.hpp>

#include "solvers/applicability.hpp"
#include "solvers/criterion.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::oracles;
using namespace mdp::solvers;

namespace {

TinyModel model_of(std::uint64_t seed) {
  Shape shape{.negative = seed % 2 == 1, .inadmissible = seed % 5 == 0, .with_goal = seed % 7 != 0};
  if (seed % 11 == 0) {
    shape.max_states = 6;
    shape.max_actions = 2;
  }
  return random_model(seed, shape);
}

struct Tally {
  int methods = 0;
  int limited = 0;  // ended by rounding, with a status that says so
};

// All methods: the truth inside the interval, which is as narrow as promised where the status is converged; `auto` converges
// always. Relative value iteration may meet the rounding of its sweeps first (a half-width of 1.1e-9 for 1e-9).
void check_methods(Tally& tally, const Mdp& mdp, Criterion criterion, const CriterionOptions& base,
                   const std::vector<Extended>& truth) {
  for (const Method method : all_methods()) {
    if (!why_not(method, mdp, criterion, base.improper).empty()) continue;
    CriterionOptions options = base;
    options.solve.method = method;
    options.solve.max_sweeps = 200'000;
    const auto r = solve_criterion(mdp, criterion, options);
    CAPTURE(to_string(criterion), to_string(method), to_string(r.status), r.message);
    const bool limited = method != Method::automatic && r.status == Status::precision_limit;
    CHECK((r.converged() || limited));
    const bool average = criterion == Criterion::average;
    const auto& lower = average ? r.gain_lower : r.value_lower;
    const auto& upper = average ? r.gain_upper : r.value_upper;
    REQUIRE(lower.size() == truth.size());
    for (std::size_t s = 0; s < truth.size(); ++s) {
      CAPTURE(s, truth[s].infinite, truth[s].value.get_d(), lower[s], upper[s]);
      const bool inside = truth[s].within(lower[s], upper[s]);
      CHECK(inside);
      if (truth[s].infinite == 0) {
        CHECK((limited || upper[s] - lower[s] <= 2e-9 * (1.0 + std::abs(lower[s]))));
      } else {
        CHECK(lower[s] == upper[s]);
      }
    }
    ++tally.methods;
    tally.limited += limited ? 1 : 0;
  }
}

void check_models(std::uint64_t from, std::uint64_t to) {
  Tally tally;
  for (std::uint64_t seed = from; seed < to; ++seed) {
    CAPTURE(seed);
    const auto model = model_of(seed);
    const Mdp mdp = model.build();
    check_methods(tally, mdp, Criterion::reach, {}, reach_values(model));
    CriterionOptions options;
    options.improper = seed % 2 == 0 ? Improper::excluded : Improper::infinite;
    check_methods(tally, mdp, Criterion::goal, options, goal_values(model, seed % 2 == 0));
    std::vector<Extended> sums;
    for (const auto& value : total_values(model)) {
      if (value) sums.push_back(*value);
    }
    if (sums.size() == model.n()) check_methods(tally, mdp, Criterion::total, {}, sums);
    check_methods(tally, mdp, Criterion::average, {}, gains(model));
    options.horizon = static_cast<std::int64_t>(seed % 6);
    check_methods(tally, mdp, Criterion::finite, options, finite_values(model, static_cast<int>(options.horizon), 1));
  }
  CHECK(tally.methods > 30 * static_cast<int>(to - from));
  CHECK(1000 * tally.limited <= tally.methods);
}

}  // namespace

TEST_CASE("every method, every criterion, against rationals", "[criteria]") { check_models(0, 320); }

TEST_CASE("every method, every criterion, against rationals: thousands of models", "[criteria][long]") {
  check_models(320, 3000);
}

TEST_CASE("a method that does not apply is refused with the reason", "[criteria]") {
  const Mdp mdp = model_of(1).build();
  int n = 0;
  for (const Criterion criterion :
       {Criterion::finite, Criterion::total, Criterion::goal, Criterion::reach, Criterion::average}) {
    for (const Method method : all_methods()) {
      const std::string why = why_not(method, mdp, criterion);
      if (why.empty()) continue;
      CAPTURE(to_string(criterion), to_string(method));
      CriterionOptions options;
      options.solve.method = method;
      options.horizon = 1;
      if (method == Method::soft_value_iteration) options.solve.temperature = 1.0;
      const auto r = solve_criterion(mdp, criterion, options);
      CHECK(r.status == Status::refused);
      CHECK(r.message == why);
      CHECK(why.size() > 50);  // a reason, not a word
      ++n;
    }
    CHECK(why_not(Method::automatic, mdp, criterion).empty());
    CHECK(why_not(Method::value_iteration, mdp, criterion).empty());
  }
  CHECK(n > 10);
}
