#include "tests/contract/question.hpp"

#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/certificate/check.hpp"
#include "solvers/exact/evidence.hpp"
#include "solvers/exact/exact.hpp"

namespace mdp::tests {

using namespace mdp::solvers;

namespace {

bool within(const Extended& truth, double lower, double upper) {
  const auto bound = [](double x) {
    return std::isinf(x) ? Extended::infinity(x > 0.0 ? 1 : -1) : Extended(mpq_class(x));
  };
  return bound(lower) <= truth && truth <= bound(upper);
}

}  // namespace

Question question_of(Criterion criterion, Improper improper) {
  Question question{criterion, {}};
  question.options.improper = improper;
  if (criterion == Criterion::finite) question.options.horizon = 6;
  return question;
}

void check_bounds(const ExactAnswer& truth, const CriterionResult& r, const Accuracy& accuracy) {
  const bool average = r.criterion == Criterion::average;
  const auto& lower = average ? r.gain_lower : r.value_lower;
  const auto& upper = average ? r.gain_upper : r.value_upper;
  REQUIRE(lower.size() == truth.value.size());
  for (std::size_t s = 0; s < truth.value.size(); ++s) {
    if (!truth.undefined_states.empty() && truth.undefined_states[s] != 0) continue;
    const Extended& value = truth.value[s];
    CAPTURE(s, value.infinite, value.finite.get_d(), lower[s], upper[s]);
    REQUIRE(within(value, lower[s], upper[s]));
    if (!r.converged()) continue;
    const double allowed = accuracy.at(value.is_finite() ? value.finite.get_d() : 0.0);
    REQUIRE((lower[s] == upper[s] || 0.5 * (upper[s] - lower[s]) <= allowed * (1.0 + 1e-6)));
  }
}

ExactAnswer proved_answer(const Mdp& mdp, const Question& question) {
  const ExactMdp exact(mdp);
  ExactOptions options;
  options.criterion = question.options;
  ExactAnswer answer = solve_exact(exact.model(), question.criterion, options);
  CAPTURE(answer.message);
  REQUIRE((answer.converged() || answer.status == Status::undefined));
  if (!answer.converged()) return answer;
  const auto violation = certificate::check(exact.model(), certificate_of(exact.model(), answer, options));
  CAPTURE(violation ? violation->condition + ", " + violation->where : std::string());
  REQUIRE(!violation);
  return answer;
}

}  // namespace mdp::tests
