#include "equivalence/defect_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/kernels/linearised.hpp"

namespace mdp::equivalence {

solvers::EntryGradient defect_gradient(const KnownValues& world_values, const Mdp& model,
                                       std::span<const double> weight, int threads) {
  if (static_cast<Offset>(weight.size()) != model.n_rows() ||
      static_cast<State>(world_values.values.size()) != model.n_states()) {
    throw InvalidArgument("defect gradient: weights or values of another shape");
  }
  solvers::EntryGradient gradient = solvers::zero_direction(model);
  gradient.cost.assign(weight.begin(), weight.end());
  gradient.discount = kernels::entry_gradient(model, weight, world_values.values, false, gradient.probability, threads);
  return gradient;
}

EpsilonGradient epsilon_gradient(const Mdp& world, const KnownValues& world_values, const Mdp& model, int threads) {
  const ModelDefect defect = model_defect(world, world_values, model, threads);
  EpsilonGradient result;
  const auto refuse = [&result](std::string why) {
    result.status = Status::refused;
    result.message = std::move(why);
    return result;
  };
  if (defect.row < 0 || !std::isfinite(defect.delta[defect.row])) return refuse("epsilon is infinite or empty");
  result.epsilon = std::abs(defect.delta[defect.row]);
  // Each |Delta| is within this of what is meant.
  const double slack = defect.epsilon - result.epsilon;
  for (Offset row = 0; row < model.n_rows(); ++row) {
    if (std::abs(defect.delta[row]) + 2.0 * slack >= result.epsilon) result.rows.push_back(row);
  }
  if (!(result.epsilon > slack)) return refuse("epsilon is 0 within its bounds: the maximum has no derivative there");
  if (result.rows.size() > 1) {
    return refuse(std::to_string(result.rows.size()) +
                  " pairs attain the largest |Delta| within their bounds: no derivative");
  }
  std::vector<double> weight(model.n_rows(), 0.0);
  weight[defect.row] = defect.delta[defect.row] > 0.0 ? 1.0 : -1.0;
  result.status = Status::converged;
  result.message = "one pair attains the largest |Delta|";
  result.gradient = defect_gradient(world_values, model, weight, threads);
  return result;
}

MeanSquareDefect mean_square_defect(const Mdp& world, const KnownValues& world_values, const Mdp& model, int threads) {
  const ModelDefect defect = model_defect(world, world_values, model, threads);
  std::vector<double> weight = defect.delta;
  double n = 0.0, sum = 0.0;
  for (std::size_t row = 0; row < weight.size(); ++row) {
    const bool finite = std::isfinite(weight[row]) && model.cost()[row] < infinity;
    if (!finite) weight[row] = 0.0;
    n += finite ? 1.0 : 0.0;
    sum += weight[row] * weight[row];
  }
  n = std::max(n, 1.0);
  for (double& w : weight) w /= n;
  return {sum / (2.0 * n), defect_gradient(world_values, model, weight, threads)};
}

}  // namespace mdp::equivalence
