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

// The enclosure of the first stage, in place of the exact claim; of the others the exact values stay.
void claim_enclosure(Certificate& c, const CriterionResult& result) {
  const bool average = result.criterion == Criterion::average;
  c.evidence_lower = c.lower;
  c.evidence_upper = c.upper;
  c.lower.front() = dyadic(average ? result.gain_lower : result.value_lower);
  c.upper.front() = dyadic(average ? result.gain_upper : result.value_upper);
  c.level = "certified";
}

}  // namespace

std::string write_certificate(const std::string& path, const ExactMdp& mdp, const ExactResult& result,
                              const ExactLevelOptions& options) {
  if (!result.converged()) {
    return "the answer is " + std::string(to_string(result.status)) + ", not converged";
  }
  if (result.level == Level::approximate) return "an approximate answer proves nothing";
  ExactOptions exact{options.criterion, {}, result.policy, options.max_bytes, options.max_operations};
  exact.criterion.solve.record_trace = false;
  if (!options.terminal_path.empty()) {
    exact.terminal =
        io::in_sense(mdp.model().objective, io::read_exact_values(options.terminal_path, mdp.model().n_states));
  }
  if (result.answer) {
    certificate::write_certificate(path, certificate_of(mdp.model(), *result.answer, exact));
    return "";
  }
  exact.max_operations = std::min(exact.max_operations, evidence_operations);
  const ExactAnswer answer = solve_exact(mdp.model(), result.criterion, exact);
  if (answer.converged()) {
    Certificate c = certificate_of(mdp.model(), answer, exact);
    claim_enclosure(c, result);
    certificate::write_certificate(path, c);
  } else if (result.criterion == Criterion::discounted) {
    certificate::write_certificate(path, discounted_certificate(mdp.model(), result.values, result.policy));
  } else {
    return "it needs the exact values as evidence: " + answer.message;
  }
  return "";
}

}  // namespace mdp::solvers
