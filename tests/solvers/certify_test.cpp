// certify() against exact rationals: values exact, perturbed, and worthless; every criterion (C1-C5).
#include "solvers/certify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/exact_solver.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::oracles;
using namespace mdp::solvers;

namespace {

constexpr std::uint64_t n_models = 400;

/// How the values that are handed in differ from the truth.
enum class Perturbed { not_at_all, slightly, visibly, wildly };
constexpr std::array<Perturbed, 4> perturbations = {Perturbed::not_at_all, Perturbed::slightly, Perturbed::visibly,
                                                    Perturbed::wildly};

std::vector<double> perturbed(std::vector<double> v, Perturbed how, std::mt19937_64& random) {
  std::uniform_real_distribution<double> noise(-1.0, 1.0);
  for (double& x : v) {
    const double size = how == Perturbed::slightly ? 1e-7 : how == Perturbed::visibly ? 0.3 : 1e8;
    if (how != Perturbed::not_at_all) x = (std::isfinite(x) ? x : 0.0) + size * noise(random);
    if (how == Perturbed::wildly && noise(random) > 0.8) x = noise(random) > 0.0 ? infinity : -infinity;
  }
  return v;
}

std::vector<double> doubles(const std::vector<Extended>& truth) {
  std::vector<double> v;
  for (const Extended& x : truth) v.push_back(x.infinite == 0 ? x.value.get_d() : x.infinite * infinity);
  return v;
}

/// c + gamma P V of a row; 0 times infinity is 0, infinity minus infinity nothing.
std::optional<Extended> exact_q(const TinyModel::Row& row, const std::vector<Extended>& v, const mpq_class& discount,
                                bool costs) {
  Extended q;
  if (row.inadmissible && costs) return Extended{1, 0};
  if (costs) q.value = row.cost;
  for (std::size_t s = 0; s < v.size(); ++s) {
    if (row.p[s] == 0 || discount == 0) continue;
    if (v[s].infinite != 0) {
      if (q.infinite * v[s].infinite < 0) return {};
      q.infinite = v[s].infinite;
    } else {
      q.value += discount * row.p[s] * v[s].value;
    }
  }
  return q;
}

bool equal(const Extended& a, const Extended& b) { return !(a < b) && !(b < a); }

/// Verdicts and gaps of every state against exact Q*. \param next  V* of the successors. Returns how many were decided.
int check_actions(const TinyModel& model, const std::vector<Extended>& truth, const std::vector<Extended>& next,
                  const CertifyResult& r, const mpq_class& discount, bool costs) {
  std::size_t position = 0;
  int decided = 0;
  for (std::size_t s = 0; s < model.n(); ++s) {
    std::vector<Extended> q;
    bool known = true;
    for (const auto& row : model.rows[s]) {
      const auto x = exact_q(row, next, discount, costs);
      known = known && x.has_value();
      q.push_back(x.value_or(Extended{}));
    }
    for (std::size_t a = 0; a < q.size(); ++a, ++position) {
      const Verdict verdict = r.action_verdict[position];
      if (!known) continue;
      INFO("state " << s << ", action " << a << ": " << to_string(verdict));
      decided += verdict == Verdict::undecided ? 0 : 1;
      if (verdict == Verdict::optimal) CHECK(equal(q[a], truth[s]));
      if (verdict == Verdict::not_optimal) CHECK(truth[s] < q[a]);
    }
    if (!known || r.gap_lower.empty()) continue;
    std::sort(q.begin(), q.end());
    Extended gap{1, 0};
    if (q.size() > 1 && q[0].infinite == 0 && q[1].infinite == 0) gap = {0, q[1].value - q[0].value};
    if (q.size() > 1 && q[0].infinite != 0 && equal(q[0], q[1])) continue;
    INFO("state " << s << ", gap in [" << r.gap_lower[s] << ", " << r.gap_upper[s] << "]");
    CHECK(gap.within(r.gap_lower[s], r.gap_upper[s]));
  }
  return decided;
}

void check_enclosure(const std::vector<Extended>& truth, const std::vector<double>& lower,
                     const std::vector<double>& upper) {
  REQUIRE(lower.size() == truth.size());
  for (std::size_t s = 0; s < truth.size(); ++s) {
    INFO("state " << s << ": " << truth[s].infinite << " " << truth[s].value.get_d() << " in [" << lower[s] << ", "
                  << upper[s] << "]");
    CHECK(truth[s].within(lower[s], upper[s]));
  }
}

/// One criterion on many models: exact values must converge and decide, all others must be honest.
template <class Make, class Truth>
void check_criterion(Criterion criterion, const Make& make, const Truth& truth_of, bool costs) {
  int decided = 0;
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const TinyModel model = make(seed);
    CriterionOptions options;
    options.improper = seed % 2 == 0 ? Improper::excluded : Improper::infinite;
    const std::vector<Extended> truth = truth_of(model, seed);
    if (truth.empty()) continue;  // undefined somewhere: see below
    const Mdp mdp = model.build();
    for (const Perturbed how : perturbations) {
      INFO("seed " << seed << ", perturbation " << static_cast<int>(how));
      std::mt19937_64 random(seed);
      const CertifyResult r = certify(mdp, criterion, perturbed(doubles(truth), how, random), options);
      INFO(r.message);
      check_enclosure(truth, r.value_lower, r.value_upper);
      const int here = check_actions(model, truth, truth, r, 1, costs);
      if (how != Perturbed::not_at_all) continue;
      decided += here;
      CHECK(r.converged());
      CHECK(r.given_error_bound <= 1e-9 * 1e3);
    }
  }
  CHECK(decided > static_cast<int>(n_models));
}

TEST_CASE("C5: reach encloses and decides, whatever it is given") {
  check_criterion(
      Criterion::reach, [](std::uint64_t seed) { return random_model(seed, {}); },
      [](const TinyModel& m, std::uint64_t) { return reach_values(m); }, false);
}

TEST_CASE("C5: goal encloses and decides, whatever it is given") {
  check_criterion(
      Criterion::goal,
      [](std::uint64_t seed) { return random_model(seed, {.negative = seed % 3 == 0, .inadmissible = seed % 5 == 0}); },
      [](const TinyModel& m, std::uint64_t seed) { return goal_values(m, seed % 2 == 0); }, true);
}

TEST_CASE("C5: total encloses and decides, whatever it is given") {
  check_criterion(
      Criterion::total,
      [](std::uint64_t seed) {
        return random_model(seed,
                            {.negative = seed % 2 == 0, .inadmissible = seed % 5 == 0, .with_goal = seed % 3 != 0});
      },
      [](const TinyModel& m, std::uint64_t) {
        std::vector<Extended> truth;
        for (const auto& x : total_values(m)) {
          if (!x) return std::vector<Extended>{};
          truth.push_back(*x);
        }
        return truth;
      },
      true);
}

TEST_CASE("finite: stage 0 is enclosed and its actions are judged") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {.inadmissible = seed % 2 == 0});
    CriterionOptions options;
    options.horizon = static_cast<int>(seed % 5);
    const mpq_class discount(static_cast<long>(seed % 5), 4);
    INFO("seed " << seed);
    const auto truth = finite_values(model, static_cast<int>(options.horizon), discount);
    const auto mdp = model.build().with_discount(discount.get_d());
    std::vector<double> off = doubles(truth);
    for (double& v : off) v += std::isfinite(v) ? 0.5 : 0.0;
    const CertifyResult r = certify(mdp, Criterion::finite, off, options);
    CHECK(r.converged());
    check_enclosure(truth, r.value_lower, r.value_upper);
    const bool any = std::any_of(truth.begin(), truth.end(), [](const Extended& x) { return x.infinite == 0; });
    CHECK((r.given_error_bound >= 0.5 - 1e-12 || !any));
    CHECK(r.given_error_bound <= 0.5 + 1e-9);
    if (options.horizon == 0) continue;
    const auto next = finite_values(model, static_cast<int>(options.horizon) - 1, discount);
    check_actions(model, truth, next, r, discount, true);
  }
}

TEST_CASE("C5: gains are enclosed by relative values, exact or not") {
  for (std::uint64_t seed = 0; seed < n_models; ++seed) {
    const auto model = random_model(seed, {.inadmissible = seed % 5 == 0, .with_goal = seed % 3 == 0});
    const Mdp mdp = model.build();
    const auto truth = gains(model);
    const std::vector<double> bias = solve_criterion(mdp, Criterion::average).bias;
    for (const Perturbed how : perturbations) {
      INFO("seed " << seed << ", perturbation " << static_cast<int>(how));
      std::mt19937_64 random(seed);
      std::vector<double> h = bias;
      for (double& x : h) x = std::isnan(x) ? 0.0 : x;
      const CertifyResult r = certify(mdp, Criterion::average, perturbed(h, how, random));
      INFO(r.message);
      check_enclosure(truth, r.gain_lower, r.gain_upper);
      CHECK((how != Perturbed::not_at_all || r.converged()));
      // Q of the gain alone: an action that loses gain is not optimal.
      TinyModel free = model;
      for (auto& rows : free.rows) {
        for (auto& row : rows) row.cost = 0;
      }
      check_actions(free, truth, truth, r, 1, true);
    }
  }
}

TEST_CASE("discounted values by C1-C2 and C4, their actions and a policy, against rationals") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 200; ++i) {
    RandomOptions shape;
    shape.rational = i % 2 == 0;
    shape.inadmissible = i % 3 == 0 ? 0.2 : 0.0;
    shape.discount = i % 4 == 0 ? mpq_class(999, 1000) : mpq_class(1, 2);
    shape.objective = i % 5 == 0 ? Objective::maximize : Objective::minimize;
    const Problem problem = random_problem(random, shape);
    const ExactValues truth = optimal_values(problem.exact);
    std::vector<double> exact;
    for (const auto& x : truth) exact.push_back(x ? x->get_d() : infinity);
    Policy lowest(exact.size(), 0);
    const ExactValues of_lowest = policy_values(problem.exact, lowest);
    for (const Perturbed how : perturbations) {
      INFO("model " << i << ", perturbation " << static_cast<int>(how));
      const CertifyResult r =
          certify(problem.mdp, Criterion::discounted, perturbed(exact, how, random), std::span<const Action>(lowest));
      std::int64_t row = 0;
      for (State s = 0; s < problem.mdp.n_states(); ++s) {
        INFO("state " << s);
        CHECK(contains(r.value_lower[s], r.value_upper[s], truth[s]));
        if (truth[s] && of_lowest[s])
          CHECK(*of_lowest[s] - *truth[s] <= mpq_class(std::min(r.policy_loss_bound, 1e300)));
        if (truth[s] && !of_lowest[s]) CHECK(r.policy_loss_bound == infinity);
        for (; row < problem.mdp.state_rows()[s + 1]; ++row) {
          const auto q = q_value(problem.exact, row, truth);
          const Verdict verdict = r.action_verdict[row];
          if (verdict == Verdict::optimal) CHECK(q == truth[s]);
          if (verdict == Verdict::not_optimal) CHECK((!q || (truth[s] && *q > *truth[s])));
          if (how == Perturbed::not_at_all && q && truth[s] && *q - *truth[s] > mpq_class(1e-9)) {
            CHECK(verdict == Verdict::not_optimal);
          }
        }
      }
      if (how == Perturbed::not_at_all) CHECK(r.converged());
      const bool any = std::any_of(truth.begin(), truth.end(), [](const auto& x) { return x.has_value(); });
      if (how == Perturbed::wildly && any) CHECK(r.status == Status::precision_limit);
    }
  }
}

TEST_CASE("certify: the policy that comes out is greedy, and its loss bound holds") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto model = random_model(seed, {.negative = false});
    const Mdp mdp = model.build();
    const auto truth = goal_values(model, true);
    CriterionOptions options;
    options.improper = Improper::excluded;
    std::mt19937_64 random(seed);
    const CertifyResult r =
        certify(mdp, Criterion::goal, perturbed(doubles(truth), Perturbed::visibly, random), options);
    const auto own = evaluate_criterion(mdp, std::span<const Action>(r.policy), Criterion::goal, options);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      if (truth[s].infinite != 0) continue;
      CHECK(mpq_class(own.value_lower[s]) - truth[s].value <= mpq_class(std::min(r.policy_loss_bound, 1e300)));
    }
  }
}

TEST_CASE("certify: what total has no value for is said, and enclosed by everything") {
  MdpBuilder b(3);
  b.row(0, 0.0).to(1, 0.5).to(2, 0.5);
  b.row(1, 1.0).to(1, 1.0);
  b.row(2, -1.0).to(2, 1.0);
  const CertifyResult r = certify(b.build(), Criterion::total, std::vector<double>{0.0, 1.0, -1.0});
  CHECK(r.status == Status::undefined);
  CHECK(r.value_lower == std::vector<double>{-infinity, infinity, -infinity});
  CHECK(r.value_upper == std::vector<double>{infinity, infinity, -infinity});
  CHECK(r.given_error_bound == infinity);
  CHECK(r.action_verdict[0] == Verdict::optimal);  // the only one
}

TEST_CASE("certify: a large grid is enclosed by times until exit where factors are too large") {
  // A line with a loop at every state, solved in closed form: V(s) = 2 (n - s) for steps that succeed half the time.
  MdpBuilder b(2001);
  std::vector<double> v;
  for (int s = 0; s < 2000; ++s) {
    b.row(s, 1.0).to(s + 1, 0.5).to(s, 0.5);
    b.row(s, 3.0).to(s + 1, 1.0);
    v.push_back(2.0 * (2000 - s));
  }
  v.push_back(0.0);
  const Mdp mdp = b.goal(2000).build();
  const CertifyResult r = certify(mdp, Criterion::goal, v);
  CHECK(r.converged());
  CHECK(r.given_error_bound <= 1e-9 * 4000);
  CHECK(std::count(r.action_verdict.begin(), r.action_verdict.end(), Verdict::not_optimal) == 2000);
  CHECK(r.gap_lower[0] <= 1.0);
  CHECK(r.gap_upper[0] >= 1.0);
  CHECK(r.gap_upper[0] - r.gap_lower[0] < 1e-8);
}

TEST_CASE("certify refuses values of another length, and what is no number, naming the place") {
  using Catch::Matchers::Contains;
  const Mdp mdp = random_model(1, {}).build();
  std::vector<double> v(static_cast<std::size_t>(mdp.n_states()), 0.0);
  v.push_back(0.0);
  CHECK_THROWS_WITH(certify(mdp, Criterion::reach, v), Contains("required n_states ="));
  v.pop_back();
  v[1] = std::nan("");
  CHECK_THROWS_WITH(certify(mdp, Criterion::reach, v), Contains("values[1] (state 1) is not a number"));
  v[1] = 0.0;
  CHECK_THROWS_WITH(certify(mdp, Criterion::discounted, v), Contains("discount = 1, required < 1"));
  CriterionOptions approximate;
  approximate.solve.level = Level::approximate;
  CHECK_THROWS_WITH(certify(mdp, Criterion::reach, v, approximate), Contains("required certified"));
  CHECK_THROWS_AS(certify(mdp, Criterion::reach, v, std::span<const Action>(Policy(v.size(), 99))), InvalidArgument);
}

TEST_CASE("certify: the same bits for 1, 2 and 4 threads") {
  std::mt19937_64 random(3);
  const Problem problem = random_problem(random, {.states = 40});
  std::vector<double> v(40);
  for (double& x : v) x = std::uniform_real_distribution<double>(0.0, 9.0)(random);
  CriterionOptions options;
  options.solve.threads = 1;
  const CertifyResult one = certify(problem.mdp, Criterion::discounted, v, options);
  for (const int threads : {2, 4}) {
    options.solve.threads = threads;
    const CertifyResult many = certify(problem.mdp, Criterion::discounted, v, options);
    CHECK(one.value_lower == many.value_lower);
    CHECK(one.value_upper == many.value_upper);
    CHECK(one.action_verdict == many.action_verdict);
    CHECK(one.gap_lower == many.gap_lower);
  }
}

}  // namespace
