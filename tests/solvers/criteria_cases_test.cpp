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

}  // namespace

TEST_CASE("cases of every criterion", "[cases]") {
  int n_cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string file = entry.path().string();
    const auto suffix = file.find(".expected.json");
    if (suffix == std::string::npos) continue;
    const json expected = json::parse(std::ifstream(file));
    if (expected.at("kind") == "discounted") continue;
    ++n_cases;
    INFO(expected.at("name").get<std::string>());
    Mdp mdp = io::read_mdp(file.substr(0, suffix) + ".json");
    if (expected.at("kind") == "finite_horizon") mdp = mdp.with_discount(expected.at("discount").get<double>());
    const Case c = case_of(expected, mdp.objective());
    const auto r = solve_criterion(mdp, c.criterion, c.options);
    INFO(r.message);
    CHECK(r.converged());
    CHECK(r.level == Level::certified);
    const bool average = c.criterion == Criterion::average;
    const auto values = in_sense(mdp.objective(), average ? r.gain : r.values);
    const auto lower = average ? r.gain_lower : r.value_lower;
    const auto upper = average ? r.gain_upper : r.value_upper;
    const auto truth = expected_values(expected, mdp, c.criterion);
    REQUIRE(values.size() == truth.size());
    int n_wrong = 0;
    for (std::size_t s = 0; s < truth.size(); ++s) {
      INFO("state " << s << ": " << values[s] << ", expected " << truth[s]);
      const bool right = std::isfinite(truth[s]) ? std::abs(values[s] - truth[s]) <= 1e-9 + 1e-9 * std::abs(truth[s])
                                                 : values[s] == truth[s];
      // The truth of the files is rounded to double itself.
      const double t = in_sense(mdp.objective(), std::vector<double>{truth[s]})[0];
      const double ulp = std::isfinite(t) ? 4e-16 * std::abs(t) : 0.0;
      const bool inside = lower[s] - ulp <= t && t <= upper[s] + ulp;
      if (right && inside) continue;
      if (++n_wrong <= 3) {
        CHECK(right);
        CHECK(inside);
      }
    }
    CHECK(n_wrong == 0);
    const json& facts = expected.at("expected");
    if (c.criterion == Criterion::finite && facts.contains("optimal_actions")) {
      for (std::size_t s = 0; s < truth.size(); ++s) CHECK(stands_in(facts["optimal_actions"][s], r.policy[s]));
      if (facts.contains("values_by_time")) {
        for (std::size_t k = 0; k < r.value_by_stage.size(); ++k) {
          const auto stage = in_sense(mdp.objective(), r.value_by_stage[k]);
          for (std::size_t s = 0; s < truth.size(); ++s) {
            CHECK(stage[s] == Approx(number(facts["values_by_time"][k][s])).margin(1e-12));
          }
        }
      }
    }
  }
  CHECK(n_cases == 49);
}
