// The recursion behind the estimators' moments; biases as predicted (E5).
#include "estimators/recursion.hpp"

#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "estimators/differentiated_critic.hpp"
#include "estimators/enumeration.hpp"
#include "estimators/stage_derivatives.hpp"
#include "estimators/truth.hpp"
#include "tests/estimators/naive_estimators.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;

/// A tiny problem: two or three states, two or three stages, with and without discount and entropy.
struct Tiny {
  explicit Tiny(std::uint64_t seed)
      : mdp(mdp::tests::random_mdp(seed, static_cast<mdp::State>(2 + seed % 2), std::vector{0.9, 1.0, 0.5}[seed % 3])),
        problem(mdp, mdp::tests::random_policy(seed, mdp),
                {.horizon = static_cast<std::int64_t>(1 + seed / 2 % 3),
                 .temperature = seed % 4 == 0 ? 0.3 : 0.0,
                 .critic_trajectories = 20}) {}
  Mdp mdp;
  Problem problem;
};

/// Mean and variance of an estimator over all paths (X1), and f(path, tally, probability) for each of them.
template <class F>
ExactMoments enumerate(const Tiny& tiny, const Statistic& statistic, std::size_t n, const F& f) {
  ExactMoments m{.mean = std::vector<double>(n), .variance = std::vector<double>(n), .bias_times_n = {}, .meaning = ""};
  const auto scratch = statistic.scratch();
  for_each_path(tiny.mdp, statistic.drawn_by(), tiny.problem.horizon(), [&](const Path& path) {
    std::vector<mdp::State> state(path.state.begin(), path.state.end());
    state.push_back(0);
    const SampledPath sampled{state, path.row, path.entry, 1, 0};
    Tally tally(statistic.n_tallied());
    statistic.add(sampled, *scratch, tally);
    f(sampled, tally, path.probability);
    for (std::size_t i = 0; i < n; ++i) {
      m.mean[i] += path.probability * tally.sum[i];
      m.variance[i] += path.probability * tally.sum[i] * tally.sum[i];
    }
  });
  for (std::size_t i = 0; i < n; ++i) m.variance[i] -= m.mean[i] * m.mean[i];
  return m;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

const std::set<std::string> sampled_otherwise = {"measure-valued", "finite-difference", "importance-self-normalised"};

/// Costs of at most 1 and three stages: estimates below 100, some hundred operations.
constexpr double rounding = 2e-13;

void check(const Estimator& estimator, Quantity quantity, std::uint64_t seed) {
  CAPTURE(estimator.name, word(quantity), seed);
  const Tiny tiny(seed);
  const Targets targets = targets_of(tiny.mdp, quantity);
  const auto statistic = estimator.prepare(tiny.problem, targets);
  const std::vector<Parameter>& rows = targets.rows;
  std::vector<Parameter> both = rows;  // of a mixed Hessian
  both.insert(both.end(), targets.columns.begin(), targets.columns.end());
  std::vector<ValueDerivatives> derivatives;  // of the values, by all of them
  if (!targets.columns.empty()) {
    for (const Parameter& p : both) derivatives.push_back(stage_value_derivatives(tiny.problem, axis(tiny.mdp, p)));
  }
  const double constant = tiny.problem.stages().performance();
  const bool has_formula = estimator.name != "critic-mc" && estimator.name != "critic-td" &&
                           estimator.name != "critic-lstd" && estimator.name != "critic-hessian-lstd" &&
                           estimator.name != "causal-optimal-baseline";
  double worst = 0.0;
  const ExactMoments listed =
      enumerate(tiny, *statistic, targets.size(), [&](const SampledPath& path, const Tally& tally, double) {
        if (!has_formula) return;
        const mdp::tests::NaivePath naive(tiny.problem, path, both, derivatives);
        for (std::size_t k = 0; k < targets.size(); ++k) {
          const std::size_t width = std::max<std::size_t>(1, targets.columns.size());
          const double expected = targets.columns.empty() ? mdp::tests::naive_first(estimator.name, naive, constant, k)
                                                          : mdp::tests::naive_second(estimator.name, naive, k / width,
                                                                                     rows.size() + k % width);
          worst = std::max(worst, std::abs(expected - tally.sum[k]));
        }
      });
  CHECK(worst < rounding);  // the estimate of every path is the formula's
  const ExactMoments exact = statistic->exact(true);
  CHECK(largest_difference(exact.mean, listed.mean) < rounding);
  CHECK(largest_difference(exact.variance, listed.variance) < 100 * rounding);
  CHECK(largest_difference(statistic->exact(false).mean, exact.mean) < rounding);

  std::vector<double> expected = stage_truth(tiny.problem, targets);
  if (estimator.predicted_bias) {
    const std::vector<double> bias = estimator.predicted_bias(tiny.problem, targets);
    for (std::size_t k = 0; k < bias.size(); ++k) expected[k] += bias[k];
  }
  CHECK(largest_difference(exact.mean, expected) < rounding);  // unbiased, or biased by what theory says
}

void check_all(std::initializer_list<Quantity> quantities, std::uint64_t first_seed, std::uint64_t last_seed) {
  for (const Estimator& estimator : all_estimators()) {
    if (sampled_otherwise.contains(estimator.name)) continue;
    for (const Quantity quantity : quantities) {
      if (!estimator.estimates(quantity)) continue;
      for (std::uint64_t seed = first_seed; seed < last_seed; ++seed) check(estimator, quantity, seed);
    }
  }
}

TEST_CASE("E1, X1 = X2: every gradient estimator, path by path, in its moments and its bias") {
  check_all({Quantity::policy_gradient, Quantity::model_gradient}, 0, 10);
}

TEST_CASE("E2, X1 = X2: every second-order estimator, path by path, in its moments and its bias") {
  check_all({Quantity::policy_hessian, Quantity::mixed, Quantity::model_hessian}, 0, 4);
}

/// Covariances of all targets by listing all paths; whether the estimator has a recursion for them.
bool check_covariance(const Estimator& estimator, Quantity quantity, std::uint64_t seed) {
  CAPTURE(estimator.name, word(quantity), seed);
  const Tiny tiny(seed);
  const Targets targets = targets_of(tiny.mdp, quantity);
  const auto statistic = estimator.prepare(tiny.problem, targets);
  const std::vector<double> exact = statistic->covariance();
  if (exact.empty()) return false;
  const std::size_t n = targets.size();
  std::vector<double> listed(n * n);
  const ExactMoments m =
      enumerate(tiny, *statistic, n, [&](const SampledPath&, const Tally& tally, double probability) {
        for (std::size_t k = 0; k < n * n; ++k) listed[k] += probability * tally.sum[k / n] * tally.sum[k % n];
      });
  for (std::size_t k = 0; k < n * n; ++k) listed[k] -= m.mean[k / n] * m.mean[k % n];
  CHECK(largest_difference(exact, listed) < 100 * rounding);
  for (std::size_t k = 0; k < n; ++k) CHECK(std::abs(exact[k * n + k] - m.variance[k]) < 100 * rounding);
  return true;
}

TEST_CASE("X1 = X2: the full covariance, with baselines, critics and importance weights") {
  int n_first = 0, n_second = 0;
  for (const Estimator& estimator : all_estimators()) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      if (estimator.estimates(Quantity::policy_gradient))
        n_first += check_covariance(estimator, Quantity::policy_gradient, seed) ? 1 : 0;
    }
    if (estimator.estimates(Quantity::model_gradient)) check_covariance(estimator, Quantity::model_gradient, 2);
    if (estimator.estimates(Quantity::policy_hessian))
      n_second += check_covariance(estimator, Quantity::policy_hessian, 2) ? 1 : 0;
  }
  CHECK(n_first == 14 * 6);  // all but branches, differences and ratios
  CHECK(n_second == 8);
}

TEST_CASE("E1, E2, X1 = X2 on hundreds of problems", "[long]") {
  check_all({Quantity::policy_gradient, Quantity::model_gradient}, 10, 300);
  check_all({Quantity::policy_hessian, Quantity::mixed, Quantity::model_hessian}, 4, 100);
}

TEST_CASE("E1: the optimal constant baseline has less variance than any other constant") {
  const Tiny tiny(7);
  const Targets targets = targets_of(tiny.mdp, Quantity::policy_gradient);
  const auto variance_of = [&](const char* name) {
    for (const Estimator& e : all_estimators()) {
      if (e.name == name) return e.prepare(tiny.problem, targets)->exact(true).variance;
    }
    return std::vector<double>();
  };
  const auto best = variance_of("causal-optimal-baseline");
  for (const char* other : {"causal", "causal-constant-baseline"}) {
    const auto variance = variance_of(other);
    double gained = 0.0;
    for (std::size_t i = 0; i < best.size(); ++i) {
      CHECK(best[i] <= variance[i] + 1e-14);
      gained = std::max(gained, variance[i] - best[i]);
    }
    CHECK(gained > 1e-3);
  }
}

TEST_CASE("E1: LSTD(1) is the Monte Carlo critic; both tend to the exact one for a long batch") {
  const Mdp m = mdp::tests::random_mdp(3, 3, 0.8);
  const auto policy = mdp::tests::random_policy(3, m);
  const Targets targets = targets_of(m, Quantity::policy_gradient);
  const auto mean_of = [&](const char* name, double lambda, std::int64_t batch) {
    const Problem problem(m, policy, {.horizon = 60, .critic_trajectories = batch, .critic_lambda = lambda});
    for (const Estimator& e : all_estimators()) {
      if (e.name == name) return e.prepare(problem, targets)->exact(false).mean;
    }
    return std::vector<double>();
  };
  CHECK(largest_difference(mean_of("critic-lstd", 1.0, 40), mean_of("critic-mc", 0.5, 40)) < 1e-10);
  const auto truth = mean_of("critic-exact", 0.5, 1);
  for (const char* name : {"critic-mc", "critic-td", "critic-lstd"}) {
    const double few = largest_difference(mean_of(name, 0.5, 20), truth);
    const double many = largest_difference(mean_of(name, 0.5, 20000), truth);
    CAPTURE(name, few, many);
    CHECK(many < 0.02);
    CHECK(many < few);
  }
}

/// The largest error of the learned dQ and dV by some parameters of every kind, relative to the largest derivative by the same
/// parameter. (Trajectories that end in 0 shorten the critics' horizon by a part of 1/N: N = 600.)
double derivative_error(const Mdp& m, const mdp::StochasticPolicy& policy, double lambda, std::int64_t batch) {
  const Problem problem(m, policy,
                        {.horizon = 600, .temperature = 0.5, .critic_trajectories = batch, .critic_lambda = lambda});
  const auto learned = lstd_critic(problem, true);
  double worst = 0.0;
  for (const Parameter& p : {Parameter{ParameterKind::policy_logit, 0}, Parameter{ParameterKind::policy_logit, 2},
                             Parameter{ParameterKind::probability_logit, 1}, Parameter{ParameterKind::cost, 1}}) {
    const ValueDerivatives exact = stage_value_derivatives(problem, axis(m, p));
    const ValueDerivatives found = learned->along(axis(m, p));
    double error = 0.0, largest = 0.0;
    for (mdp::Offset row = 0; row < m.n_rows(); ++row) {
      error = std::max(error, std::abs(found.q_of(0, row) - exact.q_of(0, row)));
      largest = std::max(largest, std::abs(exact.q_of(0, row)));
    }
    for (mdp::State s = 0; s < m.n_states(); ++s)
      error = std::max(error, std::abs(found.value_of(0, s) - exact.value_of(0, s)));
    worst = std::max(worst, error / largest);
  }
  return worst;
}

TEST_CASE("E3: derivatives learned by LSTD tend to those of Q and V, and are linear in the direction") {
  const Mdp m = mdp::tests::random_mdp(3, 3, 0.8);
  const auto policy = mdp::tests::random_policy(3, m);
  for (const double lambda : {0.0, 0.5}) {
    CAPTURE(lambda);
    const double few = derivative_error(m, policy, lambda, 2);
    const double many = derivative_error(m, policy, lambda, 2000);
    CAPTURE(few, many);
    CHECK(many < 0.05);
    CHECK(many < few);
  }
  const Problem problem(m, policy, {.horizon = 5, .critic_trajectories = 30});
  const auto critic = lstd_critic(problem, true);
  Direction u = axis(m, {ParameterKind::policy_logit, 0});
  u.probability_logit = axis(m, {ParameterKind::probability_logit, 2}).probability_logit;
  u.cost = axis(m, {ParameterKind::cost, 1}).cost;
  const std::vector<double> sum = critic->along(u).value;
  for (std::size_t s = 0; s < sum.size(); ++s) {
    double parts = 0.0;
    for (const Parameter& p : {Parameter{ParameterKind::policy_logit, 0},
                               Parameter{ParameterKind::probability_logit, 2}, Parameter{ParameterKind::cost, 1}})
      parts += critic->along(axis(m, p)).value[s];
    CHECK(std::abs(sum[s] - parts) < 1e-12);
  }
}

TEST_CASE("E3: with exact critics the actor-critic condition's derivative has less variance than causal Hessians") {
  const Tiny tiny(5);
  for (const Quantity quantity : {Quantity::policy_hessian, Quantity::mixed}) {
    const Targets targets = targets_of(tiny.mdp, quantity);
    const auto trace = [&](const char* name) {
      double sum = 0.0;
      for (const Estimator& e : all_estimators()) {
        if (e.name != name) continue;
        for (const double v : e.prepare(tiny.problem, targets)->exact(true).variance) sum += v;
      }
      return sum;
    };
    CHECK(trace("critic-hessian-exact") < 0.5 * trace("causal-hessian"));
  }
}

TEST_CASE("Problems refuse what does not fit") {
  using Catch::Matchers::Contains;
  const Mdp m = mdp::tests::random_mdp(1, 3, 0.9);
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(Problem(m, policy, {.horizon = 0}), Contains("horizon = 0, required >= 1"));
  CHECK_THROWS_WITH(Problem(m, policy, {.temperature = -1.0}), Contains("temperature = -1"));
  CHECK_THROWS_WITH(Problem(m, policy, {.difference_step = 0.0}), Contains("difference_step = 0"));
  CHECK_THROWS_WITH(Problem(m, policy, {.critic_trajectories = 0}), Contains("critic_trajectories = 0"));
  CHECK_THROWS_WITH(Problem(m, policy, {.critic_lambda = 2.0}), Contains("critic_lambda = 2"));
  CHECK_THROWS_WITH(Problem(m, policy, {.horizon = 1'000'000'000}), Contains("take fewer stages"));
  const ValueDerivatives thousand{std::vector<double>(1000), {}};
  CHECK_NOTHROW(require_affordable(thousand, 250'000));
  CHECK_THROWS_WITH(require_affordable(thousand, 250'001), Contains("at most 2.5e8: take fewer stages"));
  mdp::StochasticPolicy narrow(policy.size(), 0.0);
  for (mdp::State s = 0; s < m.n_states(); ++s) narrow[m.state_rows()[s]] = 1.0;
  CHECK_THROWS_WITH(Problem(m, policy, {.behaviour = narrow}), Contains("which the policy takes"));
  CHECK_THROWS_WITH(Problem(m, narrow, {.temperature = 1.0}), Contains("every action has positive probability"));
}

}  // namespace
