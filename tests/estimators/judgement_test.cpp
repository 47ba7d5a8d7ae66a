#include "estimators/judgement.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "estimators/gradient_report.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"
#include "estimators/truth.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/support/random_mdp.hpp"
#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;

/// Two states whose actions matter, so that few trajectories say much.
Mdp two_states() {
  mdp::MdpBuilder b(2);
  b.discount(0.8).initial(0, 0.5).initial(1, 0.5);
  b.row(0, 3.0).to(0, 0.7).to(1, 0.3);
  b.row(0, 0.0).to(0, 0.1).to(1, 0.9);
  b.row(1, -1.0).to(0, 0.2).to(1, 0.8);
  b.row(1, 2.0).to(0, 0.9).to(1, 0.1);
  return b.build();
}

Problem two_state_problem() {
  return {two_states(), std::vector<double>{0.6, 0.4, 0.3, 0.7}, {.horizon = 3, .difference_step = 0.5}};
}

/// So many trajectories that a mean that is wrong by 1% fails at the level of the judgement.
std::int64_t samples_that_see_one_percent(const ExactMoments& exact) {
  double least = mdp::infinity;  // variance / mean^2
  for (std::size_t i = 0; i < exact.mean.size(); ++i) {
    if (exact.variance[i] > 1e-9) least = std::min(least, exact.variance[i] / (exact.mean[i] * exact.mean[i]));
  }
  const double limit = two_sided_normal_quantile(1e-6 / static_cast<double>(exact.mean.size()));
  return static_cast<std::int64_t>(1.3 * least * 1e4 * limit * limit);
}

void check_sampled(Quantity quantity) {
  const Problem problem = two_state_problem();
  const Targets targets = targets_of(problem.mdp(), quantity);
  const std::vector<double> truth = stage_truth(problem, targets);
  for (const Estimator& estimator : all_estimators()) {
    if (!estimator.estimates(quantity)) continue;
    const ExactMoments exact = estimator.prepare(problem, targets)->exact(true);
    const std::int64_t n = samples_that_see_one_percent(exact);
    CAPTURE(estimator.name, word(quantity), n);
    CHECK(n < 8'000'000);
    const Judgement j = judge(problem, targets, estimator, truth, {.samples = {n}, .seed = 5});
    CHECK(j.consistent);
    CHECK(j.z_max <= j.z_limit);
    CHECK(j.n_judged > 0);
    double largest_shift = 0.0;  // of a z-score by 1% of the mean
    for (std::size_t i = 0; i < truth.size(); ++i) {
      if (j.standard_error[i] > 1e-9)
        largest_shift = std::max(largest_shift, 0.01 * std::abs(j.expected[i]) / j.standard_error[i]);
      if (std::isnan(j.sampled().standard_deviation[i])) continue;
      const double variance = std::pow(j.sampled().standard_deviation[i], 2.0);
      const double error = j.exact.variance[i] / std::sqrt(std::max(1.0, j.sampled().effective_samples[i]));
      CHECK(std::abs(variance - j.exact.variance[i]) <= mdp::tests::normal_threshold * error + 1e-12);
    }
    CHECK(largest_shift > j.z_limit);
    if (estimator.bias_source == BiasSource::none) CHECK(j.exact_bias_norm < 1e-12 * norm(truth));
  }
}

TEST_CASE("E1: every estimator of the policy gradient samples what its exact moments say, to one percent") {
  check_sampled(Quantity::policy_gradient);
}

TEST_CASE("E1, E2: every estimator of the model gradient and of second derivatives, to one percent", "[long]") {
  check_sampled(Quantity::model_gradient);
  check_sampled(Quantity::policy_hessian);
  check_sampled(Quantity::mixed);
  check_sampled(Quantity::model_hessian);
}

struct OffByOne {  // the return that follows the step, without the step's own cost
  static constexpr std::size_t size = 3;
  static void step(const Step& at, double* x) {
    x[2] = at.discount * (x[2] + at.i.transition * x[1]);
    x[2] += at.i.policy * at.discount * x[1];
    x[1] = at.discount * x[1] + at.cost * x[0];
  }
};

TEST_CASE("A wrong estimator is called inconsistent, by its bias and by its sample") {
  const Problem problem = two_state_problem();
  const Targets targets = targets_of(problem.mdp(), Quantity::policy_gradient);
  const std::vector<double> truth = stage_truth(problem, targets);
  const Estimator wrong = recursion_estimator<OffByOne>("off-by-one", {Quantity::policy_gradient});
  const Judgement j = judge(problem, targets, wrong, truth, {.samples = {1000}});
  CHECK_FALSE(j.consistent);
  CHECK(j.z_max < j.z_limit);  // it samples what its own moments say
  CHECK(j.bias_defect > 0.1);

  class WrongMoments : public RecursionStatistic<Causal> {  // 1% off
   public:
    using RecursionStatistic::RecursionStatistic;
    [[nodiscard]] ExactMoments exact(bool variance, const mdp::estimators::Observer& observer) const override {
      ExactMoments m = RecursionStatistic::exact(variance, observer);
      for (double& x : m.mean) x *= 1.01;
      return m;
    }
  };
  const Estimator shifted{
      "shifted", {Quantity::policy_gradient}, BiasSource::difference, [](const Problem& p, const Targets& t) {
        return std::make_unique<WrongMoments>(p, t);
      }};
  CHECK_FALSE(judge(problem, targets, shifted, truth, {.samples = {1'000'000}, .seed = 3}).consistent);
}

/// Causal, with numbers added to the exact moments of the first derivative.
Estimator with_moments(double mean, double variance) {
  class Moved : public RecursionStatistic<Causal> {
   public:
    Moved(const Problem& p, const Targets& t, double mean, double variance)
        : RecursionStatistic(p, t), mean_(mean), variance_(variance) {}
    [[nodiscard]] ExactMoments exact(bool variance, const mdp::estimators::Observer& observer) const override {
      ExactMoments m = RecursionStatistic::exact(variance, observer);
      m.mean[0] += mean_;
      if (variance) m.variance[0] += variance_;
      return m;
    }

   private:
    double mean_, variance_;
  };
  return {"moved", {Quantity::policy_gradient}, BiasSource::difference, [=](const Problem& p, const Targets& t) {
            return std::make_unique<Moved>(p, t, mean, variance);
          }};
}

TEST_CASE("The delta method (E4) is not held against what is of second order in it, nor excused by it elsewhere") {
  const Problem problem = two_state_problem();
  const std::vector<double> truth{0.0, 0.0, 0.0};
  const auto judged = [&](double expansion_parameter, std::vector<double> off) {
    Judgement j;
    j.exact = {.mean = {0.0, 0.0, 0.0}, .variance = {1.0, 1e-4, 0.0}, .bias_times_n = {}};
    j.expansion_parameter = expansion_parameter;
    Sampled sampled;
    sampled.n_trajectories = 10000;
    sampled.mean = std::move(off);
    sampled.standard_deviation = {1.0, 1e-2, 0.0};
    sampled.effective_samples = {1e4, 1e4, 1e4};
    j.sizes.push_back({10000, std::move(sampled), mdp::not_computed});
    finish(problem, truth, {.samples = {10000}}, j);
    return j;
  };
  const Judgement small = judged(0.05, {0.01, 0.01, 1e-3});
  CHECK((small.n_judged == 1 && small.n_second_order == 2 && small.n_constant == 0));
  CHECK(small.verdict() == "consistent");
  CHECK(judged(0.05, {0.1, 0.0, 0.0}).verdict() == "inconsistent");   // ten deviations of the first
  CHECK(judged(1e-4, {0.0, 0.01, 0.0}).verdict() == "inconsistent");  // a hundred of the second, first order here
  const Judgement sum = judged(mdp::not_computed, {0.01, 0.0, 1e-3});
  CHECK((sum.n_judged == 2 && sum.n_second_order == 0 && sum.n_constant == 1));
  CHECK(sum.verdict() == "inconsistent");  // of a sum the third is constant
}

TEST_CASE(
    "Verdicts: what few trajectories shape is held against Chebyshev's inequality, constants against themselves") {
  using Catch::Matchers::Contains;
  const Problem problem = two_state_problem();
  Targets targets = targets_of(problem.mdp(), Quantity::policy_gradient);
  targets.rows.resize(1);
  const std::vector<double> truth = stage_truth(problem, targets);
  const JudgementOptions few{.samples = {100}, .min_effective_samples = 1e9};
  const auto judged = [&](const Estimator& e, const JudgementOptions& o) {
    return judge(problem, targets, e, truth, o);
  };

  const Judgement right = judged(recursion_estimator<Causal>("causal", {}), few);
  CHECK(right.verdict() == "consistent");
  CHECK((right.n_judged == 0 && right.n_by_chebyshev == 1 && right.n_constant == 0));
  CHECK(right.z_limit == Approx(1000.0));  // sqrt(1 / 1e-6)
  CHECK_THAT(right.reason, Contains("1 by Chebyshev's inequality only; bias as predicted"));
  // A gross error of the mean, 1001 deviations of it, is seen; 900 are not, but by the other limit they are.
  const double deviation = std::sqrt(right.exact.variance[0] / 100.0);
  const Judgement gross = judged(with_moments(1010.0 * deviation, 0.0), few);
  CHECK(gross.verdict() == "inconsistent");
  CHECK_THAT(gross.reason, Contains("beyond 1e+03") && Contains("no formula of the bias"));
  CHECK(judged(with_moments(900.0 * deviation, 0.0), few).verdict() == "consistent");
  CHECK(judged(with_moments(900.0 * deviation, 0.0), {.samples = {100}}).verdict() == "inconsistent");

  // The exact variance is said to be 0: then the sampled mean has to be the exact mean.
  const double none = -right.exact.variance[0];
  const double off = right.sampled().mean[0] - right.exact.mean[0];
  const Judgement constant = judged(with_moments(off, none), few);
  CHECK(constant.n_constant == 1);
  CHECK(constant.verdict() == "consistent");
  CHECK_THAT(constant.reason, Contains("1 constant and right"));
  CHECK(judged(with_moments(off + 1e-3, none), few).verdict() == "inconsistent");

  // No exact variance, few trajectories, no formula of the bias: nothing was tested.
  const Judgement nothing =
      judged(with_moments(0.0, 0.0), {.samples = {100}, .min_effective_samples = 1e9, .max_products = 0});
  CHECK(nothing.verdict() == "unjudged");
  CHECK_THAT(nothing.reason, Contains("too few trajectories shape the sample; no formula of the bias"));
}

TEST_CASE("E1: central differences are biased by h^2, and exact for costs") {
  const auto bias = [](Quantity quantity, double h) {
    const Problem problem(two_states(), std::vector<double>{0.6, 0.4, 0.3, 0.7}, {.horizon = 3, .difference_step = h});
    const Targets targets = targets_of(problem.mdp(), quantity);
    for (const Estimator& e : all_estimators()) {
      if (e.name != "finite-difference") continue;
      std::vector<double> d = e.prepare(problem, targets)->exact(false).mean;
      const std::vector<double> truth = stage_truth(problem, targets);
      for (std::size_t i = 0; i < d.size(); ++i) d[i] -= truth[i];
      return d;
    }
    return std::vector<double>();
  };
  const double coarse = norm(bias(Quantity::policy_gradient, 0.1));
  const double fine = norm(bias(Quantity::policy_gradient, 0.05));
  CHECK(coarse / fine == Approx(4.0).epsilon(0.01));
  const auto of_model = bias(Quantity::model_gradient, 0.1);
  for (std::size_t i = of_model.size() - 4; i < of_model.size(); ++i) CHECK(std::abs(of_model[i]) < 1e-13);
}

TEST_CASE("Estimates: the same bits for any number of threads; replications; the mean squared error") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const Problem problem(lake, mdp::uniform_policy(lake), {.horizon = 8});
  for (const Quantity quantity : {Quantity::policy_gradient, Quantity::model_gradient}) {
    const Targets targets = targets_of(lake, quantity);
    const std::vector<double> truth = stage_truth(problem, targets);
    for (const char* name : {"full-score", "measure-valued", "finite-difference", "importance-self-normalised"}) {
      const std::vector<Estimator> table = all_estimators();
      const auto line = std::ranges::find(table, std::string(name), &Estimator::name);
      const auto statistic = line->prepare(problem, targets);
      SamplingOptions options{.samples = 300, .replications = 5, .seed = 4, .threads = 1};
      const Sampled one = sample(problem, *statistic, options, truth);
      CHECK(one.n_trajectories == 1500);
      for (const int threads : {2, 4}) {
        options.threads = threads;
        const Sampled many = sample(problem, *statistic, options, truth);
        CHECK(many.mean == one.mean);
        CHECK(many.mean_squared_error == one.mean_squared_error);
        CHECK(many.transitions == one.transitions);
      }
    }
  }
  const Targets targets = targets_of(lake, Quantity::policy_gradient);
  const std::vector<double> truth = stage_truth(problem, targets);
  const Judgement j = judge(problem, targets, recursion_estimator<CausalStateBaseline>("x", {}), truth,
                            {.samples = {10, 100}, .replications = 400});
  for (const SampleSize& size : j.sizes) {  // chi-square like: a tenth is six deviations
    CHECK(size.sampled.mean_squared_error == Approx(size.exact_mean_squared_error).epsilon(0.4));
    CHECK(size.exact_mean_squared_error == Approx(j.exact_variance_trace / static_cast<double>(size.samples)));
  }
}

TEST_CASE("Sampling stops when asked, with what it has") {
  const Problem problem = two_state_problem();
  const Targets targets = targets_of(problem.mdp(), Quantity::policy_gradient);
  const RecursionStatistic<Causal> causal(problem, targets);
  int calls = 0;
  const auto third_call = [&](double) { return ++calls < 3; };
  const std::vector<double> truth = stage_truth(problem, targets);
  const Sampled s = sample(problem, causal, {.samples = 1'000'000, .observer = third_call}, truth);
  CHECK(s.interrupted);
  CHECK(s.replications == 1);
  CHECK(s.n_trajectories == 2 * 64 * 256);
  CHECK(std::isfinite(s.mean[0]));
  calls = 0;
  const Sampled groups =
      sample(problem, causal, {.samples = 1000, .replications = 1000, .observer = third_call}, truth);
  CHECK(groups.interrupted);
  CHECK(groups.n_trajectories == 1000 * groups.replications);
  CHECK(groups.replications == 32);  // two waves of 64 blocks, four blocks a group
}

TEST_CASE("Judgements refuse what does not fit") {
  using Catch::Matchers::Contains;
  const Problem problem = two_state_problem();
  const Targets targets = targets_of(problem.mdp(), Quantity::policy_gradient);
  const Estimator line = recursion_estimator<Causal>("causal", {});
  const auto with = [&](const JudgementOptions& o) { return judge(problem, targets, line, std::vector<double>(4), o); };
  CHECK_THROWS_WITH(with({.samples = {}}), Contains("samples is empty"));
  CHECK_THROWS_WITH(with({.samples = {0}}), Contains("samples = 0, required >= 1"));
  CHECK_THROWS_WITH(with({.replications = 0}), Contains("replications = 0"));
  CHECK_THROWS_WITH(with({.level = 1.0}), Contains("level = 1"));
  CHECK_THROWS_WITH(with({.min_effective_samples = 0.0}), Contains("min_effective_samples = 0"));
}

}  // namespace
