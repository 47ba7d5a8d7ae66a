// libmdp/generate/garnet.hpp — random sparse MDPs of a given shape.
#pragma once

#include <string>

#include "libmdp/generate/random_rows.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct GarnetOptions {
  RandomShape shape = {};
  Discount discount = 0.9;  ///< [0, 1]
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0 = all; the MDP does not depend on it

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// "Generic average-reward non-stationary environment test-bench", here stationary: every row has
/// `successors` distinct states, uniformly chosen, with uniform spacings as probabilities; costs are
/// uniform on [0, 1). All entries are dyadic and rows sum to 1 exactly.
///
/// Row r depends on (seed, r) and the shape only. Cost O(n_transitions log successors), parallel; peak
/// memory is that of the MDP plus O(n_rows).
/// \throws InvalidOption.
/// Source: Archibald, McKinnon, Thomas (1995); Bhatnagar, Sutton, Ghavamzadeh, Lee (2009).
[[nodiscard]] Mdp garnet(const GarnetOptions& options = {});

}  // namespace mdp::generate
