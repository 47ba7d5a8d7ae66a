// T5: the least change of a cost, judged by duality and by the exact solution of the changed model.
#include "equivalence/least_change.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "equivalence/least_change_problem.hpp"
#include "libmdp/error.hpp"
#include "solvers/linear_program.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

constexpr ChangeNorm all_norms[] = {ChangeNorm::l1, ChangeNorm::l2, ChangeNorm::linf};

bool is_available(ChangeNorm norm) { return norm == ChangeNorm::l2 || solvers::has_linear_programming(); }

Mdp one_state(std::vector<double> costs, double gamma) {
  MdpBuilder b(1);
  for (const double c : costs) b.row(0, c).to(0, 1.0);
  return b.discount(Discount(gamma)).build();
}

LeastChange least(const Mdp& world, const Mdp& model, ChangeNorm norm, double margin) {
  LeastChangeOptions options;
  options.norm = norm;
  options.margin = margin;
  const auto solved = solvers::solve(world);
  return least_change(world, solved, model, options);
}

}  // namespace

TEST_CASE("T5: one state by hand in the three norms") {
  // Action 0 is best in the world; the model's costs (3, 1) must become (x, y), y >= x + 1 margin: the gap is 3 to close.
  const Mdp world = one_state({0.0, 1.0}, 0.9), model = one_state({3.0, 1.0}, 0.5);
  const double size[] = {3.0, 3.0 / std::sqrt(2.0), 1.5};
  for (const ChangeNorm norm : all_norms) {
    if (!is_available(norm)) continue;
    CAPTURE(to_string(norm));
    const auto found = least(world, model, norm, 1.0);
    REQUIRE(found.status == Status::converged);
    REQUIRE(found.size == Approx(size[static_cast<std::size_t>(norm)]).epsilon(1e-8));
    REQUIRE(found.size_lower <= found.size);
    REQUIRE(found.size_lower == Approx(found.size).epsilon(1e-6));
    REQUIRE(found.cost[1] - found.cost[0] == Approx(1.0));
    REQUIRE(found.other_gap.lower == Approx(1.0));
    REQUIRE(found.optimal_gap.upper < 1e-8);
  }
}

TEST_CASE("T5: the dual bound makes any y feasible") {
  const Mdp world = one_state({0.0, 1.0}, 0.9), model = one_state({3.0, 1.0}, 0.5);
  const auto problem = least_change_problem(world, solvers::solve(world), model, 1.0);
  // y = (0, 1) becomes (-1, 1): b.y = 3, where b = (-3, 0).
  REQUIRE(dual_bound(problem, model, {0.0, 1.0}, ChangeNorm::l1, 3.0) == Approx(3.0));
  REQUIRE(dual_bound(problem, model, {5.0, 1.0}, ChangeNorm::linf, 3.0) == Approx(1.5));
  REQUIRE(dual_bound(problem, model, {5.0, -1.0}, ChangeNorm::l1, 3.0) == 0.0);
}

TEST_CASE("T5: random pairs: the decisions are the world's with the margin, exactly, and no feasible cost is nearer") {
  const auto seed = 21U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const double margin = 0.25;
  for (int trial = 0; trial < 60; ++trial) {
    const auto shape = random_shape(random, 6);
    const Mdp world = random_mdp(random, shape, 0.9);
    const Mdp model = random_mdp(random, shape, trial % 2 == 0 ? 0.5 : 0.99);
    const auto truth = solve_exactly(world);
    const auto solved = solvers::solve(world);
    for (const ChangeNorm norm : all_norms) {
      if (!is_available(norm)) continue;
      CAPTURE(trial, to_string(norm));
      const auto found = least(world, model, norm, margin);
      CAPTURE(found.message);
      REQUIRE(found.status == Status::converged);
      REQUIRE(found.size - found.size_lower <= 1e-6 * found.size + 1e-5);

      const auto changed = solve_exactly(*found.model);
      for (std::size_t r = 0; r < truth.q.size(); ++r) {
        const auto s = static_cast<std::size_t>(world.state_of(static_cast<Offset>(r)));
        const double gap = Rational(changed.q[r] - changed.values[s]).get_d();
        if (truth.q[r] == truth.values[s]) {
          REQUIRE(gap <= 1e-12);
        } else {
          REQUIRE(gap >= margin - 1e-9);
        }
        REQUIRE(found.model->cost()[r] - model.cost()[r] == Approx(found.change[r]).margin(1e-9));
      }
      // Other potentials, made feasible, are never nearer.
      const auto problem = least_change_problem(world, solved, model, margin);
      for (int i = 0; i < 30; ++i) {
        std::vector<double> phi(found.potential);
        for (double& x : phi) x += draw(random, -100, 100) * (i % 2 == 0 ? 0.01 : 1.0);
        REQUIRE(norm_of(problem.change(problem.residual(phi)), norm) >= found.size_lower);
      }
    }
  }
}

TEST_CASE("T5: a cost that already keeps the decisions is not changed") {
  const Mdp world = one_state({0.0, 1.0}, 0.9);
  for (const ChangeNorm norm : all_norms) {
    if (!is_available(norm)) continue;
    const auto found = least(world, one_state({1.0, 5.0}, 0.5), norm, 1.0);
    REQUIRE(found.status == Status::converged);
    REQUIRE(found.size <= 1e-9);
    REQUIRE(found.condition_number == Approx(0.2));  // Phi = 2, gamma^ Phi = 1, the largest cost 5
  }
}

TEST_CASE("T5: ties of the world become ties of the model; margin 0 is the closure") {
  const Mdp world = one_state({0.0, 0.0, 1.0}, 0.5), model = one_state({1.0, 3.0, 0.0}, 0.5);
  const auto found = least(world, model, ChangeNorm::l2, 0.0);
  REQUIRE(found.n_optimal == 2);
  // min (x-1)^2 + (x-3)^2 + max(0, x)^2: 3x = 4.
  REQUIRE(found.cost[0] == Approx(4.0 / 3.0));
  REQUIRE(found.cost[1] == Approx(4.0 / 3.0));
  REQUIRE(found.cost[2] == Approx(4.0 / 3.0));
  REQUIRE(found.optimal_gap.upper < 1e-8);
}

TEST_CASE("T5: pairs that are infinite in the model whatever their cost take no part") {
  // 0: stay (1) or fall (0), half to the abyss; 1: to 0. The abyss is inadmissible.
  const auto fall = [](double abyss, double optimal) {
    MdpBuilder b(3);
    b.row(0, optimal).to(0, 1.0);
    b.row(0, 0.0).to(0, 0.5).to(2, 0.5);
    b.row(1, 0.0).to(0, 1.0);
    b.row(2, abyss).to(2, 1.0);
    return b.initial(1, 1.0).discount(0.5).build();
  };
  for (const ChangeNorm norm : all_norms) {
    if (!is_available(norm)) continue;
    const auto same = least(fall(infinity, 1.0), fall(infinity, 1.0), norm, 0.1);
    REQUIRE(same.status == Status::converged);
    REQUIRE(same.size == Approx(0.0).margin(1e-9));
    REQUIRE(same.n_optimal == 2);
    // The model's abyss costs 7 only: there falling is not worse by itself.
    const auto refused = least(fall(infinity, 1.0), fall(7.0, 1.0), norm, 0.1);
    REQUIRE(refused.status == Status::refused);
    REQUIRE_THAT(refused.message,
                 Catch::Contains("state 0, action 1: the model can go to state 2, where V* is infinite") &&
                     Catch::Contains("it gets there by state 1, action 0"));
    // Staying is inadmissible in the model, what must be optimal has to go.
    REQUIRE(least(fall(infinity, 1.0), fall(infinity, infinity), norm, 0.1).status == Status::refused);
    const auto nothing = least(one_state({infinity, infinity}, 0.5), one_state({1.0, 2.0}, 0.5), norm, 0.1);
    REQUIRE(nothing.status == Status::converged);
    REQUIRE(nothing.size == 0.0);
    REQUIRE(nothing.model.has_value());
  }
}

TEST_CASE("T5: what cannot be, and misuse") {
  const Mdp world = one_state({0.0, 1.0}, 0.9);
  const auto refused = least(world, one_state({infinity, 1.0}, 0.5), ChangeNorm::l2, 0.0);
  REQUIRE(refused.status == Status::refused);
  REQUIRE(refused.message.find("state 0, action 0 must be optimal and is inadmissible") != std::string::npos);
  REQUIRE(least(world, one_state({0.0, infinity}, 0.5), ChangeNorm::l2, 1.0).status == Status::converged);
  REQUIRE_THROWS_WITH(least(world, one_state({0.0, 1.0}, 1.0), ChangeNorm::l2, 0.0), Catch::Contains("discount is 1"));
  REQUIRE_THROWS_WITH(least(world, world, ChangeNorm::l2, -1.0), Catch::Contains("margin = -1"));
  REQUIRE_THROWS_WITH(change_norm_from_string("l3"), Catch::Contains("l1, l2, linf"));
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(1, infinity).to(1, 1.0);
  MdpBuilder m(2);
  m.row(0, 1.0).to(1, 1.0);
  m.row(1, 0.0).to(1, 1.0);
  const auto violated = least(b.discount(0.5).build(), m.discount(0.5).build(), ChangeNorm::l2, 0.0);
  REQUIRE(violated.status == Status::refused);
  REQUIRE(violated.message.find("TC(a)") != std::string::npos);
  REQUIRE(violated.message.find("state 0, action 0: the model can go to state 1") != std::string::npos);
  if (!solvers::has_linear_programming())
    REQUIRE_THROWS_WITH(least(world, world, ChangeNorm::l1, 0.0), Catch::Contains("CLP"));
}
