#include "solvers/exact/write_certificate.hpp"

#include <algorithm>

#include "libmdp/io/exact_arrays.hpp"
#include "solvers/exact/evidence.hpp"

namespace mdp::solvers {
namespace {

constexpr double evidence_operations = 2e10;  // half a minute; a certified answer waits no longer for exact evidence

using certificate::Certificate;
using certificate::Values;

Values dyadic(std::span<const double> x) {
  Values values;
  for (const double v : x) {
    values.push_back(v == infinity || v == -infinity ? Extended::infinity(v > 0.0 ? 1 : -1) : Extended(mpq_class(v)));
  }
  return values;
}

// The enclosure of the first stage, in place of the exact claim; of the others, and of the states that a chain has beyond the
// MDP's, the exact values stay.
void claim_enclosure(Certificate& c, const CriterionResult& result) {
  const bool average = result.criterion == Criterion::average;
  c.evidence_lower = c.lower;
  c.evidence_upper = c.upper;
  std::ranges::copy(dyadic(average ? result.gain_lower : result.value_lower), c.lower.front().begin());
  std::ranges::copy(dyadic(average ? result.gain_upper : result.value_upper), c.upper.front().begin());
  c.level = "certified";
}

// What the answer is about: V* of a model, or the value of a policy, which is that of its chain.
struct Subject {
  const io::ExactModel& model;
  std::span<const mpq_class> policy;  // empty = V*
};

ExactAnswer evidence_for(const Subject& subject, Criterion criterion, const ExactOptions& options) {
  if (subject.policy.empty()) return solve_exact(subject.model, criterion, options);
  return evaluate_exact(subject.model, subject.policy, criterion, options);
}

Certificate certificate_for(const Subject& subject, const ExactAnswer& answer, const ExactOptions& options) {
  if (subject.policy.empty()) return certificate_of(subject.model, answer, options);
  const ExactChain chain = exact_chain(subject.model, subject.policy, answer.criterion);
  Certificate c = certificate_of(chain.model, answer, options);
  c.model_sha256 = certificate::model_sha256(subject.model);
  c.evaluated_policy = answer.evaluated_policy;
  return c;
}

// By the residual of the values, in rationals.
Certificate certificate_by_residual(const Subject& subject, const CriterionResult& result,
                                    const ExactAnswer& unfinished) {
  if (subject.policy.empty()) return discounted_certificate(subject.model, result.values, result.policy);
  const ExactChain chain = exact_chain(subject.model, subject.policy, Criterion::discounted);
  Certificate c = discounted_certificate(chain.model, result.values, Policy(result.values.size(), 0));
  c.model_sha256 = certificate::model_sha256(subject.model);
  c.evaluated_policy = unfinished.evaluated_policy;
  return c;
}

std::string write(const std::string& path, const Subject& subject, const ExactResult& result, ExactOptions exact) {
  if (!result.converged()) {
    return "the answer is " + std::string(to_string(result.status)) + ", not converged";
  }
  if (result.level == Level::approximate) return "an approximate answer proves nothing";
  exact.criterion.solve.record_trace = false;
  if (result.answer) {
    certificate::write_certificate(path, certificate_for(subject, *result.answer, exact));
    return "";
  }
  exact.max_operations = std::min(exact.max_operations, evidence_operations);
  const ExactAnswer answer = evidence_for(subject, result.criterion, exact);
  if (answer.converged()) {
    Certificate c = certificate_for(subject, answer, exact);
    claim_enclosure(c, result);
    certificate::write_certificate(path, c);
  } else if (result.criterion == Criterion::discounted) {
    certificate::write_certificate(path, certificate_by_residual(subject, result, answer));
  } else {
    return "it needs the exact values as evidence: " + answer.message;
  }
  return "";
}

}  // namespace

std::string write_certificate(const std::string& path, const ExactMdp& mdp, const ExactResult& result,
                              const ExactLevelOptions& options) {
  ExactOptions exact = exact_options(mdp, options);
  exact.start = result.policy;
  return write(path, {mdp.model(), {}}, result, std::move(exact));
}

std::string write_certificate(const std::string& path, const ExactMdp& mdp, const std::string& policy_path,
                              const ExactResult& result, const ExactLevelOptions& options) {
  const std::vector<mpq_class> policy = io::read_exact_policy(policy_path, mdp.model().state_rows);
  return write(path, {mdp.model(), policy}, result, exact_options(mdp, options));
}

}  // namespace mdp::solvers
