// Elimination within a profile: exact rationals, the transpose, predicted work, bits.
#include "libmdp/kernels/profile_lu.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;

namespace {

// One action a state, positive costs; transitions reach no farther than `width` in an order that `shuffled` hides.
struct Narrow {
  Mdp mdp;
  std::vector<State> order;
};

Narrow narrow(State n, State width, bool shuffled, const Discount& discount, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<State> order(n);
  std::iota(order.begin(), order.end(), 0);
  if (shuffled) std::shuffle(order.begin(), order.end(), random);
  MdpBuilder b(n);
  for (State i = 0; i < n; ++i) {
    b.row(order[i], 1.0 + static_cast<double>(random() % 1000) / 64.0);
    const int n_next = 1 + static_cast<int>(random() % 3);
    for (int k = 0; k < n_next; ++k) {
      const auto step = static_cast<State>(random() % (2 * width + 1)) - width;
      b.to(order[std::clamp<State>(i + step, 0, n - 1)], 1.0 / n_next);
    }
  }
  return {b.discount(discount).build(), order};
}

std::vector<double> row_sums(const Mdp& mdp) {
  return std::vector<double>(static_cast<std::size_t>(mdp.n_states()), mdp.exact_discount().complement.value());
}

kernels::ProfileLu factors(const Narrow& p, const kernels::PolicyChain& chain, int threads = 1) {
  kernels::ProfileLu lu(p.order);
  lu.plan(chain.rows(), threads);
  lu.factorise(chain.rows(), p.mdp.discount(), row_sums(p.mdp), threads);
  return lu;
}

std::vector<double> waves(State n) {
  std::vector<double> x(n);
  for (State i = 0; i < n; ++i) x[i] = std::sin(0.7 * i);
  return x;
}

}  // namespace

TEST_CASE("Values of a policy have nearly all digits, however near 1 the discount is, against exact rationals") {
  const auto seed = GENERATE(range(0, 12));
  const State n = GENERATE(1, 2, 3, 17, 60);
  const State width = GENERATE(1, 3);
  CAPTURE(seed, n, width);
  const Discount discount = seed % 3 == 0 ? Discount(0.9) : Discount(1.0 - (seed % 3 == 1 ? 0x1p-20 : 0x1p-40));
  const Narrow p = narrow(n, width, seed % 2 == 1, discount, 100 * seed + n);
  const kernels::PolicyChain chain(p.mdp, Policy(n, 0));
  std::vector<double> x(p.mdp.cost().begin(), p.mdp.cost().end());
  factors(p, chain).solve(x);
  const auto exact = oracles::policy_values(oracles::exact_model_of(p.mdp), Policy(n, 0));
  // No subtraction: a few roundings per step of elimination, each of its relative size (O'Cinneide 1993).
  const double relative = 16.0 * n * unit_roundoff;
  for (State s = 0; s < n; ++s) {
    const double v = exact[s]->get_d();
    CHECK(std::abs(x[s] - v) <= relative * v);
  }
}

TEST_CASE("Both triangles, both ends and the middle: the residual is rounding, of the transpose, too") {
  const State n = GENERATE(40, 500, 3000);
  const State width = GENERATE(1, 6, 25);
  const bool shuffled = GENERATE(false, true);
  CAPTURE(n, width, shuffled);
  const Narrow p = narrow(n, width, shuffled, Discount(0.995), 7);
  kernels::PolicyChain chain(p.mdp, Policy(n, 0));
  chain.transpose();
  const kernels::ProfileLu lu = factors(p, chain);
  const std::vector<double> b = waves(n);
  std::vector<double> product(n);
  for (const bool transposed : {false, true}) {
    std::vector<double> x = b;
    if (transposed)
      lu.solve_transposed(x);
    else
      lu.solve(x);
    kernels::apply_system(transposed ? chain.columns() : chain.rows(), p.mdp.discount(), x, product);
    double size = 0.0;
    for (const double v : x) size = transposed ? size + std::abs(v) : std::max(size, std::abs(v));
    for (State s = 0; s < n; ++s) CHECK(std::abs(product[s] - b[s]) <= 64.0 * unit_roundoff * (1.0 + size));
  }
}

TEST_CASE("The bits of a solution do not depend on the number of threads") {
  const Narrow p = narrow(5000, 12, false, Discount(0.999), 3);
  const kernels::PolicyChain chain(p.mdp, Policy(5000, 0));
  std::vector<double> x = waves(5000);
  std::vector<double> y = x;
  factors(p, chain, 1).solve(x, 1);
  factors(p, chain, 4).solve(y, 4);
  CHECK(x == y);
}

TEST_CASE("Planned work is that of elimination from both ends") {
  // Tridiagonal: a row has one multiplier, one entry to the right and a pivot. 2 operations for s', 2 for the entry.
  const State n = 1000;
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) b.row(s, 1.0).to(std::max(s - 1, 0), 0.5).to(std::min(s + 1, n - 1), 0.5);
  const Mdp m = b.discount(0.9).build();
  std::vector<State> order(n);
  std::iota(order.begin(), order.end(), 0);
  const kernels::PolicyChain chain(m, Policy(n, 0));
  const auto work = kernels::ProfileLu(order).plan(chain.rows());
  CHECK(work.flops == Approx(4.0 * n).epsilon(0.01));
  CHECK(work.entries == Approx(3.0 * n).epsilon(0.01));
  // Full rows cannot be split; n^3/3 multiplications and additions each, n^2 entries.
  const Narrow full = narrow(300, 300, false, Discount(0.9), 1);
  const kernels::PolicyChain wide(full.mdp, Policy(300, 0));
  const auto most = kernels::ProfileLu(full.order).plan(wide.rows());
  CHECK(most.flops <= 2.0 / 3.0 * std::pow(300.0, 3.0) * 1.02);
  CHECK(most.entries <= 300.0 * 300.0);
  CHECK(most.entries >= 0.5 * 300.0 * 300.0);
}

TEST_CASE("Another policy takes the place of the last, undiscounted chains with an exit are solved") {
  const Mdp m = generate::chain({.states = 4000, .discount = 0.9995, .seed = 2});
  std::vector<State> order(4000);
  std::iota(order.begin(), order.end(), 0);
  kernels::ProfileLu lu(order);
  for (const Action a : {2, 0, 1}) {
    const kernels::PolicyChain chain(m, Policy(4000, a));
    lu.plan(chain.rows());
    lu.factorise(chain.rows(), m.discount(), row_sums(m));
    std::vector<double> x(4000, 1.0);
    lu.solve(x);
    for (const double v : x) CHECK(v == Approx(1.0 / m.exact_discount().complement.value()).epsilon(1e-13));
  }
  // Steps until the exit of a walk that moves one way with probability 1/2, else stays: 2 each.
  MdpBuilder b(50);
  for (State s = 0; s < 49; ++s) b.row(s, 1.0).to(s, 0.5).to(s + 1, 0.5);
  b.row(49, 0.0).to(49, 1.0);
  const Mdp walk = b.discount(1.0).goal(49).build();
  const kernels::PolicyChain chain(walk, Policy(50, 0));
  std::vector<State> states(50);
  std::iota(states.begin(), states.end(), 0);
  kernels::ProfileLu steps(states);
  steps.plan(chain.rows());
  std::vector<double> sums(50, 0.0);
  sums[49] = 1.0;
  steps.factorise(chain.rows(), 1.0, sums);
  std::vector<double> x(50, 1.0);
  x[49] = 0.0;
  steps.solve(x);
  for (State s = 0; s < 50; ++s) CHECK(x[s] == Approx(2.0 * (49 - s)));
}
