// Files of observed transitions and of coordinates: what they say, and what is refused.
#include "libmdp/io/transition_file.hpp"

#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/coordinates.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;

namespace {

Mdp named() {
  MdpBuilder b(2);
  b.row(0, 1.0, "stay").to(0, 1.0);
  b.row(0, 2.0, "go").to(1, 1.0);
  b.row(1, 0.0, "stay").to(1, 1.0);
  b.state_names({"home", "work"});
  return b.discount(Discount(0.5)).build();
}

TransitionData parse(const std::string& text, const std::string& file) {
  return io::parse_transitions(std::as_bytes(std::span(text)), file, named());
}

}  // namespace

TEST_CASE("csv: positions and names, with and without header and counts, comments and blank lines") {
  for (const std::string text :
       {"state,action,next_state\n0,1,1\n\n# more\n1,0,1\n", "0,1,1\r\n1,0,1", "home, go, work\nwork,stay,work\n"}) {
    const auto data = parse(text, "seen.csv");
    REQUIRE(data.state == std::vector<State>{0, 1});
    REQUIRE(data.action == std::vector<Action>{1, 0});
    REQUIRE(data.next_state == std::vector<State>{1, 1});
    REQUIRE(data.count.empty());
  }
  REQUIRE(parse("0,1,1,3\n0,0,0,1/2\n", "seen.csv").count == std::vector<double>{3.0, 0.5});
}

TEST_CASE("json: an array, or an object with one") {
  for (const std::string text :
       {R"([[0, 1, 1], ["work", "stay", "work"]])", R"({"transitions": [["home", "go", 1], [1, 0, 1]]})"}) {
    const auto data = parse(text, "seen.json");
    REQUIRE(data.state == std::vector<State>{0, 1});
    REQUIRE(data.action == std::vector<Action>{1, 0});
  }
  REQUIRE(parse("[[0, 1, 1, 2.5]]", "seen.json").count == std::vector<double>{2.5});
}

TEST_CASE("what is written is read back, in each format") {
  const tests::TemporaryFolder folder;
  TransitionData data;
  data.add(0, 1, 1);
  data.add(1, 0, 1);
  for (const bool counted : {false, true}) {
    if (counted) data.count = {2.0, 0.1};
    for (const std::string name : {"seen.csv", "seen.json", "seen.npz"}) {
      io::write_transitions(folder / name, data);
      const auto back = io::read_transitions(folder / name, named());
      REQUIRE(back.state == data.state);
      REQUIRE(back.action == data.action);
      REQUIRE(back.next_state == data.next_state);
      REQUIRE(back.count == data.count);
    }
  }
  REQUIRE_THROWS_AS(io::write_transitions(folder / "seen.txt", data), InvalidArgument);
}

TEST_CASE("bad transitions: line or entry, value and rule") {
  const auto refuses = [](const std::string& text, const std::string& file, const std::string& message) {
    INFO(text);
    REQUIRE_THROWS_WITH(parse(text, file), Catch::Contains(message));
  };
  refuses("0,1,1\n0,1\n", "seen.csv", "seen.csv: line 2: must be state,action,next_state");
  refuses("0,1,1\n7,0,1\n", "seen.csv", "line 2: the state does not exist; states are 0 to 1");
  refuses("0,2,1\n", "seen.csv", "line 1: state home has no such action; its actions are 0 to 1");
  refuses("home,fly,work\n", "seen.csv", "line 1: state home has no such action");
  refuses("0,1,9\n", "seen.csv", "line 1: state home, action go: the successor does not exist");
  refuses("0,1,1,-2\n", "seen.csv", "state home, action go: a count must be finite and not negative");
  refuses("0,1,1,many\n", "seen.csv", "the count is not a number");
  refuses("state,action,to\n", "seen.csv", "columns must be state,action,next_state[,count]");
  refuses("[[0, 1]]", "seen.json", "[0] (line 1): must be [s, a, s']");
  refuses("[[0, 1, 1],\n [0, 5, 1]]", "seen.json", "[1] (line 2): state home has no such action");
  refuses("{}", "seen.json", "\"transitions\"");
  refuses("0", "seen.txt", "transition data are .csv, .json or .npz");
}

TEST_CASE("coordinates: a number or a point per state") {
  const tests::TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    std::ofstream(folder / "points.json") << text;
    return io::read_coordinates(folder / "points.json", 2);
  };
  REQUIRE(read("[1, 2.5]").values == std::vector<double>{1.0, 2.5});
  const auto points = read("[[0, 1], [2, \"1/2\"]]");
  REQUIRE(points.dimension == 2);
  REQUIRE(points.values == std::vector<double>{0.0, 1.0, 2.0, 0.5});
  REQUIRE_THROWS_WITH(read("[1]"), Catch::Contains("has 1 entries, required 2"));
  REQUIRE_THROWS_WITH(read("[[1, 2], [3]]"), Catch::Contains("[1]"));
}
