#include "solvers/criterion_answer.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {

void require_valid(const CriterionOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
}

void require_valid(const Mdp& mdp, const CriterionOptions& options) {
  require_valid(options);
  const auto n = options.solve.start.size();
  if (n != 0 && n != static_cast<std::size_t>(mdp.n_states())) {
    throw InvalidArgument(fmt::format("start has {} entries, required 0 or n_states = {}", n, mdp.n_states()));
  }
}

void judge(CriterionResult& result, const Accuracy& accuracy, Status stopped_by, Level asked) {
  const auto n = result.value_lower.size();
  result.values.resize(n);
  double largest = 0.0;
  std::size_t n_open = 0;
  for (std::size_t s = 0; s < n; ++s) {
    const double lower = result.value_lower[s];
    const double upper = result.value_upper[s];
    if (lower == upper) {
      result.values[s] = lower;
      continue;
    }
    const Middle mid = middle(lower, upper);
    result.values[s] = mid.value;
    largest = std::max(largest, mid.half_width);
    if (!(mid.half_width <= accuracy.at(mid.value))) ++n_open;
  }
  result.value_error_bound = largest;
  result.policy_loss_bound = largest > 0.0 ? bounds::round_up(2.0 * largest) : 0.0;
  result.status = n_open == 0                     ? Status::converged
                  : stopped_by != Status::not_run ? stopped_by
                                                  : Status::precision_limit;
  if (n_open != 0) {
    result.message += fmt::format("{}the enclosure of {} of {} states is wider than the tolerance",
                                  result.message.empty() ? "" : "; ", n_open, n);
  }
  result.level = asked;
  if (asked == Level::approximate) {
    result.value_lower.clear();
    result.value_upper.clear();
  }
}

void keep_iterate(CriterionResult& result, const CollapsedAnswer& answer, std::span<const TwoDouble> potential) {
  result.iterate.clear();
  for (std::size_t s = 0; s < answer.value.size(); ++s) {
    const TwoDouble shift = potential.empty() ? TwoDouble() : potential[s];
    result.iterate.push_back((answer.value[s] + shift).value());
  }
}

void say_how(CriterionResult& result, const CollapsedAnswer& answer) {
  if (!answer.method.empty()) result.method = answer.method;
  if (answer.why.empty()) return;
  result.message += (result.message.empty() ? "" : "; ") + answer.why;
}

void close(CriterionResult& result, Run& run) {
  result.sweeps = run.sweeps();
  result.iterations = run.iterations();
  result.trace = run.take_trace();
  result.seconds = run.seconds();
}

double outward_lower(TwoDouble x, double error) {
  if (error == 0.0 && x.lo == 0.0) return x.hi;
  return error < infinity ? round_down(x - TwoDouble(error)) : -infinity;
}

double outward_upper(TwoDouble x, double error) { return -outward_lower(-x, error); }

}  // namespace mdp::solvers
