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

namespace {

// Distance of the doubles around x.
double spacing(double x) { return bounds::round_up(std::abs(x)) - std::abs(x); }

bool too_wide(double lower, double upper, const Accuracy& accuracy) {
  const Middle mid = middle(lower, upper);
  return lower != upper && !(mid.half_width <= accuracy.at(mid.value));
}

// What keeps the bounds of a state apart.
std::string reason_of(double lower, double upper, double allowed) {
  constexpr double huge = 0x1p1000;
  const bool open = lower == -infinity || upper == infinity;
  if (open && (lower > huge || upper < -huge)) return "its value is beyond the range of doubles";
  if (open) return "nothing bounds it from both sides, or its value is beyond the range of doubles";
  if (!(allowed >= spacing(std::max(std::abs(lower), std::abs(upper))))) {
    return fmt::format("{} is allowed, and doubles there are {} apart", allowed,
                       spacing(std::max(std::abs(lower), std::abs(upper))));
  }
  return fmt::format(
      "{} is allowed, and rounding of the larger numbers that its value is made of hides the rest, in twice the "
      "precision too",
      allowed);
}

}  // namespace

std::string why_too_wide(std::span<const double> lower, std::span<const double> upper, const Accuracy& accuracy) {
  std::size_t worst = lower.size();
  double furthest = 0.0;
  for (std::size_t s = 0; s < lower.size(); ++s) {
    if (!too_wide(lower[s], upper[s], accuracy)) continue;
    const Middle mid = middle(lower[s], upper[s]);
    const double allowed = std::isnan(mid.value) ? accuracy.absolute : accuracy.at(mid.value);
    const double excess = allowed > 0.0 ? mid.half_width / allowed : infinity;
    if (worst < lower.size() && !(excess > furthest)) continue;
    worst = s;
    furthest = excess;
  }
  if (worst == lower.size()) return {};
  const Middle mid = middle(lower[worst], upper[worst]);
  const double allowed = std::isnan(mid.value) ? accuracy.absolute : accuracy.at(mid.value);
  return fmt::format("state {} is proved to half-width {} only: {}", worst, mid.half_width,
                     reason_of(lower[worst], upper[worst], allowed));
}

bool may_narrow(std::span<const double> lower, std::span<const double> upper, const Accuracy& accuracy, double units) {
  for (std::size_t s = 0; s < lower.size(); ++s) {
    if (!too_wide(lower[s], upper[s], accuracy)) continue;
    const Middle mid = middle(lower[s], upper[s]);
    if (!std::isfinite(mid.value)) return true;
    if (mid.half_width > units * spacing(std::max(std::abs(lower[s]), std::abs(upper[s])))) return true;
  }
  return false;
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
  if (result.status == Status::precision_limit && asked != Level::approximate) {
    result.message += "; " + why_too_wide(result.value_lower, result.value_upper, accuracy);
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
  if (!std::isfinite(x.hi) || !(error < infinity)) return -infinity;
  if (error == 0.0 && x.lo == 0.0) return x.hi;
  const double lower = round_down(x - TwoDouble(error));
  return std::isnan(lower) ? -infinity : lower;
}

double outward_upper(TwoDouble x, double error) { return -outward_lower(-x, error); }

}  // namespace mdp::solvers
