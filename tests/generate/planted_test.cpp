#include "libmdp/generate/planted.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"

namespace {

using mdp::Offset;
using mdp::State;
using mdp::generate::Planted;
using mdp::generate::planted;

mpq_class rational(mdp::TwoDouble x) { return mpq_class(x.hi) + mpq_class(x.lo); }

/// L + gamma P V in rationals.
mpq_class exact_q(const mdp::Mdp& m, const std::vector<double>& v, Offset row) {
  mpq_class sum = 0;
  for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
    sum += mpq_class(m.probability()[k]) * mpq_class(v[m.next_state()[k]]);
  }
  return mpq_class(m.cost()[row]) + rational(m.exact_discount().value) * sum;
}

/// Largest |L + gamma P V - Q| in rationals; the optimality of policy and values is checked on the way.
mpq_class check_truth(const Planted& truth) {
  const mdp::Mdp& m = truth.mdp;
  mpq_class worst = 0;
  for (State s = 0; s < m.n_states(); ++s) {
    const Offset best = m.state_rows()[s] + truth.policy[s];
    CHECK(truth.q[best] == truth.values[s]);
    for (Offset row = m.state_rows()[s]; row < m.state_rows()[s + 1]; ++row) {
      if (row != best) CHECK(truth.q[row] >= truth.values[s] + 0x1p-8);
      worst = std::max<mpq_class>(worst, abs(exact_q(m, truth.values, row) - mpq_class(truth.q[row])));
    }
  }
  return worst;
}

TEST_CASE("T1: planted values solve Bellman's equation exactly for a short dyadic discount") {
  for (const double discount : {0.96875, 0.0, 0.5, 1.0 - 0x1p-20}) {
    const Planted truth = planted({.shape = {.states = 60, .actions = 3, .successors = 5}, .discount = discount});
    CHECK(truth.value_error_bound == 0.0);
    CHECK(check_truth(truth) == 0);
  }
}

TEST_CASE("T9: the error bound of the planted truth holds for any discount") {
  const mdp::Discount decimal(mdp::TwoDouble(999.0) / 1000.0, mdp::TwoDouble(1.0) / 1000.0);
  for (const mdp::Discount& discount : {decimal, mdp::Discount(0.99), mdp::Discount(1.0 - 0x1p-21)}) {
    const Planted truth = planted({.shape = {.states = 200, .actions = 3, .successors = 5}, .discount = discount});
    CHECK(truth.value_error_bound > 0.0);
    CHECK(check_truth(truth) <= mpq_class(truth.value_error_bound) * rational(discount.complement));
  }
}

TEST_CASE("a planted model is the same for any number of threads") {
  mdp::generate::PlantedOptions options{.shape = {.states = 20000, .actions = 2, .successors = 3}};
  options.threads = 1;
  const Planted one = planted(options);
  options.threads = 4;
  const Planted many = planted(options);
  CHECK(std::equal(one.mdp.cost().begin(), one.mdp.cost().end(), many.mdp.cost().begin()));
  CHECK(one.q == many.q);

  std::vector<double> tv(one.values.size());
  std::vector<mdp::Action> greedy(one.values.size());
  const auto range = mdp::kernels::bellman_sweep(one.mdp, one.values, tv, greedy);
  CHECK(range.min == 0.0);
  CHECK(range.max == 0.0);
  CHECK(greedy == one.policy);
}

TEST_CASE("a planted model refuses discount 1") { CHECK_THROWS_AS(planted({.discount = 1.0}), mdp::InvalidOption); }

}  // namespace
