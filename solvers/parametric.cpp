#include "solvers/parametric.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

void require_shape(const Mdp& base, const Entries& entries, const char* what) {
  if (static_cast<Offset>(entries.cost.size()) == base.n_rows() &&
      static_cast<Offset>(entries.probability.size()) == base.n_transitions()) {
    return;
  }
  throw InvalidArgument(std::string(what) + ": " + std::to_string(entries.cost.size()) + " costs and " +
                        std::to_string(entries.probability.size()) + " probabilities, the base has " +
                        std::to_string(base.n_rows()) + " and " + std::to_string(base.n_transitions()));
}

Entries entries_of(const Mdp& mdp) {
  return {.cost = {mdp.cost().begin(), mdp.cost().end()},
          .probability = {mdp.probability().begin(), mdp.probability().end()},
          .discount = mdp.discount()};
}

// The entries as one list: costs, probabilities, discount.
double& entry(Entries& e, std::size_t i) {
  if (i < e.cost.size()) return e.cost[i];
  i -= e.cost.size();
  return i < e.probability.size() ? e.probability[i] : e.discount;
}

std::string entry_name(const Entries& e, std::size_t i) {
  if (i < e.cost.size()) return "cost[" + std::to_string(i) + "]";
  i -= e.cost.size();
  return i < e.probability.size() ? "probability[" + std::to_string(i) + "]" : "discount";
}

}  // namespace

ParametricMdp::ParametricMdp(Mdp base, std::vector<Part> parts) : base_(std::move(base)), parts_(std::move(parts)) {
  first_.push_back(0);
  for (const Part& part : parts_) {
    if (part == nullptr) throw InvalidArgument("parametric MDP: a part is missing");
    first_.push_back(first_.back() + part->n_parameters());
  }
}

std::span<const double> ParametricMdp::block(std::span<const double> theta, std::size_t part) const {
  return theta.subspan(first_[part], first_[part + 1] - first_[part]);
}

std::vector<double> ParametricMdp::start() const {
  std::vector<double> theta;
  for (const Part& part : parts_) {
    const std::vector<double> own = part->start();
    theta.insert(theta.end(), own.begin(), own.end());
  }
  return theta;
}

std::string ParametricMdp::violated(std::span<const double> theta) const {
  require_size("theta", theta.size(), n_parameters());
  for (std::size_t i = 0; i < theta.size(); ++i) {
    if (!std::isfinite(theta[i])) return "theta[" + std::to_string(i) + "] is not finite";
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (const std::string rule = parts_[i]->violated(block(theta, i)); !rule.empty()) {
      return "part " + std::to_string(i) + ": " + rule;
    }
  }
  return "";
}

void ParametricMdp::require_domain(std::span<const double> theta) const {
  if (const std::string rule = violated(theta); !rule.empty())
    throw InvalidArgument("theta outside its domain: " + rule);
}

std::vector<double> ParametricMdp::project(std::vector<double> theta) const {
  require_size("theta", theta.size(), n_parameters());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    parts_[i]->project(std::span(theta).subspan(first_[i], first_[i + 1] - first_[i]));
  }
  return theta;
}

Entries ParametricMdp::entries(std::span<const double> theta) const {
  Entries e = entries_of(base_);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    parts_[i]->apply(block(theta, i), e);
    require_shape(base_, e, "parametric MDP");
  }
  return e;
}

Mdp ParametricMdp::at(std::span<const double> theta) const {
  require_domain(theta);
  Entries e = entries(theta);
  for (Offset row = 0; row < base_.n_rows(); ++row) {
    for (Offset k = base_.row_begin()[row]; k < base_.row_begin()[row + 1]; ++k) {
      if (e.probability[k] > 0.0) continue;
      throw InvalidArgument("parametric MDP: probability " + std::to_string(e.probability[k]) + " of state " +
                            base_.state_name(base_.state_of(row)) + ", action " + base_.action_name(row) + " -> " +
                            base_.state_name(base_.next_state()[k]) +
                            "; stored transitions must stay possible (the support must not depend on theta)");
    }
  }
  MdpArrays arrays;
  arrays.state_rows.assign(base_.state_rows().begin(), base_.state_rows().end());
  arrays.row_begin.assign(base_.row_begin().begin(), base_.row_begin().end());
  arrays.next_state.assign(base_.next_state().begin(), base_.next_state().end());
  arrays.probability.assign(e.probability.begin(), e.probability.end());
  arrays.cost.assign(e.cost.begin(), e.cost.end());
  arrays.discount = e.discount == base_.discount() ? base_.exact_discount() : Discount(e.discount);
  arrays.initial.assign(base_.initial().begin(), base_.initial().end());
  arrays.names = base_.names();
  return build(std::move(arrays)).with_objective(base_.objective());
}

// Costs of +inf stay, whatever is added.
void ParametricMdp::leave_inadmissible(EntryDirection& direction) const {
  if (!base_.has_inadmissible()) return;
  for (Offset row = 0; row < base_.n_rows(); ++row) {
    if (base_.cost()[row] == infinity) direction.cost[row] = 0.0;
  }
}

EntryDirection ParametricMdp::jvp(std::span<const double> theta, std::span<const double> u) const {
  require_domain(theta);
  require_size("direction", u.size(), n_parameters());
  Entries before = entries_of(base_);
  EntryDirection direction = zero_direction(base_);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    parts_[i]->push_forward(block(theta, i), before, block(u, i), direction);
    parts_[i]->apply(block(theta, i), before);
  }
  require_shape(base_, direction, "Jacobian product");
  leave_inadmissible(direction);
  return direction;
}

std::vector<double> ParametricMdp::vjp(std::span<const double> theta, EntryGradient gradient) const {
  require_domain(theta);
  require_shape(base_, gradient, "gradient");
  leave_inadmissible(gradient);
  std::vector<Entries> before{entries_of(base_)};
  for (std::size_t i = 0; i + 1 < parts_.size(); ++i) {
    before.push_back(before.back());
    parts_[i]->apply(block(theta, i), before.back());
  }
  std::vector<double> result(n_parameters(), 0.0);
  for (std::size_t i = parts_.size(); i-- > 0;) {
    parts_[i]->pull_back(block(theta, i), before[i], gradient,
                         std::span(result).subspan(first_[i], first_[i + 1] - first_[i]));
  }
  return result;
}

ParametricCheck ParametricMdp::check(std::span<const double> theta) const {
  require_domain(theta);
  ParametricCheck worst;
  const std::size_t n = base_.n_rows() + base_.n_transitions() + 1;
  const double h = 1e-5;
  std::vector<double> unit(n_parameters(), 0.0);
  // A weight for every entry, of no pattern: what vjp() is tried on.
  EntryGradient g = zero_direction(base_);
  for (std::size_t e = 0; e < n; ++e) entry(g, e) = std::sin(1.0 + 0.7 * static_cast<double>(e));
  const std::vector<double> reverse = vjp(theta, g);
  leave_inadmissible(g);
  for (std::int64_t i = 0; i < n_parameters(); ++i) {
    unit[i] = 1.0;
    EntryDirection forward = jvp(theta, unit);
    unit[i] = 0.0;
    const auto moved = [&](double by) {
      std::vector<double> at(theta.begin(), theta.end());
      at[i] += by;
      return entries(at);
    };
    Entries up = moved(h), down = moved(-h), far_up = moved(2 * h), far_down = moved(-2 * h);
    for (std::size_t e = 0; e < n; ++e) {
      if (!std::isfinite(entry(up, e))) continue;
      const double near = (entry(up, e) - entry(down, e)) / (2 * h);
      const double far = (entry(far_up, e) - entry(far_down, e)) / (4 * h);
      const double difference = (4 * near - far) / 3;
      const double error = std::abs(entry(forward, e) - difference) / std::max(1.0, std::abs(difference));
      if (worst.parameter >= 0 && !(error > worst.max_error)) continue;
      worst.max_error = error;
      worst.parameter = i;
      worst.entry = entry_name(up, e);
      worst.jvp = entry(forward, e);
      worst.difference = difference;
    }
    const double by_forward = dot(g, forward);
    const double size = std::sqrt(inner(forward.cost, forward.cost) + inner(forward.probability, forward.probability) +
                                  forward.discount * forward.discount);
    if (size > 0.0 || reverse[i] != 0.0) {
      worst.adjoint_defect = std::max(worst.adjoint_defect, std::abs(by_forward - reverse[i]) / std::max(size, 1e-300));
    }
  }
  return worst;
}

}  // namespace mdp::solvers
