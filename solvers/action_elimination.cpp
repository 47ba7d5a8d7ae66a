#include "solvers/action_elimination.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/elimination_sweep.hpp"
#include "solvers/centre.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {

Outcome ActionElimination::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  std::vector<char> skip(static_cast<std::size_t>(mdp.n_rows()), 0);  // of this MDP: corrections have other costs
  double slack = infinity;                                            // nothing is known of the first V
  const auto sweep = [&] {
    const auto swept = kernels::elimination_sweep(mdp, it.v, slack, it.tv, it.policy, skip, run.threads());
    run.count_traffic(swept.n_read, swept.n_rows_read);
    return swept.residual;
  };
  return sweep_until(
      mdp, it, run, goal,
      [&](Iterate& iterate) {
        const double error = bounds::sweep_error(mdp, iterate.size);
        const auto residual = bounds::residual_enclosure(iterate.residual.min, iterate.residual.max, error);
        const auto increment = bounds::value_increment(residual, mdp.exact_discount());
        std::swap(iterate.v, iterate.tv);
        iterate.size = centre(mdp, iterate.v, run.threads());
        // V* - V lies in an interval of this width; both ends are off by the rounding of TV and of centring, and the two
        // q that are compared by that of the next sweep.
        const double width = increment.upper - increment.lower;
        const double rounding = error + bounds::sweep_error(mdp, iterate.size) + 4.0 * unit_roundoff * iterate.size;
        slack = bounds::round_up((width + 4.0 * rounding) * (1.0 + 16.0 * unit_roundoff));
        if (!(slack >= 0.0)) slack = infinity;
        return true;
      },
      sweep);
}

}  // namespace mdp::solvers
