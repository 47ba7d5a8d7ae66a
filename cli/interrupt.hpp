// cli/interrupt.hpp — Ctrl-C asks a running solver to stop with what it has.
#pragma once

#include <csignal>

namespace mdp::cli {

/// While it lives, the first Ctrl-C only sets a flag, which observers read; a second one kills, as does
/// any Ctrl-C when no InterruptScope lives (files are written whole or not at all, so that is safe).
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  struct sigaction previous_ {};
};

/// Whether Ctrl-C was pressed inside an InterruptScope of this process.
[[nodiscard]] bool interrupted() noexcept;

}  // namespace mdp::cli
