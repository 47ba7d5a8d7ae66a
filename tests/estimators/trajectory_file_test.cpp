#include "estimators/trajectory_file.hpp"

#include <fstream>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using Catch::Matchers::Contains;

TEST_CASE("Trajectories written and read again, as text and as arrays") {
  const mdp::Mdp m = mdp::tests::random_mdp(3, 5, 0.9);
  const Trajectories t = simulate(m, mdp::uniform_policy(m), {.n_trajectories = 7, .horizon = 4});
  const mdp::tests::TemporaryFolder folder;
  for (const char* name : {"t.csv", "t.npz"}) {
    const std::string path = (folder.path() / name).string();
    write_trajectories(path, t);
    const Trajectories again = read_trajectories(path, m);
    CHECK(again.n_trajectories == 7);
    CHECK(again.horizon == 4);
    CHECK(again.state == t.state);
    CHECK(again.action == t.action);
    CHECK(again.cost == t.cost);
  }
  CHECK_THROWS_WITH(write_trajectories((folder.path() / "t.txt").string(), t), Contains(".csv or .npz"));
  CHECK_THROWS_WITH(read_trajectories((folder.path() / "t.txt").string(), m), Contains(".csv or .npz"));

  const RecordedPaths paths = recorded_paths(m, t);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(m.state_of(paths.row[k]) == t.state[k]);
    CHECK(m.next_state()[paths.entry[k]] == t.state[k + 1]);
  }
  Trajectories wrong = t;
  wrong.action[5] = 9;
  CHECK_THROWS_WITH(recorded_paths(m, wrong), Contains("trajectory 1, step 1: action 9 in state"));
  wrong = t;
  wrong.state[0] = 5;
  CHECK_THROWS_WITH(recorded_paths(m, wrong), Contains("trajectory 0, step 0: state 5, required below 5"));
}

}  // namespace
