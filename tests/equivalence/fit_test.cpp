// T11: classical fits, and that they are not optimal.
#include "equivalence/fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/candidate.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

// Three states, the first with two actions; the last is a goal.
Mdp small_world() {
  MdpBuilder b(3);
  b.row(0, 1.0, "left").to(0, 0.5).to(1, 0.5);
  b.row(0, 2.0, "right").to(2, 1.0);
  b.row(1, 3.0, "left").to(2, 1.0);
  b.goal(2);
  b.initial(0, 1.0).state_names({"a", "b", "end"});
  return b.discount(Discount(0.5)).build();
}

TransitionData samples(std::initializer_list<std::array<int, 3>> list) {
  TransitionData data;
  for (const auto& [s, a, next] : list) data.add(s, a, next);
  return data;
}

std::vector<std::vector<double>> dense(const Mdp& mdp) {
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(mdp.n_rows()),
                                        std::vector<double>(static_cast<std::size_t>(mdp.n_states())));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (auto k = static_cast<std::size_t>(mdp.row_begin()[row]);
         k < static_cast<std::size_t>(mdp.row_begin()[row + 1]); ++k) {
      rows[row][static_cast<std::size_t>(mdp.next_state()[k])] = mdp.probability()[k];
    }
  }
  return rows;
}

using Rows = std::vector<std::vector<double>>;

}  // namespace

TEST_CASE("maximum likelihood: frequencies; everything else is the world's") {
  const Mdp world = small_world();
  const auto data = samples({{0, 0, 1}, {0, 0, 0}, {0, 0, 1}, {0, 0, 1}, {1, 0, 2}, {2, 0, 0}});
  const Mdp fit = fit_maximum_likelihood(world, data);
  // (0, right) was not seen: it stays. The goal stays a goal, whatever the data say.
  REQUIRE(dense(fit) == Rows{{0.25, 0.75, 0.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}, {0.0, 0.0, 1.0}});
  REQUIRE(std::equal(fit.cost().begin(), fit.cost().end(), world.cost().begin()));
  REQUIRE(fit.discount() == 0.5);
  REQUIRE(fit.state_name(1) == "b");
  REQUIRE(fit.action_name(1) == "right");
  REQUIRE(fit.goal().size() == 1);
  REQUIRE(fit.initial()[0] == 1.0);
  REQUIRE(dense(most_likely_model(fit)) == Rows{{0, 1, 0}, {1, 0, 0}, {0, 0, 1}, {0, 0, 1}});
}

TEST_CASE("maximum likelihood: pseudo-counts and pairs without data") {
  const Mdp world = small_world();
  const auto data = samples({{0, 0, 1}, {0, 0, 1}, {0, 0, 0}, {1, 0, 2}});
  SECTION("Laplace on every state") {
    const Mdp fit = fit_maximum_likelihood(world, data, {.support = FitSupport::all_states, .smoothing = 1.0});
    const double third = 1.0 / 3;
    REQUIRE(dense(fit) == Rows{{2.0 / 6, 3.0 / 6, 1.0 / 6}, {third, third, third}, {0.25, 0.25, 0.5}, {0, 0, 1}});
  }
  SECTION("on what was seen") {
    const Mdp fit = fit_maximum_likelihood(world, data, {.smoothing = 0.5, .unseen = UnseenPair::uniform});
    const double third = 1.0 / 3;
    REQUIRE(dense(fit) == Rows{{1.5 / 4, 2.5 / 4, 0.0}, {third, third, third}, {0, 0, 1}, {0, 0, 1}});
  }
  SECTION("on what the world can do") {
    const Mdp fit =
        fit_maximum_likelihood(world, samples({{0, 0, 1}}), {.support = FitSupport::world, .smoothing = 1.0});
    REQUIRE(dense(fit) == Rows{{1.0 / 3, 2.0 / 3, 0}, {0, 0, 1}, {0, 0, 1}, {0, 0, 1}});
  }
  SECTION("refused") {
    REQUIRE_THROWS_WITH(fit_maximum_likelihood(world, data, {.unseen = UnseenPair::refuse}),
                        "state a, action right has no samples");
    REQUIRE_THROWS_WITH(fit_maximum_likelihood(world, data, {.max_transitions = 3}),
                        "the fit needs more than max_transitions = 3 transitions");
    REQUIRE_THROWS_AS(fit_maximum_likelihood(world, data, {.smoothing = -1.0}), InvalidOption);
    REQUIRE_THROWS_WITH(fit_maximum_likelihood(world, samples({{0, 0, 1}, {1, 1, 0}})),
                        "transition data: sample 1: state b has no action 1, it has 1");
    REQUIRE_THROWS_WITH(fit_maximum_likelihood(world, samples({{0, 0, 3}})),
                        "transition data: sample 0: state a, action left: successor 3 does not exist");
    REQUIRE_THROWS_WITH(fit_maximum_likelihood(world, samples({{-1, 0, 3}})),
                        "transition data: sample 0: state -1 does not exist");
  }
}

TEST_CASE("weighted samples are repeated ones") {
  const Mdp world = small_world();
  const auto repeated = samples({{0, 0, 1}, {0, 0, 0}, {0, 0, 1}, {0, 0, 1}, {1, 0, 2}, {1, 0, 2}});
  auto weighted = samples({{1, 0, 2}, {0, 0, 1}, {0, 0, 0}, {0, 1, 0}});
  weighted.count = {2.0, 3.0, 1.0, 0.0};
  const TransitionCounts once = count_transitions(world, repeated);
  const TransitionCounts counts = count_transitions(world, weighted);
  REQUIRE(counts.row_begin == once.row_begin);
  REQUIRE(counts.next_state == once.next_state);
  REQUIRE(counts.count == once.count);
  REQUIRE(counts.total() == 6.0);
  REQUIRE(dense(fit_maximum_likelihood(world, weighted)) == dense(fit_maximum_likelihood(world, repeated)));
  const auto refused = [&](double count) {
    weighted.count[1] = count;
    REQUIRE_THROWS_WITH(count_transitions(world, weighted),
                        Catch::Contains("sample 1: state a, action left: count") && Catch::Contains("finite and >= 0"));
  };
  refused(-1.0);
  refused(std::nan(""));
  refused(infinity);
}

TEST_CASE("maximum likelihood maximises the likelihood") {
  const Mdp world = small_world();
  std::mt19937 random(5);
  TransitionData data;
  for (int i = 0; i < 50; ++i) data.add(0, 0, static_cast<State>(random() % 3));
  const auto likelihood = [&](const std::vector<double>& p) {
    double sum = 0.0;
    for (const State next : data.next_state) sum += std::log(p[static_cast<std::size_t>(next)]);
    return sum;
  };
  const auto p = dense(fit_maximum_likelihood(world, data))[0];
  for (int trial = 0; trial < 100; ++trial) {
    auto other = p;
    const double move = 1e-3 * static_cast<double>(1 + random() % 100);
    const std::size_t from = random() % 3, to = (from + 1 + random() % 2) % 3;
    other[from] -= move;
    other[to] += move;
    REQUIRE(likelihood(other) < likelihood(p));
  }
}

TEST_CASE("the mean model goes to the state nearest the mean; ties to the lowest") {
  MdpBuilder b(4);
  b.row(0, 0.0).to(0, 0.25).to(3, 0.75);
  b.row(1, 0.0).to(0, 0.5).to(1, 0.5);
  b.row(2, 0.0).to(1, 1.0);
  b.row(3, 0.0).to(0, 0.5).to(3, 0.5);
  const Mdp mdp = b.discount(Discount(0.5)).build();
  const std::vector<double> position{0.0, 1.0, 2.0, 3.0};
  // Means 2.25, 0.5 (tie of 0 and 1), 1, 1.5 (tie of 1 and 2).
  REQUIRE(dense(mean_model(mdp, {.dimension = 1, .coordinates = position})) ==
          Rows{{0, 0, 1, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}});
  const std::vector<double> plane{0, 0, 1, 0, 0, 1, 1, 1};
  REQUIRE(dense(mean_model(mdp, {.dimension = 2, .coordinates = plane}))[0] == std::vector<double>{0, 0, 0, 1});
  const auto ceiling = [](std::span<const double> x) { return static_cast<State>(std::ceil(x[0])); };
  REQUIRE(dense(mean_model(mdp, {.dimension = 1, .coordinates = position, .nearest = ceiling}))[0] ==
          std::vector<double>{0, 0, 0, 1});
  REQUIRE_THROWS_AS(mean_model(mdp, {.dimension = 1, .coordinates = plane}), InvalidArgument);
  const auto nowhere = [](std::span<const double>) { return State{4}; };
  REQUIRE_THROWS_AS(mean_model(mdp, {.dimension = 1, .coordinates = position, .nearest = nowhere}), InvalidArgument);
}

TEST_CASE("T11: the most likely and the mean model of a slippery lake are worse than the equivalent one") {
  const Mdp world = generate::gridworld(generate::frozenlake8x8());
  const auto solved = solvers::solve(world);
  const Mdp likely = most_likely_model(world);
  const auto candidate = assess_candidate(world, solved, likely);
  REQUIRE(candidate.max_regret.lower > 0.05);
  REQUIRE(candidate.defect.epsilon > 0.05);
  // The least change of the world itself is no change.
  const auto equivalent = equivalent_model(world, solved, world);
  REQUIRE(assess_candidate(world, solved, *equivalent.model).max_regret.upper <= 1e-7);
}

TEST_CASE("T11: a counterexample on a line, small enough for the hand") {
  // From 0, `risky` costs nothing and goes to 1 w.p. 0.6 and to 3 w.p. 0.4; `safe` costs 1 and ends. Landing in 3 costs 10.
  MdpBuilder b(4);
  b.row(0, 0.0, "risky").to(1, 0.6).to(3, 0.4);
  b.row(0, 1.0, "safe").to(1, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  b.row(2, 0.0).to(1, 1.0);
  b.row(3, 10.0).to(1, 1.0);
  const Mdp world = b.discount(Discount(0.5)).build();
  const auto solved = solvers::solve(world);
  // Q*(risky) = 0.5 * 0.4 * 10 = 2 > 1. The most likely successor of risky is 1: free. The mean 1.8 is nearest to 2: free.
  REQUIRE(solved.policy[0] == 1);
  const std::vector<double> position{0.0, 1.0, 2.0, 3.0};
  for (const Mdp& model : {most_likely_model(world), mean_model(world, {.dimension = 1, .coordinates = position})}) {
    const auto candidate = assess_candidate(world, solved, model);
    REQUIRE(candidate.model.policy[0] == 0);
    REQUIRE(candidate.regret[0] == Approx(1.0));
    REQUIRE(candidate.defect.delta[0] == Approx(-2.0));
  }
}
