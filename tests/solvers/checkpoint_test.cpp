// Runs in stages: taken up from a file they give the bits of a run that was never stopped.
#include "solvers/checkpoint.hpp"

#include <fstream>
#include <limits>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/solve.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

Mdp grid() {
  generate::GridworldOptions options;
  options.width = 24;
  options.height = 18;
  options.discount = 0.99;
  return generate::gridworld(options);
}

SolveOptions options_of(Method method) {
  SolveOptions options;
  options.method = method;
  options.tolerance = 1e-7;
  options.threads = 1;
  return options;
}

}  // namespace

TEST_CASE("A run taken up from its checkpoint has the bits of one that was never stopped, by every method") {
  const auto method = GENERATE(Method::automatic, Method::value_iteration, Method::gauss_seidel, Method::prioritized,
                               Method::topological, Method::modified_policy_iteration, Method::policy_iteration,
                               Method::inexact_policy_iteration, Method::anderson, Method::action_elimination);
  const Mdp mdp = grid();
  const tests::TemporaryFolder folder;
  const std::string file = folder.path() / "state";
  const std::string other = folder.path() / "other";
  SolveOptions options = options_of(method);
  const SolveResult whole = solve(mdp, options, {.save = other, .resume = "", .sweeps_per_stage = 5});
  REQUIRE(whole.converged());
  if (whole.sweeps <= 7) return;  // over before the second stage

  options.max_sweeps = 7;
  const SolveResult stopped = solve(mdp, options, {.save = file, .resume = "", .sweeps_per_stage = 5});
  REQUIRE(stopped.status == Status::sweep_limit);
  options.max_sweeps = std::numeric_limits<std::int64_t>::max();
  options.threads = 2;
  const SolveResult resumed = solve(mdp, options, {.save = "", .resume = file, .sweeps_per_stage = 5});
  REQUIRE(resumed.converged());
  CHECK(resumed.values == whole.values);
  CHECK(resumed.value_lower == whole.value_lower);
  CHECK(resumed.value_upper == whole.value_upper);
  CHECK(resumed.policy == whole.policy);
  CHECK(resumed.sweeps == whole.sweeps);
  CHECK(resumed.iterations == whole.iterations);
}

namespace {

// Stopped after 7 sweeps and taken up, against never stopped.
void check_stages(const Mdp& mdp, Criterion criterion, Method method) {
  CAPTURE(to_string(criterion), to_string(method));
  const tests::TemporaryFolder folder;
  const std::string file = folder.path() / "state";
  CriterionOptions options;
  options.solve = options_of(method);
  const auto whole =
      solve_criterion(mdp, criterion, options, {.save = folder.path() / "other", .resume = "", .sweeps_per_stage = 5});
  CAPTURE(whole.message);
  REQUIRE(whole.converged());
  if (whole.sweeps <= 7) return;  // over before the second stage
  options.solve.max_sweeps = 7;
  const auto stopped = solve_criterion(mdp, criterion, options, {.save = file, .resume = "", .sweeps_per_stage = 5});
  REQUIRE(stopped.status == Status::sweep_limit);
  options.solve.max_sweeps = std::numeric_limits<std::int64_t>::max();
  options.solve.threads = 2;
  const auto resumed = solve_criterion(mdp, criterion, options, {.save = "", .resume = file, .sweeps_per_stage = 5});
  CHECK(resumed.converged());
  CHECK(resumed.values == whole.values);
  CHECK(resumed.value_lower == whole.value_lower);
  CHECK(resumed.value_upper == whole.value_upper);
  CHECK(resumed.gain == whole.gain);
  CHECK(resumed.policy == whole.policy);
  CHECK(resumed.sweeps == whole.sweeps);
  CHECK(resumed.iterations == whole.iterations);
  // What a run ended with is a start from which little is left to do.
  options.solve.start = whole.iterate;
  const auto again = solve_criterion(mdp, criterion, options);
  CHECK(again.converged());
  CHECK(again.sweeps <= whole.sweeps);
}

}  // namespace

TEST_CASE("Runs without a discount are taken up with the bits of one that was never stopped") {
  const auto method = GENERATE(Method::automatic, Method::value_iteration, Method::gauss_seidel, Method::prioritized,
                               Method::topological, Method::modified_policy_iteration, Method::policy_iteration,
                               Method::inexact_policy_iteration);
  generate::GridworldOptions options;
  options.width = 9;
  options.height = 7;
  options.discount = 1.0;
  const Mdp walk = generate::gridworld(options);
  for (const Criterion criterion : {Criterion::goal, Criterion::total, Criterion::reach}) {
    check_stages(walk, criterion, method);
  }
  const Mdp cycle = generate::garnet({.shape = {.states = 60, .actions = 3, .successors = 3}, .seed = 5});
  if (method == Method::automatic || method == Method::value_iteration || method == Method::policy_iteration) {
    check_stages(cycle, Criterion::average, method);
  }
}

TEST_CASE("Methods without one vector of state are refused stages with the reason") {
  CriterionOptions options;
  options.solve.method = Method::interval_iteration;
  const auto interval = solve_criterion(grid(), Criterion::goal, options, CheckpointOptions{});
  CHECK(interval.status == Status::refused);
  CHECK(interval.message.find("one vector") != std::string::npos);
}

TEST_CASE("A finite horizon is taken up at the stage where it was left, with the same bits") {
  const bool mixed =
      GENERATE(false, true);  // then the stages are done twice, with an error for each state the second time
  MdpBuilder b(3);
  b.row(0, mixed ? 1e-300 : 1.0).to(0, 0.7).to(1, 0.3);
  b.row(0, 2.0).to(1, 1.0);
  b.row(1, 3e-300).to(1, 0.25).to(0, 0.75);
  b.row(2, mixed ? 1e90 : 2.0).to(2, 1.0);
  const Mdp mdp = b.discount(0.9).build();
  const tests::TemporaryFolder folder;
  const std::string file = folder.path() / "state";
  CriterionOptions options;
  options.horizon = 23;
  options.terminal = {0.5, 0.0, infinity};
  options.solve.relative_tolerance = 1e-9;
  const auto whole = solve_criterion(mdp, Criterion::finite, options, CheckpointOptions{});
  REQUIRE(whole.converged());
  CHECK((whole.sweeps > 23) == mixed);
  for (const std::int64_t sweeps : {3, 7, 22, 27, 40}) {
    if (sweeps >= whole.sweeps) continue;
    CAPTURE(mixed, sweeps);
    options.solve.max_sweeps = sweeps;
    const CheckpointOptions saving{.save = file, .resume = "", .sweeps_per_stage = 3};
    const auto stopped = solve_criterion(mdp, Criterion::finite, options, saving);
    CHECK(stopped.status == Status::sweep_limit);
    if (sweeps < 23) CHECK(stopped.value_lower[0] == -infinity);
    if (sweeps < 4) continue;  // stopped before the first checkpoint of three stages was followed by another
    options.solve.max_sweeps = std::numeric_limits<std::int64_t>::max();
    const auto resumed =
        solve_criterion(mdp, Criterion::finite, options, {.save = "", .resume = file, .sweeps_per_stage = 3});
    CHECK(resumed.converged());
    CHECK(resumed.sweeps == whole.sweeps);
    CHECK(resumed.value_lower == whole.value_lower);
    CHECK(resumed.value_upper == whole.value_upper);
    CHECK(resumed.value_by_stage == whole.value_by_stage);
    CHECK(resumed.policy_by_stage == whole.policy_by_stage);
    CHECK(resumed.policy_loss_bound == whole.policy_loss_bound);
  }
  options.solve.max_sweeps = 10;
  static_cast<void>(
      solve_criterion(mdp, Criterion::finite, options, {.save = file, .resume = "", .sweeps_per_stage = 3}));
  options.horizon = 24;
  CHECK_THROWS_AS(solve_criterion(mdp, Criterion::finite, options, {.save = "", .resume = file, .sweeps_per_stage = 3}),
                  InputError);
}

TEST_CASE("A checkpoint reads back, and another model's, other options' or a damaged one is refused") {
  const Mdp mdp = grid();
  const tests::TemporaryFolder folder;
  const std::string file = folder.path() / "state";
  const SolveOptions options = options_of(Method::value_iteration);
  const std::uint64_t identity = identity_of(mdp, options, 5);
  const auto n = static_cast<std::size_t>(mdp.n_states());
  write_checkpoint(file, {identity, 12, 3, 4.5, std::vector<double>(n, 0.25), Policy(n, 1)});
  const Checkpoint read = read_checkpoint(file, identity);
  CHECK(read.sweeps == 12);
  CHECK(read.iterations == 3);
  CHECK(read.bytes == 4.5);
  CHECK(read.values == std::vector<double>(n, 0.25));
  CHECK(read.policy == Policy(n, 1));

  CHECK(identity_of(mdp.with_discount(0.98), options, 5) != identity);
  CHECK(identity_of(mdp, options_of(Method::anderson), 5) != identity);
  CHECK(identity_of(mdp, options, 6) != identity);
  CHECK_THROWS_AS(read_checkpoint(file, identity + 1), InputError);
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(100);
    bytes.put('x');
  }
  CHECK_THROWS_WITH(read_checkpoint(file, identity), Catch::Contains("damaged"));
  std::ofstream(file) << "no checkpoint";
  CHECK_THROWS_WITH(read_checkpoint(file, identity), Catch::Contains("not a checkpoint"));
  CHECK_THROWS_AS(read_checkpoint(folder.path() / "missing", identity), InputError);
  CHECK_THROWS_AS(solve(mdp, options, {.save = file, .resume = "", .sweeps_per_stage = 0}), InvalidOption);
}

TEST_CASE("The memory limit keeps factors away before they are computed") {
  generate::GridworldOptions walk;
  walk.width = 400;
  walk.height = 2;
  walk.discount = 0.999;
  const Mdp mdp = generate::gridworld(walk);
  SolveOptions options;
  options.method = Method::policy_iteration;
  CHECK(solve(mdp, options).message.find("narrow") != std::string::npos);
  options.memory_limit = 1000;
  const SolveResult limited = solve(mdp, options);
  CHECK(limited.converged());
  CHECK(limited.message.find("above the memory limit") != std::string::npos);
  options.memory_limit = -1;
  CHECK_THROWS_WITH(solve(mdp, options), Catch::StartsWith("memory_limit = -1, required >= 0"));
}
