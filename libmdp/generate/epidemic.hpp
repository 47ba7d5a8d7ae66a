// libmdp/generate/epidemic.hpp — an epidemic in a finite population, with interventions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct EpidemicOptions {
  std::int64_t population = 40;  ///< 1 .. 2000; states (population+1)(population+2)/2
  double contact = 0.75;   ///< infections that one infectious person causes per period among all-susceptible; [0, 1]
  double recovery = 0.25;  ///< probability of recovering in a period; (0, 1]
  /// Factors on `contact`, one action each; [0, 1], at least one.
  std::vector<double> interventions = {1.0, 0.5, 0.125};
  double infection_cost = 1.0;     ///< per infectious person and period; >= 0
  double intervention_cost = 0.5;  ///< times (1 - factor) population, per period; >= 0
  Discount discount = 0.99;        ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// State: s susceptible and i infectious people, s + i <= population, the others immune; ordered by s, then i. In a period
/// each susceptible escapes each infectious person independently, so that Binomial(s, 1 - (1 - factor contact/population)^i)
/// fall ill, and Binomial(i, recovery) recover. i = 0 is a goal, reached surely in the long run under every policy. One
/// person is ill at first. Probabilities are rounded to multiples of 2^-40: rows hold what is likelier than that.
/// \throws InvalidOption.  Source: the chain binomial model of Reed and Frost (Abbey, 1952) with recovery.
[[nodiscard]] Mdp epidemic(const EpidemicOptions& options = {});

}  // namespace mdp::generate
