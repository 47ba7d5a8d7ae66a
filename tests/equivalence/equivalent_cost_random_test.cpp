// T1 and T6 on thousands of random pairs: Q^* = Q* within the certified bound, whatever the sizes, discounts and scales.
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/candidate.hpp"
#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/builder.hpp"
#include "solvers/solve.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

struct Kind {
  State n_states;
  double discount, discount_model;
  int scale;  // costs up to 10^scale in size
  bool ties, absorbing, unreachable;
};

Kind random_kind(std::mt19937_64& random, State max_states) {
  const double discounts[] = {0.0, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0 - 1e-6};
  const double size =
      std::exp(std::log(static_cast<double>(max_states)) * static_cast<double>(random() % 1000) / 1000.0);
  return {std::max<State>(2, static_cast<State>(size)),
          discounts[random() % 7],
          discounts[random() % 7],
          static_cast<int>(random() % 13) - 6,
          random() % 2 == 0,
          random() % 2 == 0,
          random() % 2 == 0};
}

// The shape (actions per state) depends on `shape_seed` alone, so that a world and a model can share it.
Mdp random_mdp(std::mt19937_64& random, std::uint64_t shape_seed, const Kind& kind, double discount) {
  std::mt19937_64 shape(shape_seed);
  MdpBuilder b(kind.n_states);
  const double scale = std::pow(10.0, kind.scale);
  for (State s = 0; s < kind.n_states; ++s) {
    const auto n_actions = 1 + shape() % 3;
    const bool stays = kind.absorbing && shape() % 8 == 0;
    for (std::uint64_t a = 0; a < n_actions; ++a) {
      const double unit = static_cast<double>(random() % 2001) / 1000.0 - 1.0;
      // Ties: few levels. Ill scaled: a thousandth of the pairs cost a million times as much.
      const double cost = kind.ties ? std::round(unit) : unit * (random() % 1000 == 0 ? 1e6 : 1.0);
      b.row(s, scale * cost);
      const auto next = [&] {
        return static_cast<State>(
            random() % static_cast<std::uint64_t>(kind.unreachable ? (kind.n_states + 1) / 2 : kind.n_states));
      };
      if (stays) {
        b.to(s, 1.0);
      } else {
        b.to(next(), 0.5).to(next(), 0.3).to(next(), 0.2);
      }
    }
  }
  return b.discount(Discount(discount)).build();
}

/// \returns the number of pairs that twice the precision of doubles does not solve to the default tolerance: there the certified
/// enclosures are wider, and the distance is within them all the same.
int run(std::uint64_t seed, int n_pairs, State max_states) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int n_limited = 0;
  for (int i = 0; i < n_pairs; ++i) {
    const Kind kind = random_kind(random, max_states);
    CAPTURE(i, kind.n_states, kind.discount, kind.discount_model, kind.scale, kind.ties, kind.absorbing,
            kind.unreachable);
    const std::uint64_t shape = random();
    const Mdp world = random_mdp(random, shape, kind, kind.discount),
              model = random_mdp(random, shape, kind, kind.discount_model);
    const auto solved = solvers::solve(world);
    REQUIRE((solved.converged() || solved.status == Status::precision_limit));
    const auto found = equivalent_cost(world, solved, model);
    REQUIRE(found.status == Status::converged);
    const auto check = verify(world, solved, *found.model);
    CAPTURE(check.message, check.distance.norm.lower, check.distance.norm.upper, found.q_error_bound);
    // The certified distance never exceeds the promise; the promise is of the accuracy of V*, not worse by 1/(1 - gamma^).
    REQUIRE(check.distance.norm.lower <= found.q_error_bound);
    if (!solved.converged() || check.status == Status::precision_limit) {
      ++n_limited;
      continue;
    }
    REQUIRE(check.status == Status::converged);
    double largest = 0.0;
    for (const double v : solved.values) largest = std::max(largest, std::abs(v));
    REQUIRE(found.q_error_bound <= 3e-9 * largest + 1e-9 * std::pow(10.0, kind.scale));
  }
  return n_limited;
}

/// The same for models: with gamma^ = gamma and all successors of the world allowed every row has a solution (T6).
/// \returns as above
int run_models(std::uint64_t seed, int n_pairs, State max_states) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int n_limited = 0;
  const Divergence divergences[] = {Divergence::l2, Divergence::l1, Divergence::likelihood, Divergence::reverse_kl};
  for (int i = 0; i < n_pairs; ++i) {
    Kind kind = random_kind(random, max_states);
    if (kind.discount == 0.0) kind.discount = 0.7;
    CAPTURE(i, kind.n_states, kind.discount, kind.scale, kind.ties, kind.absorbing, kind.unreachable);
    const std::uint64_t shape = random();
    const Mdp world = random_mdp(random, shape, kind, kind.discount),
              reference = random_mdp(random, shape, kind, kind.discount);
    const auto solved = solvers::solve(world);
    const Divergence divergence = divergences[random() % 4];
    CAPTURE(to_string(divergence));
    const auto found = equivalent_model(world, solved, reference,
                                        {.divergence = divergence, .support = {SupportRule::world_reference, 0, {}}});
    CAPTURE(found.message, found.epsilon, found.q_error_bound);
    REQUIRE(found.status == Status::converged);
    const auto check = verify(world, solved, *found.model);
    CAPTURE(check.message, check.distance.norm.lower, check.distance.norm.upper);
    REQUIRE(check.distance.norm.lower <= found.q_error_bound);
    if (!solved.converged() || check.status == Status::precision_limit) {
      ++n_limited;
    } else {
      REQUIRE(check.status == Status::converged);
    }
  }
  return n_limited;
}

}  // namespace

TEST_CASE(
    "T1: random pairs of 2 to 300 states, discounts from 0 to 1 - 1e-6, ill-scaled costs: within the certified bound") {
  REQUIRE(run(1, 400, 300) == 0);
}

TEST_CASE("T6: random pairs of 2 to 300 states, discounts to 1 - 1e-6, ill-scaled costs: within the certified bound") {
  REQUIRE(run_models(4, 200, 300) == 0);
}

TEST_CASE("T6: thousands of random pairs up to 10^4 states", "[long]") {
  REQUIRE(run_models(5, 2000, 300) == 0);
  REQUIRE(run_models(6, 80, 10000) < 6);
}

TEST_CASE("T1: thousands of random pairs up to 10^4 states", "[long]") {
  REQUIRE(run(2, 3000, 300) == 0);
  REQUIRE(run(3, 120, 10000) < 6);
}
