// The families that ship (solvers/parametric.hpp).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "libmdp/error.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/parametric.hpp"

namespace mdp::solvers {
namespace {

class CostFeatures final : public ParametricPart {
 public:
  explicit CostFeatures(RowFeatures features) : features_(std::move(features)) {}
  [[nodiscard]] std::int64_t n_parameters() const override { return features_.n_parameters; }
  [[nodiscard]] std::vector<double> start() const override { return std::vector<double>(n_parameters(), 0.0); }
  void apply(std::span<const double> theta, Entries& entries) const override { add(theta, entries.cost); }
  void push_forward(std::span<const double> /*theta*/, const Entries& /*before*/, std::span<const double> d_theta,
                    EntryDirection& direction) const override {
    add(d_theta, direction.cost);
  }
  void pull_back(std::span<const double> /*theta*/, const Entries& /*before*/, EntryGradient& gradient,
                 std::span<double> d_theta) const override {
    const std::vector<double> own = features_.transposed_times(gradient.cost);
    for (std::size_t i = 0; i < own.size(); ++i) d_theta[i] += own[i];
  }

 private:
  void add(std::span<const double> theta, std::vector<double>& cost) const {
    const std::vector<double> moved = features_.times(theta);
    require_size("cost features", moved.size(), static_cast<std::int64_t>(cost.size()));
    for (std::size_t row = 0; row < moved.size(); ++row) cost[row] += moved[row];
  }

  RowFeatures features_;
};

// q = p e^(Psi theta) / Z per row: dq = q (x - E_q x) with x = dp/p + Psi dtheta.
class SoftmaxTransitions final : public ParametricPart {
 public:
  SoftmaxTransitions(const Mdp& base, RowFeatures features)
      : row_begin_(base.row_begin().begin(), base.row_begin().end()), features_(std::move(features)) {
    require_size("transition features", features_.begin.size(), base.n_transitions() + 1);
  }
  [[nodiscard]] std::int64_t n_parameters() const override { return features_.n_parameters; }
  [[nodiscard]] std::vector<double> start() const override { return std::vector<double>(n_parameters(), 0.0); }
  void apply(std::span<const double> theta, Entries& entries) const override {
    entries.probability = tilted(theta, entries.probability);
  }
  void push_forward(std::span<const double> theta, const Entries& before, std::span<const double> d_theta,
                    EntryDirection& direction) const override {
    const std::vector<double> q = tilted(theta, before.probability), logits = features_.times(d_theta);
    for (std::size_t k = 0; k < q.size(); ++k) {
      direction.probability[k] = direction.probability[k] / before.probability[k] + logits[k];
    }
    centre(q, direction.probability);
  }
  void pull_back(std::span<const double> theta, const Entries& before, EntryGradient& gradient,
                 std::span<double> d_theta) const override {
    const std::vector<double> q = tilted(theta, before.probability);
    centre(q, gradient.probability);
    const std::vector<double> own = features_.transposed_times(gradient.probability);
    for (std::size_t i = 0; i < own.size(); ++i) d_theta[i] += own[i];
    for (std::size_t k = 0; k < q.size(); ++k) gradient.probability[k] /= before.probability[k];
  }

 private:
  // x <- q (x - E_q x), row by row.
  void centre(const std::vector<double>& q, std::vector<double>& x) const {
    for (std::size_t row = 0; row + 1 < row_begin_.size(); ++row) {
      double mean = 0.0;
      for (Offset k = row_begin_[row]; k < row_begin_[row + 1]; ++k) mean += q[k] * x[k];
      for (Offset k = row_begin_[row]; k < row_begin_[row + 1]; ++k) x[k] = q[k] * (x[k] - mean);
    }
  }
  [[nodiscard]] std::vector<double> tilted(std::span<const double> theta, const std::vector<double>& p) const {
    const std::vector<double> logits = features_.times(theta);
    require_size("softmax transitions", p.size(), row_begin_.back());
    std::vector<double> q(p.size());
    for (std::size_t row = 0; row + 1 < row_begin_.size(); ++row) {
      const Offset first = row_begin_[row], last = row_begin_[row + 1];
      const double top = *std::max_element(logits.begin() + first, logits.begin() + last);
      double sum = 0.0;
      for (Offset k = first; k < last; ++k) sum += q[k] = p[k] * std::exp(logits[k] - top);
      for (Offset k = first; k < last; ++k) q[k] /= sum;
    }
    return q;
  }

  std::vector<Offset> row_begin_;
  RowFeatures features_;  // of stored transitions
};

class DiscountParameter final : public ParametricPart {
 public:
  DiscountParameter(double start, double lowest, double highest) : start_(start), lowest_(lowest), highest_(highest) {
    if (0.0 < lowest_ && lowest_ <= start_ && start_ <= highest_ && highest_ < 1.0) return;
    throw InvalidArgument("discount parameter: required 0 < lowest <= start <= highest < 1, given " +
                          std::to_string(lowest_) + ", " + std::to_string(start_) + ", " + std::to_string(highest_));
  }
  [[nodiscard]] std::int64_t n_parameters() const override { return 1; }
  [[nodiscard]] std::vector<double> start() const override { return {start_}; }
  [[nodiscard]] std::string violated(std::span<const double> theta) const override {
    if (lowest_ <= theta[0] && theta[0] <= highest_) return "";
    return "discount " + std::to_string(theta[0]) + " is not in [" + std::to_string(lowest_) + ", " +
           std::to_string(highest_) + "]";
  }
  void project(std::span<double> theta) const override { theta[0] = std::clamp(theta[0], lowest_, highest_); }
  void apply(std::span<const double> theta, Entries& entries) const override { entries.discount = theta[0]; }
  void push_forward(std::span<const double> /*theta*/, const Entries& /*before*/, std::span<const double> d_theta,
                    EntryDirection& direction) const override {
    direction.discount = d_theta[0];
  }
  void pull_back(std::span<const double> /*theta*/, const Entries& /*before*/, EntryGradient& gradient,
                 std::span<double> d_theta) const override {
    d_theta[0] += gradient.discount;
    gradient.discount = 0.0;
  }

 private:
  double start_, lowest_, highest_;
};

class UserPart final : public ParametricPart {
 public:
  explicit UserPart(UserFamily family) : family_(std::move(family)) {
    if (!family_.values || !family_.jvp) {
      throw InvalidArgument("user-defined family: values and jvp are both needed");
    }
    require_size("user-defined family: start", family_.start.size(), family_.n_parameters);
  }
  [[nodiscard]] std::int64_t n_parameters() const override { return family_.n_parameters; }
  [[nodiscard]] std::vector<double> start() const override { return family_.start; }
  [[nodiscard]] std::string violated(std::span<const double> theta) const override {
    return family_.violated ? family_.violated(theta) : "";
  }
  void apply(std::span<const double> theta, Entries& entries) const override { entries = family_.values(theta); }
  void push_forward(std::span<const double> theta, const Entries& /*before*/, std::span<const double> d_theta,
                    EntryDirection& direction) const override {
    direction = family_.jvp(theta, d_theta);
  }
  void pull_back(std::span<const double> theta, const Entries& /*before*/, EntryGradient& gradient,
                 std::span<double> d_theta) const override {
    const std::vector<double> own = family_.vjp ? family_.vjp(theta, gradient) : transposed_products(theta, gradient);
    require_size("user-defined family: vjp", own.size(), family_.n_parameters);
    for (std::size_t i = 0; i < own.size(); ++i) d_theta[i] += own[i];
    gradient = {std::vector<double>(gradient.cost.size(), 0.0), std::vector<double>(gradient.probability.size(), 0.0)};
  }

 private:
  [[nodiscard]] std::vector<double> transposed_products(std::span<const double> theta,
                                                        const EntryGradient& gradient) const {
    std::vector<double> unit(theta.size(), 0.0), products(theta.size());
    for (std::size_t i = 0; i < unit.size(); ++i) {
      unit[i] = 1.0;
      products[i] = dot(gradient, family_.jvp(theta, unit));
      unit[i] = 0.0;
    }
    return products;
  }

  UserFamily family_;
};

// Each model's entries on the transitions of the union.
class Mixture final : public ParametricPart {
 public:
  Mixture(std::vector<Entries> models, double floor) : models_(std::move(models)), floor_(floor) {}
  [[nodiscard]] std::int64_t n_parameters() const override { return static_cast<std::int64_t>(models_.size()); }
  [[nodiscard]] std::vector<double> start() const override {
    return std::vector<double>(models_.size(), 1.0 / static_cast<double>(models_.size()));
  }
  [[nodiscard]] std::string violated(std::span<const double> theta) const override {
    const double sum = std::accumulate(theta.begin(), theta.end(), 0.0);
    if (std::abs(sum - 1.0) > 1e-9) return "mixture weights sum to " + std::to_string(sum) + ", not to 1";
    for (const double w : theta) {
      if (!(w >= floor_ * (1.0 - 1e-9))) {
        return "mixture weight " + std::to_string(w) + " is below " + std::to_string(floor_) +
               " (the support must not depend on theta)";
      }
    }
    return "";
  }
  // On {w >= floor, sum w = 1}: clip after subtracting the constant that makes the sum right (Held, Wolfe, Crowder, 1974).
  void project(std::span<double> theta) const override {
    std::vector<double> sorted(theta.begin(), theta.end());
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const double mass = 1.0 - floor_ * static_cast<double>(theta.size());
    double sum = 0.0, shift = 0.0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      sum += sorted[i] - floor_;
      const double candidate = (sum - mass) / static_cast<double>(i + 1);
      if (sorted[i] - floor_ > candidate) shift = candidate;
    }
    for (double& w : theta) w = std::max(w - floor_ - shift, 0.0) + floor_;
  }
  void apply(std::span<const double> theta, Entries& entries) const override {
    EntryDirection mixed{std::vector<double>(entries.cost.size(), 0.0),
                         std::vector<double>(entries.probability.size(), 0.0), entries.discount};
    add(theta, mixed);
    entries = std::move(mixed);
  }
  void push_forward(std::span<const double> /*theta*/, const Entries& /*before*/, std::span<const double> d_theta,
                    EntryDirection& direction) const override {
    std::fill(direction.cost.begin(), direction.cost.end(), 0.0);
    std::fill(direction.probability.begin(), direction.probability.end(), 0.0);
    add(d_theta, direction);
  }
  void pull_back(std::span<const double> /*theta*/, const Entries& /*before*/, EntryGradient& gradient,
                 std::span<double> d_theta) const override {
    const double by_discount = gradient.discount;
    gradient.discount = 0.0;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      EntryDirection finite = models_[i];
      for (double& c : finite.cost) c = c < infinity ? c : 0.0;
      finite.discount = 0.0;
      d_theta[i] += dot(gradient, finite);
    }
    std::fill(gradient.cost.begin(), gradient.cost.end(), 0.0);
    std::fill(gradient.probability.begin(), gradient.probability.end(), 0.0);
    gradient.discount = by_discount;
  }

 private:
  void add(std::span<const double> weights, EntryDirection& sum) const {
    for (std::size_t i = 0; i < models_.size(); ++i) {
      for (std::size_t row = 0; row < sum.cost.size(); ++row) {
        sum.cost[row] = models_[i].cost[row] < infinity ? sum.cost[row] + weights[i] * models_[i].cost[row] : infinity;
      }
      for (std::size_t k = 0; k < sum.probability.size(); ++k) {
        sum.probability[k] += weights[i] * models_[i].probability[k];
      }
    }
  }

  std::vector<Entries> models_;
  double floor_;
};

void require_alike(std::span<const Mdp> models, double floor) {
  if (models.empty()) throw InvalidArgument("mixture: no models");
  if (!(floor >= 0.0 && floor * static_cast<double>(models.size()) < 1.0)) {
    throw InvalidArgument("mixture: floor " + std::to_string(floor) + " is not in [0, 1/n)");
  }
  for (const Mdp& m : models) {
    const bool same_rows = std::equal(m.state_rows().begin(), m.state_rows().end(), models[0].state_rows().begin(),
                                      models[0].state_rows().end());
    if (!same_rows) throw InvalidArgument("mixture: models with different states or actions");
    if (m.discount() != models[0].discount()) throw InvalidArgument("mixture: models with different discounts");
    for (Offset row = 0; row < m.n_rows(); ++row) {
      if ((m.cost()[row] < infinity) == (models[0].cost()[row] < infinity)) continue;
      throw InvalidArgument("mixture: row " + std::to_string(row) + " is inadmissible in some models only");
    }
  }
}

}  // namespace

Part cost_features(RowFeatures features) { return std::make_shared<CostFeatures>(std::move(features)); }

Part cost_table(const Mdp& base) { return cost_features(RowFeatures::identity(base)); }

Part softmax_transitions(const Mdp& base) {
  RowFeatures each{base.n_transitions(), {}, {}, std::vector<double>(base.n_transitions(), 1.0)};
  for (Offset k = 0; k <= base.n_transitions(); ++k) each.begin.push_back(k);
  each.parameter.assign(each.begin.begin(), each.begin.end() - 1);
  return softmax_transitions(base, std::move(each));
}

Part softmax_transitions(const Mdp& base, RowFeatures features) {
  return std::make_shared<SoftmaxTransitions>(base, std::move(features));
}

Part discount_parameter(double start, double lowest, double highest) {
  return std::make_shared<DiscountParameter>(start, lowest, highest);
}

Part user_defined(UserFamily family) { return std::make_shared<UserPart>(std::move(family)); }

ParametricMdp mixture(std::span<const Mdp> models, double floor, std::vector<Part> further) {
  require_alike(models, floor);
  const double share = 1.0 / static_cast<double>(models.size());
  MdpArrays arrays;
  arrays.state_rows.assign(models[0].state_rows().begin(), models[0].state_rows().end());
  for (Offset row = 0; row < models[0].n_rows(); ++row) {
    arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
    double cost = 0.0;
    for (const Mdp& m : models) {
      cost += share * m.cost()[row];
      for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
        arrays.next_state.push_back(m.next_state()[k]);
        arrays.probability.push_back(share * m.probability()[k]);
      }
    }
    arrays.cost.push_back(cost);
  }
  arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
  arrays.discount = models[0].exact_discount();
  arrays.initial.assign(models[0].initial().begin(), models[0].initial().end());
  arrays.names = models[0].names();
  const Mdp base = build(std::move(arrays)).with_objective(models[0].objective());

  std::vector<Entries> aligned;
  for (const Mdp& m : models) {
    Entries e{.cost = {m.cost().begin(), m.cost().end()},
              .probability = std::vector<double>(base.n_transitions(), 0.0),
              .discount = m.discount()};
    for (Offset row = 0; row < m.n_rows(); ++row) {
      Offset at = base.row_begin()[row];
      for (Offset k = m.row_begin()[row]; k < m.row_begin()[row + 1]; ++k) {
        while (base.next_state()[at] != m.next_state()[k]) ++at;
        e.probability[at] = m.probability()[k];
      }
    }
    if (m.n_transitions() != base.n_transitions() && floor == 0.0) {
      throw InvalidArgument("mixture: models with different supports need a floor > 0 for their weights");
    }
    aligned.push_back(std::move(e));
  }
  std::vector<Part> parts{std::make_shared<Mixture>(std::move(aligned), floor)};
  parts.insert(parts.end(), further.begin(), further.end());
  return {base, std::move(parts)};
}

}  // namespace mdp::solvers
