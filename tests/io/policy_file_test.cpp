#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write_file.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

/// State 0 has two actions, state 1 three.
Mdp two_states() {
  MdpBuilder builder(2);
  for (const int s : {0, 0, 1, 1, 1}) builder.row(s, 0.0).to(s, 1.0);
  return builder.build();
}

class File {
 public:
  explicit File(const std::string& text, const char* name = "file.json") : path_((folder_ / name).string()) {
    io::write_file(path_, text);
  }
  operator std::string() const { return path_; }

 private:
  tests::TemporaryFolder folder_;
  std::string path_;
};

}  // namespace

TEST_CASE("a policy file has an action or probabilities per state, also mixed") {
  const Mdp m = two_states();
  const auto deterministic = io::read_policy(File("[1, 2]"), m);
  CHECK(deterministic.deterministic);
  CHECK(deterministic.actions == Policy{1, 2});
  CHECK(deterministic.probabilities == StochasticPolicy{0, 1, 0, 0, 1});

  const auto mixed = io::read_policy(File(R"([0, ["1/3", 0.5, "1/6"]])"), m);
  CHECK_FALSE(mixed.deterministic);
  CHECK(mixed.actions.empty());
  CHECK(mixed.probabilities == StochasticPolicy{1, 0, 1.0 / 3.0, 0.5, 1.0 / 6.0});
  CHECK(mixed.tail[2] == Approx((TwoDouble(1.0) / 3.0).lo).epsilon(1e-12));
  CHECK(mixed.randomised()[4].lo == Approx((TwoDouble(1.0) / 6.0).lo).epsilon(1e-12));
  CHECK(deterministic.tail.empty());

  CHECK(io::read_policy(File(R"({"status": "converged", "policy": [1, 0], "value": [1, 2]})"), m).actions ==
        Policy{1, 0});
}

TEST_CASE("a policy that is none is refused with its entry") {
  const Mdp m = two_states();
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"[1]", "has 1 entries, required 2, one per state"},
      {"[2, 0]", "[0] (line 1): state 0 has no action 2: they are 0 to 1"},
      {"[-1, 0]", "has no action -1"},
      {"[0.5, 0]", "[0] (line 1): must be an integer, not 0.5"},
      {"[0,\n [0.5, 0.5]]", "[1] (line 2): has 2 entries, required 3, one per action of the state"},
      {"[0, [0.5, 0.5, 0.1]]", "the probabilities sum to 1.1, not to 1"},
      {"[0, [1.5, -0.5, 0]]", "[1][1] (line 1): a probability must not be negative"},
      {"[0, [\"x\", 0, 1]]", "not \"x\""},
      {"[0, [1e-300, 0, 1]]", "a probability must be 0 or at least 1e-290, not 1e-300"},
      {"{\"value\": [0, 0]}", "an object with the key \"policy\""},
      {"{\"policy\": 3}", "policy (line 1): must be an array, not 3"},
      {"3", "must be an array"},
      {"[0, 0", "is not valid JSON"},
  }));
  CAPTURE(text);
  CHECK_THROWS_AS(io::read_policy(File(text), m), InputError);
  CHECK_THROWS_WITH(io::read_policy(File(text), m), Contains(message));
}

TEST_CASE("values come from JSON, results, .npy and .npz") {
  const std::vector<double> values = {1.0 / 3.0, infinity};
  CHECK(io::read_values(File("[\"1/3\", \"inf\"]"), 2) == values);
  CHECK(io::read_values(File("{\"value\": [\"1/3\", \"inf\"], \"gain\": 1}"), 2) == values);
  CHECK_THROWS_WITH(io::read_values(File("[1, 2]"), 3), Contains("has 2 entries, required 3"));
  CHECK_THROWS_WITH(io::read_values(File("[1, null]"), 2), Contains("[1] (line 1)"));

  const tests::TemporaryFolder folder;
  const auto path = (folder / "r.npz").string();
  io::NpzWriter out(path);
  out.add("value", values);
  out.commit();
  CHECK(io::read_values(path, 2) == values);
  CHECK_THROWS_WITH(io::read_values(path, 3), Contains("value: has 2 entries, required 3"));
  CHECK_THROWS_AS(io::read_values(File("not an array", "v.npy"), 2), InputError);
}
