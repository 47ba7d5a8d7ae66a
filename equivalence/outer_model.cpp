#include "equivalence/outer_model.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/fit.hpp"
#include "equivalence/model_defect.hpp"
#include "solvers/soft.hpp"

namespace mdp::equivalence {
namespace {

using solvers::EntryDirection;
using solvers::LeastSquaresModel;

// Steps of the policy are worth trying up to this multiple: logits may have far to go.
constexpr double longest_policy_step = 64.0;

// Rows of d log pi below this part of the largest are left out: of an action that is taken surely, or of a state that offers one
// only, they are rounding, and what they say the other rows of the state say better (sum pi d log pi = 0).
constexpr double hardly_moved = 1e-6;

// R column by column: scale(k) times number k of column(direction of theta_i).
template <class Column, class Scale>
void fill(LeastSquaresModel& model, const solvers::ParametricMdp& family, std::span<const double> theta,
          std::span<const char> free, Column&& column, Scale&& scale) {
  const std::size_t n = theta.size();
  model.jacobian.assign(model.residual.size() * n, 0.0);
  std::vector<double> unit(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    if (!free.empty() && free[i] == 0) continue;
    unit[i] = 1.0;
    const std::vector<double> moved = column(family.jvp(theta, unit));
    unit[i] = 0.0;
    for (std::size_t k = 0; k < moved.size(); ++k) {
      const double by = scale(k);
      if (by != 0.0) model.jacobian[k * n + i] = by * moved[k];
    }
  }
}

void drop_rows_that_hardly_move(LeastSquaresModel& model, const std::vector<double>& scale) {
  const std::size_t n = model.jacobian.size() / std::max<std::size_t>(model.residual.size(), 1);
  std::vector<double> size(model.residual.size(), 0.0);
  double most = 0.0;
  for (std::size_t k = 0; k < size.size(); ++k) {
    for (std::size_t i = 0; scale[k] > 0.0 && i < n; ++i) {
      size[k] = std::max(size[k], std::abs(model.jacobian[k * n + i]) / scale[k]);
    }
    most = std::max(most, size[k]);
  }
  for (std::size_t k = 0; k < size.size(); ++k) {
    if (size[k] > hardly_moved * most) continue;
    model.residual[k] = 0.0;
    std::fill_n(model.jacobian.begin() + static_cast<std::ptrdiff_t>(k * n), n, 0.0);
  }
}

}  // namespace

LeastSquaresModel performance_model(const Mdp& world, const solvers::ParametricMdp& family,
                                    std::span<const double> theta, const solvers::InRealGradient& at,
                                    std::span<const char> free) {
  LeastSquaresModel model;
  model.longest = longest_policy_step;
  model.residual.assign(world.n_rows(), 0.0);
  std::vector<double> scale(world.n_rows(), 0.0);
  for (State s = 0; s < world.n_states(); ++s) {
    const double visits = at.world.occupancy[s];
    double kappa = 0.0;
    for (Offset row = world.state_rows()[s]; row < world.state_rows()[s + 1]; ++row) {
      if (at.model.policy[row] > 0.0) kappa = std::max(kappa, std::abs(at.world.advantage[row]));
    }
    if (!(visits > 0.0 && kappa > 0.0 && kappa < infinity)) continue;
    for (Offset row = world.state_rows()[s]; row < world.state_rows()[s + 1]; ++row) {
      const double taken = visits * at.model.policy[row];
      if (!(taken > 0.0)) continue;
      scale[row] = std::sqrt(taken * kappa);
      model.residual[row] = std::sqrt(taken / kappa) * at.world.advantage[row];
    }
  }
  const Mdp simulated = family.at(theta);
  const solvers::Linearisation linear = solvers::linearise_soft(simulated, at.model);
  fill(
      model, family, theta, free, [&](const EntryDirection& direction) { return linear.jvp(direction).log_policy; },
      [&](std::size_t row) { return scale[row]; });
  drop_rows_that_hardly_move(model, scale);
  return model;
}

LeastSquaresModel defect_model(const Mdp& world, const solvers::SolveResult& world_solution,
                               const solvers::ParametricMdp& family, std::span<const double> theta,
                               std::span<const char> free, int threads) {
  const Mdp simulated = family.at(theta);
  const KnownValues values(world_solution);
  LeastSquaresModel model;
  model.residual = model_defect(world, values, simulated, threads).delta;
  std::vector<double> scale(model.residual.size(), 0.0);
  double n = 0.0;
  for (std::size_t row = 0; row < scale.size(); ++row) {
    const bool finite = std::isfinite(model.residual[row]) && simulated.cost()[static_cast<Offset>(row)] < infinity;
    n += scale[row] = finite ? 1.0 : 0.0;
  }
  n = std::max(n, 1.0);
  for (std::size_t row = 0; row < scale.size(); ++row) {
    scale[row] /= std::sqrt(n);
    model.residual[row] = scale[row] == 0.0 ? 0.0 : scale[row] * model.residual[row];
  }
  // dDelta = dL + gamma dP V* + dgamma P V*.
  const auto column = [&](const EntryDirection& d) {
    std::vector<double> moved = d.cost;
    for (Offset row = 0; row < simulated.n_rows(); ++row) {
      if (scale[row] == 0.0) continue;
      for (Offset k = simulated.row_begin()[row]; k < simulated.row_begin()[row + 1]; ++k) {
        const double p = simulated.discount() * d.probability[k] + d.discount * simulated.probability()[k];
        if (p != 0.0) moved[row] += p * values.values[simulated.next_state()[k]];
      }
    }
    return moved;
  };
  fill(model, family, theta, free, column, [&](std::size_t row) { return scale[row]; });
  return model;
}

LeastSquaresModel likelihood_model(const solvers::ParametricMdp& family, std::span<const double> theta,
                                   const TransitionCounts& data, std::span<const char> free) {
  const Mdp simulated = family.at(theta);
  LeastSquaresModel model;
  std::vector<double> scale;
  const std::vector<Offset> stored = stored_at(simulated, data);
  const double n = data.total();
  for (std::size_t k = 0; k < stored.size(); ++k) {
    const double root = stored[k] < 0 ? 0.0 : std::sqrt(data.count[k] / n);
    model.residual.push_back(-root);
    scale.push_back(root == 0.0 ? 0.0 : root / simulated.probability()[stored[k]]);
  }
  const auto column = [&](const EntryDirection& d) {
    std::vector<double> moved;
    moved.reserve(stored.size());
    for (const Offset k : stored) moved.push_back(k < 0 ? 0.0 : d.probability[k]);
    return moved;
  };
  fill(model, family, theta, free, column, [&](std::size_t k) { return scale[k]; });
  return model;
}

}  // namespace mdp::equivalence
