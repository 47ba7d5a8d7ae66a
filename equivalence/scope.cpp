#include "equivalence/scope.hpp"

namespace mdp::equivalence {

std::string_view to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::all_pairs: return "all_pairs";
    case Scope::optimal_pairs: return "optimal_pairs";
    case Scope::finite_horizon: return "finite_horizon";
    case Scope::none: return "none";
  }
  return "none";
}

}  // namespace mdp::equivalence
