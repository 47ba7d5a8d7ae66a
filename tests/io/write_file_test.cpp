#include "libmdp/io/write_file.hpp"

#include <csignal>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/write.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t n_files(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

/// No file may grow beyond so many bytes while this lives: writing fails as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t most) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = most;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("a file is written whole: a new one, or over an old one, whose permissions stay") {
  const tests::TemporaryFolder folder;
  const auto path = folder / "x.txt";
  io::write_file(path.string(), "first");
  CHECK(contents(path) == "first");
  ::chmod(path.c_str(), 0600);
  io::write_file(path.string(), "second");
  CHECK(contents(path) == "second");
  CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(0600));
  CHECK(n_files(folder.path()) == 1);
}

TEST_CASE("a link stays a link, its target is replaced") {
  const tests::TemporaryFolder folder;
  io::write_file((folder / "target").string(), "old");
  std::filesystem::create_symlink("target", folder / "link");
  io::write_file((folder / "link").string(), "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(contents(folder / "target") == "new");
}

TEST_CASE("on a full disk the old file is untouched and nothing is left behind, in every format") {
  const tests::TemporaryFolder folder;
  const Mdp m = generate::garnet({.shape = {.states = 500}});
  for (const char* name : {"m.json", "m.npz", "m.umb"}) {
    const auto path = folder / name;
    io::write_file(path.string(), "old");
    for (const auto compression : {io::Compression::none, io::Compression::gzip}) {
      const FullDisk full(5000);
      CHECK_THROWS_AS(io::write_mdp(path.string(), m, {.compression = compression}), OutputError);
    }
    CHECK(contents(path) == "old");
    std::filesystem::remove(path);
    CHECK(n_files(folder.path()) == 0);
  }
}

TEST_CASE("what cannot be written is named") {
  const tests::TemporaryFolder folder;
  CHECK_THROWS_WITH(io::write_file((folder / "no" / "x").string(), "x"), Contains("no/x: cannot be created"));
  CHECK_THROWS_WITH(io::write_file(folder.path().string(), "x"), Contains("is a directory"));
  CHECK_THROWS_AS(io::write_file("/dev/full", "x"), OutputError);
  CHECK_NOTHROW(io::write_file("/dev/null", "x"));
  const Mdp m = generate::garnet();
  CHECK_THROWS_AS(io::write_mdp((folder / "m.xyz").string(), m), InputError);
  CHECK_THROWS_AS(io::lost_in("xyz", m), InvalidArgument);
}

TEST_CASE("a file given up before commit() leaves nothing") {
  const tests::TemporaryFolder folder;
  {
    io::AtomicFile file((folder / "x").string());
    file.write("half");
  }
  CHECK(n_files(folder.path()) == 0);
}
