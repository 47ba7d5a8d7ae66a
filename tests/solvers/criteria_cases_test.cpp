// Every case of data/cases that is not discounted: values known from exact rationals, through solve_criterion().
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libmdp/io/read.hpp"
#include "solvers/applicability.hpp"
#include "solvers/criterion.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::solvers;
using nlohmann::json;

namespace {

double number(const json& x) {
  if (!x.is_string()) return x.get<double>();
  return x.get<std::string>() == "-inf" ? -infinity : infinity;
}

struct Case {
  Criterion criterion;
  CriterionOptions options;
};

Case case_of(const json& expected, Objective objective) {
  const std::string kind = expected.at("kind");
  if (kind == "average") return {Criterion::average, {}};
  if (kind == "finite_horizon") {
    CriterionOptions options;
    options.horizon = expected.at("horizon");
    options.terminal = in_sense(objective, expected.at("terminal_values").get<std::vector<double>>());
    return {Criterion::finite, options};
  }
  const std::string semantics = expected.at("semantics_id");
  CriterionOptions options;
  if (semantics == "ssp_proper") options.improper = Improper::excluded;
  return {semantics == "reach_probability" ? Criterion::reach
          : semantics == "total"           ? Criterion::total
                                           : Criterion::goal,
          options};
}

// Goal states carry 0 in the files of `reach`; the program reports 1.
std::vector<double> expected_values(const json& expected, const Mdp& mdp, Criterion criterion) {
  std::vector<double> values;
  for (const json& x : expected.at("expected").at(criterion == Criterion::average ? "gain" : "values")) {
    values.push_back(number(x));
  }
  if (criterion == Criterion::reach) {
    for (const State s : mdp.goal()) values[static_cast<std::size_t>(s)] = 1.0;
  }
  return values;
}

bool stands_in(const json& array, double value) { return std::find(array.begin(), array.end(), value) != array.end(); }

struct Loaded {
  json expected;
  Mdp mdp;
  Case what;
  std::vector<double> truth;
};

// Every case that is not discounted.
std::vector<Loaded> load() {
  std::vector<Loaded> cases;
  for (const auto& entry : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string file = entry.path().string();
    const auto suffix = file.find(".expected.json");
    if (suffix == std::string::npos) continue;
    const json expected = json::parse(std::ifstream(file));
    if (expected.at("kind") == "discounted") continue;
    Mdp mdp = io::read_mdp(file.substr(0, suffix) + ".json");
    if (expected.at("kind") == "finite_horizon") mdp = mdp.with_discount(expected.at("discount").get<double>());
    const Case what = case_of(expected, mdp.objective());
    cases.push_back({expected, mdp, what, expected_values(expected, mdp, what.criterion)});
  }
  REQUIRE(cases.size() == 49);
  return cases;
}

// The truth of the files is rounded to double itself.
void check_enclosure(const Loaded& one, const CriterionResult& r) {
  const bool average = one.what.criterion == Criterion::average;
  const auto truth = in_sense(one.mdp.objective(), one.truth);
  const auto& lower = average ? r.gain_lower : r.value_lower;
  const auto& upper = average ? r.gain_upper : r.value_upper;
  REQUIRE(lower.size() == truth.size());
  for (std::size_t s = 0; s < truth.size(); ++s) {
    const double ulp = std::isfinite(truth[s]) ? 4e-16 * std::abs(truth[s]) : 0.0;
    if (lower[s] - ulp <= truth[s] && truth[s] <= upper[s] + ulp) continue;
    CAPTURE(s, lower[s], truth[s], upper[s]);
    REQUIRE(false);
  }
}

void check_values(const Loaded& one, const CriterionResult& r) {
  const auto values = in_sense(one.mdp.objective(), one.what.criterion == Criterion::average ? r.gain : r.values);
  REQUIRE(values.size() == one.truth.size());
  for (std::size_t s = 0; s < values.size(); ++s) {
    const double truth = one.truth[s];
    if (std::isfinite(truth) ? std::abs(values[s] - truth) <= 1e-9 + 1e-9 * std::abs(truth) : values[s] == truth)
      continue;
    CAPTURE(s, values[s], truth);
    REQUIRE(false);
  }
}

void check_stages(const Loaded& one, const CriterionResult& r) {
  const json& facts = one.expected.at("expected");
  if (one.what.criterion != Criterion::finite || !facts.contains("optimal_actions")) return;
  for (std::size_t s = 0; s < one.truth.size(); ++s) CHECK(stands_in(facts["optimal_actions"][s], r.policy[s]));
  if (!facts.contains("values_by_time")) return;
  for (std::size_t k = 0; k < r.value_by_stage.size(); ++k) {
    const auto stage = in_sense(one.mdp.objective(), r.value_by_stage[k]);
    for (std::size_t s = 0; s < one.truth.size(); ++s) {
      CHECK(stage[s] == Approx(number(facts["values_by_time"][k][s])).margin(1e-12));
    }
  }
}

}  // namespace

TEST_CASE("cases of every criterion", "[cases]") {
  for (const Loaded& one : load()) {
    INFO(one.expected.at("name").get<std::string>());
    const auto r = solve_criterion(one.mdp, one.what.criterion, one.what.options);
    INFO(r.message);
    CHECK(r.converged());
    CHECK(r.level == Level::certified);
    check_enclosure(one, r);
    check_values(one, r);
    check_stages(one, r);
  }
}

TEST_CASE("cases by every method that applies: right, or stopped with the truth enclosed", "[cases]") {
  int n_right = 0;
  int n_stopped = 0;
  for (const Loaded& one : load()) {
    for (const Method method : all_methods()) {
      if (!why_not(method, one.mdp, one.what.criterion, one.what.options.improper).empty()) continue;
      CAPTURE(one.expected.at("name").get<std::string>(), to_string(method));
      CriterionOptions options = one.what.options;
      options.solve.method = method;
      options.solve.max_sweeps = 500;
      const auto r = solve_criterion(one.mdp, one.what.criterion, options);
      CAPTURE(r.message, to_string(r.status));
      check_enclosure(one, r);
      if (r.converged()) {
        check_values(one, r);
        ++n_right;
      } else {
        const bool honest = r.status == Status::sweep_limit || r.status == Status::precision_limit;
        CHECK(honest);
        ++n_stopped;
      }
    }
  }
  CHECK(n_right > 300);
  CHECK(n_stopped < n_right / 10);
}
