// Certificates: those of the solver are accepted by the checker, which knows nothing of it; anything else is not (C5).
#include "solvers/exact/evidence.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libmdp/certificate/check.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/rational.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/exact_solver.hpp"
#include "tests/support/paths.hpp"

using namespace mdp;
using namespace mdp::solvers;
using certificate::Certificate;
using nlohmann::json;

namespace {

struct Question {
  io::ExactModel model;
  Criterion criterion = Criterion::discounted;
  ExactOptions options;
};

Question question_of(const std::string& stem, const json& expected) {
  Question q{io::read_exact_model(stem + ".json"), Criterion::discounted, {}};
  const std::string kind = expected.at("kind");
  if (kind == "average") q.criterion = Criterion::average;
  if (kind == "finite_horizon") {
    q.criterion = Criterion::finite;
    q.options.criterion.horizon = expected.at("horizon");
    q.model.discount = io::parse_rational(expected.at("discount").dump()).value();
    for (const json& x : expected.at("terminal_values")) {
      q.options.terminal.emplace_back(mpq_class(x.get<double>()));
    }
    q.options.terminal = io::in_sense(q.model.objective, q.options.terminal);
  }
  if (kind == "total_cost") {
    const std::string semantics = expected.at("semantics_id");
    q.criterion = semantics == "reach_probability" ? Criterion::reach
                  : semantics == "total"           ? Criterion::total
                                                   : Criterion::goal;
    if (semantics == "ssp_proper") q.options.criterion.improper = Improper::excluded;
  }
  return q;
}

// Small models of few kinds of costs, so that ties, cycles of mean cost 0 and infinities are common.
io::ExactModel random_model(std::mt19937_64& random) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  io::ExactModel m;
  m.n_states = 1 + below(6);
  m.state_rows = {0};
  m.objective = below(2) == 0 ? Objective::minimize : Objective::maximize;
  const int goal = below(2 * static_cast<int>(m.n_states));  // often none
  const int kind = below(4);
  const bool inadmissible = below(4) == 0;
  for (int s = 0; s < m.n_states; ++s) {
    if (s == goal) m.goal.push_back(s);
    for (int a = s == goal ? 1 : 1 + below(3); a > 0; --a) {
      io::ExactModel::Row row;
      std::map<std::int64_t, mpq_class> to;
      mpq_class sum;
      for (int k = s == goal ? 0 : 1 + below(2); k > 0; --k) {
        const int weight = 1 + below(3);
        to[below(static_cast<int>(m.n_states))] += weight;
        sum += weight;
      }
      for (const auto& [t, p] : to) row.to.emplace_back(t, p / sum);
      if (s == goal) row.to = {{s, mpq_class(1)}};
      if (s != goal)
        row.cost = kind == 0 ? below(3) : kind == 1 ? below(3) - 1 : kind == 2 ? -below(3) : 3 * below(2) - 1;
      row.inadmissible = s != goal && inadmissible && below(5) == 0;
      if (row.inadmissible) row.cost = 0;
      m.rows.push_back(std::move(row));
    }
    m.state_rows.push_back(static_cast<std::int64_t>(m.rows.size()));
  }
  return m;
}

bool accepts(const io::ExactModel& model, const Certificate& c) { return !certificate::check(model, c).has_value(); }

// The claim and, with it, the evidence of an exact certificate.
void claim(Certificate& c, std::size_t s, const Extended& value) { c.lower.front()[s] = c.upper.front()[s] = value; }

}  // namespace

TEST_CASE("the certificates of all cases are accepted, from their files") {
  tests::TemporaryFolder folder;
  const std::string path = (folder.path() / "certificate.json").string();
  int n_cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tests::data_dir() / "cases")) {
    const std::string file = entry.path().string();
    const auto suffix = file.find(".expected.json");
    if (suffix == std::string::npos) continue;
    INFO(file);
    const Question q = question_of(file.substr(0, suffix), json::parse(std::ifstream(file)));
    const ExactAnswer answer = solve_exact(q.model, q.criterion, q.options);
    REQUIRE(answer.converged());
    certificate::write_certificate(path, certificate_of(q.model, answer, q.options));
    const auto violation = certificate::check(q.model, certificate::read_certificate(path, q.model));
    if (violation) FAIL_CHECK(violation->condition << ": " << violation->where);
    ++n_cases;
  }
  CHECK(n_cases == 66);
}

TEST_CASE("every criterion, small models: what is claimed is proved, and no other value is") {
  std::mt19937_64 random(20251125);
  int n_infinite = 0, n_undefined = 0;
  for (int i = 0; i < 400; ++i) {
    const io::ExactModel base = random_model(random);
    for (int kind = 0; kind < 7; ++kind) {
      INFO("model " << i << ", kind " << kind);
      constexpr Criterion criteria[] = {Criterion::reach,   Criterion::total,  Criterion::goal,      Criterion::goal,
                                        Criterion::average, Criterion::finite, Criterion::discounted};
      io::ExactModel model = base;
      ExactOptions options;
      if (kind == 3) options.criterion.improper = Improper::excluded;
      if (kind == 5) options.criterion.horizon = static_cast<std::int64_t>(random() % 4);
      if (kind == 6) model.discount = mpq_class(static_cast<int>(random() % 3), 4);
      model.discount.canonicalize();
      const ExactAnswer answer = solve_exact(model, criteria[kind], options);
      if (answer.status == Status::undefined) {
        ++n_undefined;
        CHECK_THROWS_AS(certificate_of(model, answer, options), Error);
        continue;
      }
      REQUIRE(answer.converged());
      const Certificate good = certificate_of(model, answer, options);
      const auto violation = certificate::check(model, good);
      if (violation) FAIL_CHECK(violation->condition << ": " << violation->where);
      const std::size_t s = random() % answer.value.size();
      const Extended& value = answer.value[s];
      n_infinite += value.is_finite() ? 0 : 1;
      const mpq_class little(1, 1000000007);
      for (const Extended& wrong :
           {Extended(mpq_class(value.finite + little)), Extended(mpq_class(value.finite - little)),
            Extended::infinity(1), Extended::infinity(-1)}) {
        if (wrong == value) continue;
        Certificate c = good;
        claim(c, s, wrong);
        CHECK_FALSE(accepts(model, c));
      }
    }
  }
  CHECK(n_infinite > 100);
  CHECK(n_undefined > 20);
}

TEST_CASE("a certificate that is tampered with is rejected, and the condition is named") {
  const std::string stem = (tests::data_dir() / "cases" / "puterman_inventory_disc09").string();
  const io::ExactModel model = io::read_exact_model(stem + ".json");
  const ExactAnswer answer = solve_exact(model, Criterion::discounted);
  const Certificate good = certificate_of(model, answer, {});
  const auto condition = [&](const io::ExactModel& m, const Certificate& c) {
    const auto violation = certificate::check(m, c);
    return violation ? violation->condition : "accepted";
  };
  CHECK(condition(model, good) == "accepted");
  Certificate c = good;
  c.policy.front()[0] = 0;  // not optimal
  CHECK(condition(model, c) == "inductive upper bound");
  c.policy.front()[0] = 17;
  CHECK(condition(model, c) == "the policy takes an action of the state");
  c = good;
  c.discount = mpq_class(8, 9);
  CHECK(condition(model, c) == "the discount is that of the model");
  c = good;
  c.objective = Objective::minimize;
  CHECK(condition(model, c) == "the objective is that of the model");
  c = good;
  c.model_sha256[5] = c.model_sha256[5] == '0' ? '1' : '0';
  CHECK(condition(model, c) == "model_sha256 is that of the model");
  c = good;
  c.upper.front()[1].finite += 1;
  CHECK(condition(model, c) == "an exact claim has one value per state");
  c.level = "certified";
  c.evidence_lower = c.evidence_upper = good.lower;
  CHECK(condition(model, c) == "accepted");
  c.lower.front()[1].finite += mpq_class(1, 1000000);
  CHECK(condition(model, c) == "the claimed lower bound is below that of the evidence");
  io::ExactModel other = model;
  other.rows[3].cost += mpq_class(1, 1000000);
  CHECK(condition(other, good) == "model_sha256 is that of the model");
  c = good;
  c.model_sha256 = certificate::model_sha256(other);
  other.rows[3].cost -= 100;
  c.model_sha256 = certificate::model_sha256(other);
  CHECK(condition(other, c) == "inductive lower bound");
  c = good;
  c.criterion = "average";
  CHECK(condition(model, c) != "accepted");
  c.criterion = "reach";
  CHECK(condition(model, c) != "accepted");
}

TEST_CASE("ranks that are broken prove nothing") {
  std::mt19937_64 random(5);
  int n_broken = 0;
  for (int i = 0; i < 150; ++i) {
    const io::ExactModel model = random_model(random);
    for (const Criterion criterion : {Criterion::reach, Criterion::goal, Criterion::total}) {
      const ExactAnswer answer = solve_exact(model, criterion);
      if (!answer.converged()) continue;
      Certificate good = certificate_of(model, answer, {});
      for (certificate::Rank* rank : {&good.dead_rank, &good.policy_rank, &good.row_rank, &good.infinite_rank,
                                      &good.no_gain_rank, &good.no_pay_rank, &good.rest_rank, &good.loop_rank}) {
        // Without a rank that was needed (some entry above 0: another state leans on it) nothing follows.
        const bool needed = std::any_of(rank->begin(), rank->end(), [](std::int64_t x) { return x > 0; });
        if (!needed) continue;
        const certificate::Rank kept = *rank;
        rank->clear();
        CHECK_FALSE(accepts(model, good));
        *rank = kept;
        ++n_broken;
      }
    }
  }
  CHECK(n_broken > 100);
}

TEST_CASE("C2: the residual of any values gives a certificate of the discounted criterion") {
  std::mt19937_64 random(6);
  for (int i = 0; i < 20; ++i) {
    const auto problem = oracles::random_problem(random, {.states = 12, .rational = i % 2 == 0, .inadmissible = 0.1});
    const SolveResult solved = solve(problem.mdp);
    const Certificate c = discounted_certificate(problem.exact, solved.values, solved.policy);
    const auto violation = certificate::check(problem.exact, c);
    if (violation) FAIL_CHECK(violation->condition << ": " << violation->where);
    const auto truth = oracles::optimal_values(problem.exact);
    for (std::size_t s = 0; s < truth.size(); ++s) {
      if (!truth[s]) continue;
      CHECK(c.lower.front()[s].finite <= *truth[s]);
      CHECK(*truth[s] <= c.upper.front()[s].finite);
      CHECK(c.upper.front()[s].finite - c.lower.front()[s].finite < mpq_class(1e-9));
    }
    // A bound that is moved past the truth is no bound.
    Certificate moved = c;
    for (Extended& x : moved.lower.front()) x.finite += x.is_finite() ? mpq_class(1e-6) : mpq_class(0);
    for (Extended& x : moved.upper.front()) x.finite += x.is_finite() ? mpq_class(1e-6) : mpq_class(0);
    CHECK_FALSE(accepts(problem.exact, moved));
  }
}

TEST_CASE("the name of a model depends on its numbers, not on their text") {
  std::mt19937_64 random(8);
  io::ExactModel model = random_model(random);
  const std::string name = certificate::model_sha256(model);
  io::ExactModel renamed = model;
  renamed.names.assign(static_cast<std::size_t>(model.n_states), "x");
  renamed.discount = mpq_class(1, 2);
  CHECK(certificate::model_sha256(renamed) == name);
  model.rows.front().cost += 1;
  CHECK(certificate::model_sha256(model) != name);
}
