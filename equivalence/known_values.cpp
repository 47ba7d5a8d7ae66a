#include "equivalence/known_values.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "solvers/result.hpp"

namespace mdp::equivalence {

namespace {

[[noreturn]] void refuse(const char* name, const std::string& what) {
  throw InvalidArgument("values of the " + std::string(name) + ": " + what);
}

// Whether Q of a row is infinite for these values.
bool is_infinite(const Mdp& mdp, std::span<const double> v, std::size_t row) {
  if (mdp.cost()[row] == infinity) return true;
  if (mdp.discount() == 0.0) return false;
  const auto begin = static_cast<std::size_t>(mdp.row_begin()[row]);
  const auto successors = mdp.next_state().subspan(begin, static_cast<std::size_t>(mdp.row_begin()[row + 1]) - begin);
  return std::any_of(successors.begin(), successors.end(),
                     [v](State next) { return v[static_cast<std::size_t>(next)] == infinity; });
}

// V = +inf and min_a Q = +inf at the same states.
void require_consistent_infinities(const Mdp& mdp, std::span<const double> v, const char* name) {
  if (!mdp.has_inadmissible() && std::find(v.begin(), v.end(), infinity) == v.end()) return;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]);
    std::size_t row = first;
    const std::size_t end = first + static_cast<std::size_t>(mdp.n_actions(s));
    while (row < end && is_infinite(mdp, v, row)) ++row;
    if ((row == end) == (v[static_cast<std::size_t>(s)] == infinity)) continue;
    refuse(name, "state " + mdp.state_name(s) + ": " + std::to_string(v[static_cast<std::size_t>(s)]) +
                     (row == end ? ", but every action there is infinite"
                                 : ", but action " + mdp.action_name(static_cast<Offset>(row)) + " there is finite"));
  }
}

}  // namespace

KnownValues::KnownValues(const solvers::SolveResult& result) : values(result.values) {
  if (!(result.value_error_bound < infinity)) return;
  lower = result.value_lower;
  upper = result.value_upper;
}

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
  if (known.values.size() != n) {
    refuse(name, std::to_string(known.values.size()) + " entries, required n_states = " + std::to_string(n));
  }
  if (known.lower.size() != known.upper.size() || (known.certified() && known.lower.size() != n)) {
    refuse(name, "enclosure of " + std::to_string(known.lower.size()) + " and " + std::to_string(known.upper.size()) +
                     " entries, required none or n_states = " + std::to_string(n) + " of both");
  }
  for (std::size_t s = 0; s < n; ++s) {
    const auto at = [&] { return "state " + mdp.state_name(static_cast<State>(s)) + ": "; };
    const double v = known.values[s];
    if (std::isnan(v) || v == -infinity) refuse(name, at() + std::to_string(v) + ", required finite or +inf");
    if (!known.certified()) continue;
    const double low = known.lower[s];
    const double high = known.upper[s];
    const bool ordered =
        v == infinity ? low == infinity && high == infinity : low <= high && high < infinity && low > -infinity;
    if (!ordered) {
      refuse(name, at() + "value " + std::to_string(v) + " with enclosure [" + std::to_string(low) + ", " +
                       std::to_string(high) + "], required a finite one for a finite value, [inf, inf] for +inf");
    }
  }
  require_consistent_infinities(mdp, known.values, name);
}

void require_certified(const Mdp& mdp, const KnownValues& values, const char* name) {
  require_valid(mdp, values, name);
  if (!values.certified()) {
    throw InvalidArgument("values of the " + std::string(name) + ": an enclosure is needed (level certified)");
  }
}

}  // namespace mdp::equivalence
