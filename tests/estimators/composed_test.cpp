#include "estimators/composed.hpp"

#include <cmath>

#include <Eigen/Dense>
#include <catch2/catch.hpp>

#include "estimators/enumeration.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/methods/hessians.hpp"
#include "estimators/plugged_in.hpp"
#include "estimators/recursion.hpp"
#include "estimators/truth.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "solvers/soft.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;

/// A model with its soft-optimal policy, and a world with other costs.
struct Pair {
  Pair(std::uint64_t seed, std::int64_t horizon, mdp::State n_states = 2)
      : mdp(mdp::tests::random_mdp(seed, n_states, 0.8)),
        policy(mdp::solvers::solve_soft(mdp, {.temperature = 1.0, .polish = true}).policy),
        model(mdp, policy, {.horizon = horizon, .temperature = 1.0}),
        world(other_costs(), policy, {.horizon = horizon}) {}

  [[nodiscard]] Mdp other_costs() const {
    std::vector<double> cost(mdp.cost().begin(), mdp.cost().end());
    for (std::size_t i = 0; i < cost.size(); ++i) cost[i] += 0.3 * std::sin(3.0 * static_cast<double>(i));
    return mdp.with_cost(mdp::Buffer<double>(cost.begin(), cost.end()));
  }

  Mdp mdp;
  mdp::StochasticPolicy policy;
  Problem model, world;
};

const std::vector<ComposedForm> all_forms = {ComposedForm::plug_in,      ComposedForm::ridge,
                                             ComposedForm::jackknife,    ComposedForm::split,
                                             ComposedForm::critic_exact, ComposedForm::critic_lstd};

TEST_CASE(
    "D6: for a long horizon -H^-1 M is the derivative of the soft policy (D4, D7), the chain that of the world (D8)") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    const Pair pair(seed, 140, 3);  // 0.8^140 = 3e-14
    const Sensitivity s(pair.model, &pair.world);
    CHECK(s.in_sim_gradient_norm() < 1e-11);
    const std::vector<double> local = infinite_policy_derivative(s);
    REQUIRE(local.size() == s.policy_derivative().size());
    CHECK(distance(local, s.policy_derivative()) < 1e-9 * norm(local));
    const std::vector<double> total = infinite_world_gradient(s);
    REQUIRE(total.size() == s.total().size());
    CHECK(distance(total, s.total()) < 1e-9 * norm(total));
  }
}

/// Hessian and mixed derivative of each of the two trajectories of one stage, and their probabilities.
struct TwoPaths {
  double h[2], m[2], p[2];
};

/// E f(H', M') over batches of n trajectories, H' and M' means over the batch: X1 by the binomial law.
template <class F>
double expectation(const TwoPaths& x, int n, const F& f) {
  double sum = 0.0;
  for (int k = 0; k <= n; ++k) {
    const double q = k / static_cast<double>(n);
    const double log_choose = std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
    const double probability = std::exp(log_choose + k * std::log(x.p[0]) + (n - k) * std::log(x.p[1]));
    sum += probability * f(q * x.h[0] + (1.0 - q) * x.h[1], q * x.m[0] + (1.0 - q) * x.m[1]);
  }
  return sum;
}

/// One state, one stage, two actions: two trajectories.
Mdp one_stage() {
  mdp::MdpBuilder b(1);
  b.discount(0.5).initial(0, 1.0);
  b.row(0, -0.4).to(0, 1.0);
  b.row(0, 0.3).to(0, 1.0);
  return b.build();
}

constexpr std::size_t first_cost = 2;  // theta: two transition logits (without effect), then two costs

/// What a form plugs in for the first cost, of both trajectories.
TwoPaths two_paths(const Sensitivity& s, ComposedForm form) {
  const auto source = hessian_source(s.model(), form);
  const auto statistic = source->statistic({s.free(), {s.free()[0], s.theta()[first_cost]}, false});
  TwoPaths x{};
  for (const mdp::Offset row : {0, 1}) {
    Tally tally(2);
    const auto scratch = statistic->scratch();
    const std::vector<mdp::State> state = {0, 0};
    statistic->add({state, std::vector<mdp::Offset>{row}, std::vector<mdp::Offset>{row}, 1, 0}, *scratch, tally);
    x.h[row] = tally.sum[0];
    x.m[row] = tally.sum[1];
    x.p[row] = s.model().policy()[row];
  }
  REQUIRE(x.h[0] * x.h[1] > 0.0);  // no batch is singular
  return x;
}

ExactMoments moments_of(const Sensitivity& s, ComposedForm form) {
  const auto source = hessian_source(s.model(), form);
  const Sensitivity limit = limit_of(s, *source, form);
  return DeltaMethod(limit, *source, 1e12).moments(form);
}

/// E of the estimate from n trajectories.
double listed_mean(const TwoPaths& x, ComposedForm form, int n) {
  if (form == ComposedForm::split) {
    return expectation(x, n / 2, [](double h, double) { return 1.0 / h; }) *
           expectation(x, n / 2, [](double, double mixed) { return -mixed; });
  }
  if (form == ComposedForm::ridge)
    return expectation(x, n, [n](double h, double mixed) { return -h * mixed / (h * h + h * h / n); });
  return expectation(x, n, [](double h, double mixed) { return -mixed / h; });
}

TEST_CASE("E3, E4, X1: bias and variance of the forms by listing all batches are those of the delta method") {
  const Problem model(one_stage(), std::vector<double>{0.6, 0.4}, {.horizon = 1, .temperature = 1.0});
  const Sensitivity s(model, nullptr);
  REQUIRE(s.n_free() == 1);
  const double truth = s.policy_derivative()[first_cost];
  for (const ComposedForm form : {ComposedForm::plug_in, ComposedForm::ridge, ComposedForm::split,
                                  ComposedForm::critic_exact, ComposedForm::critic_lstd}) {
    CAPTURE(static_cast<int>(form));
    const TwoPaths x = two_paths(s, form);
    const double mean_h = x.p[0] * x.h[0] + x.p[1] * x.h[1];
    CHECK(truth == Approx(-(x.p[0] * x.m[0] + x.p[1] * x.m[1]) / mean_h).epsilon(1e-12));
    const ExactMoments delta = moments_of(s, form);
    // n (E - truth) = c + d/n + O(1/n^2): two sizes give c up to O(1/n^2).
    const auto scaled = [&](int n) { return n * (listed_mean(x, form, n) - truth); };
    const double c = 2.0 * scaled(4000) - scaled(2000);
    CAPTURE(c);
    CHECK(std::abs(c) > 0.01);
    CHECK(delta.bias_times_n[first_cost] == Approx(c).epsilon(1e-4));
    if (form == ComposedForm::ridge || form == ComposedForm::split) continue;
    const auto scaled_variance = [&](int n) {
      const double mean = listed_mean(x, form, n);
      return n * expectation(x, n, [&](double h, double mixed) { return std::pow(-mixed / h - mean, 2.0); });
    };
    const double v = 2.0 * scaled_variance(4000) - scaled_variance(2000);
    CHECK(delta.variance[first_cost] == Approx(v).epsilon(1e-4));
  }
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The estimates of all trajectories of a problem as matrices, and their probabilities (X1).
struct Listed {
  Listed(const Problem& problem, const Statistic& statistic, Eigen::Index n_rows) {
    const auto scratch = statistic.scratch();
    for_each_path(problem.mdp(), problem.policy(), problem.horizon(), [&](const Path& path) {
      Tally tally(statistic.n_tallied());
      std::vector<mdp::State> state(path.state.begin(), path.state.end());
      state.push_back(0);
      statistic.add({state, path.row, path.entry, 1, 0}, *scratch, tally);
      x.emplace_back(
          Eigen::Map<const Matrix>(tally.sum.data(), n_rows, static_cast<Eigen::Index>(tally.sum.size()) / n_rows));
      p.push_back(path.probability);
    });
  }
  /// E f(x).
  template <class F>
  [[nodiscard]] Matrix mean(const F& f) const {
    Matrix sum = p[0] * f(x[0]);
    for (std::size_t i = 1; i < x.size(); ++i) sum += p[i] * f(x[i]);
    return sum;
  }
  std::vector<Matrix> x;
  std::vector<double> p;
};

double distance_of(const Matrix& a, const std::vector<double>& b) {
  return (Eigen::Map<const Matrix>(b.data(), a.rows(), a.cols()) - a).norm();
}

TEST_CASE(
    "E4, X1: moments of the delta method are those of its expansion over all trajectories, also where H is not "
    "symmetric") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const Pair pair(seed, 3, 3);
    const bool in_real = seed % 2 == 1;
    const Sensitivity s(pair.model, in_real ? &pair.world : nullptr);
    const auto f = static_cast<Eigen::Index>(s.n_free());
    const auto p = static_cast<Eigen::Index>(s.n_theta());
    REQUIRE(f > 1);
    std::vector<Parameter> columns = s.free();
    columns.insert(columns.end(), s.theta().begin(), s.theta().end());
    const RecursionStatistic<Causal> gradient(pair.world, {s.free(), {}, false});
    const Listed of_world(pair.world, gradient, 1);
    const Eigen::RowVectorXd g = of_world.mean([](const Matrix& x) { return x; });
    for (const ComposedForm form : {ComposedForm::plug_in, ComposedForm::ridge, ComposedForm::split,
                                    ComposedForm::critic_exact, ComposedForm::critic_lstd}) {
      CAPTURE(seed, static_cast<int>(form));
      const auto source = hessian_source(pair.model, form);
      const Listed listed(pair.model, *source->statistic({s.free(), columns, false}), f);
      const Matrix mean = listed.mean([](const Matrix& x) { return x; });
      const Matrix h = mean.leftCols(f);
      if (form == ComposedForm::critic_lstd) CHECK((h - h.transpose()).norm() > 1e-3 * h.norm());
      const Matrix k = h.inverse();
      const Matrix limit = -k * mean.rightCols(p);
      const Matrix left = in_real ? Matrix(g * k) : k;                    // of the outputs
      const auto residual = [&](const Matrix& x, bool of_h, bool of_m) {  // D S + E
        return Matrix((of_h ? 1.0 : 0.0) * (x - mean).leftCols(f) * limit +
                      (of_m ? 1.0 : 0.0) * (x - mean).rightCols(p));
      };
      const auto variance = [&](bool of_h, bool of_m) {
        return listed.mean([&](const Matrix& x) { return Matrix((left * residual(x, of_h, of_m)).array().square()); });
      };
      const auto bias = [&](bool of_m) {
        return listed.mean(
            [&](const Matrix& x) { return Matrix(left * (x - mean).leftCols(f) * k * residual(x, true, of_m)); });
      };
      const bool split = form == ComposedForm::split;
      Matrix v = split ? Matrix(2.0 * (variance(true, false) + variance(false, true))) : variance(true, true);
      Matrix b = split ? Matrix(2.0 * bias(false)) : bias(true);
      if (in_real) v += of_world.mean([&](const Matrix& x) { return Matrix(((x - g) * limit).array().square()); });
      if (form == ComposedForm::ridge)
        b -= h.squaredNorm() * (in_real ? Matrix(g) : Matrix(Matrix::Identity(f, f))) * k * k * limit;
      const ExactMoments delta = moments_of(s, form);
      CHECK(distance_of(left.rows() == 1 ? Matrix(g * limit) : limit, delta.mean) < 1e-9 * limit.norm());
      CHECK(distance_of(v, delta.variance) < 1e-9 * v.norm());
      CHECK(distance_of(b, delta.bias_times_n) < 1e-9 * b.norm());
      const double noise = listed.mean(
          [&](const Matrix& x) { return Matrix::Constant(1, 1, (k * (x - mean).leftCols(f)).squaredNorm()); })(0, 0);
      const Sensitivity at_limit = limit_of(s, *source, form);
      CHECK(DeltaMethod(at_limit, *source, 1e12).relative_noise() == Approx(std::sqrt(noise)).epsilon(1e-9));
    }
  }
}

TEST_CASE("E3, E4: every form samples what its moments say, to one percent") {
  const std::vector<double> policy = {0.6, 0.4};
  const Problem model(one_stage(), policy, {.horizon = 1, .temperature = 1.0});
  const Problem world(one_stage(), policy, {.horizon = 1});
  for (const bool in_real : {false, true}) {
    CAPTURE(in_real);
    const Sensitivity s(model, in_real ? &world : nullptr);
    for (const Judgement& j : judge_composed(s, all_forms, {.samples = {10000}, .replications = 80, .seed = 8})) {
      CAPTURE(j.name);
      CHECK(j.consistent);
      CHECK(j.n_judged > 0);
      double shift = 0.0;  // of a z-score by 1% of the mean
      for (std::size_t i = 0; i < j.expected.size(); ++i) {
        if (!std::isnan(j.z[i])) shift = std::max(shift, 0.01 * std::abs(j.expected[i]) / j.standard_error[i]);
      }
      CHECK(shift > j.z_limit);
    }
  }
}

TEST_CASE("E3: with exact critics the forms tend to the truth, with learned ones to what their errors predict") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    const Pair pair(seed, 4, 3);
    for (const bool in_real : {false, true}) {
      const Sensitivity s(pair.model, in_real ? &pair.world : nullptr);
      const std::vector<double>& truth = in_real ? s.total() : s.policy_derivative();
      const auto judged = judge_composed(s, std::vector{ComposedForm::critic_exact, ComposedForm::critic_lstd},
                                         {.samples = {20}, .max_products = 0.0});
      CHECK(distance(judged[0].exact.mean, truth) < 1e-11 * norm(truth));
      CHECK(distance(judged[1].exact.mean, truth) > 1e-3 * norm(truth));  // N = 4 is not for ever, the batch is small
      for (const Judgement& j : judged) {
        CHECK(j.bias_defect <= j.bias_tolerance);
        CHECK(j.bias_tolerance < 1e-8 * norm(truth));
      }
    }
  }
}

TEST_CASE(
    "E4: sampled plug-in estimates have the mean and deviation of the delta method; the jackknife removes the bias") {
  const Pair pair(0, 3);
  for (const bool in_real : {false, true}) {
    CAPTURE(in_real);
    const Sensitivity s(pair.model, in_real ? &pair.world : nullptr);
    const auto judged = judge_composed(s, all_forms, {.samples = {1000}, .replications = 120, .seed = 2});
    for (const Judgement& j : judged) {
      CAPTURE(j.name);
      CHECK(j.expansion_parameter < 0.1);
      CHECK(j.n_judged > 0);
      CHECK(j.consistent);
      for (std::size_t i = 0; i < j.exact.mean.size(); ++i) {  // of 120 estimates: deviation within 35%
        if (j.exact.variance[i] < 1e-12) continue;
        const double expected = std::sqrt(j.exact.variance[i] / 1000.0);
        CHECK(j.sampled().replicate_deviation[i] == Approx(expected).epsilon(0.35));
      }
    }
  }
  const Sensitivity s(pair.model, nullptr);  // few trajectories: the ridge's bias shows, the jackknife has none
  const auto few = judge_composed(s, all_forms, {.samples = {40}, .replications = 8000, .seed = 3});
  CHECK(few[1].exact_bias_norm > 20.0 * few[2].exact_bias_norm);
  double ridge = 0.0, jackknife = 0.0;
  for (std::size_t i = 0; i < few[0].exact.mean.size(); ++i) {
    ridge = std::max(ridge, std::abs(few[1].sampled().mean[i] - few[1].exact.mean[i]));
    jackknife = std::max(jackknife, std::abs(few[2].sampled().mean[i] - few[2].exact.mean[i]));
  }
  CHECK(jackknife < 0.5 * ridge);
}

/// Causal Hessians whose exact mean of one entry is off by some of its deviations.
class OffByDeviations final : public HessianSource {
 public:
  OffByDeviations(const Problem& problem, double off)
      : right_(causal_hessians(problem)), problem_(problem), off_(off) {}

  [[nodiscard]] std::unique_ptr<Statistic> statistic(const Targets& targets) const override {
    class Moved : public RecursionStatistic<CausalHessian> {
     public:
      Moved(const Problem& p, const Targets& t, double off) : RecursionStatistic(p, t), off_(off) {}
      [[nodiscard]] ExactMoments exact(bool variance, const Observer& observer) const override {
        ExactMoments m = RecursionStatistic::exact(variance, observer);
        m.mean[0] += off_ * std::sqrt(m.variance[0]);
        return m;
      }

     private:
      double off_;
    };
    return std::make_unique<Moved>(problem_, targets, off_);
  }
  [[nodiscard]] double variance(const Direction& a, const Direction& w) const override {
    return right_->variance(a, w);
  }
  [[nodiscard]] std::vector<std::vector<double>> product(std::span<const Parameter> logits,
                                                         std::span<const Direction> k, std::span<const Direction> w,
                                                         const Observer& observer) const override {
    return right_->product(logits, k, w, observer);
  }
  [[nodiscard]] double variance_products() const override { return right_->variance_products(); }
  [[nodiscard]] double product_products(std::size_t f, std::size_t w) const override {
    return right_->product_products(f, w);
  }
  [[nodiscard]] std::vector<double> bias(const Targets&) const override { return {}; }

 private:
  std::unique_ptr<const HessianSource> right_;
  const Problem& problem_;
  double off_;
};

TEST_CASE("E4: far from the limit law the means that are plugged in are judged") {
  const Pair pair(1, 3, 3);
  const Sensitivity s(pair.model, &pair.world);
  const std::size_t f = s.n_free();
  for (const Judgement& j : judge_composed(s, all_forms, {.samples = {20}, .seed = 5})) {
    CAPTURE(j.name, j.reason);
    CHECK(j.expansion_parameter > 0.1);
    CHECK(j.judged_by() == "plugged-in means");
    CHECK(j.verdict() == "consistent");
    // The derivatives by free logits and by theta, and the world's gradient.
    CHECK(j.n_judged + j.n_by_chebyshev + j.n_constant == static_cast<std::int64_t>(f * (f + s.n_theta()) + f));
  }
  const JudgementOptions options{.samples = {2000}, .seed = 6};
  for (const double off : {0.0, 1.0}) {  // 45 standard errors
    CAPTURE(off);
    const OffByDeviations source(pair.model, off);
    PluggedIn drawn(s, source);
    REQUIRE(drawn.compute_moments(1e12, {}));
    REQUIRE(drawn.for_each(2000, options, [](std::span<const PluggedMeans>) {}));
    const Judgement j = drawn.judged(options);
    CHECK(j.consistent == (off == 0.0));
    CHECK((j.z_max > 40.0) == (off == 1.0));
  }
}

TEST_CASE("An observer stops exact moments, and nothing is left half-computed") {
  const Pair pair(1, 3, 3);
  // One thread: with more, the others may do all tasks before the calling one asks.
  const Problem model(pair.mdp, pair.policy, {.horizon = 3, .temperature = 1.0, .threads = 1});
  const Sensitivity s(model, &pair.world);
  const Targets targets = targets_of(pair.mdp, Quantity::policy_hessian);
  const RecursionStatistic<CausalHessian> hessian(model, targets);
  for (int allowed = 0; allowed < 3; ++allowed) {
    int calls = 0;
    const Observer observer = [&](double fraction) {
      CHECK((fraction >= 0.0 && fraction <= 1.0));
      return ++calls <= allowed;
    };
    CHECK(hessian.exact(true, observer).mean.empty());
    calls = 0;
    CHECK(hessian.covariance(observer).empty());
    calls = 0;
    CHECK(judge_composed(s, all_forms, {.samples = {20}, .threads = 1, .observer = observer}).empty());
    calls = 0;
    const auto source = hessian_source(model, ComposedForm::plug_in);
    DeltaMethod delta(s, *source, 1e12, observer);
    const ExactMoments moments = delta.moments(ComposedForm::plug_in);
    CHECK(delta.stopped());
    CHECK((moments.variance.empty() && moments.bias_times_n.empty()));
    CHECK(std::isnan(delta.relative_noise()));
    const Estimator causal = recursion_estimator<CausalHessian>("h", {Quantity::policy_hessian});
    calls = 0;
    const Judgement j =
        judge(model, targets, causal, stage_truth(model, targets), {.samples = {20}, .observer = observer});
    CHECK((j.interrupted && j.sizes.empty()));
  }
}

TEST_CASE("E3: a batch that misses a state leaves nothing to divide by") {
  mdp::MdpBuilder b(2);  // the second state has probability 1e-9
  b.discount(0.9).initial(0, 1.0);
  for (mdp::State s = 0; s < 2; ++s) {
    b.row(s, 1.0).to(0, 1.0 - 1e-9).to(1, 1e-9);
    b.row(s, 0.0).to(0, 1.0 - 1e-9).to(1, 1e-9);
  }
  const Mdp m = b.build();
  const Problem model(m, mdp::uniform_policy(m), {.horizon = 3, .temperature = 1.0, .critic_trajectories = 10});
  const Sensitivity s(model, nullptr);
  REQUIRE(s.n_free() == 2);
  CHECK_THROWS_WITH(judge_composed(s, std::vector{ComposedForm::critic_lstd}, {.samples = {20}}),
                    Catch::Matchers::Contains("critic-sensitivity-lstd: the expected Hessian is singular"));
}

TEST_CASE("D6 is refused without entropy and where the world goes and the model does not") {
  using Catch::Matchers::Contains;
  const Pair pair(1, 3);
  const Problem plain(pair.mdp, pair.policy, {.horizon = 3});
  CHECK_THROWS_WITH(Sensitivity(plain, nullptr), Contains("no finite optimum"));
  const auto model_of = [](double to_second) {
    mdp::MdpBuilder b(2);
    b.discount(0.9).initial(0, 1.0);
    for (int a = 0; a < 2; ++a) {
      b.row(0, a).to(0, 1.0 - to_second);
      if (to_second > 0.0) b.to(1, to_second);
    }
    for (int a = 0; a < 2; ++a) b.row(1, a).to(1, 1.0);
    return b.build();
  };
  const Mdp stays = model_of(0.0);
  const auto policy = mdp::uniform_policy(stays);
  const Problem model(stays, policy, {.horizon = 3, .temperature = 1.0});
  const Problem world(model_of(0.5), policy, {.horizon = 3});
  CHECK_THROWS_WITH(Sensitivity(model, &world), Contains("the world visits state 1, which the model does not"));
  const Sensitivity s(model, nullptr);
  CHECK_THROWS_WITH(judge_composed(s, all_forms, {.samples = {19}}), Contains("samples = 19, required >= 20"));
}

}  // namespace
