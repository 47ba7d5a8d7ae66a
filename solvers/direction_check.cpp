#include "solvers/direction_check.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "libmdp/error.hpp"

namespace mdp::solvers {

void require_size(const char* name, std::size_t size, std::int64_t wanted) {
  if (static_cast<std::int64_t>(size) == wanted) return;
  throw InvalidArgument(std::string(name) + ": " + std::to_string(size) + " entries, " + std::to_string(wanted) +
                        " expected");
}

void require_finite(const char* name, std::span<const double> x) {
  const auto bad = std::find_if(x.begin(), x.end(), [](double entry) { return !std::isfinite(entry); });
  if (bad == x.end()) return;
  throw InvalidArgument(std::string(name) + "[" + std::to_string(bad - x.begin()) + "] is not finite");
}

void require_direction(const Mdp& mdp, const EntryDirection& direction) {
  require_size("direction.cost", direction.cost.size(), mdp.n_rows());
  require_size("direction.probability", direction.probability.size(), mdp.n_transitions());
  require_finite("direction.cost", direction.cost);
  require_finite("direction.probability", direction.probability);
  if (!std::isfinite(direction.discount)) throw InvalidArgument("direction.discount is not finite");
}

}  // namespace mdp::solvers
