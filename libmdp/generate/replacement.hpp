// libmdp/generate/replacement.hpp — machines that wear out.
#pragma once

#include <cstdint>
#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct ReplacementOptions {
  std::int64_t machines = 1;      ///< 1 .. 8, one repair crew
  std::int64_t levels = 50;       ///< of wear per machine, 2 or more; the last is broken; states levels^machines
  std::int64_t max_wear = 2;      ///< most levels lost in a period, 1 .. 12
  double operating_cost = 0.01;   ///< times wear^2, per machine and period; >= 0
  double replacement_cost = 8.0;  ///< per machine replaced; >= 0
  double breakdown_cost = 20.0;   ///< per broken machine and period; >= 0
  Discount discount = 0.99;       ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// In every period each machine loses Binomial(max_wear, 1/2) levels, up to broken. Actions: keep all, or replace one,
/// which starts the next period as new. State w_1 levels^(m-1) + … + w_m. Probabilities are dyadic as they come.
/// \throws InvalidOption.  Source: Rust (1987) for one machine; Puterman (2005), section 4.7.5.
[[nodiscard]] Mdp replacement(const ReplacementOptions& options = {});

}  // namespace mdp::generate
