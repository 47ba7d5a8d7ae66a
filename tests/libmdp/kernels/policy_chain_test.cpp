// P_pi packed: the rows of the MDP to the bit, averages, products and triangular solves against dense matrices.
#include "libmdp/kernels/policy_chain.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/kernels/reference.hpp"
#include "libmdp/policy.hpp"

using namespace mdp;

namespace {

Mdp example(std::int64_t states) {
  generate::GarnetOptions options;
  options.shape = {states, 3, 4};
  options.discount = 0.9;
  return generate::garnet(options);
}

std::vector<double> random_vector(std::size_t n) {
  std::mt19937_64 random(n);
  std::vector<double> x(n);
  for (double& value : x) value = std::uniform_real_distribution<double>(-1.0, 1.0)(random);
  return x;
}

Eigen::MatrixXd dense(const kernels::PolicyChain& chain) {
  Eigen::MatrixXd p = Eigen::MatrixXd::Zero(chain.n_states(), chain.n_states());
  for (State s = 0; s < chain.n_states(); ++s) {
    for (Offset k = chain.row_begin()[s]; k < chain.row_begin()[s + 1]; ++k)
      p(s, chain.next_state()[k]) += chain.probability()[k];
  }
  return p;
}

}  // namespace

TEST_CASE("A sweep of a deterministic policy's chain has the bits of that policy's rows") {
  const Mdp m = example(5000);
  REQUIRE(m.blocks().size() > 2);
  Policy policy(5000);
  for (std::size_t s = 0; s < policy.size(); ++s) policy[s] = static_cast<Action>(s % 3);
  kernels::PolicyChain chain(m, Policy(5000, 0));
  chain.assign(m, policy);
  const auto v = random_vector(5000);
  const auto q = kernels::reference::q_values(m, v);
  std::vector<double> tv(5000);
  for (const int threads : {1, 2, 4}) {
    const auto range = chain.sweep(m.discount(), v, tv, threads);
    double min = infinity;
    double max = -infinity;
    for (State s = 0; s < 5000; ++s) {
      REQUIRE(tv[s] == q[selected_row(m, policy, s)]);
      min = std::min(min, tv[s] - v[s]);
      max = std::max(max, tv[s] - v[s]);
    }
    REQUIRE(range.min == min);
    REQUIRE(range.max == max);
  }
}

TEST_CASE("A chain that is given another policy is that of a new one, whether rows keep their length or not") {
  const Mdp m = example(5000);
  const auto same = [](const kernels::PolicyChain& a, const kernels::PolicyChain& b) {
    REQUIRE(std::equal(a.row_begin().begin(), a.row_begin().end(), b.row_begin().begin()));
    REQUIRE(std::equal(a.next_state().begin(), a.next_state().end(), b.next_state().begin(), b.next_state().end()));
    REQUIRE(std::equal(a.probability().begin(), a.probability().end(), b.probability().begin()));
    REQUIRE(std::equal(a.cost().begin(), a.cost().end(), b.cost().begin(), b.cost().end()));
  };
  const auto length = [&m](Offset row) { return m.row_begin()[row + 1] - m.row_begin()[row]; };
  Policy policy(5000, 0);
  kernels::PolicyChain chain(m, policy);
  State n_kept = 0;
  for (State s = 0; s < 5000; s += 3) {
    if (length(m.state_rows()[s]) != length(m.state_rows()[s] + 1)) continue;
    policy[s] = 1;
    ++n_kept;
  }
  REQUIRE(n_kept > 100);
  chain.assign(m, policy, 2);
  same(chain, kernels::PolicyChain(m, policy));
  for (State s = 0; s < 5000; s += 2) policy[s] = 2;
  chain.assign(m, policy, 2);
  same(chain, kernels::PolicyChain(m, policy));
  // Other costs, the same rows.
  const Mdp other = m.with_cost(Buffer<double>(static_cast<std::size_t>(m.n_rows()), 7.0));
  chain.assign(other, policy, 2);
  same(chain, kernels::PolicyChain(other, policy));
}

TEST_CASE("A randomised policy averages rows; products, transposed products and I - gamma P agree with dense ones") {
  const Mdp m = example(40);
  std::mt19937_64 random(1);
  StochasticPolicy policy(120);
  for (State s = 0; s < 40; ++s) {
    const double a = std::uniform_real_distribution<double>(0.0, 1.0)(random);
    policy[3 * s] = a;
    policy[3 * s + 2] = 1.0 - a;
  }
  kernels::PolicyChain chain(m, policy);
  chain.transpose();
  const Eigen::MatrixXd p = dense(chain);
  Eigen::MatrixXd expected = Eigen::MatrixXd::Zero(40, 40);
  for (Offset row = 0; row < 120; ++row) {
    for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
      expected(row / 3, m.next_state()[k]) += policy[row] * m.probability()[k];
    }
  }
  REQUIRE((p - expected).cwiseAbs().maxCoeff() < 1e-15);
  for (State s = 0; s < 40; ++s) {
    REQUIRE(chain.cost()[s] == Approx(policy[3 * s] * m.cost()[3 * s] + policy[3 * s + 2] * m.cost()[3 * s + 2]));
  }

  const auto x = random_vector(40);
  const Eigen::Map<const Eigen::VectorXd> x_map(x.data(), 40);
  std::vector<double> y(40);
  const auto near = [&](const Eigen::VectorXd& truth) {
    for (State s = 0; s < 40; ++s) REQUIRE(y[s] == Approx(truth[s]).margin(1e-14));
  };
  chain.multiply(x, y);
  near(p * x_map);
  chain.multiply_transposed(x, y);
  near(p.transpose() * x_map);
  kernels::apply_system(chain.columns(), 0.7, x, y);
  near(x_map - 0.7 * p.transpose() * x_map);

  // z = (D + U)^-1 D (D + L)^-1 r on one part.
  const Eigen::MatrixXd a = Eigen::MatrixXd::Identity(40, 40) - 0.7 * p;
  const Eigen::MatrixXd lower = a.triangularView<Eigen::Lower>();
  const Eigen::MatrixXd upper = a.triangularView<Eigen::Upper>();
  const Eigen::VectorXd first = lower.lu().solve(x_map);
  kernels::symmetric_gauss_seidel(chain.rows(), 0.7, 1, x, y);
  near(upper.lu().solve(a.diagonal().cwiseProduct(first)));
}

TEST_CASE("Norms and products by blocks") {
  const std::vector<State> blocks{0, 2, 3};
  const std::vector<double> x{1.0, -4.0, 2.0};
  REQUIRE(kernels::dot(blocks, x, x) == 21.0);
  REQUIRE(kernels::max_norm(blocks, x) == 4.0);
  REQUIRE(kernels::sum_norm(blocks, x) == 7.0);
  REQUIRE(std::isnan(kernels::max_norm(blocks, std::vector<double>{1.0, not_computed, 2.0})));
  REQUIRE(std::isnan(kernels::max_norm(blocks, std::vector<double>{1.0, 2.0, not_computed})));
}
