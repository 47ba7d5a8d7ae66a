#include "estimators/stage_derivatives.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "estimators/truth.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/random.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;

/// A model given by logits of policy and transitions and by costs, so that all of them can be moved.
struct Parametrised {
  explicit Parametrised(std::uint64_t seed, double discount) : shape(mdp::tests::random_mdp(seed, 3, discount)) {
    mdp::RandomSequence random(seed, mdp::RandomStream::test, 8);
    for (mdp::Offset r = 0; r < shape.n_rows(); ++r) policy_logit.push_back(2.0 * random.uniform() - 1.0);
    for (const double p : shape.probability()) probability_logit.push_back(std::log(p));
    cost.assign(shape.cost().begin(), shape.cost().end());
  }
  [[nodiscard]] Problem problem(std::int64_t horizon, double temperature) const {
    mdp::MdpBuilder builder(shape.n_states());
    builder.discount(shape.discount());
    for (mdp::State s = 0; s < shape.n_states(); ++s) {
      builder.initial(s, shape.initial()[s]);
      for (mdp::Offset r = shape.state_rows()[s]; r < shape.state_rows()[s + 1]; ++r) {
        double sum = 0.0;
        for (mdp::Offset i = shape.row_begin()[r]; i < shape.row_begin()[r + 1]; ++i)
          sum += std::exp(probability_logit[i]);
        auto&& row = builder.row(s, cost[r]);
        for (mdp::Offset i = shape.row_begin()[r]; i < shape.row_begin()[r + 1]; ++i) {
          row.to(shape.next_state()[i], std::exp(probability_logit[i]) / sum);
        }
      }
    }
    const Mdp m = builder.build();
    return {m, mdp::tests::softmax_policy(m, policy_logit), {.horizon = horizon, .temperature = temperature}};
  }
  double& operator[](const Parameter& p) {
    if (p.kind == ParameterKind::policy_logit) return policy_logit[p.index];
    return p.kind == ParameterKind::cost ? cost[p.index] : probability_logit[p.index];
  }

  Mdp shape;
  std::vector<double> policy_logit, probability_logit, cost;
};

std::vector<Parameter> all_parameters(const Mdp& m) {
  std::vector<Parameter> all = policy_logits(m);
  for (const Parameter& p : model_parameters(m)) all.push_back(p);
  return all;
}

TEST_CASE("E3, D1: derivatives of Q_t, V_t and of the stages' occupancies, by central differences") {
  const std::int64_t horizon = 4;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const double temperature = seed % 2 == 0 ? 0.4 : 0.0;
    Parametrised model(seed, 0.9);
    const Problem problem = model.problem(horizon, temperature);
    const Mdp& m = problem.mdp();
    const double h = 0x1p-12;
    for (const Parameter& p : all_parameters(m)) {
      CAPTURE(seed, static_cast<int>(p.kind), p.index);
      const ValueDerivatives d = stage_value_derivatives(problem, axis(m, p));
      const std::vector<double> d_state = stage_occupancy_derivative(problem, axis(m, p));
      const double x = model[p];
      model[p] = x + h;
      const Problem up = model.problem(horizon, temperature);
      model[p] = x - h;
      const Problem down = model.problem(horizon, temperature);
      model[p] = x;
      double worst = 0.0;
      for (std::int64_t t = 0; t < horizon; ++t) {
        for (mdp::State s = 0; s < m.n_states(); ++s) {
          const auto at = static_cast<std::size_t>(s);
          const double dv = (up.stages().values(t)[at] - down.stages().values(t)[at]) / (2.0 * h);
          worst = std::max(worst, std::abs(dv - d.value_of(t, s)));
          const double dd = (up.stages().occupancy(t)[at] - down.stages().occupancy(t)[at]) / (2.0 * h);
          worst = std::max(worst, std::abs(dd - d_state[static_cast<std::size_t>(t * m.n_states() + s)]));
        }
        for (mdp::Offset row = 0; row < m.n_rows(); ++row) {
          const double dq = (up.cost()[row] - down.cost()[row] +
                             m.discount() * (up.stages().next_mean(t)[row] - down.stages().next_mean(t)[row])) /
                            (2.0 * h);
          worst = std::max(worst, std::abs(dq - d.q_of(t, row)));
        }
      }
      CHECK(worst < h * h * std::pow(horizon, 4.0) / 6.0 + 1e-13 / h);
    }
  }
}

TEST_CASE("E1, E2: stage derivatives are those of J_N, by central differences") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const double temperature = seed % 2 == 0 ? 0.0 : 0.4;
    const std::int64_t horizon = 6;
    Parametrised model(seed, seed == 3 ? 1.0 : 0.9);
    const Problem problem = model.problem(horizon, temperature);
    const std::vector<Parameter> all = all_parameters(problem.mdp());
    const StageGradient gradient = stage_gradient(problem);
    const std::vector<double> hessian = stage_hessian(problem, all, all);
    const double h = 0x1p-12;
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(seed, i);
      const double x = model[all[i]];
      model[all[i]] = x + h;
      const Problem up = model.problem(horizon, temperature);
      model[all[i]] = x - h;
      const Problem down = model.problem(horizon, temperature);
      model[all[i]] = x;
      // h^2 / 6 times a third derivative of at most N^4, and rounding / h
      const double allowed = h * h * std::pow(horizon, 4.0) / 6.0 + 1e-13 / h;
      const double difference = (up.stages().performance() - down.stages().performance()) / (2.0 * h);
      CHECK(std::abs(difference - gradient.of(all[i])) < allowed);
      const StageGradient after = stage_gradient(up);
      const StageGradient before = stage_gradient(down);
      for (std::size_t j = 0; j < all.size(); ++j) {
        const double second = (after.of(all[j]) - before.of(all[j])) / (2.0 * h);
        CHECK(std::abs(second - hessian[i * all.size() + j]) < 4.0 * allowed);
        CHECK(std::abs(hessian[i * all.size() + j] - hessian[j * all.size() + i]) < 1e-13);
      }
    }
  }
}

TEST_CASE("E5: the derivatives of the infinite horizon are the limit of those of N stages") {
  const Mdp m = mdp::tests::random_mdp(5, 4, 0.7);
  const auto policy = mdp::tests::random_policy(5, m);
  for (const Quantity quantity :
       {Quantity::policy_gradient, Quantity::model_gradient, Quantity::policy_hessian, Quantity::mixed}) {
    CAPTURE(word(quantity));
    const Targets targets = targets_of(m, quantity);
    const Problem brief(m, policy, {.horizon = 5, .temperature = 0.2});
    const Problem longer(m, policy, {.horizon = 150, .temperature = 0.2});  // 0.7^150 = 6e-24
    const InfiniteTruth limit = infinite_truth(brief, targets);
    const std::vector<double> at_150 = stage_truth(longer, targets);
    REQUIRE(limit.value.size() == at_150.size());
    for (std::size_t i = 0; i < at_150.size(); ++i) CHECK(limit.value[i] == Approx(at_150[i]).margin(1e-11));
    if (is_second_order(quantity)) CHECK(limit.error_bound < 1e-12);
  }
  const Problem undiscounted(m.with_discount(1.0), policy, {.horizon = 5});
  CHECK(infinite_truth(undiscounted, targets_of(m, Quantity::policy_gradient)).value.empty());
}

}  // namespace
