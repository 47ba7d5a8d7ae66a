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

/// The model to read for a file of the folder, and the file that an error names: a side file of PRISM's goes beside control.tra.
std::pair<std::string, std::string> model_with(const std::filesystem::path& folder, const std::string& file,
                                               const std::string& format, const tests::TemporaryFolder& scratch) {
  const std::string side = format.starts_with("prism-") && format != "prism-tra" ? format.substr(6) : "";
  if (side.empty()) return {(folder / file).string(), (folder / file).string()};
  std::filesystem::copy_file(folder / "control.tra", scratch / "x.tra");
  std::filesystem::copy_file(folder / file, scratch / ("x." + side));
  return {(scratch / "x.tra").string(), (scratch / ("x." + side)).string()};
}

/// The verdict of the readers on every file of a manifest whose format they know.
void check_manifest(const std::filesystem::path& folder) {
  std::ifstream manifest(folder / "manifest.json");
  int n_checked = 0;
  for (const auto& row : nlohmann::json::parse(manifest)) {
    const tests::TemporaryFolder scratch;
    const auto [path, blamed] = model_with(folder, row["file"], row["format"], scratch);
    CAPTURE(path, row["note"].get<std::string>());
    ++n_checked;
    std::string complaint;
    try {
      (void)io::read_mdp(path);
    } catch (const InputError& error) {
      complaint = error.what();
    }
    if (row["verdict"] == "accept") CHECK(complaint.empty());
    if (row["verdict"] == "reject") CHECK_THAT(complaint, Catch::Matchers::StartsWith(blamed + ": "));
    if (row["verdict"] == "either" && !complaint.empty()) {
      CHECK_THAT(complaint, Catch::Matchers::StartsWith(blamed + ": "));
    }
  }
  CHECK(n_checked >= 47);
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
