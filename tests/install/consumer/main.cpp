// A stranger's program: a model with a known solution is solved, and made the equivalent of itself.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "equivalence/equivalent_cost.hpp"
#include "estimators/truncation.hpp"
#include "libmdp/generate/planted.hpp"
#include "libmdp/io/json.hpp"
#include "solvers/solve.hpp"

int main() {
  const mdp::generate::Planted planted = mdp::generate::planted({.shape = {.states = 50}});
  const std::string text = mdp::io::json_text(planted.mdp);
  const mdp::Mdp world = mdp::io::read_json(std::as_bytes(std::span(text)), "planted");
  const auto solution = mdp::solvers::solve(world);
  double error = 0.0;
  for (std::size_t s = 0; s < solution.values.size(); ++s) {
    error = std::max(error, std::abs(solution.values[s] - planted.values[s]));
  }
  if (!solution.converged() || !(error <= solution.value_error_bound)) {
    std::fprintf(stderr, "error %g, bound %g: %s\n", error, solution.value_error_bound, solution.message.c_str());
    return 1;
  }
  const auto cost = mdp::equivalence::equivalent_cost(world, solution, planted.mdp);
  std::printf("%s\n", cost.message.c_str());
  const std::vector<double> uniform(static_cast<std::size_t>(world.n_rows()),
                                    1.0 / static_cast<double>(world.n_actions(0)));
  const auto left_out = mdp::estimators::truncation_bounds(world, uniform, 100);
  return cost.status == mdp::Status::converged && std::isfinite(left_out.performance) ? 0 : 1;
}
