// N certified digits, against exact rationals.
#include "solvers/exact/refine.hpp"

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "solvers/exact/exact_answer.hpp"
#include "solvers/exact/refine_until_exit.hpp"
#include "tests/oracles/exact_solver.hpp"
#include "tests/support/drawn_mdp.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

mpq_class number(const std::string& text) { return io::parse_extended(text).value().finite; }

// "314e-42".
mpq_class bound(const std::string& text) {
  const auto e = text.find('e');
  mpq_class x(text.substr(0, e));
  const int exponent = std::stoi(text.substr(e + 1));
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(exponent)));
  return exponent < 0 ? mpq_class(x / power) : mpq_class(x * power);
}

}  // namespace

TEST_CASE("decimals are rounded to nearest") {
  CHECK(decimal_text("1/3", 5) == "0.33333");
  CHECK(decimal_text("-2/3", 3) == "-0.667");
  CHECK(decimal_text("200/3", 4) == "66.67");
  CHECK(decimal_text("1/700", 3) == "0.00143");
  CHECK(decimal_text("99999/100", 3) == "1000");
  CHECK(decimal_text("12345678/1000", 3) == "12300");
  CHECK(decimal_text("25", 4) == "25");
  CHECK(decimal_text("0", 4) == "0");
  CHECK(decimal_text("inf", 4) == "inf");
  CHECK(decimal_text("1/3" + std::string(100, '0'), 3) == "3.33e-101");
  CHECK_THROWS_AS(decimal_text("1/3", 0), InvalidArgument);
  CHECK_THROWS_AS(decimal_text("third", 3), InvalidArgument);
}

TEST_CASE("C2: refined digits are those of the exact value, the error bound is honest and small") {
  std::mt19937_64 random(31);
  for (const char* gamma : {"1/2", "99/100", "999999999/1000000000"}) {
    for (const int digits : {12, 30, 60}) {
      for (const Objective objective : {Objective::minimize, Objective::maximize}) {
        INFO(gamma << ", " << digits << " digits");
        const auto problem = oracles::random_problem(random, {.states = 10,
                                                              .discount = mpq_class(gamma),
                                                              .rational = true,
                                                              .inadmissible = 0.1,
                                                              .objective = objective});
        const auto truth = oracles::optimal_values(problem.exact);
        const ExactMdp mdp(std::make_shared<const io::ExactModel>(problem.exact));
        const RefinedResult refined = refine_discounted(mdp, digits);
        REQUIRE(refined.status == Status::converged);
        mpq_class largest = 0, power = 1;
        for (int k = 0; k < digits; ++k) power *= 10;
        const mpq_class error = bound(refined.value_error_bound);
        for (std::size_t s = 0; s < truth.size(); ++s) {
          if (!truth[s]) {
            CHECK(refined.value[s] == (objective == Objective::minimize ? "inf" : "-inf"));
            continue;
          }
          const mpq_class value = objective == Objective::minimize ? *truth[s] : mpq_class(-*truth[s]);
          CHECK(abs(number(refined.value[s]) - value) <= error);
          largest = std::max(largest, mpq_class(abs(value)));
        }
        if (largest == 0) largest = 1;  // nothing but infinities
        CHECK(error * power <= largest * mpq_class(101, 100));
      }
    }
  }
}

TEST_CASE("refining needs a discount and digits, and can be stopped") {
  std::mt19937_64 random(32);
  const auto problem = oracles::random_problem(random, {.states = 4});
  const ExactMdp mdp(problem.mdp);
  CHECK_THROWS_AS(refine_discounted(mdp, 0), InvalidOption);
  CHECK_THROWS_AS(refine_discounted(mdp.with_discount("1"), 30), InvalidArgument);
  SolveOptions options;
  options.observer = [](const SweepRecord&) { return false; };
  CHECK_FALSE(refine_discounted(mdp, 30, options).status == Status::converged);
}

TEST_CASE("digits until exit: from any start the optimum's, within a bound that grows with the time until exit (C5)") {
  std::mt19937_64 random(33);
  const auto drawn = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 40; ++trial) {
    constexpr int n = 6;
    ExitProblem problem;
    for (int s = 0; s < n; ++s) {
      for (int a = 0; a < 3; ++a) {
        ExitProblem::Row row{.to = {}, .cost = mpq_class(1 + drawn(30), 7)};
        const int first = drawn(n), share = 1 + drawn(996);
        row.to.emplace_back(first, mpq_class(share, 999));
        row.to.emplace_back((first + 1) % n, mpq_class(998 - share, 999));  // 1 in 999 exits
        for (auto& to : row.to) to.second.canonicalize();
        row.cost.canonicalize();
        problem.rows.push_back(std::move(row));
      }
      problem.close_state();
    }
    std::vector<Offset> start;
    for (int s = 0; s < n; ++s) start.push_back(3 * s + drawn(3));
    CAPTURE(trial);
    const ExitAnswer truth = solve_until_exit(problem, start, {});
    REQUIRE(truth.end == ExactEnd::solved);
    const RefinedExit refined = refine_until_exit(problem, start, 1 + trial, {});
    REQUIRE(refined.end == ExactEnd::solved);
    mpq_class largest = 0;
    for (int s = 0; s < n; ++s) {
      CHECK(abs(mpq_class(refined.value[s] - truth.value[s])) <= refined.error);
      largest = std::max(largest, truth.value[s]);
    }
    mpz_class power;
    mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(1 + trial));
    CHECK(refined.error * power <= largest * mpq_class(101, 100));
  }
}

TEST_CASE("digits without a discount: within the proved bound of exact rationals, on models of every shape (C5)") {
  int n_refined = 0, n_unproved = 0;
  for (std::uint64_t seed = 0; seed < 20 * tests::n_drawn_families(); ++seed) {
    const auto drawn = tests::draw_mdp(seed);
    const ExactMdp mdp(drawn.mdp);
    constexpr Criterion criteria[] = {Criterion::goal, Criterion::reach, Criterion::total, Criterion::average};
    const Criterion criterion = criteria[seed % 4];
    ExactLevelOptions options;
    options.criterion.improper = seed % 8 < 4 ? Improper::excluded : Improper::infinite;
    const ExactAnswer truth = solve_exact(mdp.model(), criterion, {.criterion = options.criterion});
    options.max_operations = 0.5;  // nothing is small enough for rationals
    const int n_digits = 20 + static_cast<int>(seed % 50);
    CAPTURE(seed, drawn.family, to_string(criterion), n_digits);
    const RefinedResult r = refine_undiscounted(mdp, criterion, n_digits, options);
    CAPTURE(r.message);
    if (r.status == Status::undefined) {
      CHECK(truth.status == Status::undefined);
      continue;
    }
    if (r.value.empty()) {
      CHECK(r.status == Status::precision_limit);
      ++n_unproved;
      continue;
    }
    CHECK(r.status == Status::converged);
    const auto sensed = io::in_sense(drawn.mdp.objective(), truth.value);
    const mpq_class most = bound(r.value_error_bound);
    for (std::size_t s = 0; s < sensed.size(); ++s) {
      const auto value = io::parse_extended(r.value[s]).value();
      REQUIRE(value.infinite == sensed[s].infinite);
      if (value.is_finite()) REQUIRE(abs(mpq_class(value.finite - sensed[s].finite)) <= most);
    }
    ++n_refined;
  }
  CHECK(n_refined > 200);
  CHECK(n_unproved < 60);
  CHECK_THROWS_AS(refine_undiscounted(ExactMdp(tests::draw_mdp(1).mdp), Criterion::goal, 0), InvalidOption);
}

TEST_CASE(
    "digits of a finite horizon: every stage within its proved bound of exact rationals, whatever the sizes of the "
    "costs") {
  for (std::uint64_t seed = 0; seed < 3 * tests::n_drawn_families(); ++seed) {
    const auto drawn = tests::draw_mdp(seed);
    const ExactMdp mdp(drawn.mdp);
    ExactLevelOptions options;
    options.criterion.horizon = static_cast<std::int64_t>(seed % 7);
    const auto n = static_cast<std::size_t>(drawn.mdp.n_states());
    if (seed % 3 == 0) options.criterion.terminal.assign(n, 0.1);
    if (seed % 6 == 0) options.criterion.terminal.front() = infinity;
    const int n_digits = 10 + static_cast<int>(seed % 50);
    CAPTURE(seed, drawn.family, n_digits);
    const ExactAnswer truth = solve_exact(mdp.model(), Criterion::finite, exact_options(mdp, options));
    const RefinedResult r = refine_finite(mdp, n_digits, options);
    CAPTURE(r.message);
    REQUIRE(r.status == Status::converged);
    REQUIRE(r.stages.size() == truth.value_by_stage.size());
    CHECK(r.value == r.stages.front().value);
    for (std::size_t k = 0; k < r.stages.size(); ++k) {
      const auto sensed = io::in_sense(drawn.mdp.objective(), truth.value_by_stage[k]);
      const mpq_class most = bound(r.stages[k].value_error_bound);
      mpq_class largest;
      for (std::size_t s = 0; s < n; ++s) {
        const auto value = io::parse_extended(r.stages[k].value[s]).value();
        REQUIRE(value.infinite == sensed[s].infinite);
        if (!value.is_finite()) continue;
        REQUIRE(abs(mpq_class(value.finite - sensed[s].finite)) <= most);
        largest = std::max(largest, mpq_class(abs(sensed[s].finite)));
      }
      for (int d = 0; d < n_digits; ++d) largest /= 10;
      if (largest > 0) CHECK(most <= largest * mpq_class(101, 100));
    }
  }
}

TEST_CASE("digits of a finite horizon can be stopped, and need a horizon") {
  const ExactMdp mdp(tests::draw_mdp(2).mdp);
  ExactLevelOptions options;
  CHECK_THROWS_AS(refine_finite(mdp, 20, options), InvalidOption);
  options.criterion.horizon = 5;
  CHECK_THROWS_AS(refine_finite(mdp, 0, options), InvalidOption);
  options.criterion.solve.observer = [](const SweepRecord&) { return false; };
  CHECK(refine_finite(mdp, 20, options).status == Status::interrupted);
}
