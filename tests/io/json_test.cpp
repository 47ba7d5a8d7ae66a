#include "libmdp/io/json.hpp"

#include <cmath>
#include <fstream>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"
#include "libmdp/io/write_file.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

Mdp read_text(const std::string& text, const io::ReadOptions& options = {}) {
  return io::read_json(std::as_bytes(std::span(text)), "model.json", options);
}

io::ExactModel exact_text_model(const std::string& text) {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.json").string();
  io::write_file(path, text);
  return io::read_exact_model(path);
}

/// A valid file with the given entries put in.
std::string file(const std::string& choices, const std::string& head = "\"states\": 2") {
  return "{\"format\": \"mdp\", \"version\": 1, " + head + ",\n \"choices\": [" + choices + "]}";
}

const std::string rest = ", {\"state\": 1, \"cost\": 0, \"to\": [[1, 1]]}";

}  // namespace

TEST_CASE("a file of the small text format becomes the MDP that it writes") {
  const Mdp m = read_text(R"({ "format": "mdp", "version": 1, "objective": "minimize", "discount": "9/10",
    "states": ["home", "work", "bar"], "initial": [["work", 0.25], [0, "3/4"]], "goal": ["bar"],
    "choices": [ {"state": 1, "action": "rest", "cost": "inf", "to": [["home", 1]]},
                 {"state": "home", "action": "stay", "cost": "1/2", "to": [["home", 0.5], [0, 0.5]]},
                 {"state": 0, "cost": 1, "to": [[2, "2/3", 3], ["work", "1/3", "-1.5"], [0, 0, 7]]} ] })");
  CHECK(m.n_states() == 3);
  CHECK(m.n_rows() == 4);
  CHECK(m.discount() == 0.9);
  CHECK(m.objective() == Objective::minimize);
  CHECK(m.names().states == std::vector<std::string>{"home", "work", "bar"});
  CHECK(m.action_name(0) == "stay");
  CHECK(m.action_name(1) == "1");
  CHECK(std::vector<State>(m.goal().begin(), m.goal().end()) == std::vector<State>{2});
  CHECK(std::vector<double>(m.initial().begin(), m.initial().end()) == std::vector<double>{0.75, 0.25, 0.0});
  CHECK(std::vector<State>(m.next_state().begin(), m.next_state().end()) == std::vector<State>{0, 1, 2, 0, 2});
  CHECK(std::vector<double>(m.cost().begin(), m.cost().end()) == std::vector<double>{0.5, 2.5, infinity, 0.0});
  CHECK(m.probability()[1] == 1.0 / 3.0);
  CHECK(m.probability()[0] == 1.0);
}

TEST_CASE("numbers are taken as written: rationals, decimals, their rounding tails") {
  const std::string text = file(R"({"state": 0, "cost": 0.1, "to": [[0, "1/3"], [1, "2/3"]]})" + rest,
                                "\"discount\": 0.999999999, \"states\": 2");
  const io::ExactModel exact = exact_text_model(text);
  CHECK(exact.discount == mpq_class(999999999, 1000000000));
  CHECK(exact.rows[0].cost == mpq_class(1, 10));
  CHECK(exact.rows[0].to[0].second == mpq_class(1, 3));

  const Mdp m = read_text(text);
  CHECK(m.exact_discount().complement.hi == 1e-9);  // 1 - 0.999999999 in doubles is not
  // hi + lo is within 2^-106 of the rational, relatively.
  const auto distance = [](double hi, double lo, const mpq_class& x) {
    return mpq_class(abs(mpq_class(hi) + mpq_class(lo) - x) / x).get_d();
  };
  CHECK(distance(m.probability()[0], m.probability_tail()[0], mpq_class(1, 3)) <= 0x1p-106);
  CHECK(distance(m.cost()[0], m.cost_tail()[0], mpq_class(1, 10)) <= 0x1p-106);
  CHECK(m.row_sum_defect() <= 0x1p-100);
}

TEST_CASE("integers beyond 2^53 and long decimals keep all their digits") {
  const io::ExactModel exact = exact_text_model(
      file(R"({"state": 0, "cost": 9007199254740993, "to": [[0, 0.1000000000000000055511151231257827], [1, "0.9"]]},
              {"state": 0, "cost": 18446744073709551617, "to": [[0, 1]]})" +
           rest));
  CHECK(exact.rows[0].cost == mpq_class("9007199254740993"));
  CHECK(exact.rows[1].cost == mpq_class("18446744073709551617"));
  CHECK(exact.rows[0].to[0].second / exact.rows[0].to[1].second ==
        mpq_class("1000000000000000055511151231257827/9000000000000000000000000000000000"));
}

TEST_CASE("rows within the tolerance are normalised once, and the defect is kept") {
  const std::string text = file(R"({"state": 0, "cost": 0, "to": [[0, 0.333333], [1, 0.666666]]})" + rest);
  const Mdp m = read_text(text, {.row_sum_tolerance = 1e-5});
  CHECK(m.probability()[0] == Approx(1.0 / 3.0).epsilon(1e-15));
  CHECK(m.row_sum_defect() == Approx(1e-6).epsilon(1e-9));
  CHECK_THROWS_WITH(read_text(text, {.row_sum_tolerance = 9e-7}),
                    Contains("choices[0].to (line 2): the probabilities sum to 0.999999, further than 9e-07 from 1"));
}

TEST_CASE("rewards are negated once, inadmissible ones become +infinity") {
  const Mdp m =
      read_text(file(R"({"state": 0, "cost": 3, "to": [[1, 1]]}, {"state": 0, "cost": "-inf", "to": [[0, 1]]})" + rest,
                     "\"objective\": \"maximize\", \"states\": 2"));
  CHECK(m.objective() == Objective::maximize);
  CHECK(m.cost()[0] == -3.0);
  CHECK(m.cost()[1] == infinity);
  CHECK_FALSE(std::signbit(m.cost()[2]));
}

TEST_CASE("the least probability is one, written as a number or as text") {
  for (const char* least : {"1e-290", "\"1e-290\""}) {
    const Mdp m =
        read_text(file("{\"state\": 0, \"cost\": 0, \"to\": [[1, " + std::string(least) + "], [0, 1]]}" + rest));
    CHECK(m.probability()[1] == 1e-290);
  }
}

TEST_CASE("what breaks a rule of the text format is refused with file, entry, line, value and rule") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {file(rest.substr(2)), "choices (line 2): state 0 has no choice"},
      {file(rest.substr(2), "\"states\": 4000000000000"), "must be 1"},
      {file(rest.substr(2), "\"states\": 4000000000000"), "4000000000000"},
      {file(rest.substr(2), "\"states\": 2000000000"), "state 0 and 1999999998 others have no choice"},
      {file(rest.substr(2), "\"states\": 0"), "there must be 1 to"},
      {file(rest.substr(2), "\"states\": -1"), "there must be 1 to"},
      {file(rest.substr(2), "\"states\": 2.0"), "must be an array, not 2.0"},
      {file(rest.substr(2), "\"states\": [\"a\", \"a\"]"), "states[1] (line 1): the name \"a\" stands twice"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[2, 1]]}" + rest),
       "choices[0].to[0][0] (line 2): there is no state 2"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[\"x\", 1]]}" + rest), "no state is called \"x\""},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, 1.5]]}" + rest),
       "choices[0].to[0][1] (line 2): must be a probability"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, -0.5], [0, 1.5]]}" + rest), "not -0.5"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, 9e-291], [0, 1]]}" + rest), "0 or in [1e-290, 1], not 9e-291"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, NaN]]}" + rest), "line 2: is not valid JSON"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, \"nan\"]]}" + rest), "must be a number or a string \"a/b\""},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, \"1/0\"]]}" + rest), "not \"1/0\""},
      {file("{\"state\": 0, \"cost\": 0, \"to\": [[1, 0.9]]}" + rest), "the probabilities sum to 0.9"},
      {file("{\"state\": 0, \"cost\": 0, \"to\": []}" + rest), "the probabilities sum to 0"},
      {file("{\"state\": 0, \"cost\": \"inf\", \"to\": [[1, 0.9]]}" + rest), "the probabilities sum to 0.9"},
      {file("{\"state\": 0, \"cost\": \"-inf\", \"to\": [[1, 1]]}" + rest),
       "an inadmissible action has the cost \"inf\""},
      {file("{\"state\": 0, \"cost\": 1e999, \"to\": [[1, 1]]}" + rest), "line 2: is not valid JSON: number overflow"},
      {file("{\"state\": 0, \"cost\": \"1e999999999999\", \"to\": [[1, 1]]}" + rest), "of a size that doubles have"},
      {file("{\"state\": 0, \"cost\": \"1e-99999999999\", \"to\": [[1, 1]]}" + rest), "of a size that doubles have"},
      {file("{\"state\": 0, \"cost\": null, \"to\": [[1, 1]]}" + rest), "not null"},
      {file("{\"state\": 0, \"to\": [[1, 1]]}" + rest), "needs the key \"cost\""},
      {file("{\"state\": 0, \"cost\": 1}" + rest), "needs the keys \"state\" and \"to\""},
      {file("{\"state\": 0, \"cost\": 1, \"to\": [[1, 1, 2, 3]]}" + rest), "must be [state, probability]"},
      {file("{\"state\": 0, \"cost\": 1, \"price\": 2, \"to\": [[1, 1]]}" + rest),
       "choices[0].price (line 2): is not a key"},
      {file("{\"state\": 0, \"cost\": 1, \"cost\": 2, \"to\": [[1, 1]]}" + rest),
       "choices[0].cost (line 2): the key stands twice"},
      {file("{\"state\": 0, \"cost\": 1, \"action\": [], \"to\": [[1, 1]]}" + rest), "must be a name or a number"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [0, 1], \"discont\": 0.9"),
       "discont (line 1): is not a key of this format"},
      {file(rest.substr(2), "\"states\": 2, \"states\": 2"), "states (line 1): the key stands twice"},
      {file(rest.substr(2), "\"goal\": [0]"), "the key \"states\" is missing"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [0], \"discount\": 1.01"),
       "discount (line 1): must lie in [0, 1], not 1.01"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [0], \"discount\": null"), "discount (line 1): must be a number"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [5]"), "goal[0] (line 1): there is no state 5"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [0], \"initial\": [[0, 0.5]]"),
       "initial (line 1): the probabilities sum to 0.5"},
      {file(rest.substr(2), "\"states\": 2, \"goal\": [0], \"objective\": \"max\""),
       "must be \"minimize\" or \"maximize\", not \"max\""},
      {file("{\"state\": 1, \"cost\": 1, \"to\": [[1, 1]]}", "\"states\": 2, \"goal\": [0, 1]"), "state 1 is a goal"},
      {file("{\"state\": 1, \"cost\": 0, \"to\": [[0, 1]]}", "\"states\": 2, \"goal\": [0, 1]"),
       "must lead back to it and cost nothing"},
      {"{\"format\": \"mdp\", \"version\": 2, \"states\": 1, \"choices\": []}", "version (line 1): must be 1, not 2"},
      {"{\"format\": \"MDP\", \"version\": 1, \"states\": 1, \"choices\": []}", "format (line 1): must be \"mdp\""},
      {"[]", "must be an object, not an array"},
      {"{\"format\": \"mdp\",\n\n \"version\": 1", "line 3: is not valid JSON"},
      {"", "is not valid JSON"},
      {file(rest.substr(2)) + "x", "is not valid JSON"},
  }));
  CAPTURE(text);
  CHECK_THROWS_AS(read_text(text), InputError);
  CHECK_THROWS_WITH(read_text(text), Contains(message));
  CHECK_THROWS_WITH(read_text(text), Contains("model.json: "));
}

TEST_CASE("a state count is refused before memory is asked for, also where dead ends are repaired") {
  const std::string choices = rest.substr(2);
  CHECK_THROWS_AS(read_text(file(choices, "\"states\": 2000000000"), {.dead_ends = DeadEnds::absorbing}), InputError);
  const Mdp m = read_text(file(choices, "\"states\": 1000"), {.dead_ends = DeadEnds::absorbing});
  CHECK(m.n_rows() == 1000);
  CHECK(m.next_state()[7] == 7);
}

TEST_CASE("options complete the file or must agree with it") {
  const std::string goal_without_choice = file(rest.substr(2), "\"states\": [\"a\", \"b\"], \"goal\": [\"a\"]");
  CHECK_THROWS_WITH(read_text(goal_without_choice, {.goal = "b"}), Contains("state 0 (\"a\") has no choice"));
  const Mdp m =
      read_text(goal_without_choice, {.dead_ends = DeadEnds::absorbing, .objective = Objective::maximize, .goal = "b"});
  CHECK(m.objective() == Objective::maximize);
  CHECK(std::vector<State>(m.goal().begin(), m.goal().end()) == std::vector<State>{1});
  CHECK(m.next_state()[0] == 0);  // the former goal stays absorbing
  CHECK_THROWS_WITH(read_text(goal_without_choice, {.goal = "a,c"}), Contains("\"c\""));
  CHECK_THROWS_WITH(read_text(file(rest.substr(2), "\"objective\": \"minimize\", \"goal\": [0], \"states\": 2"),
                              {.objective = Objective::maximize}),
                    Contains("the option the opposite"));
  CHECK_THROWS_AS(read_text(goal_without_choice, {.row_sum_tolerance = 1.0}), InvalidOption);
}

TEST_CASE("files that are no files are refused") {
  const tests::TemporaryFolder folder;
  CHECK_THROWS_WITH(io::read_mdp((folder / "none.json").string()), Contains("there is no such file"));
  CHECK_THROWS_WITH(io::read_mdp(folder.path().string()), Contains("is a directory"));
  std::ofstream((folder / "empty.json").string());
  CHECK_THROWS_WITH(io::read_mdp((folder / "empty.json").string()), Contains("is empty"));
  io::write_file((folder / "model.xyz").string(), "x");
  CHECK_THROWS_WITH(io::read_mdp((folder / "model.xyz").string()), Contains(".json, .npz, .umb"));
}

TEST_CASE("a model written as text is read back to the same bits, tails and names included") {
  const std::string text = GENERATE(
      file(R"({"state": 0, "action": "go", "cost": "1/7", "to": [[0, "1/3"], [1, "2/3"]]},
              {"state": 0, "cost": 0.1, "to": [[0, 0.1], [1, 0.9]]})" +
               rest,
           R"("states": ["a \"q\"", "b"], "discount": "999999999999/1000000000000", "initial": [[0, 0.1], [1, 0.9]])"),
      file(
          R"({"state": 0, "cost": "-inf", "to": [[0, 0.333333], [1, 0.666667]]}, {"state": 0, "cost": 1e-300, "to": [[1, 1]]})",
          R"("states": 2, "goal": [1], "objective": "maximize", "discount": 0.99)"),
      file(R"({"state": 0, "cost": 5e-324, "to": [[0, 0.3333331], [1, 0.666667]]})" + rest));
  const Mdp m = read_text(text);
  const Mdp again = read_text(io::json_text(m));
  CAPTURE(io::json_text(m));
  tests::check_same_bits(m, again);
}
