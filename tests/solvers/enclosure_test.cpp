// C1, C2 and C3 as the solvers use them: every enclosure from any V holds the exact value of the MDP meant.
#include "solvers/enclosure.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/io/rational.hpp"
#include "solvers/centre.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::solvers;
using oracles::contains;

namespace {

std::vector<oracles::RandomOptions> kinds() {
  std::vector<oracles::RandomOptions> all(7);
  all[1].rational = true;
  all[2].row_sum_miss = 1e-7;
  all[3].inadmissible = 0.3;
  all[4].discount = mpq_class(999999, 1000000);
  all[4].rational = true;
  all[5].cost_scale = 1e-300;
  all[6].discount = 0;
  return all;
}

// V^pi - V* at its largest, exactly.
mpq_class exact_loss(const oracles::Problem& p, const Policy& policy, const oracles::ExactValues& best) {
  const auto values = oracles::policy_values(p.exact, policy);
  mpq_class loss;
  for (std::size_t s = 0; s < best.size(); ++s) {
    if (!best[s]) continue;
    REQUIRE(values[s]);
    loss = std::max(loss, mpq_class(*values[s] - *best[s]));
  }
  return loss;
}

void check(const oracles::Problem& p, const Enclosure& e, const oracles::ExactValues& best) {
  for (std::size_t s = 0; s < best.size(); ++s) {
    REQUIRE(contains(e.lower[s], e.upper[s], best[s]));
    if (!best[s]) continue;
    REQUIRE(e.lower[s] <= e.values[s]);
    REQUIRE(e.values[s] <= e.upper[s]);
    const mpq_class error = abs(mpq_class(e.values[s]) - *best[s]);
    REQUIRE(error <= mpq_class(e.half_width));
  }
  REQUIRE(exact_loss(p, e.policy, best) <= mpq_class(e.policy_loss_bound));
}

}  // namespace

TEST_CASE("C1: an enclosure from any V holds V*, in doubles and in twice the precision") {
  const auto seed = GENERATE(range(0, 40));
  const auto kind = GENERATE(range(0, 7));
  CAPTURE(seed, kind);
  std::mt19937_64 random(static_cast<unsigned>(seed * 100 + kind));
  const auto options = kinds()[static_cast<std::size_t>(kind)];
  const auto p = oracles::random_problem(random, options);
  const auto best = oracles::optimal_values(p.exact);
  std::vector<double> v;
  std::vector<TwoDouble> v2;
  const double noise = std::pow(10.0, -std::uniform_int_distribution<int>(0, 17)(random));
  for (const auto& x : best) {
    const double exact = x ? x->get_d() : 0.0;
    const double e = noise * options.cost_scale * std::uniform_real_distribution<double>(-1.0, 1.0)(random);
    v.push_back(exact + e);
    v2.push_back(io::to_two_double((x ? *x : mpq_class(0)) + mpq_class(e)));
  }
  check(p, enclose(p.mdp, v), best);
  check(p, enclose(p.mdp, v2), best);
}

TEST_CASE("C2: twice the precision is as sharp as V") {
  std::mt19937_64 random(7);
  oracles::RandomOptions options;
  options.rational = true;
  options.discount = mpq_class(9999, 10000);
  const auto p = oracles::random_problem(random, options);
  const auto best = oracles::optimal_values(p.exact);
  std::vector<TwoDouble> v;
  double largest = 0.0;
  for (const auto& x : best) {
    v.push_back(io::to_two_double(*x));
    largest = std::max(largest, std::abs(v.back().hi));
  }
  const Enclosure e = enclose(p.mdp, v);
  check(p, e, best);
  // Half-widths of one unit in the last place: the rounding of the bounds to doubles is all that is left.
  REQUIRE(e.half_width <= 4.0 * unit_roundoff * largest);
  REQUIRE(e.policy_loss_bound <= 1e-20);
}

TEST_CASE("C1 is attained: an enclosure is no wider than MacQueen's bounds need") {
  // One state, cost 1, V = 0: TV - V = 1 everywhere, so both ends are 1 + gamma/(1 - gamma) = 1/(1 - gamma) = 4.
  MdpBuilder b(1);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp one = b.discount(0.75).build();
  const Enclosure e = enclose(one, std::vector<double>{0.0});
  REQUIRE(e.values[0] == 4.0);
  REQUIRE(e.half_width < 1e-14);

  // Two absorbing states of cost 0 and 1, V = 0: V* = (0, 4) = TV + 3 d, d = (0, 1); the bounds are TV + [0, 3].
  MdpBuilder c(2);
  c.row(0, 0.0).to(0, 1.0);
  c.row(1, 1.0).to(1, 1.0);
  const Enclosure two = enclose(c.discount(0.75).build(), std::vector<double>{0.0, 0.0});
  REQUIRE(two.lower[0] == Approx(0.0).margin(1e-14));
  REQUIRE(two.upper[0] == Approx(3.0).epsilon(1e-14));
  REQUIRE(two.lower[1] == Approx(1.0).epsilon(1e-14));
  REQUIRE(two.upper[1] == Approx(4.0).epsilon(1e-14));
}

TEST_CASE("C1 counts the rounding of the sweep: absorbing states at their own values") {
  // V* = c/(1 - gamma) in each state: computed residuals are a constant but for rounding, and that is divided by 1 - gamma.
  const mpq_class discount(999999, 1000000);
  std::mt19937_64 random(17);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> cost{std::uniform_real_distribution<double>()(random),
                             std::uniform_real_distribution<double>()(random)};
    MdpBuilder b(2);
    b.row(0, cost[0]).to(0, 1.0);
    b.row(1, cost[1]).to(1, 1.0);
    const Mdp m = b.discount(io::to_discount(discount)).build();
    std::vector<double> v;
    for (const double c : cost) v.push_back(mpq_class(mpq_class(c) / (1 - discount)).get_d());
    const Enclosure e = enclose(m, v);
    for (std::size_t s = 0; s < 2; ++s) REQUIRE(contains(e.lower[s], e.upper[s], mpq_class(cost[s]) / (1 - discount)));
  }
}

TEST_CASE("V counts up to a constant: its size does not widen the enclosure") {
  std::mt19937_64 random(3);
  const auto p = oracles::random_problem(random);
  std::vector<double> v(static_cast<std::size_t>(p.mdp.n_states()), 1e6);
  const Enclosure shifted = enclose(p.mdp, v);
  const Enclosure plain = enclose(p.mdp, std::vector<double>(v.size(), 0.0));
  REQUIRE(shifted.half_width == plain.half_width);
  check(p, shifted, oracles::optimal_values(p.exact));
}

TEST_CASE("C3: ties go to the lowest position, and the loss that this may cost is in the bound") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, 1.0 - 0x1p-53).to(1, 1.0);  // better by less than the rounding of a sweep
  b.row(0, 0.5).to(0, 1.0);
  b.row(1, 4.0).to(1, 1.0);
  const Mdp m = b.discount(0.5).build();
  const Enclosure e = enclose(m, std::vector<double>{1.0, 8.0});
  REQUIRE(e.policy[0] == 2);
  const Mdp tie = [] {
    MdpBuilder t(1);
    t.row(0, 1.0).to(0, 1.0);
    t.row(0, 1.0 - 0x1p-53).to(0, 1.0);
    return t.discount(0.5).build();
  }();
  const Enclosure rough = enclose(tie, std::vector<double>{2.0});
  REQUIRE(rough.policy[0] == 0);
  REQUIRE(rough.policy_loss_bound >= 0x1p-52);
  const Enclosure sharp = enclose(tie, std::vector<TwoDouble>{TwoDouble(2.0 - 0x1p-52)});
  REQUIRE(sharp.policy[0] == 1);
  REQUIRE(sharp.policy_loss_bound < 1e-25);
}

TEST_CASE("Values that are not finite, or overflow, give bounds that say nothing rather than wrong ones") {
  MdpBuilder b(2);
  b.row(0, 1e308).to(1, 1.0);
  b.row(1, 1e308).to(0, 1.0);
  const Mdp m = b.discount(0.999999).build();
  for (const auto& v : {std::vector<double>{0.0, 1e308}, std::vector<double>{-1e308, 1.7e308},
                        std::vector<double>{infinity, 0.0}, std::vector<double>{not_computed, 0.0}}) {
    const Enclosure e = enclose(m, v);
    const auto best = oracles::optimal_values(oracles::exact_model_of(m));
    for (std::size_t s = 0; s < 2; ++s) REQUIRE(contains(e.lower[s], e.upper[s], best[s]));
  }
}

TEST_CASE("Arguments of enclose() are checked") {
  std::mt19937_64 random(1);
  const Mdp m = oracles::random_problem(random).mdp;
  REQUIRE_THROWS_WITH(enclose(m, std::vector<double>{1.0}), "v has 1 entries, required n_states = 8");
  const std::vector<double> v(8, 0.0);
  REQUIRE_THROWS_WITH(enclose(m.with_discount(1.0), v), "discount = 1, required < 1 for the discounted criterion");
}

TEST_CASE("C1: what a sweep found proves the same as another sweep would, unless rows tie") {
  const auto seed = GENERATE(range(0, 20));
  const auto kind = GENERATE(range(0, 7));
  CAPTURE(seed, kind);
  std::mt19937_64 random(static_cast<unsigned>(seed * 100 + kind));
  const auto p = oracles::random_problem(random, kinds()[static_cast<std::size_t>(kind)]);
  const auto finite = graph::finite_value_states(p.mdp);
  std::vector<double> v;
  for (const char f : finite) v.push_back(f ? std::uniform_real_distribution<double>(-1.0, 1.0)(random) : infinity);
  const double size = centre(p.mdp, v, 1);
  std::vector<double> tv(v.size());
  Policy policy(v.size());
  kernels::ResidualRange residual = kernels::bellman_sweep(p.mdp, v, tv, policy);
  const auto swept = enclose_swept(p.mdp, finite, {tv, policy, residual, size}, 1, {});
  if (residual.lead > 1e-10) {
    REQUIRE(swept);
    check(p, *swept, oracles::optimal_values(p.exact));
    REQUIRE(swept->policy == enclose(p.mdp, v, 1).policy);
  }
  residual.lead = 0.0;
  REQUIRE(!enclose_swept(p.mdp, finite, {tv, policy, residual, size}, 1, {}));
}
