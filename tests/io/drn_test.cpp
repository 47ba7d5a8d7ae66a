#include "libmdp/io/drn.hpp"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/exact_model.hpp"
#include "tests/io/same_bits.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using Catch::Matchers::Contains;

namespace {

const std::string head = "@type: MDP\n@parameters\n\n@reward_models\n\n@nr_states\n2\n@model\n";
const std::string body = "state 0 init\n\taction a\n\t\t0 : 0.5\n\t\t1 : 0.5\nstate 1 goal\n\taction b\n\t\t1 : 1\n";

Mdp read(const std::string& text, const io::ReadOptions& options = {}) {
  return io::mdp_of(io::parse_drn(text, "x.drn", options), options);
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const auto at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), by);
}

void write_compressed(const std::string& path, const std::string& text, bool xz) {
  archive* a = archive_write_new();
  archive_write_set_format_raw(a);
  if (xz) {
    archive_write_add_filter_xz(a);
  } else {
    archive_write_add_filter_gzip(a);
  }
  archive_write_open_filename(a, path.c_str());
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(a, entry);
  archive_write_data(a, text.data(), text.size());
  archive_entry_free(entry);
  archive_write_free(a);
}

}  // namespace

TEST_CASE("DRN and PRISM's files of the same model give the same bits") {
  const auto folder = tests::source_dir() / "tests/inputs";
  tests::check_same_bits(io::read_mdp((folder / "control.drn").string()),
                         io::read_mdp((folder / "control.tra").string()));
}

TEST_CASE("DRN: placeholders, rationals, quoted labels, rewards by name, no last newline") {
  std::string text =
      replaced(head, "@reward_models\n\n", "@placeholders\n$0 : 1/3\n$1 : 2/3\n@reward_models\nr1 r2 \n");
  text += "//[x=0]\nstate 0 [1, 2] init \"far away\"\n\taction a [0.5, 1/10]\n\t\t0 : $0\n\t\t1 : $1\n";
  text += "state 1 [0, 0] \"far away\"\n\taction __NOLABEL__ [0, 0]\n\t\t1 : 1";
  CHECK_THROWS_WITH(read(text), Contains("several reward models, of which one must be chosen by name: r1, r2"));
  CHECK_THROWS_WITH(read(text, {.rewards = "r3"}), Contains("has no reward model \"r3\"; it has: r1, r2"));
  const Mdp m = read(text, {.rewards = "r2"});
  CHECK(m.cost()[0] == 2.1);
  CHECK(m.probability()[0] == 1.0 / 3);
  CHECK(m.names().row_action[1] == -1);
  CHECK(m.goal().empty());
  CHECK(read(text, {.rewards = "r1"}).cost()[0] == 1.5);
  const io::ReadOptions options{.rewards = "r2"};
  const io::ExactModel exact = io::exact_model_of(io::parse_drn(text, "x.drn", options), options);
  CHECK(exact.rows[0].cost == mpq_class(21, 10));
  CHECK(exact.rows[0].to[0].second == mpq_class(1, 3));
}

TEST_CASE("DRN: a Markov chain may leave out its actions; six digits are divided by their sum") {
  const std::string chain = replaced(head, "MDP", "DTMC") + "state 0\n\t0 : 0.333333\n\t1 : 0.666666\nstate 1 goal\n";
  const Mdp m = read(chain);
  CHECK(m.n_rows() == 2);
  CHECK(m.probability()[0] == Approx(1.0 / 3).epsilon(1e-15));
  CHECK(m.row_sum_defect() > 5e-7);
  CHECK(io::exact_model_of(io::parse_drn(chain, "x.drn", {}), {}).rows[0].to[1].second == mpq_class(2, 3));
}

TEST_CASE("DRN compressed with gzip and xz") {
  const tests::TemporaryFolder folder;
  for (const bool xz : {false, true}) {
    const std::string path = (folder / (xz ? "x.drn.xz" : "x.drn.gz")).string();
    write_compressed(path, head + body, xz);
    tests::check_same_bits(io::read_mdp(path), read(head + body));
    CHECK(io::read_exact_model(path).rows.size() == 2);
  }
  const std::string plain = (folder / "y.drn.gz").string();
  std::ofstream(plain) << head << body;
  CHECK_THROWS_WITH(io::read_mdp(plain), Contains("is not compressed with gzip or xz"));
  std::ofstream(folder / "z.gz") << head << body;
  CHECK_THROWS_WITH(io::read_mdp((folder / "z.gz").string()), Contains("no known format"));
}

TEST_CASE("DRN: what is wrong is said with line, value and rule") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "has no @model"},
      {replaced(head, "MDP", "CTMC"), "line 1: is of type \"CTMC\": required MDP or DTMC"},
      {replaced(head, "@type: MDP\n", "") + body, "line 7: starts the model, but the header has no @type:"},
      {replaced(head, "@nr_states\n2\n", "") + body, "the header has no @nr_states"},
      {"@value_type: double-interval\n" + head, "line 1: has values of type \"double-interval\""},
      {replaced(head, "@parameters\n\n", "@parameters\np q\n"), "line 3: names the parameters \"p q\""},
      {"@colour\n" + head, "line 1: \"@colour\" is no key of the header"},
      {replaced(head, "\n2\n", "\n4000000000000\n"), "line 7: announces 4000000000000 states"},
      {replaced(head, "\n2\n", "\n2000000\n"), "more than a file of"},
      {replaced(head, "\n2\n", "\n-4\n"), "line 7: \"-4\" is not a number of states"},
      {replaced(head, "@model", "@nr_choices\n3\n@model") + body, "announces 3 choices and has 2"},
      {head + "state 0\n\taction a\n\t\t0 : 1\n", "announces 2 states and has 1"},
      {head + "state 1\n", "line 9: is state 1 where state 0 is expected"},
      {head + "state 0 !2.5\n", "line 9: has the rate \"!2.5\""},
      {head + "state 0 {3}\n", "line 9: has the observation \"{3}\""},
      {head + "state 0 [1]\n", "line 9: has 1 rewards, required 0"},
      {head + "state 0\n\t\t0 : 1\n", "line 10: is a transition before an action"},
      {head + "\taction a\n", "line 9: is an action before the first state"},
      {head + "state 0\n\taction a\nstate 1\n", "line 11: follows an action without transitions, of state 0"},
      {head + "state 0\n\taction a\n\t\t2 : 1\n", "line 11: \"2\" is neither"},
      {head + "state 0\n\taction a\n\t\t1 :\n", "line 11: ends where a probability is expected"},
      {head + "state 0\n\taction a\n\t\t1 : (0.1, 0.2)\n", "line 11: \"(0.1, 0.2)\" is an interval"},
      {head + replaced(body, "0.5", "$p"), "line 11: \"$p\" is not a placeholder"},
      {head + replaced(body, "0.5", "1-p"), "line 11: \"1-p\" is not a probability"},
      {head + replaced(body, "goal", "\"goal"), "has no quote behind the label"},
      {replaced(head, "@reward_models\n\n", "@reward_models\nr\n") +
           "state 0 [1]\n\taction a [0]\n\t\t1 : 1\nstate 1 [2] goal\n",
       "line 12: \"2\" is not the reward of a state without actions: required 0"},
      {head + replaced(body, "0.5", "0.4"), "sum"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK_THROWS_WITH(read(text), Contains(message) && Catch::Matchers::StartsWith("x.drn: "));
    CHECK_THROWS_AS(read(text), InputError);
  }
}
