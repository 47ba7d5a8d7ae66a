// T7: models equivalent up to a constant, for another discount.
#include "equivalence/best_shift.hpp"

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

TEST_CASE(
    "T7: Q^* = Q* + c in exact rationals within the promised bound, for every c of the interval and for no other") {
  const auto seed = 20261201U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const double discounts[] = {0.0, 0.3, 0.875, 0.9, 0.99};
  int n_feasible = 0, n_only_shifted = 0, n_empty = 0;
  for (int trial = 0; trial < 250; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, discounts[random() % 5]);
    const Mdp reference = random_mdp(random, shape, discounts[1 + random() % 4]);
    const auto solution = solve_exactly(world);
    const Known known(solution.values);
    const EquivalentModelOptions plain{.divergence = Divergence::l1, .support = {SupportRule::all, 0, {}}};
    const auto at_zero = equivalent_model(world, known.view(), reference, plain);
    const auto interval = at_zero.shift_interval;

    // The interval by its formula, in rationals.
    const Rational gamma_model = exact_model_of(reference).discount, gamma = exact_model_of(world).discount;
    Rational low_v = solution.values[0], high_v = solution.values[0];
    for (const auto& v : solution.values) low_v = std::min(low_v, v), high_v = std::max(high_v, v);
    const auto exact = exact_model_of(world);
    Rational low, high;
    for (std::size_t row = 0; row < solution.q.size(); ++row) {
      const Rational moment = solution.q[row] - exact.rows[row].cost;
      const Rational from = (gamma_model * low_v - moment) / (1 - gamma_model);
      const Rational to = (gamma_model * high_v - moment) / (1 - gamma_model);
      low = row == 0 ? from : std::max(low, from);
      high = row == 0 ? to : std::min(high, to);
    }
    REQUIRE(std::abs(Rational(Rational(interval.range.lower) - low).get_d()) <= interval.error);
    REQUIRE(std::abs(Rational(Rational(interval.range.upper) - high).get_d()) <= interval.error);

    auto shifted = plain;
    shifted.shift = low < high ? Rational((low + high) / 2).get_d() : (low.get_d() + 1.0);
    const auto result = equivalent_model(world, known.view(), reference, shifted);
    REQUIRE(result.shift == *shifted.shift);
    if (!(low < high)) {
      ++n_empty;
      REQUIRE(result.status == Status::refused);
      REQUIRE(result.epsilon > 0.0);
      continue;
    }
    ++n_feasible;
    if (at_zero.status == Status::refused) ++n_only_shifted;
    REQUIRE(result.status == Status::converged);
    auto aim = solution.q;
    for (auto& q : aim) q += Rational(result.shift);
    const auto model = solve_exactly(exact_model_of(*result.model));
    REQUIRE(distance(model.q, aim) <= Rational(result.q_error_bound));
    REQUIRE(result.q_error_bound <= 1e-9);
  }
  REQUIRE(n_feasible > 50);
  REQUIRE(n_only_shifted > 20);  // feasible where c = 0 is not
  REQUIRE(n_empty > 20);
}

TEST_CASE("T7: the best shift has the least total divergence, which no other shift undercuts") {
  const auto seed = 20261202U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const auto divergence :
       {Divergence::kl, Divergence::reverse_kl, Divergence::chi2, Divergence::l2, Divergence::l1}) {
    CAPTURE(to_string(divergence));
    int n_checked = 0;
    for (int trial = 0; trial < 12; ++trial) {
      const std::vector<int> shape(5, 2);
      const Mdp world = random_mdp(random, shape, 0.9);
      const Mdp raw = [&] {
        MdpBuilder c(5);
        for (int s = 0; s < 5; ++s) {
          for (int a = 0; a < 2; ++a) {
            std::vector<int> w(5);
            int sum = 0;
            for (int& x : w) sum += x = draw(random, 1, 9);
            c.row(s, 0.0);
            for (int t = 0; t < 5; ++t) c.to(t, w[static_cast<std::size_t>(t)] / static_cast<double>(sum));
          }
        }
        return c.discount(Discount(0.85)).build();
      }();
      const Known known(solve_exactly(world).values);
      const auto at = [&](std::optional<double> shift) {
        return equivalent_model(world, known.view(), raw, {.divergence = divergence, .shift = shift});
      };
      const auto best = at({});
      if (best.status != Status::converged) continue;
      ++n_checked;
      REQUIRE(best.shift_suboptimality <= 1e-6 * (1.0 + best.sum_divergence));
      const auto& range = best.shift_interval.range;
      for (int k = 0; k <= 20; ++k) {
        const auto other = at(range.lower + (range.upper - range.lower) * (k + 0.5) / 21.0);
        if (other.status != Status::converged) continue;
        REQUIRE(best.sum_divergence <= other.sum_divergence + best.shift_suboptimality + 1e-12);
      }
    }
    REQUIRE(n_checked > 3);
  }
}

namespace {

/// The shifts at which V*(j) is the moment that a row asks for, by row.
std::vector<std::vector<double>> hits_of(const Mdp& world, const ExactSolution& solved, double discount_model) {
  const auto exact = exact_model_of(world);
  const Rational gamma_model(discount_model);
  std::vector<std::vector<double>> hits;
  for (std::size_t row = 0; row < solved.q.size(); ++row) {
    hits.emplace_back();
    for (const Rational& v : solved.values) {
      const Rational c = (gamma_model * v - (solved.q[row] - exact.rows[row].cost)) / (1 - gamma_model);
      hits.back().push_back(c.get_d());
    }
  }
  return hits;
}

}  // namespace

TEST_CASE("T7: the best shift for models of few successors, against every shift that some successor meets") {
  const auto seed = 20261126U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_checked = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const Mdp world = random_mdp(random, std::vector<int>(5, 2), 0.9);
    const auto solved = solve_exactly(world);
    const Known known(solved.values);
    const auto at = [&](Divergence divergence, std::optional<double> shift) {
      return equivalent_model(
          world, known.view(), world,
          {.discount = Discount(0.75), .divergence = divergence, .support = {SupportRule::all, 0, {}}, .shift = shift});
    };
    const auto sparsest = at(Divergence::sparsest, {});
    const auto& range = sparsest.shift_interval.range;
    if (!(range.lower < range.upper)) continue;
    ++n_checked;
    REQUIRE(sparsest.status == Status::converged);
    const auto hits = hits_of(world, solved, 0.75);
    const auto missed = [&](double c) {  // sum of |V*(j) - tau| for the nearest j of each row
      double sum = 0.0;
      for (const auto& row : hits) {
        double nearest = infinity;
        for (const double hit : row) nearest = std::min(nearest, std::abs(hit - c));
        sum += nearest / 3.0;  // (1 - gamma^) / gamma^
      }
      return sum;
    };
    const auto deterministic = at(Divergence::deterministic, {});
    const double least = missed(deterministic.shift);
    CHECK(deterministic.shift_suboptimality < 1e-12 * (1.0 + least));
    for (const auto& row : hits) {
      for (const double c : row) {
        if (!(c >= range.lower && c <= range.upper)) continue;
        CHECK(sparsest.sum_divergence <= at(Divergence::sparsest, c).sum_divergence);
        CHECK(least <= missed(c) + 1e-9);
      }
    }
    for (int k = 0; k <= 50; ++k) {
      CHECK(least <= missed(range.lower + (range.upper - range.lower) * k / 50.0) + 1e-9);
    }
  }
  CHECK(n_checked > 20);
}

TEST_CASE("T7: a shift that one successor a row meets is found, planted") {
  // V* = (0, 2, 5, 6, 9, 16), gamma = 1/2, gamma^ = 3/4, c = 2: V*(j) = tau iff E_rho[V*] = 3/2 V*(j) - 1. All in dyadic numbers.
  const std::vector<double> v{0.0, 2.0, 5.0, 6.0, 9.0, 16.0};
  std::mt19937 random(7);
  MdpBuilder b(6);
  for (State s = 0; s < 6; ++s) {
    for (const double slack : {0.0, 1.0, 3.0}) {
      const bool planted = slack < 3.0;
      const double mean = planted ? 1.5 * v[1 + random() % 4] - 1.0 : 1.0 + static_cast<double>(random() % 64) / 8.0;
      b.row(s, v[static_cast<std::size_t>(s)] + slack - 0.5 * mean).to(0, 1.0 - mean / 16.0).to(5, mean / 16.0);
    }
  }
  const Mdp world = b.discount(0.5).build();
  const KnownValues known(v, v, v);
  for (const auto divergence : {Divergence::sparsest, Divergence::deterministic}) {
    const auto found = equivalent_model(
        world, known, world,
        {.discount = Discount(0.75), .divergence = divergence, .support = {SupportRule::all, 0, {}}, .shift = {}});
    CHECK(found.shift == Approx(2.0).epsilon(1e-12));
    for (Offset row = 0; row < world.n_rows(); ++row) {
      if (row % 3 == 2) continue;
      CHECK(found.divergence[static_cast<std::size_t>(row)] <= (divergence == Divergence::sparsest ? 1.0 : 1e-12));
    }
  }
}

TEST_CASE("T7: the world is its own best model, and the shift is 0; gamma^ = 0 and 1") {
  std::mt19937 random(3);
  const Mdp world = random_mdp(random, {2, 2, 2}, 0.9);
  const Known known(solve_exactly(world).values);
  const auto own = equivalent_model(world, known.view(), world, {.shift = {}});
  REQUIRE(own.shift == 0.0);
  REQUIRE(own.sum_divergence == 0.0);
  // gamma^ = 0: c = -gamma E_rho[V*] must be the same for all rows.
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 1.0).to(1, 1.0);
  const Mdp chain = b.discount(Discount(0.5)).build();
  const Known two(solve_exactly(chain).values);
  const auto myopic = equivalent_model(chain, two.view(), chain, {.discount = Discount(0.0), .shift = {}});
  REQUIRE(myopic.status == Status::converged);
  REQUIRE(myopic.shift == Approx(-1.0));
  REQUIRE(myopic.q_error_bound <= 1e-12);
  REQUIRE(equivalent_model(chain, two.view(), chain, {.discount = Discount(0.0)}).status == Status::refused);
  REQUIRE_THROWS_AS(equivalent_model(chain, two.view(), chain, {.divergence = Divergence::uniform, .shift = {}}),
                    InvalidOption);
}

TEST_CASE("T7: the best shift has the same bits for any number of threads") {
  const auto truth = generate::planted({.shape = {.states = 400, .actions = 2, .successors = 4}, .seed = 8});
  const auto reference =
      generate::garnet({.shape = {.states = 400, .actions = 2, .successors = 60}, .discount = 0.9, .seed = 9});
  const KnownValues known(truth.values, truth.values, truth.values);
  const auto one = equivalent_model(truth.mdp, known, reference, {.shift = {}, .threads = 1});
  const auto two = equivalent_model(truth.mdp, known, reference, {.shift = {}, .threads = 2});
  REQUIRE(one.shift == two.shift);
  REQUIRE(one.sum_divergence == two.sum_divergence);
}
