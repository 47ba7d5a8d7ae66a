#include "libmdp/generate/garnet.hpp"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"

namespace {

using mdp::generate::garnet;
using mdp::generate::GarnetOptions;

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST_CASE("a garnet has the shape asked for, and rows that sum to 1 exactly") {
  const mdp::Mdp m = garnet({.shape = {.states = 50, .actions = 3, .successors = 7}, .discount = 0.9, .seed = 4});
  CHECK(m.n_states() == 50);
  CHECK(m.n_rows() == 150);
  CHECK(m.n_transitions() == 1050);
  CHECK(m.discount() == 0.9);
  CHECK(m.row_sum_defect() == 0.0);
  CHECK(m.row_defect().empty());
  for (const double c : m.cost()) CHECK((c >= 0.0 && c < 1.0));
}

TEST_CASE("a garnet is the same for any number of threads, and everywhere") {
  GarnetOptions options{.shape = {.states = 20000, .actions = 3, .successors = 4}, .seed = 9};
  options.threads = 1;
  const mdp::Mdp one = garnet(options);
  for (const int threads : {2, 4}) {
    options.threads = threads;
    const mdp::Mdp many = garnet(options);
    CHECK(same(one.next_state(), many.next_state()));
    CHECK(same(one.probability(), many.probability()));
    CHECK(same(one.cost(), many.cost()));
  }
  options.seed = 10;
  CHECK_FALSE(same(one.next_state(), garnet(options).next_state()));

  // Golden, from an independent Philox: other machines and compilers give these bits too.
  const mdp::Mdp small = garnet({.shape = {.states = 4, .actions = 1, .successors = 1}, .seed = 1});
  CHECK(std::vector<mdp::State>(small.next_state().begin(), small.next_state().end()) ==
        std::vector<mdp::State>{0, 2, 1, 3});
  CHECK(small.cost()[0] == 0x1.472692c910850p-5);
}

TEST_CASE("a row of a garnet does not depend on the number of rows before it") {
  const mdp::Mdp few = garnet({.shape = {.states = 30, .actions = 2, .successors = 3}, .seed = 2});
  const mdp::Mdp more = garnet({.shape = {.states = 30, .actions = 4, .successors = 3}, .seed = 2});
  CHECK(same(few.next_state(), more.next_state().first(static_cast<std::size_t>(few.n_transitions()))));
  CHECK(same(few.cost(), more.cost().first(static_cast<std::size_t>(few.n_rows()))));
}

TEST_CASE("a garnet refuses shapes that do not exist") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(garnet({.shape = {.states = 0}}), Contains("states = 0, required 1 to"));
  CHECK_THROWS_WITH(garnet({.shape = {.actions = 0}}), Contains("actions = 0, required 1 to"));
  CHECK_THROWS_WITH(garnet({.shape = {.states = 3, .successors = 4}}),
                    Contains("successors = 4, required 1 to states = 3"));
  CHECK_THROWS_WITH(garnet({.shape = {.states = 2000000000, .actions = 2000000000, .successors = 1000}}),
                    Contains("too large"));
}

}  // namespace
