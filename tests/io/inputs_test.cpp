#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/read.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;

namespace {

/// The verdict of the readers on every file of a manifest whose format they know.
void check_manifest(const std::filesystem::path& folder) {
  std::ifstream manifest(folder / "manifest.json");
  int n_checked = 0;
  for (const auto& row : nlohmann::json::parse(manifest)) {
    if (row["format"] != "json" && row["format"] != "umb") continue;
    const std::string path = (folder / row["file"].get<std::string>()).string();
    CAPTURE(path, row["note"].get<std::string>());
    ++n_checked;
    if (row["verdict"] == "accept") {
      CHECK_NOTHROW(io::read_mdp(path));
    } else {
      CHECK_THROWS_AS(io::read_mdp(path), InputError);
      CHECK_THROWS_WITH(io::read_mdp(path), Catch::Matchers::StartsWith(path + ": "));
    }
  }
  CHECK(n_checked >= 11);
}

}  // namespace

TEST_CASE("every input file gets the verdict of the manifest") {
  check_manifest(tests::source_dir() / "tests" / "inputs");
  if (const auto shared = tests::shared_dir()) check_manifest(*shared / "inputs");
}

TEST_CASE("the exact model of every case is that of the MDP, entry by entry, but for the rounding") {
  for (const auto& entry : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string path = entry.path().string();
    if (path.ends_with(".expected.json") || !path.ends_with(".json")) continue;
    CAPTURE(path);
    const Mdp m = io::read_mdp(path);
    const io::ExactModel exact = io::read_exact_model(path);
    REQUIRE(static_cast<Offset>(exact.rows.size()) == m.n_rows());
    bool same = true;
    for (Offset row = 0; row < m.n_rows(); ++row) {
      const auto r = static_cast<std::size_t>(row);
      const auto& exact_row = exact.rows[r];
      same = same && m.cost()[r] == io::nearest_double(exact_row.cost);
      auto k = static_cast<std::size_t>(m.row_begin()[r]);
      for (const auto& [next, p] : exact_row.to) {
        same = same && m.next_state()[k] == next && m.probability()[k] == io::nearest_double(p);
        ++k;
      }
    }
    CHECK(same);
  }
}
