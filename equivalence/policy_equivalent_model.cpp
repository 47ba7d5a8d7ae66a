#include "equivalence/policy_equivalent_model.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "equivalence/best_shift.hpp"
#include "equivalence/enclosed_q.hpp"
#include "equivalence/policy_rows.hpp"
#include "equivalence/q_table.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  TwoDouble sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum = sum + two_product(a[i], b[i]);
  return sum.value();
}

double max_norm(const Vector& v) {
  double largest = 0.0;
  for (const double x : v) largest = std::max(largest, std::abs(x));
  return largest;
}

// -H g, H the inverse Hessian that the last steps and changes of the gradient suggest (Nocedal, 1980, two loops).
class QuasiNewton {
 public:
  [[nodiscard]] Vector direction(Vector g) const {
    Vector weight(steps_.size());
    for (std::size_t k = steps_.size(); k-- > 0;) {
      weight[k] = dot(steps_[k].step, g) / steps_[k].curvature;
      add(g, -weight[k], steps_[k].change);
    }
    if (!steps_.empty()) {
      const double scale = steps_.back().curvature / dot(steps_.back().change, steps_.back().change);
      for (double& x : g) x *= scale;
    }
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      const double other = dot(steps_[k].change, g) / steps_[k].curvature;
      add(g, weight[k] - other, steps_[k].step);
    }
    for (double& x : g) x = -x;
    return g;
  }

  void learn(Vector step, Vector change) {
    const double curvature = dot(step, change);
    if (!(curvature > 1e-14 * std::sqrt(dot(step, step) * dot(change, change)))) return;
    steps_.push_back({std::move(step), std::move(change), curvature});
    constexpr std::size_t memory = 10;
    if (steps_.size() > memory) steps_.pop_front();
  }
  void forget() { steps_.clear(); }
  [[nodiscard]] bool empty() const { return steps_.empty(); }

 private:
  static void add(Vector& to, double factor, const Vector& v) {
    for (std::size_t i = 0; i < v.size(); ++i) to[i] += factor * v[i];
  }
  struct Step {
    Vector step, change;
    double curvature;
  };
  std::deque<Step> steps_;
};

PolicyConstraints constraints_of(const Mdp& world, const KnownValues& known, double fraction, State& n_tied) {
  PolicyConstraints result;
  const auto n = static_cast<std::size_t>(world.n_rows());
  result.has_equation.assign(n, 0);
  result.is_optimal.assign(n, 0);
  result.margin.assign(n, 0.0);
  const EnclosedQ q(world, known);
  const double rounding = q.rounding_bound();
  for (State s = 0; s < world.n_states(); ++s) {
    if (known.values[static_cast<std::size_t>(s)] == infinity) continue;
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    double upper = infinity;
    for (Offset row = first; row < first + world.n_actions(s); ++row)
      upper = std::min(upper, q(s, row).upper.hi + rounding);
    int n_optimal = 0;
    for (Offset row = first; row < first + world.n_actions(s); ++row) {
      const auto i = static_cast<std::size_t>(row);
      const QInterval here = q(s, row);
      if (is_infinite(here)) continue;
      result.has_equation[i] = 1;
      const double advantage = here.lower.hi - rounding - upper;
      result.is_optimal[i] = advantage > 0.0 ? 0 : 1;
      result.margin[i] = advantage > 0.0 ? fraction * advantage : 0.0;
      n_optimal += result.is_optimal[i];
    }
    if (n_optimal > 1) ++n_tied;
  }
  return result;
}

// Phi + c wherever V* is finite.
Vector shifted(std::span<const double> values, double c) {
  Vector v(values.begin(), values.end());
  for (double& x : v) x += c;
  return v;
}

struct Descent {
  Vector potential, gradient;
  double value = infinity;
  int iterations = 0;
};

// Falls from a feasible start; `rows` holds the rows of the last point afterwards.
void descend(PolicyRows& rows, const PolicyEquivalentOptions& options, Descent& at) {
  QuasiNewton newton;
  const double first = max_norm(at.gradient);
  while (at.iterations < options.max_iterations && max_norm(at.gradient) > options.tolerance * first) {
    Vector d = newton.direction(at.gradient);
    double slope = dot(d, at.gradient);
    if (!(slope < 0.0)) {
      newton.forget();
      d = newton.direction(at.gradient);
      slope = dot(d, at.gradient);
    }
    double length = newton.empty() ? 1e-2 / max_norm(at.gradient) : 1.0;
    Descent next;
    next.gradient.resize(at.gradient.size());
    bool found = false;
    for (int halving = 0; halving < 60 && !found; ++halving, length *= 0.5) {
      next.potential = at.potential;
      for (std::size_t i = 0; i < d.size(); ++i) next.potential[i] += length * d[i];
      next.value = rows(next.potential, next.gradient, options.solve.threads);
      found = next.value <= at.value + 1e-4 * length * slope;
    }
    if (!found) {
      if (newton.empty()) break;
      newton.forget();
      continue;
    }
    ++at.iterations;
    Vector step(d.size()), change(d.size());
    for (std::size_t i = 0; i < d.size(); ++i) {
      step[i] = at.potential[i] < infinity ? next.potential[i] - at.potential[i] : 0.0;
      change[i] = next.gradient[i] - at.gradient[i];
    }
    newton.learn(std::move(step), std::move(change));
    std::swap(at.potential, next.potential);
    std::swap(at.gradient, next.gradient);
    at.value = next.value;
  }
  at.value = rows(at.potential, at.gradient, options.solve.threads);
}

// Whether every successor of the reference is allowed.
bool allows(const MomentEquations& eq) {
  SupportRows rows(eq.support, eq.world, eq.reference, eq.graph, stays_in_reference(eq.divergence));
  for (State s = 0; s < eq.world.n_states(); ++s) {
    const Offset first = eq.world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + eq.world.n_actions(s); ++row) {
      rows.set(s, row);
      for (std::size_t i = 0; i < rows.states.size(); ++i) {
        if (rows.r[i] > 0.0 && rows.allowed[i] == 0) return false;
      }
    }
  }
  return true;
}

// Where F is finite: at V* (T6), at V* + c (T7), or at the reference's own V^*, the least of these. Infinite if nowhere.
Descent start_of(PolicyRows& rows, const MomentEquations& eq, const std::vector<double>& own, int threads) {
  Descent best;
  best.value = infinity;
  const auto try_out = [&](Vector potential) {
    Descent at;
    at.gradient.resize(potential.size());
    at.potential = std::move(potential);
    at.value = rows(at.potential, at.gradient, threads);
    if (at.value < best.value) best = std::move(at);
  };
  const Vector values(eq.values.begin(), eq.values.end());
  try_out(values);
  const ShiftInterval interval = shift_interval(eq, true, threads);
  if (best.value == infinity && !interval.empty() && std::abs(interval.range.lower) < infinity &&
      std::abs(interval.range.upper) < infinity) {
    try_out(shifted(values, 0.5 * interval.range.lower + 0.5 * interval.range.upper));
  }
  if (own.size() == values.size() && std::equal(own.begin(), own.end(), values.begin(), [](double x, double y) {
        return (x == infinity) == (y == infinity);
      })) {
    try_out(own);
  }
  return best;
}

// By its certificate.
void conclude(PolicyEquivalentResult& result) {
  switch (result.certificate.holds) {
    case Verdict::yes:
      result.status = Status::converged;
      result.message = "the model, solved, has the world's optimal actions (T8)";
      break;
    case Verdict::undecided:
      result.status = Status::precision_limit;
      result.message =
          "whether the model has the world's optimal actions (T8) is undecided: " + result.certificate.reason;
      break;
    case Verdict::no:
      result.status = Status::refused;
      result.message = "the model, solved, has other optimal actions than the world: " + result.certificate.reason;
      break;
  }
}

}  // namespace

std::string PolicyEquivalentOptions::check() const {
  if (divergence != Divergence::kl && divergence != Divergence::l2) {
    return "divergence = " + std::string(to_string(divergence)) + ", required kl or l2";
  }
  if (!(advantage_fraction > 0.0 && advantage_fraction <= 1.0)) {
    return "advantage_fraction = " + std::to_string(advantage_fraction) + ", required in (0, 1]";
  }
  if (max_iterations < 0) return "max_iterations = " + std::to_string(max_iterations) + ", required >= 0";
  if (!(tolerance > 0.0 && tolerance < 1.0)) return "tolerance = " + std::to_string(tolerance) + ", required in (0, 1)";
  if (discount && !(discount->value.hi > 0.0 && discount->value.hi < 1.0)) {
    return "discount = " + std::to_string(discount->value.hi) + ", required in (0, 1)";
  }
  return support.check();
}

PolicyEquivalentResult policy_equivalent_model(const Mdp& world, const KnownValues& world_values, const Mdp& reference,
                                               const PolicyEquivalentOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, reference);
  if (options.support.mask) require_same_shape(world, *options.support.mask);
  require_certified(world, world_values, "world");
  const Discount discount = options.discount.value_or(reference.exact_discount());
  if (!(discount.value.hi > 0.0 && discount.value.hi < 1.0)) {
    throw InvalidArgument("the model's discount is " + std::to_string(discount.value.hi) + ", T8 needs it in (0, 1)");
  }
  std::optional<graph::NeighbourGraph> graph;
  if (options.support.rule == SupportRule::within) graph = graph::neighbour_graph(world);
  const int threads = options.solve.threads;

  PolicyEquivalentResult result;
  const PolicyConstraints constraints =
      constraints_of(world, world_values, options.advantage_fraction, result.n_tied_states);
  const Vector values = with_goal_values(world, world_values.values);
  const MomentEquations equations{world,
                                  values,
                                  world_values.radius(),
                                  reference,
                                  discount,
                                  options.support,
                                  graph ? &*graph : nullptr,
                                  options.divergence,
                                  nullptr,
                                  {},
                                  {},
                                  0};
  const LevelsOptions certify{.solve = options.solve, .n_policies = 0};
  Mdp own = rebuild(world, transitions_of(reference), discount);
  const LevelsResult as_it_is = check_levels(world, world_values, own, certify);
  if (as_it_is[EquivalenceLevel::same_optimal_sets].holds == Verdict::yes && allows(equations)) {
    result.certificate = as_it_is[EquivalenceLevel::same_optimal_sets];
    result.potential = as_it_is.candidate.model.values;
    result.divergence.assign(static_cast<std::size_t>(world.n_rows()), 0.0);
    result.gradient = 0.0;
    result.model = std::move(own);
    conclude(result);
    return result;
  }
  PolicyRows rows(world, reference, discount, options.support, graph ? &*graph : nullptr, options.divergence,
                  constraints);
  Descent at = start_of(rows, equations, as_it_is.candidate.model.values, threads);
  if (at.value == infinity) {
    result.status = Status::refused;
    result.message =
        "no start was found: neither V*, V* + c nor the V^* of the reference meets the conditions of T8 on the support "
        "that is allowed; another potential may";
    return result;
  }
  result.start_divergence = at.value;
  descend(rows, options, at);
  result.sum_divergence = at.value;
  result.gradient = max_norm(at.gradient);
  result.iterations = at.iterations;
  result.potential = at.potential;
  result.divergence = rows.divergence();
  result.model = rebuild(world, rows.transitions(), discount);
  const LevelsResult levels = check_levels(world, world_values, *result.model, certify);
  result.certificate = levels[EquivalenceLevel::same_optimal_sets];
  conclude(result);
  return result;
}

}  // namespace mdp::equivalence
