// Safeguarded BiCGSTAB and sparse LU: residuals recomputed, hard systems, never worse than the start.
#include "solvers/krylov.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/policy.hpp"
#include "solvers/sparse_lu.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

double residual_norm(const kernels::CompressedRows& m, double discount, const std::vector<double>& b,
                     const std::vector<double>& x, Norm norm) {
  std::vector<double> r(b.size());
  kernels::apply_system(m, discount, x, r);
  for (std::size_t i = 0; i < b.size(); ++i) r[i] = b[i] - r[i];
  return norm == Norm::max ? kernels::max_norm(m.blocks, r) : kernels::sum_norm(m.blocks, r);
}

std::vector<double> random_vector(std::size_t n) {
  std::mt19937_64 random(n);
  std::vector<double> x(n);
  for (double& value : x) value = std::uniform_real_distribution<double>(-1.0, 1.0)(random);
  return x;
}

kernels::PolicyChain garnet_chain() {
  generate::GarnetOptions options;
  options.shape = {1000, 2, 5};
  const Mdp m = generate::garnet(options);
  kernels::PolicyChain chain(m, uniform_policy(m));
  chain.transpose();
  return chain;
}

// A walk without drift: the slowest that a sweep can meet.
kernels::PolicyChain walk_chain() {
  generate::GridworldOptions options;
  options.width = 40;
  options.height = 40;
  const Mdp m = generate::gridworld(options);
  kernels::PolicyChain chain(m, uniform_policy(m));
  chain.transpose();
  return chain;
}

}  // namespace

TEST_CASE("BiCGSTAB reaches the tolerance that it promises, for P and its transpose") {
  const auto norm = GENERATE(Norm::max, Norm::sum);
  const double discount = GENERATE(0.0, 0.5, 0.99, 0.99999);
  const bool walk = GENERATE(false, true);
  const kernels::PolicyChain chain = walk ? walk_chain() : garnet_chain();
  const auto m = norm == Norm::max ? chain.rows() : chain.columns();
  const auto b = random_vector(static_cast<std::size_t>(m.size()));
  std::vector<double> x(b.size(), 0.0);
  KrylovOptions options;
  options.norm = norm;
  options.threads = 1;
  options.tolerance = 1e-9 * residual_norm(m, discount, b, x, norm);
  const KrylovResult r = improve_solution(m, discount, b, x, options);
  REQUIRE(r.residual == residual_norm(m, discount, b, x, norm));
  REQUIRE(r.residual <= options.tolerance);
  if (walk && discount > 0.9999) REQUIRE(r.products < 2000);  // sweeps would take a million
}

TEST_CASE("GMRES reaches the tolerance, with the preconditioner given and the default one") {
  const kernels::PolicyChain chain = walk_chain();
  const auto b = random_vector(1600);
  for (const bool identity : {false, true}) {
    std::vector<double> x(b.size(), 0.0);
    KrylovOptions options;
    options.method = KrylovMethod::gmres;
    options.threads = 1;
    options.tolerance = 1e-9;
    if (identity) {
      options.precondition = [](std::span<const double> r, std::span<double> z) {
        std::copy(r.begin(), r.end(), z.begin());
      };
    }
    const KrylovResult r = improve_solution(chain.rows(), 0.99, b, x, options);
    REQUIRE(r.residual == residual_norm(chain.rows(), 0.99, b, x, Norm::max));
    REQUIRE(r.residual <= options.tolerance);
    REQUIRE(r.products < 700);  // sweeps would take 2000
  }
}

TEST_CASE("BiCGSTAB goes without a preconditioner while that brings more for its work, and remembers") {
  const auto solve = [](const kernels::PolicyChain& chain, double discount, KrylovExperience* experience) {
    const auto b = random_vector(static_cast<std::size_t>(chain.n_states()));
    std::vector<double> x(b.size(), 0.0);
    KrylovOptions options;
    options.threads = 1;
    options.tolerance = 1e-9;
    options.experience = experience;
    const KrylovResult r = improve_solution(chain.rows(), discount, b, x, options);
    REQUIRE(r.residual == residual_norm(chain.rows(), discount, b, x, Norm::max));
    REQUIRE(r.residual <= options.tolerance);
    return r.products;
  };
  KrylovExperience mixing;
  const auto plain = solve(garnet_chain(), 0.99, &mixing);
  CHECK(mixing.plain);
  CHECK(mixing.rate[0] == infinity);  // the other was not asked
  CHECK(sweeps_per_plain_product * static_cast<double>(plain) <
        sweeps_per_product * static_cast<double>(solve(garnet_chain(), 0.99, nullptr)));

  // Drift along a line: news travel one state a product, or all the way with the preconditioner.
  constexpr State n = 3000;
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) b.row(s, 1.0).to(std::max(0, s - 1), 0.9).to(std::min(n - 1, s + 1), 0.1);
  const Mdp line = b.discount(0.9999).build();
  const kernels::PolicyChain drift(line, Policy(n, 0));
  KrylovExperience drifting;
  const auto first = solve(drift, 0.9999, &drifting);
  CHECK_FALSE(drifting.plain);
  CHECK(drifting.rate[0] > drifting.rate[1]);
  CHECK(solve(drift, 0.9999, &drifting) < first);  // no second trial
  CHECK_FALSE(drifting.plain);
}

TEST_CASE("BiCGSTAB never makes the start worse, whatever the limit") {
  const kernels::PolicyChain chain = walk_chain();
  const auto b = random_vector(1600);
  for (const std::int64_t limit : {1, 2, 3, 7, 50}) {
    std::vector<double> x(b.size(), 0.0);
    const double before = residual_norm(chain.rows(), 0.999, b, x, Norm::max);
    KrylovOptions options;
    options.max_products = limit;
    options.threads = 1;
    const KrylovResult r = improve_solution(chain.rows(), 0.999, b, x, options);
    REQUIRE(r.residual <= before);
    REQUIRE(residual_norm(chain.rows(), 0.999, b, x, Norm::max) <= before);
    REQUIRE(r.products <= limit + 4);
  }
}

TEST_CASE("An exact solution is left alone, and a right side of zero has the solution zero") {
  const kernels::PolicyChain chain = garnet_chain();
  std::vector<double> x(1000, 0.0);
  const KrylovResult r = improve_solution(chain.rows(), 0.9, std::vector<double>(1000, 0.0), x, {});
  REQUIRE(r.residual == 0.0);
  REQUIRE(x == std::vector<double>(1000, 0.0));
}

TEST_CASE("Sparse LU solves with A and its transpose, and estimates its work") {
  const kernels::PolicyChain chain = walk_chain();
  const SparseLu lu(chain, Discount(0.999));
  const auto b = random_vector(1600);
  std::vector<double> x(b);
  lu.solve(x);
  REQUIRE(residual_norm(chain.rows(), 0.999, b, x, Norm::max) < 1e-12);
  std::vector<double> y(b);
  lu.solve_transposed(y);
  REQUIRE(residual_norm(chain.columns(), 0.999, b, y, Norm::sum) < 1e-9);
  const auto work = SparseLu::estimated_work(chain);
  REQUIRE(work.flops > work.entries);
  REQUIRE(!SparseLu::within(chain, Discount(0.999), 0.5 * work.flops));
  REQUIRE(SparseLu::within(chain, Discount(0.999), 2.0 * work.flops));
}

TEST_CASE("A diagonal 1 - gamma p near 0 keeps its digits") {
  generate::GridworldOptions options;
  options.width = 1;
  options.height = 1;
  options.discount = Discount(1.0 - 1e-12);
  const Mdp m = generate::gridworld(options);
  const kernels::PolicyChain chain(m, Policy(1, 0));
  std::vector<double> x{1.0};
  SparseLu(chain, m.exact_discount()).solve(x);
  REQUIRE(x[0] == Approx(1.0 / m.exact_discount().complement.hi).epsilon(1e-15));
}
