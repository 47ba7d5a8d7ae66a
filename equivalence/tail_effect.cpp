#include "equivalence/tail_effect.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"

namespace mdp::equivalence {

double cost_tail_effect(const Mdp& model) {
  double largest = 0.0;
  for (std::size_t row = 0; row < model.cost_tail().size(); ++row) {
    if (std::abs(model.cost()[row]) < infinity) largest = std::max(largest, std::abs(model.cost_tail()[row]));
  }
  return largest;
}

double transition_tail_effect(const Mdp& model, double half_span) {
  if (model.probability_tail().empty()) return 0.0;
  double moved = 0.0;
  for (Offset row = 0; row < model.n_rows(); ++row) {
    double tails = 0.0;
    for (Offset k = model.row_begin()[row]; k < model.row_begin()[row + 1]; ++k) {
      tails += std::abs(model.probability_tail()[k]);
    }
    moved = std::max(moved, tails);
  }
  if (moved == 0.0) return 0.0;
  // Dividing by the sum again moves a row once more by as much; sums within 1e-6 of 1 and the roundings here fit in 2.01.
  return bounds::round_up(bounds::round_up(model.discount() * 2.01 * moved) * half_span);
}

}  // namespace mdp::equivalence
