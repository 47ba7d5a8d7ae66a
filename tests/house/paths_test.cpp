#include "tests/support/paths.hpp"

#include <fstream>

#include <catch2/catch.hpp>

namespace {

using mdp::tests::TemporaryFolder;

TEST_CASE("the tests find the sources") { CHECK(std::filesystem::exists(mdp::tests::source_dir() / "CMakeLists.txt")); }

TEST_CASE("a temporary folder disappears with what is in it") {
  std::filesystem::path path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    std::ofstream(folder / "file") << "text";
    CHECK(std::filesystem::exists(path / "file"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
