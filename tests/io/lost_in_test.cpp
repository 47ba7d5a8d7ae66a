#include <catch2/catch.hpp>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

Mdp read_text(const std::string& to) {
  const std::string text = R"({"format": "mdp", "version": 1, "states": 2, "goal": [1], "choices": [
    {"state": 0, "cost": 1, "to": )" +
                           to + "}]}";
  return io::read_json(std::as_bytes(std::span(text)), "model.json");
}

}  // namespace

TEST_CASE("what is not lost comes back to the bit, through every pair of formats") {
  const tests::TemporaryFolder folder;
  const Mdp text = read_text(R"([[0, "1/3"], [1, "2/3"]])");
  const Mdp arrays = generate::garnet({.discount = 1.0});
  const auto binary = [](const std::string& format) { return format == "npz" || format == "umb"; };
  for (const Mdp* m : {&text, &arrays}) {
    for (const char* first : {"json", "npz", "umb", "tra", "drn"}) {
      for (const char* second : {"json", "npz", "umb", "tra", "drn"}) {
        const bool lossless = io::lost_in(first, *m).empty() && io::lost_in(second, *m).empty();
        CHECK(lossless == (m == &text || (binary(first) && binary(second))));
        const auto a = (folder / ("a." + std::string(first))).string();
        const auto b = (folder / ("b." + std::string(second))).string();
        io::write_mdp(a, *m);
        io::write_mdp(b, io::read_mdp(a));
        tests::check_same_bits(*m, io::read_mdp(b), lossless);
      }
    }
  }
}

TEST_CASE("losses are named: half units of doubles, the defect of row sums") {
  const auto lost = io::lost_in("json", generate::garnet());
  REQUIRE(lost.size() == 2);
  CHECK_THAT(lost[0], Contains("half unit of probabilities"));
  CHECK_THAT(lost[1], Contains("half unit of costs"));
  const auto defect = io::lost_in("folder/x.umb", read_text("[[0, 0.4999999], [1, 0.5]]"));
  REQUIRE(defect.size() == 1);
  CHECK_THAT(defect[0], Contains("the defect of the input's row sums, 1"));
  CHECK(io::lost_in("umb", read_text("[[0, 0.5], [1, 0.5]]")).empty());
}
