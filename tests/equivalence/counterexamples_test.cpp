// T11: classical fits that decide wrongly, each proved by exact numbers; and the most likely equivalent model, which does not.
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "equivalence/constrained_fit.hpp"
#include "equivalence/restricted_fit.hpp"
#include "libmdp/io/coordinates.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/transition_file.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

std::string path(const std::string& name) { return (tests::source_dir() / "data/counterexamples" / name).string(); }

struct Counterexample {
  explicit Counterexample(const std::string& stem)
      : name(stem),
        world(io::read_mdp(path(stem + ".world.json"))),
        exact(io::read_exact_model(path(stem + ".world.json"))),
        counts(count_transitions(world, io::read_transitions(path(stem + ".seen.csv"), world))) {}

  // What the optimal policy of the model loses in the world, in the worst state: in rationals.
  [[nodiscard]] mpq_class regret(const Mdp& model) const {
    const auto own = tests::solve_exactly(io::exact_model_of(model));
    const auto best = tests::solve_exactly(exact);
    io::ExactModel chain = exact;  // the world under that policy: one row per state
    chain.rows.clear();
    for (std::size_t s = 0; s + 1 < exact.state_rows.size(); ++s) {
      auto row = exact.state_rows[s];
      for (auto r = row; r < exact.state_rows[s + 1]; ++r) {
        if (own.q[static_cast<std::size_t>(r)] < own.q[static_cast<std::size_t>(row)]) row = r;
      }
      chain.rows.push_back(exact.rows[static_cast<std::size_t>(row)]);
      chain.state_rows[s] = static_cast<std::int64_t>(s);
    }
    chain.state_rows.back() = static_cast<std::int64_t>(chain.rows.size());
    const auto followed = tests::solve_exactly(chain);
    mpq_class worst = 0;
    for (std::size_t s = 0; s < followed.values.size(); ++s) {
      worst = std::max(worst, mpq_class(followed.values[s] - best.values[s]));
    }
    return worst;
  }

  std::string name;
  Mdp world;
  io::ExactModel exact;
  TransitionCounts counts;
};

void check(const Counterexample& at, const Mdp& classical, const mpq_class& regret) {
  INFO(at.name);
  REQUIRE(at.regret(classical) == regret);
  ConstrainedFitOptions options;
  options.fit.support = FitSupport::world;
  const auto solved = solvers::solve(at.world);
  const ConstrainedFit right = fit_within(at.world, solved, at.counts, options);
  REQUIRE(right.status == Status::converged);
  REQUIRE(at.regret(*right.model) == 0);
  REQUIRE(right.defect.epsilon < 1e-9);
}

}  // namespace

TEST_CASE("T11: the most likely deterministic model") {
  const Counterexample at("deterministic");
  check(at, most_likely_model(fit_maximum_likelihood(at.world, at.counts)), mpq_class(13, 5));
}

TEST_CASE("T11: the mean model") {
  const Counterexample at("mean");
  const auto points = io::read_coordinates(path("mean.points.json"), at.world.n_states());
  const Mdp likely = fit_maximum_likelihood(at.world, at.counts);
  check(at, mean_model(likely, {points.dimension, points.values, {}}), 5);
}

TEST_CASE("T11: aggregated states") {
  const Counterexample at("aggregated");
  check(at, fit_aggregated(at.world, at.counts, std::vector<State>{0, 1, 1, 2}), mpq_class(8, 5));
}

TEST_CASE("T11: missing successors, by maximum likelihood itself") {
  const Counterexample at("missing");
  check(at, fit_maximum_likelihood(at.world, at.counts), 8);
}

TEST_CASE("T11: smoothing over all states") {
  const Counterexample at("smoothed");
  FitOptions options;
  options.smoothing = 1.0;
  options.support = FitSupport::all_states;
  check(at, fit_maximum_likelihood(at.world, at.counts, options), 1);
}

TEST_CASE("T11: two points a row") {
  const Counterexample at("two_points");
  check(at, k_point_model(fit_maximum_likelihood(at.world, at.counts), 2), mpq_class(4, 5));
}

TEST_CASE("T11: shared rows") {
  const Counterexample at("shared_rows");
  check(at, fit_shared_rows(at.world, at.counts, std::vector<Offset>{0, 0, 1, 2, 3}), 4);
}
