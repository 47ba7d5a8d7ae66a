// C2 with costs of very mixed size in one model: every state is enclosed as narrowly as what it can reach deserves, against exact rationals.
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/kernels/residual.hpp"
#include "solvers/criterion.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/exact/exact_answer.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

constexpr double sizes[] = {1e-300, 1e-200, 1e-16, 1.0, 1e16, 1e90};

struct Shape {
  bool both_signs = false;
  double discount = 1.0;
  bool goal = false;  // the last state is one
};

// A chain of small components, each with costs of its own size; a component leads to itself and to later ones.
Mdp chain_of_components(std::mt19937_64& random, const Shape& shape) {
  const auto draw = [&](State n) { return static_cast<State>(random() % static_cast<std::uint64_t>(n)); };
  std::vector<State> first{0};
  const State n_components = 2 + draw(5);
  for (State c = 0; c < n_components; ++c) first.push_back(first.back() + 1 + draw(3));
  const State n = first.back() + 1;
  MdpBuilder b(n);
  for (State c = 0; c < n_components; ++c) {
    const double size = sizes[draw(6)];
    for (State s = first[at(c)]; s < first[at(c) + 1]; ++s) {
      const State n_actions = 1 + draw(3);
      for (State a = 0; a < n_actions; ++a) {
        const double sign = shape.both_signs && draw(2) == 0 ? -1.0 : 1.0;
        const State own = first[at(c)] + draw(first[at(c) + 1] - first[at(c)]);
        const State later = first[at(c) + 1] + draw(n - first[at(c) + 1]);
        const double p = draw(4) == 0 ? 1e-12 : 0.1 * (1 + draw(9));
        b.row(s, sign * size * (1.0 + 0.1 * draw(20))).to(own, 1.0 - p).to(later, p);
      }
    }
  }
  if (shape.goal)
    b.goal(n - 1);
  else
    b.row(n - 1, 0.0).to(n - 1, 1.0);
  return b.discount(shape.discount).build();
}

struct Tally {
  int n_converged = 0;
  int n_imprecise = 0;
};

Extended extended(double x) { return std::isinf(x) ? Extended::infinity(x > 0.0 ? 1 : -1) : Extended(mpq_class(x)); }

// Sound in any case; a status other than converged names a state.
void check(const Mdp& mdp, Criterion criterion, const CriterionOptions& options, Tally& tally) {
  ExactOptions exact;
  exact.criterion = options;
  const ExactAnswer truth = solve_exact(ExactMdp(mdp).model(), criterion, exact);
  REQUIRE(truth.converged());
  const CriterionResult r = solve_criterion(mdp, criterion, options);
  CAPTURE(to_string(criterion), r.message, r.method);
  const Accuracy accuracy = resolve_accuracy(options.solve, mdp.max_abs_cost());
  for (std::size_t s = 0; s < truth.value.size(); ++s) {
    const Extended& value = truth.value[s];
    const mpq_class& v = value.finite;
    CAPTURE(s, value.infinite, v.get_d(), r.value_lower[s], r.value_upper[s]);
    REQUIRE(extended(r.value_lower[s]) <= value);
    REQUIRE(value <= extended(r.value_upper[s]));
    if (r.converged() && value.is_finite())
      REQUIRE(0.5 * (r.value_upper[s] - r.value_lower[s]) <= accuracy.at(v.get_d()) * (1.0 + 1e-6));
  }
  ++(r.converged() ? tally.n_converged : tally.n_imprecise);
  if (r.converged()) return;
  CHECK(r.status == Status::precision_limit);
  CHECK(r.message.find("state ") != std::string::npos);
}

CriterionOptions relative_only() {
  CriterionOptions options;
  options.solve.relative_tolerance = 1e-9;
  options.horizon = 40;
  return options;
}

Tally check_many(Criterion criterion, bool both_signs, int n_models) {
  Tally tally;
  for (int seed = 0; seed < n_models; ++seed) {
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    const bool discounts = criterion == Criterion::discounted || criterion == Criterion::finite;
    constexpr double discounts_of[] = {0.0, 0.5, 0.99, 1.0 - 1e-9};
    const Mdp mdp = chain_of_components(random, {.both_signs = both_signs,
                                                 .discount = discounts ? discounts_of[seed % 4] : 1.0,
                                                 .goal = criterion == Criterion::goal});
    CAPTURE(seed);
    check(mdp, criterion, relative_only(), tally);
  }
  return tally;
}

}  // namespace

TEST_CASE("Costs from 1e-300 to 1e90, all above 0: every state has nine digits of its own") {
  for (const Criterion criterion : {Criterion::discounted, Criterion::finite, Criterion::goal, Criterion::total}) {
    const Tally tally = check_many(criterion, false, 60);
    CAPTURE(to_string(criterion));
    CHECK(tally.n_imprecise == 0);
  }
}

TEST_CASE("The same of both signs: bounds hold, and what cancels is named") {
  for (const Criterion criterion : {Criterion::discounted, Criterion::finite}) {
    const Tally tally = check_many(criterion, true, 60);
    CAPTURE(to_string(criterion));
    CHECK(tally.n_converged >= 45);
  }
}

TEST_CASE("A tiny state that never meets the huge one does not pay for it, by evaluation and at discount 0, too") {
  for (const double discount : {0.0, 0.5, 1.0 - 1e-9}) {
    CAPTURE(discount);
    MdpBuilder b(3);
    b.row(0, 1e-300).to(0, 1.0);
    b.row(0, 1e90).to(1, 1.0);
    b.row(1, 3e90).to(1, 1.0);
    b.row(2, -2.0).to(2, 0.5).to(0, 0.5);
    const Mdp mdp = b.discount(discount).build();
    Tally tally;
    check(mdp, Criterion::discounted, relative_only(), tally);
    check(mdp, Criterion::finite, relative_only(), tally);
    CHECK(tally.n_imprecise == 0);
    const auto evaluated = evaluate(mdp, Policy{0, 0, 0}, relative_only().solve);
    CHECK(evaluated.status == Status::converged);
    CHECK(evaluated.value_upper[0] < 1e-290);
  }
}

TEST_CASE("Values beyond the range of doubles: bounds hold for the others, and the state is named") {
  MdpBuilder b(3);
  b.row(0, 1.7e308).to(0, 0.9).to(2, 0.1);
  b.row(1, 1.0).to(1, 0.5).to(2, 0.5);
  b.goal(2);
  const Mdp mdp = b.discount(0.99).build();
  CriterionOptions options = relative_only();
  for (const Criterion criterion : {Criterion::discounted, Criterion::finite, Criterion::goal, Criterion::total}) {
    const CriterionResult r = solve_criterion(mdp, criterion, options);
    CAPTURE(to_string(criterion), r.message);
    CHECK(r.status == Status::precision_limit);
    CHECK(r.message.find("state 0") != std::string::npos);
    CHECK(r.message.find("range of doubles") != std::string::npos);
    CHECK(r.value_lower[0] < infinity);  // no NaN
    CHECK(r.value_upper[0] == infinity);
    CHECK(r.value_lower[1] > 1.0);
    CHECK(r.value_upper[1] < 3.0);
  }
}

TEST_CASE("The sweep with an error for each state encloses TV for any V within its errors") {
  std::mt19937_64 random(5);
  for (int k = 0; k < 200; ++k) {
    const Mdp mdp = chain_of_components(random, {.both_signs = true, .discount = k % 2 == 0 ? 0.9 : 1.0});
    const auto n = at(mdp.n_states());
    std::vector<TwoDouble> v(n), tv(n);
    std::vector<double> error(n), tv_error(n);
    std::vector<mpq_class> exact(n);  // at an end of its interval
    for (std::size_t s = 0; s < n; ++s) {
      const double size = sizes[random() % 6];
      v[s] = quick_two_sum(size, 1e-20 * size);
      error[s] = random() % 3 == 0 ? 0.0 : size * 1e-25;
      exact[s] = mpq_class(v[s].hi) + mpq_class(v[s].lo) + (random() % 2 == 0 ? 1 : -1) * mpq_class(error[s]);
    }
    Policy policy(n);
    kernels::precise_sweep(mdp, {v, error}, tv, tv_error, policy);
    const io::ExactModel model = ExactMdp(mdp).model();
    std::vector<Extended> values(exact.begin(), exact.end());
    const auto q = exact_q(model, model.discount, values);
    for (std::size_t s = 0; s < n; ++s) {
      const auto from = q.begin() + model.state_rows[s];
      const mpq_class least = std::min_element(from, q.begin() + model.state_rows[s + 1])->finite;
      const mpq_class taken = (from + policy[s])->finite;
      CAPTURE(k, s, tv_error[s]);
      REQUIRE(abs(mpq_class(mpq_class(tv[s].hi) + mpq_class(tv[s].lo) - least)) <= tv_error[s]);
      REQUIRE(taken - least <= 5 * mpq_class(tv_error[s]));
    }
  }
}
