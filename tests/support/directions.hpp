#pragma once

#include <random>

#include "solvers/derivative.hpp"

namespace mdp::tests {

/// Normal in every entry: costs, probabilities, discount.
inline solvers::EntryDirection random_direction(const Mdp& mdp, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  solvers::EntryDirection d = solvers::zero_direction(mdp);
  for (double& x : d.cost) x = normal(random);
  for (double& x : d.probability) x = normal(random);
  d.discount = normal(random);
  return d;
}

}  // namespace mdp::tests
