#include "equivalence/value_aware.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "equivalence/nearest_in_hull.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

// One row of the fit.
struct FittedRow {
  std::vector<State> next;
  std::vector<double> probability;
  double loss = 0.0;
  double gap = 0.0;
};

class RowFit {
 public:
  RowFit(const Mdp& data, const std::vector<std::vector<double>>& values, const ValueAwareOptions& options)
      : data_(data), values_(values), options_(options) {}

  [[nodiscard]] FittedRow operator()(Offset row) const {
    if (keeps(row)) return copied(row);
    const std::vector<double> points = this->points(row);
    const std::size_t m = values_.size();
    FittedRow fitted;
    if (options_.rows == ValueAwareRows::deterministic) {
      std::size_t best = 0;
      double least = infinity;
      for (std::size_t i = 0; i < points.size() / m; ++i) {
        const double square = squared(std::span(points).subspan(i * m, m));
        if (square < least) {
          least = square;
          best = i;
        }
      }
      fitted.next = {allowed(row, best)};
      fitted.probability = {1.0};
      fitted.loss = std::sqrt(least);
      return fitted;
    }
    const NearestInHull nearest = nearest_in_hull(points, m);
    for (std::size_t i = 0; i < nearest.corral.size(); ++i) {
      fitted.next.push_back(allowed(row, nearest.corral[i]));
      fitted.probability.push_back(nearest.weight[i]);
    }
    fitted.loss = std::sqrt(nearest.square);
    fitted.gap = fitted.loss > 0.0 ? std::min(fitted.loss, nearest.gap / fitted.loss) : 0.0;
    return fitted;
  }

 private:
  static double squared(std::span<const double> x) { return std::inner_product(x.begin(), x.end(), x.begin(), 0.0); }

  [[nodiscard]] std::span<const State> successors(const Mdp& mdp, Offset row) const {
    const auto r = static_cast<std::size_t>(row);
    return mdp.next_state().subspan(static_cast<std::size_t>(mdp.row_begin()[r]),
                                    static_cast<std::size_t>(mdp.row_begin()[r + 1] - mdp.row_begin()[r]));
  }
  [[nodiscard]] std::size_t n_allowed(Offset row) const {
    return options_.allowed ? successors(*options_.allowed, row).size() : static_cast<std::size_t>(data_.n_states());
  }
  [[nodiscard]] State allowed(Offset row, std::size_t i) const {
    return options_.allowed ? successors(*options_.allowed, row)[i] : static_cast<State>(i);
  }

  // Whether the row of the data is one that the class has: its loss is 0.
  [[nodiscard]] bool keeps(Offset row) const {
    const auto seen = successors(data_, row);
    if (options_.rows == ValueAwareRows::deterministic && seen.size() > 1) return false;
    if (!options_.allowed) return true;
    const auto may = successors(*options_.allowed, row);
    return std::includes(may.begin(), may.end(), seen.begin(), seen.end());
  }
  [[nodiscard]] FittedRow copied(Offset row) const {
    const auto seen = successors(data_, row);
    const auto p = data_.probability().subspan(
        static_cast<std::size_t>(data_.row_begin()[static_cast<std::size_t>(row)]), seen.size());
    return {{seen.begin(), seen.end()}, {p.begin(), p.end()}, 0.0, 0.0};
  }

  // V_j(s') - E_r[V_j] for the allowed s', point by point.
  [[nodiscard]] std::vector<double> points(Offset row) const {
    const std::size_t m = values_.size(), n = n_allowed(row);
    std::vector<double> points(n * m);
    const auto seen = successors(data_, row);
    const auto first = static_cast<std::size_t>(data_.row_begin()[static_cast<std::size_t>(row)]);
    for (std::size_t j = 0; j < m; ++j) {
      const std::vector<double>& v = values_[j];
      const double own = v[static_cast<std::size_t>(seen.front())];
      double mean = 0.0;  // of V - V(first successor): as small as the spread
      for (std::size_t k = 0; k < seen.size(); ++k) {
        mean += data_.probability()[first + k] * (v[static_cast<std::size_t>(seen[k])] - own);
      }
      for (std::size_t i = 0; i < n; ++i) {
        points[i * m + j] = (v[static_cast<std::size_t>(allowed(row, i))] - own) - mean;
      }
    }
    return points;
  }

  const Mdp& data_;
  const std::vector<std::vector<double>>& values_;
  const ValueAwareOptions& options_;
};

void require_values(const Mdp& data, const std::vector<std::vector<double>>& values) {
  if (values.empty()) throw InvalidArgument("a value-aware fit needs at least one value function");
  for (std::size_t j = 0; j < values.size(); ++j) {
    if (values[j].size() != static_cast<std::size_t>(data.n_states())) {
      throw InvalidArgument(
          fmt::format("value function {} has {} entries, required {}", j, values[j].size(), data.n_states()));
    }
    for (std::size_t s = 0; s < values[j].size(); ++s) {
      if (!std::isfinite(values[j][s])) {
        throw InvalidArgument(fmt::format("value function {} is {} at state {}, required finite", j, values[j][s],
                                          data.state_name(static_cast<State>(s))));
      }
    }
  }
}

Transitions sorted_transitions(std::vector<FittedRow>& rows) {
  Transitions transitions;
  transitions.row_begin.push_back(0);
  std::vector<std::size_t> order;
  for (const FittedRow& row : rows) {
    order.resize(row.next.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return row.next[i]; });
    for (const std::size_t i : order) {
      transitions.next_state.push_back(row.next[i]);
      transitions.probability.push_back(row.probability[i]);
    }
    transitions.row_begin.push_back(static_cast<Offset>(transitions.next_state.size()));
  }
  return transitions;
}

}  // namespace

std::string ValueAwareOptions::check() const {
  return threads >= 0 ? "" : fmt::format("threads = {}, required >= 0", threads);
}

std::string IteratedOptions::check() const {
  if (max_iterations < 1) return fmt::format("max_iterations = {}, required >= 1", max_iterations);
  if (!(tolerance >= 0.0)) return fmt::format("tolerance = {}, required >= 0", tolerance);
  return fit.check();
}

ValueAwareFit fit_value_aware(const Mdp& data, const std::vector<std::vector<double>>& values,
                              const ValueAwareOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_values(data, values);
  if (options.allowed) require_same_shape(data, *options.allowed);
  const RowFit fit(data, values, options);
  std::vector<FittedRow> rows(static_cast<std::size_t>(data.n_rows()));
  kernels::for_states(data.blocks(), options.threads, [&](State first, State last) {
    const auto rows_before = [&](State s) { return data.state_rows()[static_cast<std::size_t>(s)]; };
    for (Offset row = rows_before(first); row < rows_before(last); ++row) {
      rows[static_cast<std::size_t>(row)] = fit(row);
    }
  });
  ValueAwareFit result;
  result.loss.reserve(rows.size());
  for (const FittedRow& row : rows) {
    result.loss.push_back(row.loss);
    result.max_loss = std::max(result.max_loss, row.loss);
    result.max_gap = std::max(result.max_gap, row.gap);
  }
  result.model = rebuild(data, sorted_transitions(rows), data.exact_discount());
  return result;
}

IteratedFit fit_iterated_value_aware(const Mdp& data, const IteratedOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  IteratedFit result;
  result.values.assign(static_cast<std::size_t>(data.n_states()), 0.0);
  std::vector<double> next(result.values.size());
  for (std::int64_t k = 0; k < options.max_iterations; ++k) {
    result.fit = fit_value_aware(data, {result.values}, options.fit);
    kernels::bellman_sweep(*result.fit.model, result.values, next, {}, options.fit.threads);
    double difference = 0.0;
    for (std::size_t s = 0; s < next.size(); ++s) {
      if (!std::isfinite(next[s])) {
        throw InvalidArgument(fmt::format("iterated value-aware fit: the value of state {} is infinite",
                                          data.state_name(static_cast<State>(s))));
      }
      difference = std::max(difference, std::abs(next[s] - result.values[s]));
    }
    result.difference.push_back(difference);
    std::swap(result.values, next);
    if (difference <= options.tolerance) {
      result.status = Status::converged;
      result.message = fmt::format("values settled after {} iterations", k + 1);
      return result;
    }
  }
  result.status = Status::sweep_limit;
  result.message =
      fmt::format("values still move by {:.3g} after {} iterations", result.difference.back(), options.max_iterations);
  return result;
}

}  // namespace mdp::equivalence
