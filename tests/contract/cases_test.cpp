// The discounted cases of data/cases: published models with values that exact rationals confirmed.
#include <cmath>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/read.hpp"
#include "solvers/applicability.hpp"
#include "solvers/criterion.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/exact_solver.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::solvers;
using nlohmann::json;

namespace {

struct Case {
  std::string name;
  std::string model;
  json expected;
};

std::vector<Case> discounted_cases() {
  std::vector<Case> cases;
  for (const auto& file : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string path = file.path().string();
    const std::string suffix = ".expected.json";
    if (!path.ends_with(suffix)) continue;
    const json about = json::parse(std::ifstream(path));
    if (about.at("kind") != "discounted") continue;
    cases.push_back({about.at("name"), path.substr(0, path.size() - suffix.size()) + ".json", about.at("expected")});
  }
  return cases;
}

void check(const Case& one, const Mdp& mdp, const SolveResult& r) {
  REQUIRE(r.converged());
  const auto values = in_sense(mdp.objective(), r.values);
  const double absolute = one.expected.at("tolerance_abs");
  const double relative = one.expected.at("tolerance_rel");
  for (std::size_t s = 0; s < values.size(); ++s) {
    const double truth = one.expected.at("values").at(s);
    CAPTURE(s, values[s], truth);
    REQUIRE(std::abs(values[s] - truth) <= absolute + relative * std::abs(truth));
  }
}

}  // namespace

TEST_CASE("All 17 discounted cases are solved to their tolerance, with optimal actions") {
  const auto cases = discounted_cases();
  REQUIRE(cases.size() == 17);
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const Mdp mdp = io::read_mdp(one.model);
    const SolveResult r = solve(mdp);
    check(one, mdp, r);
    if (!one.expected.contains("optimal_actions")) continue;
    for (std::size_t s = 0; s < r.policy.size(); ++s) {
      // Ties go to the lowest position.
      CAPTURE(s);
      REQUIRE(r.policy[s] == one.expected.at("optimal_actions").at(s).at(0));
    }
  }
}

TEST_CASE(
    "Every case by every method: right, or stopped with a status that says so and the truth enclosed; or refused") {
  int n_right = 0, n_stopped = 0, n_refused = 0;
  for (const Case& one : discounted_cases()) {
    const Mdp mdp = io::read_mdp(one.model);
    const auto exact = oracles::optimal_values(io::read_exact_model(one.model), solve(mdp).policy);
    for (const Method method : all_methods()) {
      if (method == Method::soft_value_iteration) continue;  // solves another problem
      CAPTURE(one.name, to_string(method));
      CriterionOptions options;
      options.solve.method = method;
      options.solve.max_sweeps = 20'000;
      const auto r = solve_criterion(mdp, Criterion::discounted, options);
      CAPTURE(to_string(r.status), r.message);
      if (const std::string why = why_not(method, mdp, Criterion::discounted); !why.empty()) {
        CHECK(r.status == Status::refused);
        CHECK(r.message == why);
        ++n_refused;
        continue;
      }
      REQUIRE(r.value_lower.size() == exact.size());
      for (std::size_t s = 0; s < exact.size(); ++s) {
        CAPTURE(s, r.value_lower[s], r.value_upper[s]);
        REQUIRE(oracles::contains(r.value_lower[s], r.value_upper[s], exact[s]));
      }
      if (r.converged()) {
        check(one, mdp, r);
        ++n_right;
      } else {
        CHECK((r.status == Status::sweep_limit || r.status == Status::precision_limit));
        CHECK(method != Method::automatic);
        ++n_stopped;
      }
    }
  }
  CHECK(n_right > 150);
  CHECK(n_stopped < 20);
  CHECK(n_refused == 34);
}

TEST_CASE("The enclosures of the cases hold the exact rational values of the files as written") {
  for (const Case& one : discounted_cases()) {
    CAPTURE(one.name);
    const SolveResult r = solve(io::read_mdp(one.model));
    const auto exact = oracles::optimal_values(io::read_exact_model(one.model), r.policy);
    for (std::size_t s = 0; s < exact.size(); ++s) {
      CAPTURE(s, r.value_lower[s], r.value_upper[s]);
      REQUIRE(oracles::contains(r.value_lower[s], r.value_upper[s], exact[s]));
    }
  }
}
