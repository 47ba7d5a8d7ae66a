// Policies evaluated in rationals: against the definition of each criterion, and proved to the checker.
#include <catch2/catch.hpp>

#include "libmdp/certificate/check.hpp"
#include "libmdp/certificate/policy_chain.hpp"
#include "solvers/exact/evidence.hpp"
#include "solvers/exact/write_certificate.hpp"
#include "tests/oracles/policy_enumeration.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

io::ExactModel exact_of(const oracles::TinyModel& tiny) {
  io::ExactModel m;
  m.n_states = static_cast<std::int64_t>(tiny.n());
  m.objective = tiny.objective;
  m.goal.assign(tiny.goal.begin(), tiny.goal.end());
  m.state_rows = {0};
  for (const auto& rows : tiny.rows) {
    for (const auto& row : rows) {
      io::ExactModel::Row exact;
      exact.cost = row.inadmissible ? mpq_class(0) : row.cost;
      exact.inadmissible = row.inadmissible;
      for (std::size_t t = 0; t < row.p.size(); ++t) {
        if (row.p[t] != 0) exact.to.emplace_back(static_cast<std::int64_t>(t), row.p[t]);
      }
      m.rows.push_back(std::move(exact));
    }
    m.state_rows.push_back(static_cast<std::int64_t>(m.rows.size()));
  }
  return m;
}

std::vector<mpq_class> weights(std::span<const double> policy) { return {policy.begin(), policy.end()}; }

Extended from(const oracles::Extended& x) {
  return x.infinite == 0 ? Extended(x.value) : Extended::infinity(x.infinite);
}

// E[sum of the positive parts] - E[sum of the negative parts]; nothing where both are infinite.
std::vector<std::optional<Extended>> total_by_definition(const oracles::TinyModel& m, std::span<const double> policy) {
  const auto paid = total_values(mixed_chain(m, policy, 1));
  const auto earned = total_values(mixed_chain(m, policy, -1));
  std::vector<std::optional<Extended>> truth;
  for (std::size_t s = 0; s < paid.size(); ++s) {
    const int sign = paid[s]->infinite - earned[s]->infinite;
    if (paid[s]->infinite != 0 && earned[s]->infinite != 0)
      truth.emplace_back();
    else
      truth.emplace_back(sign == 0 ? Extended(mpq_class(paid[s]->value - earned[s]->value)) : Extended::infinity(sign));
  }
  return truth;
}

// A claim about a policy, accepted; with another value, or about another policy, it is not.
void check_certificate(const io::ExactModel& model, const ExactAnswer& answer, std::span<const mpq_class> policy) {
  const ExactChain chain = exact_chain(model, policy, answer.criterion);
  auto c = certificate_of(chain.model, answer, {});
  CHECK(certificate::check(model, c).has_value() == (c.model_sha256 != certificate::model_sha256(model)));
  c.model_sha256 = certificate::model_sha256(model);
  c.evaluated_policy = answer.evaluated_policy;
  const auto violation = certificate::check(model, c);
  CAPTURE(violation ? violation->condition + violation->where : "");
  CHECK(!violation);
  auto changed = c;
  changed.lower.front()[0] = changed.upper.front()[0] = Extended(mpq_class(answer.value[0].finite + mpq_class(1, 97)));
  CHECK(certificate::check(model, changed));
  changed = c;
  changed.evaluated_policy[0] += mpq_class(1, 97);
  CHECK(certificate::check(model, changed)->condition == "probabilities are >= 0, sum 1");
}

}  // namespace

TEST_CASE("total of a randomised policy in rationals: positive and negative parts apart, proved to the checker") {
  int n_undefined = 0;
  int n_split = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const auto tiny = oracles::random_model(seed, {});
    const auto policy = oracles::random_policy(tiny, seed + 7, seed % 4 == 0);
    const auto model = exact_of(tiny);
    const auto truth = total_by_definition(tiny, policy);
    const ExactAnswer answer = evaluate_exact(model, weights(policy), Criterion::total);
    const bool undefined = std::ranges::any_of(truth, [](const auto& x) { return !x; });
    CHECK(answer.status == (undefined ? Status::undefined : Status::converged));
    for (std::size_t s = 0; s < truth.size(); ++s) {
      if (truth[s]) CHECK(answer.value[s] == *truth[s]);
    }
    for (const State s : answer.witness) CHECK(s < model.n_states);
    n_undefined += undefined ? 1 : 0;
    n_split += answer.value.size() > truth.size() ? 1 : 0;
    if (!undefined) check_certificate(model, answer, weights(policy));
  }
  CHECK(n_undefined > 10);
  CHECK(n_split > 50);
}

TEST_CASE("other criteria take the mean cost of a randomised policy, in rationals") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const auto tiny = oracles::random_model(seed, {.negative = seed % 2 == 0});
    const auto policy = oracles::random_policy(tiny, seed + 9, false);
    const auto chain = mixed_chain(tiny, policy);
    const auto model = exact_of(tiny);
    const auto check = [&](Criterion criterion, const std::vector<oracles::Extended>& truth) {
      const ExactAnswer answer = evaluate_exact(model, weights(policy), criterion);
      REQUIRE(answer.converged());
      for (std::size_t s = 0; s < truth.size(); ++s) CHECK(answer.value[s] == from(truth[s]));
      check_certificate(model, answer, weights(policy));
    };
    check(Criterion::reach, reach_values(chain));
    check(Criterion::goal, goal_values(chain, false));
    check(Criterion::average, gains(chain));
  }
}

TEST_CASE("the checker makes the chain of a policy by its own code, and it is the same") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto tiny = oracles::random_model(seed, {.inadmissible = seed % 3 == 0});
    const auto model = exact_of(tiny);
    const auto policy = oracles::random_policy(tiny, seed, seed % 5 == 0);
    for (const Criterion criterion : {Criterion::total, Criterion::goal}) {
      const ExactAnswer answer = evaluate_exact(model, weights(policy), criterion);
      const auto own = exact_chain(model, weights(policy), criterion);
      const auto other = certificate::policy_chain(model, answer.evaluated_policy, criterion == Criterion::total);
      CHECK(certificate::model_sha256(own.model) == certificate::model_sha256(other));
    }
  }
}

TEST_CASE("certificates of policies as files; the memory limit refuses the exact level") {
  const std::string file = (tests::data_dir() / "cases" / "puterman_inventory_disc09.json").string();
  const tests::TemporaryFolder folder;
  const ExactMdp mdp = ExactMdp::read(file);
  const Policy policy(static_cast<std::size_t>(mdp.model().n_states), 0);
  ExactLevelOptions options;
  const ExactResult r = evaluate_exactly(mdp, policy, Criterion::discounted, options);
  REQUIRE(r.converged());
  CHECK(r.level == Level::exact);
  CHECK(r.policy.empty());
  CHECK(r.optimal.empty());
  options.criterion.solve.memory_limit = 1;
  const ExactResult refused = solve_exactly(mdp, Criterion::discounted, options);
  CHECK(refused.status == Status::refused);
  CHECK(refused.message.find("limit 1") != std::string::npos);
}
