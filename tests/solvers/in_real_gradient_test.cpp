#include "solvers/in_real_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/evaluation.hpp"
#include "tests/oracles/raw_mdp.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using oracles::RawMdp;
using Long = long double;

Mdp garnet(std::int64_t states, std::uint64_t seed, double discount, std::int64_t successors = 3) {
  return generate::garnet(
      {.shape = {.states = states, .actions = 3, .successors = successors}, .discount = discount, .seed = seed});
}

InRealOptions at(double temperature) {
  InRealOptions options;
  options.soft.temperature = temperature;
  options.soft.tolerance = 1e-11;
  return options;
}

Long performance(const RawMdp<Long>& world, std::span<const double> initial, const std::vector<Long>& policy) {
  const std::vector<Long> v = oracles::policy_values(world, policy);
  Long j = 0.0L;
  for (std::size_t s = 0; s < v.size(); ++s) j += initial[s] * v[s];
  return j;
}

// The whole chain by its definition: solve the model with entry e moved, take its policy, evaluate it in the world.
Long chain(const Mdp& world, const Mdp& model, const InRealOptions& options, std::size_t e, Long step) {
  RawMdp<Long> r = oracles::raw<Long>(model);
  oracles::entry(r, e) += step;
  if (options.convention == EntryConvention::normalised) oracles::normalise(r);
  const auto soft = oracles::soft_value_iteration<Long>(r, options.soft.temperature, options.soft.reference, 250);
  std::vector<Long> policy;
  for (Offset row = 0; row < model.n_rows(); ++row) {
    policy.push_back(r.inadmissible[row] ? 0.0L : std::exp(soft.log_policy[row]));
  }
  return performance(oracles::raw<Long>(world), world.initial(), policy);
}

// Five-point difference: h^4 times a fifth derivative.
Long chain_difference(const Mdp& world, const Mdp& model, const InRealOptions& options, std::size_t e) {
  const Long h = 5e-4L;
  const auto f = [&](Long step) { return chain(world, model, options, e, step); };
  return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h);
}

void compare_with_differences(const Mdp& world, const Mdp& model, const InRealOptions& options) {
  const InRealGradient g = in_real_gradient(world, model, options);
  REQUIRE(g.status == Status::converged);
  REQUIRE(g.level == Level::certified);
  CHECK(std::abs(g.performance - chain(world, model, options, 0, 0.0L)) <= g.performance_error_bound);
  CHECK(g.performance_error_bound < 1e-8);
  std::vector<double> gradient = g.gradient.cost;
  gradient.insert(gradient.end(), g.gradient.probability.begin(), g.gradient.probability.end());
  gradient.push_back(g.gradient.discount);
  for (std::size_t e = 0; e < gradient.size(); ++e) {
    if (e < g.gradient.cost.size() && model.cost()[e] == infinity) continue;
    INFO("entry " << e);
    const double bound = e < g.gradient.cost.size() ? g.cost_error_bound
                         : e + 1 < gradient.size()  ? g.probability_error_bound
                                                    : g.discount_error_bound;
    CHECK(bound < 1e-5);
    CHECK(std::abs(gradient[e] - chain_difference(world, model, options, e)) <=
          bound + 1e-7 * (1.0 + std::abs(gradient[e])));
  }
}

}  // namespace

TEST_CASE("D8: the gradient is a difference of the whole chain, for every entry of the model") {
  const auto convention = GENERATE(EntryConvention::raw, EntryConvention::normalised);
  const double temperature = GENERATE(0.25, 1.0);
  const bool counting = GENERATE(true, false);
  const Mdp world = garnet(4, 1, 0.875);
  const Mdp model = garnet(4, 2, 0.75, 2);  // other costs, transitions, support and discount
  InRealOptions options = at(temperature);
  options.convention = convention;
  if (!counting) options.soft.reference = {1.0, 0.5, 0.25, 2.0, 1.0, 1.0, 0.5, 0.5, 1.0, 3.0, 0.1, 1.0};
  compare_with_differences(world, model, options);
}

TEST_CASE("D8: the bounds cover the error of a model solved too early, and say how it ended") {
  const Mdp world = garnet(6, 11, 0.875);
  const Mdp model = garnet(6, 12, 0.75, 2);
  InRealOptions options = at(0.5);
  options.soft.method = SoftMethod::value_iteration;
  options.soft.max_sweeps = 10;
  const InRealGradient early = in_real_gradient(world, model, options);
  const InRealGradient late = in_real_gradient(world, model, at(0.5));
  CHECK(early.status == Status::sweep_limit);
  CHECK(late.status == Status::converged);
  CHECK(std::abs(early.performance - late.performance) > late.performance_error_bound);
  CHECK(std::abs(early.performance - late.performance) <= early.performance_error_bound);
  double largest = 0.0;
  for (std::size_t row = 0; row < late.gradient.cost.size(); ++row) {
    largest = std::max(largest, std::abs(early.gradient.cost[row] - late.gradient.cost[row]));
  }
  CHECK(largest > late.cost_error_bound);
  CHECK(largest <= early.cost_error_bound);
  CHECK(std::abs(early.gradient.discount - late.gradient.discount) <= early.discount_error_bound);
  CHECK(late.cost_error_bound < 1e-9);
}

TEST_CASE("D8: the adjoint sums to zero, and balances in every state of the model") {
  const Mdp world = garnet(300, 3, 0.9375);
  const Mdp model = garnet(300, 4, 0.96875, 2);
  const InRealGradient g = in_real_gradient(world, model, at(0.1));
  REQUIRE(g.status == Status::converged);
  double size = 0.0;
  for (const double x : g.gradient.cost) size += std::abs(x);
  REQUIRE(size > 1e-3);
  CHECK(g.sum_defect <= 1e-11 * size);
  CHECK(g.state_balance_defect <= 1e-11 * size);
  // Recomputed here, by the definition.
  std::vector<double> balance(model.n_states(), 0.0);
  for (State s = 0; s < model.n_states(); ++s) {
    for (Offset row = model.state_rows()[s]; row < model.state_rows()[s + 1]; ++row) {
      balance[s] += g.gradient.cost[row];
      for (Offset k = model.row_begin()[row]; k < model.row_begin()[row + 1]; ++k) {
        balance[model.next_state()[k]] -= model.discount() * model.probability()[k] * g.gradient.cost[row];
      }
    }
  }
  for (const double x : balance) CHECK(std::abs(x) <= 1e-11 * size);
}

TEST_CASE("D8: shaping the model's cost does not move the policy, a step against the gradient lowers J") {
  const Mdp world = garnet(30, 5, 0.875);
  const Mdp model = garnet(30, 6, 0.875, 2);
  const InRealGradient g = in_real_gradient(world, model, at(0.2));
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  EntryDirection shaping = zero_direction(model);  // Phi - gamma P Phi
  std::vector<double> phi(model.n_states());
  for (double& x : phi) x = normal(random);
  for (State s = 0; s < model.n_states(); ++s) {
    for (Offset row = model.state_rows()[s]; row < model.state_rows()[s + 1]; ++row) {
      shaping.cost[row] = phi[s];
      for (Offset k = model.row_begin()[row]; k < model.row_begin()[row + 1]; ++k) {
        shaping.cost[row] -= model.discount() * model.probability()[k] * phi[model.next_state()[k]];
      }
    }
  }
  CHECK(std::abs(dot(g.gradient, shaping)) < 1e-11);

  double norm = 0.0;
  for (const double x : g.gradient.cost) norm += x * x;
  Buffer<double> cost(model.cost().begin(), model.cost().end());
  const double step = 1e-3;
  for (std::size_t row = 0; row < cost.size(); ++row) cost[row] -= step * g.gradient.cost[row];
  const double after = in_real_gradient(world, model.with_cost(std::move(cost)), at(0.2)).performance;
  CHECK(after < g.performance);
  CHECK((g.performance - after) / step == Approx(norm).epsilon(0.02));
}

TEST_CASE("Policy gradient: differences of J with respect to logits, and occupancy") {
  const Mdp world = garnet(5, 7, 0.875);
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> logits(world.n_rows());
  for (double& x : logits) x = normal(random);
  const auto softmax = [&](std::size_t moved, Long step) {
    std::vector<Long> policy(logits.begin(), logits.end());
    policy[moved] += step;
    for (State s = 0; s < world.n_states(); ++s) {
      Long sum = 0.0L;
      for (Offset row = world.state_rows()[s]; row < world.state_rows()[s + 1]; ++row)
        sum += policy[row] = std::exp(policy[row]);
      for (Offset row = world.state_rows()[s]; row < world.state_rows()[s + 1]; ++row) policy[row] /= sum;
    }
    return policy;
  };
  const std::vector<Long> exact = softmax(0, 0.0L);
  const StochasticPolicy policy(exact.begin(), exact.end());
  const PolicyGradient g = policy_gradient(world, policy);
  REQUIRE(g.status == Status::converged);
  const RawMdp<Long> r = oracles::raw<Long>(world);
  CHECK(g.performance == Approx(static_cast<double>(performance(r, world.initial(), exact))).epsilon(1e-13));
  double occupancy = 0.0;
  for (const double d : g.occupancy) occupancy += d;
  CHECK(occupancy == Approx(8.0).epsilon(1e-13));
  double one_norm_of_error = 0.0;
  for (std::size_t row = 0; row < logits.size(); ++row) {
    const Long h = 1e-4L;
    const auto f = [&](Long step) { return performance(r, world.initial(), softmax(row, step)); };
    const Long d = (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h);
    one_norm_of_error += static_cast<double>(std::abs(d - g.logit_gradient[row]));
  }
  CHECK(one_norm_of_error <= g.logit_gradient_error_bound + 1e-12);
  CHECK(g.logit_gradient_error_bound < 1e-10);
}

TEST_CASE("Policy gradient: its bounds hold for every policy within the relative error, and are not idle") {
  const double discount = GENERATE(0.5, 0.875, 0.984375);
  const double error = GENERATE(1e-6, 1e-3, 0.1);
  INFO("discount " << discount << " error " << error);
  const Mdp world = garnet(5, 8, discount);
  const StochasticPolicy policy = uniform_policy(world);
  const PolicyGradient a = policy_gradient(world, policy, error);
  CHECK(a.level == Level::certified);
  std::mt19937_64 random(17);
  double largest = 0.0;
  double largest_performance = 0.0;
  for (int trial = 0; trial < 60; ++trial) {
    // In each state one action gains, one loses: towards the better, the worse, or at random.
    StochasticPolicy near = policy;
    for (State s = 0; s < world.n_states(); ++s) {
      const auto first = 3 * static_cast<std::size_t>(s);
      const auto by_advantage = [&](std::size_t i, std::size_t j) { return a.advantage[i] < a.advantage[j]; };
      std::vector<std::size_t> order{first, first + 1, first + 2};
      std::sort(order.begin(), order.end(), by_advantage);
      if (trial == 1) std::reverse(order.begin(), order.end());
      if (trial > 1) std::shuffle(order.begin(), order.end(), random);
      near[order[0]] *= 1.0 + error;
      near[order[2]] *= 1.0 - error;
    }
    const PolicyGradient b = policy_gradient(world, near);
    double difference = 0.0;
    for (std::size_t row = 0; row < policy.size(); ++row) {
      difference += std::abs(a.logit_gradient[row] - b.logit_gradient[row]);
    }
    CHECK(difference <= a.logit_gradient_error_bound);
    CHECK(std::abs(a.performance - b.performance) <= a.performance_error_bound);
    largest = std::max(largest, difference);
    largest_performance = std::max(largest_performance, std::abs(a.performance - b.performance));
  }
  CHECK(largest_performance > 0.2 * a.performance_error_bound);
  if (error <= 1e-3) CHECK(largest > 0.002 * a.logit_gradient_error_bound);
}

TEST_CASE("D8: inadmissible actions of the model are never taken, unreachable states do not count") {
  MdpBuilder w(3);  // state 2 is not reached; its only action is inadmissible in the world
  w.discount(0.5).initial(0, 1.0);
  w.row(0, 1.0).to(1, 1.0);
  w.row(0, infinity).to(0, 1.0);
  w.row(0, 0.0).to(0, 1.0);
  w.row(1, 3.0).to(0, 1.0);
  w.row(1, 2.0).to(1, 1.0);
  w.row(2, infinity).to(0, 1.0);
  const Mdp world = w.build();
  MdpBuilder m(3);
  m.discount(0.75);
  m.row(0, 1.0).to(1, 1.0);
  m.row(0, infinity).to(0, 1.0);
  m.row(0, 2.0).to(0, 1.0);
  m.row(1, 1.0).to(0, 1.0);
  m.row(1, 2.0).to(1, 1.0);
  m.row(2, 0.0).to(2, 1.0);
  const Mdp model = m.build();
  compare_with_differences(world, model, at(1.0));

  SECTION("J is infinite where the model's policy takes what the world forbids") {
    const InRealGradient g = in_real_gradient(world, model.with_cost({1.0, 5.0, 2.0, 1.0, 2.0, 0.0}), at(1.0));
    CHECK(g.status == Status::refused);
    CHECK(g.message.find("in state 0 the model's policy takes action 1") != std::string::npos);
    CHECK(std::isnan(g.performance));
    CHECK(g.gradient.cost.empty());
  }
  SECTION("so it is when the probability underflows") {
    const InRealGradient g = in_real_gradient(world, model.with_cost({1.0, 1e6, 2.0, 1.0, 2.0, 0.0}), at(1e-3));
    CHECK(g.model.policy[1] == 0.0);
    CHECK(g.status == Status::refused);
  }
  SECTION("the model has no policy where its value is infinite") {
    const Mdp from_1 = world.with_initial(std::vector<double>{0.0, 1.0, 0.0});
    const InRealGradient g =
        in_real_gradient(from_1, model.with_cost({1.0, infinity, 2.0, infinity, infinity, 0.0}), at(1.0));
    CHECK(g.status == Status::refused);
    CHECK(g.message.find("the world visits state 1, where the model's value is inf") != std::string::npos);
  }
  SECTION("unless the world does not visit it") {
    const InRealGradient g =
        in_real_gradient(world, model.with_cost({1.0, infinity, 2.0, 1.0, 2.0, infinity}), at(1.0));
    CHECK(g.status == Status::converged);
    CHECK(g.world.occupancy[2] == 0.0);
    CHECK(g.gradient.cost[5] == 0.0);
  }
}

TEST_CASE("D8 refuses what does not fit") {
  const Mdp world = garnet(4, 1, 0.5);
  CHECK_THROWS_WITH(in_real_gradient(world, garnet(5, 1, 0.5)), "world and model differ: 4 and 5 states");
  MdpBuilder b(4);
  b.discount(0.5);
  for (State s = 0; s < 4; ++s) b.row(s, 0.0).to(s, 1.0);
  CHECK_THROWS_WITH(in_real_gradient(world, b.build()), "world and model differ: state 0 has 3 and 1 actions");
  CHECK_THROWS_AS(in_real_gradient(world, world, at(-1.0)), InvalidOption);
  CHECK_THROWS_AS(in_real_gradient(world.with_discount(Discount(1.0)), world), InvalidArgument);
  CHECK_THROWS_AS(policy_gradient(world, StochasticPolicy(12, 0.5)), InvalidArgument);
  CHECK_THROWS_AS(policy_gradient(world, uniform_policy(world), -1.0), InvalidArgument);
}
