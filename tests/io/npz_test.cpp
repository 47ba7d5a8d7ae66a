#include "libmdp/io/npz.hpp"

#include <fstream>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/read.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

using Shape = std::vector<std::int64_t>;

/// Writes an array model with the given arrays left out or replaced.
class Arrays {
 public:
  explicit Arrays(const std::string& path) : out_(path) {}
  template <class T>
  Arrays& add(const char* name, const std::vector<T>& values) {
    out_.add(name, values);
    return *this;
  }
  io::NpzWriter& writer() { return out_; }
  Mdp read(const std::string& path, const io::ReadOptions& options = {}) {
    out_.commit();
    return io::read_mdp(path, options);
  }

 private:
  io::NpzWriter out_;
};

struct Case {
  std::vector<std::int64_t> state_rows = {0, 2, 3};
  std::vector<std::int64_t> row_begin = {0, 2, 3, 4};
  std::vector<std::int64_t> next_state = {0, 1, 1, 1};
  std::vector<double> probability = {0.25, 0.75, 1.0, 1.0};
  std::vector<double> cost = {1.0, 2.0, 0.0};

  Mdp read(const io::ReadOptions& options = {}) const {
    const tests::TemporaryFolder folder;
    const auto path = (folder / "model.npz").string();
    return Arrays(path)
        .add("state_rows", state_rows)
        .add("row_begin", row_begin)
        .add("next_state", next_state)
        .add("probability", probability)
        .add("cost", cost)
        .read(path, options);
  }
};

std::string npy(const std::string& header, std::size_t n_data_bytes, char version = 1) {
  std::string image = "\x93NUMPY";
  image += version;
  image += '\0';
  image += static_cast<char>(header.size() & 0xff);
  image += static_cast<char>(header.size() >> 8);
  if (version > 1) image.append(2, '\0');
  return image + header + std::string(n_data_bytes, '\0');
}

void parse(const std::string& image) { io::NpyArray(std::as_bytes(std::span(image)), "x.npy", ""); }

}  // namespace

TEST_CASE("an array model needs state_rows, row_begin, next_state, probability and cost only") {
  const Mdp m = Case{}.read();
  CHECK(m.n_states() == 2);
  CHECK(m.n_rows() == 3);
  CHECK(m.discount() == 1.0);
  CHECK(m.objective() == Objective::minimize);
  CHECK(m.initial()[0] == 0.5);
  CHECK(m.probability()[1] == 0.75);
  CHECK(Case{}.read({.objective = Objective::maximize}).cost()[1] == -2.0);
  CHECK(Case{.row_begin = {0, 2, 3, 4}}.read({.goal = "1"}).goal()[0] == 1);
}

TEST_CASE("arrays that do not fit together are refused with file, array, entry and rule") {
  CHECK_THROWS_WITH((Case{.state_rows = {0, 2}}).read(), Contains("model.npz"));
  CHECK_THROWS_AS((Case{.state_rows = {0, 2}}).read(), InputError);
  CHECK_THROWS_AS((Case{.state_rows = {0, 3, 2}}).read(), InputError);
  CHECK_THROWS_WITH((Case{.state_rows = {0, 3, 3}}).read(), Contains("state 1"));
  CHECK_THROWS_AS((Case{.row_begin = {0, 2, 3, 5}}).read(), InputError);
  CHECK_THROWS_AS((Case{.row_begin = {0, 2, -3, 4}}).read(), InputError);
  CHECK_THROWS_WITH((Case{.next_state = {0, 1, 2, 1}}).read(),
                    Contains("next_state: entry 2 is state 2, required 0 to 1"));
  CHECK_THROWS_WITH((Case{.next_state = {0, 1, std::int64_t{1} << 32, 1}}).read(),
                    Contains("entry 2 is state 4294967296"));
  CHECK_THROWS_WITH((Case{.next_state = {0, 1, -1, 1}}).read(), Contains("entry 2 is state -1"));
  CHECK_THROWS_WITH((Case{.probability = {0.25, 0.75, 1.0}}).read(),
                    Contains("probability: has 3 entries, required 4"));
  CHECK_THROWS_AS((Case{.probability = {0.25, 0.65, 1.0, 1.0}}).read(), InputError);
  CHECK_THROWS_AS((Case{.probability = {0.25, std::numeric_limits<double>::quiet_NaN(), 1.0, 1.0}}).read(), InputError);
  CHECK_THROWS_AS((Case{.cost = {0.0, std::numeric_limits<double>::quiet_NaN(), 1.0}}).read(), InputError);
  CHECK_THROWS_AS((Case{.cost = {0.0, -infinity, 1.0}}).read(), InputError);
}

TEST_CASE("missing, misspelt and doubled arrays are refused by name") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.npz").string();
  CHECK_THROWS_WITH(Arrays(path).add("state_rows", std::vector<std::int64_t>{0, 1}).read(path),
                    Contains("the array \"row_begin\" is missing"));
  CHECK_THROWS_WITH(Arrays(path).add("staterows", std::vector<std::int64_t>{0, 1}).read(path),
                    Contains("staterows: is not an array of a model"));
  CHECK_THROWS_WITH(Arrays(path).add("cost", std::vector<double>{0}).add("cost", std::vector<double>{0}).read(path),
                    Contains("cost.npy: stands twice"));
  std::ofstream(path) << "no zip at all, but some text";
  CHECK_THROWS_AS(io::read_mdp(path), InputError);
}

TEST_CASE("a model written as arrays is read back to the same bits, tails, names and discount included") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "model.npz").string();
  const std::string text = R"({"format": "mdp", "version": 1, "objective": "maximize", "discount": 0.999999999,
    "states": ["häuslich", "β"], "goal": ["β"], "initial": [[0, 1]],
    "choices": [{"state": 0, "action": "go", "cost": "1/3", "to": [[0, "1/3"], [1, "2/3"]]},
                {"state": 0, "cost": "-inf", "to": [[0, 1]]}]})";
  const Mdp m = io::read_json(std::as_bytes(std::span(text)), "model.json");
  for (const auto compression : {io::Compression::none, io::Compression::gzip}) {
    io::write_mdp(path, m, {.compression = compression});
    tests::check_same_bits(m, io::read_mdp(path));
  }
  CHECK_THROWS_AS(io::write_mdp(path, m, {.compression = io::Compression::xz}), InvalidArgument);
  tests::check_same_bits(m, io::read_mdp(path));  // the failed write left the old file alone

  const Mdp large = generate::garnet({.shape = {.states = 1000}});
  io::write_mdp(path, large);
  tests::check_same_bits(large, io::read_mdp(path));
}

TEST_CASE("NPY headers: what NumPy writes is read, anything else refused") {
  const std::string good = GENERATE("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }    \n",
                                    "{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }\n",
                                    "{\"shape\": (1, 3), 'fortran_order': False, 'descr': '<i8'}");
  CHECK_NOTHROW(parse(npy(good, 24)));
  CHECK_NOTHROW(parse(npy(good, 24, 2)));
  CHECK_THROWS_AS(parse(npy(good, 24, 4)), InputError);
  CHECK_THROWS_WITH(parse(npy(good, 23)), Contains("23 bytes of data"));
  CHECK_THROWS_WITH(parse(npy(good, 25)), Contains("25 bytes of data"));
  CHECK_THROWS_WITH(parse(npy(good, 0).substr(0, 20)), Contains("ends within its header"));
  CHECK_THROWS_WITH(parse("NUMPY"), Contains("is not an array of NumPy"));

  const std::string bad = GENERATE("{'descr': '>f8', 'fortran_order': False, 'shape': (3,), }",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
                                   "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
                                   "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }",
                                   "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 1), }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (3.0,), }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': 3, }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 3), }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }",
                                   "{'descr': '<U99999999999', 'fortran_order': False, 'shape': (1,), }",
                                   "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,), }",
                                   "{'descr': '<f8', 'shape': (3,), }", "{'descr': '<f8', 'fortran_order': False, ",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}", "", "{}",
                                   "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), } x");
  CAPTURE(bad);
  CHECK_THROWS_AS(parse(npy(bad, 24)), InputError);
}

TEST_CASE("vectors go through .npy files") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "v.npy").string();
  const std::vector<double> values = {1.5, -infinity, 0.1};
  io::write_npy(path, values);
  CHECK(io::read_npy(path) == values);
}

TEST_CASE("result arrays of any rank, and nothing in place before commit()") {
  const tests::TemporaryFolder folder;
  const auto path = (folder / "r.npz").string();
  {
    io::NpzWriter out(path);
    out.add("value", std::vector<double>{1, 2});
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(std::filesystem::is_empty(folder.path()));
  io::NpzWriter out(path);
  out.add("m", std::vector<double>{1, 2, 3, 4, 5, 6}, Shape{2, 3});
  CHECK_THROWS_AS(out.add("n", std::vector<double>{1, 2, 3}, Shape{2, 2}), InvalidArgument);
  out.add_scalar("gain", 2.5);
  out.commit();
  const io::FileBytes file(path);
  const io::Archive archive(file.bytes(), io::ArchiveFormat::zip, path, [](std::string_view) { return true; });
  const io::NpyArray m(archive.find("m.npy")->bytes, path, "m");
  CHECK(m.shape() == Shape{2, 3});
  CHECK(m.doubles()[4] == 5.0);
  CHECK(io::NpyArray(archive.find("gain.npy")->bytes, path, "gain").shape().empty());
}
