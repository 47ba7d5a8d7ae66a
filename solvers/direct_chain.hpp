// solvers/direct_chain.hpp — the equations of an ordered chain by elimination, where that is cheap (internal).
#pragma once

#include <optional>
#include <vector>

#include "libmdp/kernels/ordered_chain.hpp"
#include "libmdp/kernels/profile_lu.hpp"

namespace mdp::solvers {

/// x = cost + P x of a chain that is far longer than wide in its own order (decision 0330), by ProfileLu. Its buffers
/// are kept for the next chain.
class DirectChain {
 public:
  /// \param max_bytes  that factors may take; 0 = there are none
  explicit DirectChain(double max_bytes) : max_bytes_(max_bytes) {}

  /// One correction of x by factors of the chain. False, and x is as it was, if they would be dear, or the equations
  /// would miss more (a chain that does not leave all of its states). \param x  [chain.size()]
  [[nodiscard]] bool improve(const kernels::OrderedChain& chain, std::vector<double>& x, int threads);

 private:
  double max_bytes_;
  std::optional<kernels::ProfileLu> lu_;
};

}  // namespace mdp::solvers
