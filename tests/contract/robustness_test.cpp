// Models of many shapes, hundreds for every criterion: the certified answers against the exact level, and the exact level against
// the checker of certificates, which shares no code with it.
#include <map>

#include <catch2/catch.hpp>

#include "solvers/applicability.hpp"
#include "tests/contract/question.hpp"
#include "tests/support/drawn_mdp.hpp"

using namespace mdp;
using namespace mdp::solvers;
using tests::check_bounds;
using tests::proved_answer;
using tests::Question;
using tests::question_of;

namespace {

constexpr std::uint64_t n_models = 330;  // for every criterion

struct Tally {
  std::map<Status, int> ended;
  int n_imprecise = 0;  // ended by rounding, where costs are not extreme
  int n_infinite = 0;
};

// `auto` converges; one more method, another for each model, does too or says what stopped it.
void check_model(const tests::DrawnMdp& drawn, const Question& question, std::uint64_t seed, Tally& tally) {
  const ExactAnswer truth = proved_answer(drawn.mdp, question);
  for (const Extended& x : truth.value) tally.n_infinite += x.is_finite() ? 0 : 1;
  const double largest_cost = question.criterion == Criterion::reach ? 1.0 : drawn.mdp.max_abs_cost();
  const Accuracy accuracy = resolve_accuracy(question.options.solve, largest_cost);
  const auto methods = all_methods();
  for (const Method method :
       {Method::automatic, methods[1 + (seed / tests::n_drawn_families()) % (methods.size() - 1)]}) {
    CAPTURE(to_string(method));
    if (!why_not(method, drawn.mdp, question.criterion, question.options.improper).empty()) continue;
    if (method == Method::soft_value_iteration) continue;  // another problem
    CriterionOptions options = question.options;
    options.solve.method = method;
    if (method != Method::automatic) options.solve.max_sweeps = 2000;
    CriterionResult r = solve_criterion(drawn.mdp, question.criterion, options);
    CAPTURE(to_string(r.status), r.message, r.method);
    r.criterion = question.criterion;
    check_bounds(truth, r, accuracy);
    ++tally.ended[r.status];
    tally.n_imprecise += r.status == Status::precision_limit && !drawn.extreme ? 1 : 0;
    if (truth.status == Status::undefined) {
      CHECK(r.status == Status::undefined);
    } else if (method == Method::automatic && !drawn.extreme) {
      CHECK(r.converged());
    } else {
      CHECK((r.converged() || r.status == Status::precision_limit || r.status == Status::sweep_limit));
    }
  }
}

Tally check_models(const Question& question, std::uint64_t from, std::uint64_t to) {
  Tally tally;
  for (std::uint64_t seed = from; seed < to; ++seed) {
    const tests::DrawnMdp drawn = tests::draw_mdp(seed);
    CAPTURE(seed, drawn.family, to_string(question.criterion), drawn.mdp.objective() == Objective::maximize);
    check_model(drawn, question, seed, tally);
  }
  const int n = static_cast<int>(to - from);
  CHECK(tally.ended[Status::converged] + tally.ended[Status::undefined] > n);  // more than one method a model
  CHECK(5 * tally.ended[Status::sweep_limit] < n);
  CHECK(20 * tally.n_imprecise < n);
  return tally;
}

}  // namespace

TEST_CASE("discounted: many shapes against rationals") {
  check_models(question_of(Criterion::discounted), 0, n_models);
}
TEST_CASE("finite: many shapes against rationals") { check_models(question_of(Criterion::finite), 0, n_models); }
TEST_CASE("reach: many shapes against rationals") { check_models(question_of(Criterion::reach), 0, n_models); }
TEST_CASE("average: many shapes against rationals") { check_models(question_of(Criterion::average), 0, n_models); }

TEST_CASE("total: many shapes against rationals") {
  const Tally tally = check_models(question_of(Criterion::total), 0, n_models);
  CHECK(tally.n_infinite > 100);
}

TEST_CASE("goal, improper policies excluded: many shapes against rationals") {
  const Tally tally = check_models(question_of(Criterion::goal, Improper::excluded), 0, n_models);
  CHECK(tally.n_infinite > 100);
}

TEST_CASE("goal, improper policies infinite: many shapes against rationals") {
  const Tally tally = check_models(question_of(Criterion::goal, Improper::infinite), 0, n_models);
  CHECK(tally.n_infinite > 100);
}

TEST_CASE("cycles of mean cost 0 to more than 106 bits, of doubles that sum to 1 + 2^-54") {
  // Found among thousands of shapes; decided from the doubles themselves.
  const Question question = question_of(Criterion::goal, Improper::excluded);
  check_models(question, 3216, 3217);
}

TEST_CASE("every criterion: thousands of shapes against rationals", "[long]") {
  for (const Criterion criterion : {Criterion::discounted, Criterion::finite, Criterion::reach, Criterion::average,
                                    Criterion::total, Criterion::goal}) {
    check_models(question_of(criterion), n_models, 10 * n_models);
  }
  check_models(question_of(Criterion::goal, Improper::excluded), n_models, 10 * n_models);
}
