#include <fstream>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

std::string input(const char* name) { return (tests::source_dir() / "tests" / "inputs" / name).string(); }

template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}
std::string offsets(std::initializer_list<std::uint64_t> values) { return raw(values); }
std::string doubles(std::initializer_list<double> values) { return raw(values); }

std::string annotation(const std::string& applies_to, const std::string& type = "double",
                       const std::string& more = "") {
  return R"({"applies-to": [")" + applies_to + R"("], "type": {"type": ")" + type + "\"}" + more + "}";
}

/// A small file of UMB with three states, four choices, five branches; its parts can be replaced.
struct Umb {
  std::string time = "discrete";
  std::string players = "1", states = "3", choices = "4", actions = "0", branches = "5", observations = "0";
  std::string probability_type = R"("branch-probability-type": {"type": "double"})";
  std::string annotations = R"("rewards": {"r": )" + annotation("choices") + "}";
  std::vector<std::pair<std::string, std::string>> members = {
      {"state-to-choices.bin", offsets({0, 2, 3, 4})},
      {"choice-to-branches.bin", offsets({0, 2, 3, 4, 5})},
      {"branch-to-target.bin", offsets({0, 1, 2, 2, 2})},
      {"branch-to-probability.bin", doubles({0.25, 0.75, 1, 1, 1})},
      {"state-is-initial.bin", offsets({1})},
      {"annotations/rewards/r/choices/values.bin", doubles({1, 2, 3, 0})}};

  Umb& set(const std::string& name, const std::string& bytes) {
    for (auto& member : members) {
      if (member.first == name) return member.second = bytes, *this;
    }
    members.emplace_back(name, bytes);
    return *this;
  }
  Umb& drop(const std::string& name) {
    std::erase_if(members, [&](const auto& member) { return member.first == name; });
    return *this;
  }
  [[nodiscard]] std::string index() const {
    return R"({"format-version": 1, "format-revision": 0, "transition-system": {"time": ")" + time +
           R"(", "#players": )" + players + ", \"#states\": " + states + R"(, "#initial-states": 1, "#choices": )" +
           choices + R"(, "#choice-actions": )" + actions + ", \"#branches\": " + branches +
           R"(, "#branch-actions": 0, "#observations": )" + observations +
           (probability_type.empty() ? "" : ", " + probability_type) + "}, \"annotations\": {" + annotations + "}}";
  }
  [[nodiscard]] Mdp read(const io::ReadOptions& options = {},
                         io::Compression compression = io::Compression::none) const {
    const tests::TemporaryFolder folder;
    const auto path = (folder / "model.umb").string();
    io::ArchiveWriter out(path, io::ArchiveFormat::tar, compression);
    const std::string text = index();
    out.add("index.json", std::as_bytes(std::span(text)));
    for (const auto& [name, bytes] : members) out.add(name, std::as_bytes(std::span(bytes)));
    out.commit();
    return io::read_mdp(path, options);
  }
};

std::vector<double> costs(const Mdp& m) { return {m.cost().begin(), m.cost().end()}; }
std::vector<State> goals(const Mdp& m) { return {m.goal().begin(), m.goal().end()}; }

}  // namespace

TEST_CASE("the example of the UMB specification is read, its string mapping tolerated") {
  const Mdp m = io::read_mdp(input("umb_mdp.umb"));
  CHECK(m.n_states() == 4);
  CHECK(m.n_rows() == 5);
  CHECK(costs(m) == std::vector<double>{1, 0, 0, 0, 0});
  CHECK(m.probability()[0] == 0.2);
  CHECK(m.action_name(0) == "b");
  CHECK(m.action_name(1) == "a");
  CHECK(m.initial()[0] == 1.0);
  CHECK(m.names().states == std::vector<std::string>{"x=0,b=false", "x=1,b=false", "x=2,b=false", "x=2,b=true"});
  CHECK(goals(io::read_mdp(input("umb_mdp.umb"), {.goal = "g"})) == std::vector<State>{3});
}

TEST_CASE("a file of another program: rewards, named actions") {
  const Mdp m = io::read_mdp(input("umb_small_test.umb"));
  CHECK(costs(m) == std::vector<double>{5, 2, 5, 0, 5});
  CHECK(m.action_name(1) == "b");
  CHECK(m.state_name(2) == "s=2");
  CHECK(m.next_state()[4] == 0);
  CHECK(costs(io::read_mdp(input("umb_small_test.umb"), {.objective = Objective::maximize}))[0] == -5.0);
  CHECK_THROWS_WITH(io::read_mdp(input("umb_small_test.umb"), {.rewards = "time"}),
                    Contains("has no rewards \"time\"; it has: weights"));
}

TEST_CASE("other kinds of models are named and refused") {
  CHECK_THROWS_WITH(io::read_mdp(input("umb_simple1_ctmc.umb")),
                    Contains("is a CTMC, which is not a model of this library"));
  CHECK_THROWS_WITH(io::read_mdp(input("umb_robot_interval.umb")),
                    Contains("is a model with intervals of probabilities"));
  CHECK_THROWS_WITH((Umb{.time = "stochastic"}).read(), Contains("is a CTMDP"));
  CHECK_THROWS_WITH((Umb{.time = "urgent-stochastic"}).read(), Contains("is a Markov automaton"));
  CHECK_THROWS_WITH((Umb{.players = "2"}).read(), Contains("is a game of 2 players"));
  CHECK_THROWS_WITH((Umb{.observations = "2"}).read(), Contains("is a POMDP"));
  CHECK_THROWS_WITH((Umb{.probability_type = ""}).read(), Contains("is a transition system without probabilities"));
}

TEST_CASE("rewards of states and branches join those of choices, branches by expectation") {
  Umb file;
  file.annotations =
      R"("rewards": {"r": {"applies-to": ["states", "choices", "branches"], "type": {"type": "double"}}})";
  file.set("annotations/rewards/r/states/values.bin", doubles({10, 20, 0}));
  file.set("annotations/rewards/r/branches/values.bin", doubles({4, 8, 100, 0, 0}));
  CHECK(costs(file.read()) == std::vector<double>{1 + 10 + 0.25 * 4 + 0.75 * 8, 2 + 10 + 100, 3 + 20, 0});
}

TEST_CASE("several rewards need a name, no rewards are zeros") {
  Umb file;
  file.annotations = "\"rewards\": {\"r\": " + annotation("choices") +
                     ", \"t\": " + annotation("choices", "double", R"(, "alias": "time spent")") + "}";
  file.set("annotations/rewards/t/choices/values.bin", doubles({7, 7, 7, 0}));
  CHECK_THROWS_WITH(file.read(), Contains("has several rewards, of which one must be chosen by name: r, time spent"));
  CHECK(costs(file.read({.rewards = "time spent"}))[0] == 7.0);
  CHECK(costs(file.read({.rewards = "t"}))[0] == 7.0);
  file.annotations = "";
  CHECK(costs(file.read()) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("goal states come from the label goal or from the option") {
  Umb file;
  file.annotations += ", \"aps\": {\"goal\": " + annotation("states", "bool") +
                      ", \"x1\": " + annotation("states", "bool", R"(, "alias": "other end")") + "}";
  file.set("annotations/aps/goal/states/values.bin", offsets({4}));
  file.set("annotations/aps/x1/states/values.bin", offsets({1}));
  CHECK(goals(file.read()) == std::vector<State>{2});
  CHECK(goals(file.read({.goal = "2"})) == std::vector<State>{2});
  CHECK_THROWS_WITH(file.read({.goal = "other end"}), Contains("state 0"));  // its rows are not cost-free self-loops
  file.set("annotations/aps/goal/states/values.bin", offsets({8}));
  CHECK_THROWS_WITH(file.read(), Contains("has a bit set beyond the last of 3"));
}

TEST_CASE("absent members mean what other tools take them for") {
  Umb file;
  file.drop("branch-to-probability.bin").drop("choice-to-branches.bin").drop("state-to-choices.bin");
  file.states = file.choices = file.branches = "3";
  file.set("branch-to-target.bin", offsets({0, 1, 2}))
      .set("annotations/rewards/r/choices/values.bin", doubles({1, 2, 3}));
  const Mdp m = file.read();  // a Markov chain: one action each, probability one
  CHECK(m.n_rows() == 3);
  CHECK(m.probability()[2] == 1.0);
  file.players = "0";
  CHECK(file.read().n_rows() == 3);
  CHECK(file.drop("state-is-initial.bin").read().initial()[2] == Approx(1.0 / 3.0));
  file.choices = "2";
  CHECK_THROWS_AS(file.read(), InputError);
}

TEST_CASE("rational probabilities and rewards of any size are read exactly") {
  Umb file;
  file.probability_type = R"("branch-probability-type": {"type": "rational", "size": 256})";
  file.annotations = "\"rewards\": {\"r\": " + annotation("choices", "rational") + "}";
  const auto rational = [](std::uint64_t numerator, std::uint64_t denominator) {
    return offsets({numerator, 0, denominator, 0});
  };
  file.set("branch-to-probability.bin",
           rational(1, 3) + rational(2, 3) + rational(1, 1) + rational(5, 5) + offsets({0, 1, 0, 1}));
  const auto minus_one = ~std::uint64_t{0};
  file.set("annotations/rewards/r/choices/values.bin", offsets({minus_one, 3, 2, 1, 3, 1, 0, 7}));
  const Mdp m = file.read();
  CHECK(m.probability()[0] == 1.0 / 3.0);
  CHECK(m.probability_tail()[0] == Approx(1.850371707708594e-17).epsilon(1e-12));  // 1/3 - fl(1/3)
  CHECK(m.probability()[4] == 1.0);
  CHECK(costs(m) == std::vector<double>{-1.0 / 3.0, 2, 3, 0});
  file.set("branch-to-probability.bin",
           rational(1, 3) + rational(2, 3) + rational(1, 0) + rational(5, 5) + rational(1, 1));
  CHECK_THROWS_WITH(file.read(), Contains("branch-to-probability.bin: entry 2 has denominator 0"));
  file.probability_type = R"("branch-probability-type": {"type": "rational", "size": 96})";
  CHECK_THROWS_WITH(file.read(), Contains("96 bits are no size of a rational"));
}

TEST_CASE("counts are compared with the bytes present before memory is taken") {
  CHECK_THROWS_WITH((Umb{.states = "4000000000000"}).read(), Contains("there must be 1 to 2147483646 states"));
  CHECK_THROWS_WITH((Umb{.states = "2000000000"}).read(), Contains("state-to-choices.bin: has 32 bytes"));
  CHECK_THROWS_WITH((Umb{.choices = "2000000000"}).read(), Contains("choice-to-branches.bin: has 40 bytes"));
  CHECK_THROWS_WITH((Umb{.branches = "20000000000000"}).read(), Contains("branch-to-target.bin: has 40 bytes"));
  CHECK_THROWS_WITH((Umb{.branches = "9000000000000000000"}).read(), Contains("must be 0 to 2^58"));
  Umb empty{.states = "2000000000", .choices = "2000000000", .branches = "2000000000"};
  empty.members.clear();
  CHECK_THROWS_WITH(empty.read(), Contains("branch-to-target.bin: is missing"));
}

TEST_CASE("members that break a rule are refused by name, entry and rule") {
  CHECK_THROWS_WITH(Umb{}.set("branch-to-target.bin", offsets({0, 1, 3, 2, 2})).read(),
                    Contains("model.umb: state 0, action 1: successor 3 does not exist"));
  CHECK_THROWS_WITH(Umb{}.set("branch-to-target.bin", offsets({0, 1, ~std::uint64_t{0}, 2, 2})).read(),
                    Contains("entry 2 is state 18446744073709551615"));
  CHECK_THROWS_WITH(Umb{}.set("state-to-choices.bin", offsets({0, 3, 2, 4})).read(),
                    Contains("must ascend from 0 to 4"));
  CHECK_THROWS_WITH(Umb{}.set("state-to-choices.bin", offsets({0, ~std::uint64_t{0}, 3, 4})).read(),
                    Contains("must ascend"));
  CHECK_THROWS_WITH(Umb{}.set("choice-to-branches.bin", offsets({0, 2, 3, 4, 4})).read(),
                    Contains("must ascend from 0 to 5"));
  CHECK_THROWS_WITH(Umb{}.set("branch-to-probability.bin", doubles({0.25, 0.65, 1, 1, 1})).read(), Contains("state 0"));
  CHECK_THROWS_AS(Umb{}.set("branch-to-probability.bin", doubles({0.25, 0.75, 1, 1})).read(), InputError);
  CHECK_THROWS_AS(Umb{}.set("annotations/rewards/r/choices/values.bin", doubles({0.25, 0.75})).read(), InputError);
  CHECK_THROWS_WITH((Umb{.annotations = "\"rewards\": {\"r\": " + annotation("choices", "string") + "}"}).read(),
                    Contains("must be numbers, not string"));
  CHECK_THROWS_WITH((Umb{.states = "-3"}).read(), Contains("index.json.transition-system.#states (line 1)"));
  CHECK_THROWS_WITH((Umb{.states = "\"3\""}).read(), Contains("must be an integer"));
}

TEST_CASE("action names: unnamed, out of range, mappings out of bounds") {
  Umb file{.actions = "2"};
  file.set("actions/choices/values.bin", raw<std::uint32_t>({1, 0, 1, 0}));
  file.set("actions/choices/strings.bin", "go").set("actions/choices/string-mapping.bin", offsets({0, 0, 2}));
  const Mdp m = file.read();
  CHECK(m.action_name(0) == "go");
  CHECK(m.action_name(1) == "1");
  CHECK_THROWS_WITH(Umb(file).set("actions/choices/values.bin", raw<std::uint32_t>({1, 2, 1, 0})).read(),
                    Contains("entry 1 is action 2 of 2"));
  CHECK_THROWS_AS(Umb(file).set("actions/choices/string-mapping.bin", offsets({0, 0, 3})).read(), InputError);
  CHECK_THROWS_AS(Umb(file).set("actions/choices/string-mapping.bin", offsets({0, 3, 2})).read(), InputError);
  CHECK_THROWS_AS(Umb(file).set("actions/choices/string-mapping.bin", "1234").read(), InputError);
}

TEST_CASE("valuations name the states: signed, shifted, optional, wide and text variables") {
  Umb file;
  file.annotations += R"(}, "valuations": {"states": {"unique": true, "#strings": 2, "classes": [{"variables": [
    {"name": "i", "type": {"type": "int", "size": 3}}, {"padding": 2},
    {"name": "u", "type": {"type": "uint", "size": 2}, "offset": -1, "is-optional": true},
    {"name": "d", "type": {"type": "double"}}, {"name": "t", "type": {"type": "string"}}]}]})";
  const auto row = [](unsigned head, double d, std::uint64_t t) {
    return std::string(1, static_cast<char>(head)) + doubles({d}) + offsets({t});
  };
  file.set("valuations/states/string-mapping.bin", offsets({0, 1, 3})).set("valuations/states/strings.bin", "abc");
  //                     u = 2 - 1, there        i = -1;      no u, i = 3;            u = 0 - 1, i = 0
  file.set("valuations/states/valuations.bin",
           row(0b10100111, 0.5, 1) + row(0b01000011, 1, 0) + row(0b00100000, -2, 0));
  const Mdp m = file.read();
  CHECK(m.names().states == std::vector<std::string>{"i=-1,u=1,d=0.5,t=bc", "i=3,d=1,t=a", "i=0,u=-1,d=-2,t=a"});
  file.set("valuations/states/valuations.bin", row(0, 0.5, 0) + row(0, 0.5, 0) + row(0, 1, 0));
  CHECK(file.read().names().states.empty());  // not distinct
  file.set("valuations/states/valuations.bin", "short");
  CHECK_THROWS_WITH(file.read(), Contains("valuations.bin: has 5 bytes"));
}

TEST_CASE("a file that is no UMB is refused") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.umb").string();
  std::ofstream(path) << "this is no archive";
  CHECK_THROWS_AS(io::read_mdp(path), InputError);
  io::ArchiveWriter out(path, io::ArchiveFormat::tar, io::Compression::none);
  out.add("other.json", {});
  out.commit();
  CHECK_THROWS_WITH(io::read_mdp(path), Contains("it has no member index.json"));
}

TEST_CASE("a model written as UMB is read back to the same bits, plain, gzip and xz") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.umb").string();
  const std::string text = GENERATE(
      R"({"format": "mdp", "version": 1, "objective": "maximize", "discount": "999999999/1000000000",
          "states": ["home", "bar", ""], "goal": ["bar"], "initial": [[0, 0.9], [1, 0.1]],
          "choices": [{"state": 0, "action": "go", "cost": "1/3", "to": [[0, "1/3"], [1, "2/3"]]},
                      {"state": 0, "cost": "-inf", "to": [[0, 1]]}, {"state": 2, "cost": 0.1, "to": [[2, 1]]}]})",
      R"({"format": "mdp", "version": 1, "states": 70, "initial": [[3, 0.5], [69, 0.5]],
          "choices": [{"state": 3, "cost": 0.5, "to": [[69, 1]]}]})");
  std::string fixed = text;
  if (const auto empty = fixed.find(", \"\""); empty != std::string::npos) fixed.replace(empty, 4, ", \"x\"");
  const Mdp m = io::read_json(std::as_bytes(std::span(fixed)), "model.json", {.dead_ends = DeadEnds::absorbing});
  for (const auto compression : {io::Compression::none, io::Compression::gzip, io::Compression::xz}) {
    io::write_mdp(path, m, {.compression = compression});
    tests::check_same_bits(m, io::read_mdp(path));
    CHECK(io::lost_in("umb", m).empty());
  }
}

TEST_CASE("a larger model is read back to the same bits by any number of threads, written to the same bytes") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.umb").string();
  const Mdp m = generate::garnet({.shape = {.states = 40000}});
  io::write_mdp(path, m);
  for (const int threads : {1, 2, 3}) tests::check_same_bits(m, io::read_mdp(path, {.threads = threads}));
  const auto contents = [](const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (const auto compression : {io::Compression::none, io::Compression::gzip}) {
    io::write_mdp(path, m, {.compression = compression});
    const std::string first = contents(path);
    io::write_mdp(path, io::read_mdp(path), {.compression = compression});
    CHECK(first == contents(path));
  }
}
