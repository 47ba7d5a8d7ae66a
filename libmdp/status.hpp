// libmdp/status.hpp — how an algorithm ended, and how good its answer is.
#pragma once

#include <string_view>

namespace mdp {

/// How a solver ended. Never an error: partial values and sound bounds are in the result all the same.
enum class Status {
  not_run,          ///< nothing was called
  converged,        ///< the test that the options state holds
  sweep_limit,      ///< max_sweeps or max_iterations reached
  time_limit,       ///< time_limit_seconds reached
  interrupted,      ///< the observer asked to stop
  precision_limit,  ///< double (and refined) precision cannot reach the tolerance
  undefined,        ///< the question has no answer (infinity minus infinity); a witness is given
  refused           ///< a condition of the theory fails; the result says which
};

/// How good an answer is.
enum class Level {
  approximate,  ///< a residual only
  certified,    ///< an enclosure of the true value, rounding and row-sum defect included
  exact         ///< rationals, checked by independent code
};

/// The word of the JSON results, e.g. "sweep_limit".
[[nodiscard]] std::string_view to_string(Status status) noexcept;
[[nodiscard]] std::string_view to_string(Level level) noexcept;

}  // namespace mdp
