#include "libmdp/status.hpp"

namespace mdp {

std::string_view to_string(Status status) noexcept {
  switch (status) {
    case Status::not_run: return "not_run";
    case Status::converged: return "converged";
    case Status::sweep_limit: return "sweep_limit";
    case Status::time_limit: return "time_limit";
    case Status::interrupted: return "interrupted";
    case Status::precision_limit: return "precision_limit";
    case Status::undefined: return "undefined";
    case Status::refused: return "refused";
  }
  return "not_run";
}

std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::approximate: return "approximate";
    case Level::certified: return "certified";
    case Level::exact: return "exact";
  }
  return "approximate";
}

}  // namespace mdp
