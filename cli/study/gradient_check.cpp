#include "cli/study/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "solvers/soft.hpp"

namespace mdp::cli::study {
namespace {

/// J of the world under the model's soft policy (cost sense), for any model.
class Performance {
 public:
  Performance(const Mdp& world, const solvers::SoftOptions& soft) : world_(world), soft_(soft) {
    soft_.tolerance = 0.0;  // as far as rounding lets it
    soft_.relative_tolerance = 1e-14;
    soft_.max_sweeps = 40;
  }
  double operator()(const Mdp& model) const {
    const solvers::SoftResult solution = solvers::solve_soft(model, soft_);
    return solvers::policy_gradient(world_, solution.policy, 0.0, soft_.threads).performance;
  }

 private:
  const Mdp& world_;
  solvers::SoftOptions soft_;
};

/// (4 D(h) - D(2h))/3 with D the central difference: error O(h^4).
double extrapolated(const std::function<double(double)>& f, double h) {
  const double near = (f(h) - f(-h)) / (2 * h);
  const double far = (f(2 * h) - f(-2 * h)) / (4 * h);
  return (4 * near - far) / 3;
}

Mdp with_cost_moved(const Mdp& model, std::size_t row, double by) {
  Buffer<double> cost(model.cost().begin(), model.cost().end());
  cost[row] += by;
  return model.with_cost(std::move(cost));
}

/// One probability moved, its row divided by its sum.
Mdp with_probability_moved(const Mdp& model, std::size_t transition, double by) {
  MdpArrays arrays;
  arrays.state_rows.assign(model.state_rows().begin(), model.state_rows().end());
  arrays.row_begin.assign(model.row_begin().begin(), model.row_begin().end());
  arrays.next_state.assign(model.next_state().begin(), model.next_state().end());
  arrays.probability.assign(model.probability().begin(), model.probability().end());
  arrays.probability[transition] += by;
  arrays.cost.assign(model.cost().begin(), model.cost().end());
  arrays.discount = model.exact_discount();
  arrays.initial.assign(model.initial().begin(), model.initial().end());
  BuildOptions options;
  options.row_sum_tolerance = 0.5;
  return build(std::move(arrays), options);
}

std::vector<std::size_t> largest(std::span<const double> x, std::int64_t n) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end =
      order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(order.size(), static_cast<std::size_t>(n)));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(x[a]) > std::abs(x[b]) || (std::abs(x[a]) == std::abs(x[b]) && a < b);
  });
  order.erase(end, order.end());
  return order;
}

}  // namespace

GradientCheck check_gradient(const Mdp& world, const Mdp& model, const solvers::InRealGradient& normalised,
                             const solvers::SoftOptions& soft, std::int64_t n) {
  const Performance performance(world, soft);
  const auto& gradient = normalised.gradient;
  GradientCheck check;
  const auto note = [&](double exact, double quotient, double scale) {
    check.max_error = std::max(check.max_error, std::abs(exact - quotient));
    check.max_relative_error = std::max(check.max_relative_error, std::abs(exact - quotient) / scale);
  };

  const double cost_step = 1e-2 * soft.temperature;
  const auto cost_rows = largest(gradient.cost, n);
  for (const std::size_t row : cost_rows) {
    const double quotient =
        extrapolated([&](double h) { return performance(with_cost_moved(model, row, h)); }, cost_step);
    check.entries.push_back({true, static_cast<Offset>(row), -1, gradient.cost[row], quotient});
    note(gradient.cost[row], quotient, std::abs(gradient.cost[cost_rows.front()]));
  }
  const auto transitions = largest(gradient.probability, n);
  for (const std::size_t k : transitions) {
    const double room = std::min(model.probability()[k], 1e-3);
    const double quotient =
        extrapolated([&](double h) { return performance(with_probability_moved(model, k, h)); }, room / 4);
    const auto after = std::upper_bound(model.row_begin().begin(), model.row_begin().end(), static_cast<Offset>(k));
    check.entries.push_back(
        {false, after - model.row_begin().begin() - 1, model.next_state()[k], gradient.probability[k], quotient});
    note(gradient.probability[k], quotient, std::abs(gradient.probability[transitions.front()]));
  }
  const double room = 1 - model.discount();
  check.discount_exact = gradient.discount;
  check.discount_quotient = extrapolated(
      [&](double h) { return performance(model.with_discount(Discount(model.discount() + h))); }, room / 256);
  note(check.discount_exact, check.discount_quotient, std::abs(check.discount_exact));
  return check;
}

}  // namespace mdp::cli::study
