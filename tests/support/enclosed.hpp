#pragma once

#include <random>

#include <catch2/catch.hpp>

#include "solvers/options.hpp"
#include "tests/oracles/exact_solver.hpp"

namespace mdp::tests {

/// Draws one of 4 kinds of problem (doubles, fractions, inadmissible rows, discount 0), solves it by `solve(mdp, options)`
/// with one of three numbers of threads, from 0 or elsewhere: V* in rationals is inside the bounds, and it converged.
template <typename Solve>
void require_solved(int seed, int kind, Solve solve) {
  CAPTURE(seed, kind);
  std::mt19937_64 random(static_cast<unsigned>(seed * 10 + kind));
  oracles::RandomOptions drawn;
  drawn.rational = kind == 1;
  drawn.inadmissible = kind == 2 ? 0.3 : 0.0;
  if (kind == 3) drawn.discount = 0;
  const auto p = oracles::random_problem(random, drawn);
  const auto best = oracles::optimal_values(p.exact);
  solvers::SolveOptions options;
  options.tolerance = 1e-8;
  options.threads = 1 + seed % 3;
  if (seed % 2 == 1) options.start.assign(static_cast<std::size_t>(p.mdp.n_states()), 3.0);
  const auto r = solve(p.mdp, options);
  REQUIRE(r.converged());
  for (std::size_t s = 0; s < best.size(); ++s) {
    REQUIRE(oracles::contains(r.value_lower[s], r.value_upper[s], best[s]));
  }
}

}  // namespace mdp::tests
