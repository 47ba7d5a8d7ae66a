#include "equivalence/known_values.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "solvers/result.hpp"

namespace mdp::equivalence {

KnownValues::KnownValues(const solvers::SolveResult& result)
    : values(result.values), lower(result.value_lower), upper(result.value_upper) {}

double KnownValues::radius() const {
  if (!certified()) return not_computed;
  double radius = 0.0;
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (values[s] == infinity) continue;
    radius = std::max({radius, bounds::round_up(upper[s] - values[s]), bounds::round_up(values[s] - lower[s])});
  }
  return radius;
}

void require_valid(const Mdp& mdp, const KnownValues& known, const char* name) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  const auto refuse = [name](const std::string& what) {
    throw InvalidArgument("values of the " + std::string(name) + ": " + what);
  };
  if (known.values.size() != n) {
    refuse(std::to_string(known.values.size()) + " entries, required n_states = " + std::to_string(n));
  }
  if (known.lower.size() != known.upper.size() || (known.certified() && known.lower.size() != n)) {
    refuse("enclosure of " + std::to_string(known.lower.size()) + " and " + std::to_string(known.upper.size()) +
           " entries, required none or n_states = " + std::to_string(n) + " of both");
  }
  for (std::size_t s = 0; s < n; ++s) {
    const auto at = [&] { return "state " + mdp.state_name(static_cast<State>(s)) + ": "; };
    const double v = known.values[s];
    if (std::isnan(v) || v == -infinity) refuse(at() + std::to_string(v) + ", required finite or +inf");
    if (!known.certified()) continue;
    const double low = known.lower[s];
    const double high = known.upper[s];
    const bool ordered =
        v == infinity ? low == infinity && high == infinity : low <= high && high < infinity && low > -infinity;
    if (!ordered) {
      refuse(at() + "value " + std::to_string(v) + " with enclosure [" + std::to_string(low) + ", " +
             std::to_string(high) + "], required a finite one for a finite value, [inf, inf] for +inf");
    }
  }
}

void require_certified(const Mdp& mdp, const KnownValues& values, const char* name) {
  require_valid(mdp, values, name);
  if (!values.certified()) {
    throw InvalidArgument("values of the " + std::string(name) + ": an enclosure is needed (level certified)");
  }
}

}  // namespace mdp::equivalence
