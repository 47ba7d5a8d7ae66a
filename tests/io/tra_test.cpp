#include "libmdp/io/tra.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/write.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

/// A folder with x.tra and what lies beside it.
class Files {
 public:
  static Files with(const std::vector<std::pair<std::string, std::string>>& files) { return Files(Made(), files); }
  [[nodiscard]] std::string tra() const { return (folder_ / "x.tra").string(); }
  [[nodiscard]] Mdp read(const io::ReadOptions& options = {}) const { return io::read_mdp(tra(), options); }

 private:
  struct Made {};
  Files(Made, const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& [extension, text] : files) std::ofstream(folder_ / ("x." + extension)) << text;
  }

  tests::TemporaryFolder folder_;
};

const std::string two = "2 2 3\n0 0 0 0.5\n0 0 1 0.5\n1 0 1 1\n";

std::vector<double> costs(const Mdp& m) { return {m.cost().begin(), m.cost().end()}; }

}  // namespace

TEST_CASE("PRISM's files beside one another: rewards of states and choices, labels, actions") {
  const auto path = (tests::source_dir() / "tests/inputs/control.tra").string();
  const Mdp m = io::read_mdp(path);
  CHECK(m.n_states() == 4);
  CHECK(m.n_rows() == 6);
  CHECK(m.n_transitions() == 10);
  CHECK(costs(m) == std::vector<double>{4, 1, 1, 2.5, 2.5, 0});
  CHECK(std::vector<State>(m.goal().begin(), m.goal().end()) == std::vector<State>{3});
  CHECK(m.initial()[0] == 1.0);
  CHECK(m.action_name(1) == "b");
  CHECK(m.discount() == 1.0);
  CHECK(m.objective() == Objective::minimize);
  const Mdp rewards = io::read_mdp(path, {.objective = Objective::maximize});
  CHECK(rewards.cost()[0] == -4);
  CHECK_THROWS_WITH(io::read_mdp(path, {.goal = "1,2"}),
                    Contains("state 2, action 1 (b)") && Contains("cost-free self-loop"));
}

TEST_CASE("decimals and fractions of .tra files are exact: 1/3 is a third, 0.1 a tenth") {
  const Files files = Files::with({{"tra", "3 3 6\n0 0 0 1/3\n0 0 1 1/3\n0 0 2 1/3\n1 0 0 0.1\n1 0 2 0.9\n2 0 2 1\n"},
                                   {"srew", "3 1\n1 0.3\n"},
                                   {"trew", "3 3 2\n1 0 0 -0.1\n1 0 2 -0.1\n"}});
  const io::ExactModel exact = io::read_exact_model(files.tra());
  CHECK(exact.rows[0].to[1].second == mpq_class(1, 3));
  CHECK(exact.rows[1].to[0].second == mpq_class(1, 10));
  CHECK(exact.rows[1].cost == mpq_class(1, 5));
  const Mdp m = files.read();
  CHECK(m.cost()[1] == 0.2);  // to the bit, though digits cancel
  CHECK(m.cost_tail()[1] == io::to_two_double(mpq_class(1, 5)).lo);
  CHECK(m.probability_tail()[0] == io::to_two_double(mpq_class(1, 3)).lo);
  // Twelve digits, as older exports have them: divided by their sum in both readings.
  const Files rounded = Files::with({{"tra", "2 2 3\n0 0 0 0.333333333333\n0 0 1 0.666666666666\n1 0 1 1\n"}});
  CHECK(io::read_exact_model(rounded.tra()).rows[0].to[0].second == mpq_class(1, 3));
  CHECK(rounded.read().probability()[0] == 1.0 / 3);
  // Rewards of a chain's transitions are averaged over what the row sums to.
  const Files earning =
      Files::with({{"tra", "2 3\n0 0 0.333333333333\n0 1 0.666666666666\n1 1 1\n"}, {"trew", "2 2\n0 0 3\n0 1 6\n"}});
  CHECK(io::read_exact_model(earning.tra()).rows[0].cost == 5);
}

TEST_CASE("Markov chains, comments, Windows line ends, columns in any order, states without rows that are goals") {
  const Files chain =
      Files::with({{"tra", "# Transitions (DTMC)\r\n3 4\r\n0 1 0.5\r\n0 0 0.25\r\n0 1 0.25\r\n1 0 1\r\n"},
                   {"lab", "# Labels\n0=\"init\" 1=\"goal\"\n1: 0\n0: 0\n2: 1\n"},
                   {"trew", "# Reward structure \"r\"\n# Transition rewards\n3 2\n0 0 4\n1 0 3\n"},
                   {"sta", "(x,b)\n0:(0,true)\n2:(2,false)\n1:(1,false)\n"}});
  const Mdp m = chain.read({.rewards = "r"});
  CHECK(m.n_rows() == 3);
  CHECK(m.probability()[1] == 0.75);  // twice 0 -> 1
  CHECK(costs(m) == std::vector<double>{1, 3, 0});
  CHECK(m.initial()[1] == 0.5);
  CHECK(m.state_name(2) == "(2,false)");
  CHECK_THROWS_WITH(chain.read({.rewards = "s"}), Contains("x.trew: line 3: holds the rewards \"r\", not \"s\""));
  CHECK(Files::with({{"tra", two}}).read().initial()[0] == 1.0);  // without labels state 0 is the first
}

TEST_CASE("Storm's dialect: no counts, labels by name") {
  const Files files = Files::with(
      {{"tra", "mdp\n0 0 0 0.5\n0 0 1 0.5\n1 0 1 1\n"}, {"lab", "#DECLARATION\ninit goal\n#END\n0 init\n1 goal\n"}});
  const Mdp m = files.read();
  CHECK(m.n_states() == 2);
  CHECK(m.goal().size() == 1);
  CHECK(Files::with({{"tra", "dtmc\n0 0 0.5\n0 1 0.5\n1 1 1\n"}}).read().n_rows() == 2);
  CHECK_THROWS_WITH(Files::with({{"tra", "ctmc\n0 0 1\n"}}).read(), Contains("line 1: is of type \"ctmc\""));
  CHECK_THROWS_WITH(Files::with({{"tra", "mdp\n0 0 0 1\n"}, {"state.rew", "0 1\n"}}).read(),
                    Contains("x.state.rew: is a reward file"));
}

TEST_CASE(".tra: what is wrong is said with line, value and rule") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is empty"},
      {"2 2 4\n0 0 0 0.5\n0 0 1 0.5\n1 0 1 1\n", "announces 4 transitions and has 3"},
      {"2 3 3\n0 0 0 0.5\n0 0 1 0.5\n1 0 1 1\n", "announces 3 choices and has 2"},
      {"4000000000000 2 3\n0 0 0 1\n", "line 1: announces 4000000000000 states, required at most 2147483646"},
      {"2000000000 2 3\n0 0 0 1\n", "line 1: announces 2000000000 states, more than a file of 23 bytes can list"},
      {"2 x 3\n", "line 1: \"x\" is not a count"},
      {"2\n", "line 1: is no header"},
      {"2 2 3\n0 0 2 1\n", "line 2: \"2\" is not a state: required an integer from 0 to 1"},
      {"2 2 3\n0 0 -1 1\n", "line 2: \"-1\" is not a state"},
      {"2 2 3\n0 0 1\n", "line 2: ends where a probability is expected"},
      {"2 2 3\n0 0 0 0.5\n0 0 1 1.5\n1 0 1 1\n",
       "line 3: \"1.5\" is not a probability: required a decimal or a fraction"},
      {"2 2 3\n0 0 0 0.5\n0 0 1 -0.5\n1 0 1 1\n", "line 3: \"-0.5\" is not a probability"},
      {"2 2 2\n0 0 0 [0.1,0.5]\n", "line 2: \"[0.1,0.5]\" is an interval"},
      {"2 2 2\n0 1 0 1\n", "line 2: is of state 0, choice 1: states must ascend"},
      {"2 2 2\n1 0 0 1\n0 0 0 1\n", "line 3: is of state 0, choice 0: states must ascend"},
      {"2 2 3\n0 0 0 0.5 a\n0 0 1 0.5 b\n1 0 1 1\n", "line 3: names the action \"b\" of a choice that is called \"a\""},
      {"2 2 3\n0 0 0 0.4\n0 0 1 0.5\n1 0 1 1\n", "sum"},
      {"3 2 3\n0 0 0 0.5\n0 0 1 0.5\n1 0 1 1\n", "state 2"},
      {"# Transitions (CTMC)\n2 2 2\n", "line 1: is of type \"CTMC\": required MDP or DTMC"},
      {"# Transitions (DTMC)\n2 2 2\n", "line 2: has a number of counts that does not fit"},
      {"2 2 2 1\n", "line 1: has four numbers, the header of a POMDP"},
      {std::string("2 2 3\n0 0 0 0.5") + std::string(1, 0) + "\n0 0 1 0.5\n1 0 1 1\n",
       "line 2: \"0.5\\x00\" is not a probability"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    const Files files = Files::with({{"tra", text}});
    CHECK_THROWS_WITH(files.read(), Contains(message) && Catch::Matchers::StartsWith(files.tra() + ": "));
    CHECK_THROWS_AS(files.read(), InputError);
  }
}

TEST_CASE("files beside a .tra: what is wrong is said with file, line, value and rule") {
  const std::vector<std::vector<std::string>> cases = {
      {"lab", "0=\"init\" 0=\"goal\"\n", "x.lab: line 1: declares the label number 0 twice"},
      {"lab", "0=\"init\" 1=\"init\"\n", "x.lab: line 1: declares the label \"init\" twice"},
      {"lab", "init goal\n", "x.lab: line 1: is no declaration of labels"},
      {"lab", "0=\"init\"\n0 0\n", "x.lab: line 2: \"0\" has no colon"},
      {"lab", "0=\"init\"\n2: 0\n", "x.lab: line 2: \"2\" is not a state"},
      {"lab", "0=\"init\"\n1: 7\n", "x.lab: line 2: has the label number 7, which is not declared"},
      {"lab", "#DECLARATION\ninit\n", "x.lab: line 2: ends before #END"},
      {"lab", "#DECLARATION\ninit\n#END\n0 goal\n", "x.lab: line 4: \"goal\" is not a declared label"},
      {"srew", "3 0\n", "x.srew: line 1: announces 3 states of a model of 2"},
      {"srew", "2 2\n0 1\n", "x.srew: announces 2 entries and has 1"},
      {"srew", "2 1\n0 one\n", "x.srew: line 2: \"one\" is not a reward"},
      {"srew", "2 1\n0 nan\n", "x.srew: line 2: \"nan\" is not a reward"},
      {"srew", "2 2\n0 1\n0 2\n", "x.srew: line 3: gives state 0 the reward \"2\" after \"1\""},
      {"trew", "2 3 0\n", "x.trew: line 1: announces 3 choices of a model of 2"},
      {"trew", "2 2 1\n0 1 0 5\n", "x.trew: line 2: \"1\" is not a choice of the state"},
      {"trew", "2 2 1\n1 0 0 5\n", "x.trew: line 2: is of a transition to state 0, which the model does not have"},
      {"trew", "2 2 2\n0 0 0 5\n0 0 1 6\n", "x.trew: line 3: gives choice 0 of state 0 the reward \"6\" after \"5\""},
      {"sta", "(x)\n0:(0)\n", "x.sta: line 2: ends without state 1"},
      {"sta", "(x)\n0 (0)\n", "x.sta: line 2: \"0 (0)\" is no state"},
  };
  for (const auto& c : cases) {
    INFO(c[0] << ": " << c[1]);
    CHECK_THROWS_WITH(Files::with({{"tra", two}, {c[0], c[1]}}).read(), Contains(c[2]));
  }
  CHECK_THROWS_WITH(Files::with({{"tra", two}}).read({.rewards = "r"}), Contains("has no rewards beside it"));
}

TEST_CASE("infinite rewards make a choice inadmissible") {
  const std::string tra = "2 3 4\n0 0 0 0.5\n0 0 1 0.5\n0 1 1 1\n1 0 1 1\n";
  const Files files = Files::with({{"tra", tra}, {"trew", "2 3 1\n0 1 1 inf\n"}});
  CHECK(files.read().cost()[1] == infinity);
  CHECK(io::read_exact_model(files.tra()).rows[1].inadmissible);
  CHECK_THROWS_AS(Files::with({{"tra", tra}, {"trew", "2 3 1\n0 1 1 -inf\n"}}).read(), InputError);
}

TEST_CASE("a .tra is not written where files of another model would be read with it") {
  const Files files = Files::with({{"tra", two}, {"srew", "2 1\n0 1\n"}});
  CHECK_THROWS_WITH(io::write_mdp(files.tra(), files.read()), Contains("x.srew lies beside it"));
}

TEST_CASE("every case of data/ comes back from .tra and .drn to the bit, but for what is said to be lost") {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string path = entry.path().string();
    if (path.ends_with(".expected.json") || !path.ends_with(".json") || std::filesystem::file_size(path) > 100000)
      continue;
    CAPTURE(path);
    const Mdp m = io::read_mdp(path);
    for (const std::string format : {"tra", "drn"}) {
      const tests::TemporaryFolder folder;
      const std::string file = (folder / ("m." + format)).string();
      io::write_mdp(file, m);
      const Mdp again = io::read_mdp(file, {.objective = m.objective()}).with_discount(m.exact_discount());
      const auto lost = io::lost_in(format, m);
      const auto loses = [&](const char* what) {
        return std::any_of(lost.begin(), lost.end(), [&](const auto& x) { return x.find(what) != std::string::npos; });
      };
      if (loses("names of the states") || loses("initial") || loses("defect")) continue;
      tests::check_same_bits(m, again, !loses("half unit"));
      ++n;
    }
  }
  CHECK(n > 60);
}
