#include "equivalence/least_change.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <Eigen/SparseCholesky>
#include <fmt/format.h>

#include "equivalence/enclosed_q.hpp"
#include "equivalence/least_change_problem.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/shaped_cost.hpp"
#include "libmdp/error.hpp"
#include "solvers/linear_program.hpp"
#include "solvers/solve.hpp"

namespace mdp::equivalence {
namespace {

constexpr std::array<std::string_view, 3> words = {"l1", "l2", "linf"};

// Phi, and a y for the dual bound.
struct Candidate {
  std::vector<double> potential, dual;
  int iterations = 0;
};

// l1: t_r >= |Delta L_r|;  linf: one t for all.
Candidate by_linear_program(const LeastChangeProblem& p, const Mdp& model, ChangeNorm norm) {
  solvers::LinearProgram program;
  const auto n_states = at(model.n_states());
  for (std::size_t s = 0; s < n_states; ++s) program.add_column(0.0, -infinity, infinity);
  const int shared = norm == ChangeNorm::linf ? program.add_column(1.0, 0.0, infinity) : -1;
  std::vector<std::size_t> above(p.n()), below(p.n());
  for (std::size_t i = 0; i < p.n(); ++i) {
    const int t = shared >= 0 ? shared : program.add_column(1.0, 0.0, infinity);
    const auto side = [&](double sign) {  // sign (M Phi + b) <= t
      for (Offset k = p.begin[i]; k < p.begin[i + 1]; ++k) program.add_entry(p.column[at(k)], sign * p.value[at(k)]);
      program.add_entry(t, -1.0);
      program.end_row(-infinity, -sign * p.right[i]);
      return program.row_upper.size() - 1;
    };
    above[i] = side(1.0);
    below[i] = p.optimal[i] != 0 ? side(-1.0) : above[i];
  }
  const auto solved = solvers::solve_linear_program(program);
  Candidate found;
  found.potential.assign(solved.x.begin(), solved.x.begin() + static_cast<std::ptrdiff_t>(n_states));
  for (std::size_t i = 0; i < p.n(); ++i) {
    found.dual.push_back(-solved.dual[above[i]] + (p.optimal[i] != 0 ? solved.dual[below[i]] : 0.0));
  }
  return found;
}

// min 1/2 ||Delta L(Phi)||^2, convex and piecewise quadratic: Newton's method, each piece a weighted least-squares problem.
class LeastSquares {
 public:
  LeastSquares(const LeastChangeProblem& p, const Mdp& model) : p_(p), n_states_(at(model.n_states())) {
    takes_part_.assign(n_states_, 0);
    for (const State s : p.state) takes_part_[at(s)] = 1;
  }

  Candidate operator()(const LeastChangeOptions& options, const Mdp& model) const {
    Candidate found;
    found.potential.assign(n_states_, 0.0);
    auto change = p_.change(p_.residual(found.potential));
    double best = objective(change);
    while (found.iterations < options.max_iterations) {
      ++found.iterations;
      const Eigen::VectorXd direction = newton_direction(found.potential, change);
      const double reached = step(found.potential, direction, change, best);
      const double size = norm_of(change, ChangeNorm::l2);
      const bool stalls = !(reached < best);
      best = std::min(best, reached);
      if (stalls || size - dual_bound(p_, model, change, ChangeNorm::l2, size) <= 0.1 * options.tolerance * size) break;
    }
    found.dual = std::move(change);  // the gradient of the objective in Delta L
    return found;
  }

 private:
  static double objective(std::span<const double> change) {
    double sum = 0.0;
    for (const double x : change) sum += 0.5 * x * x;
    return sum;
  }

  // -(M_a^T M_a)^-1 M^T Delta L, a = the optimal pairs and those with Delta L > 0. States that take no part: the identity.
  [[nodiscard]] Eigen::VectorXd newton_direction(std::span<const double> potential,
                                                 std::span<const double> change) const {
    const auto residual = p_.residual(potential);
    std::vector<Eigen::Triplet<double>> entries;
    Eigen::VectorXd gradient = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(n_states_));
    for (std::size_t i = 0; i < p_.n(); ++i) {
      if (p_.optimal[i] == 0 && residual[i] <= 0.0) continue;
      for (Offset k = p_.begin[i]; k < p_.begin[i + 1]; ++k) {
        gradient[p_.column[at(k)]] += p_.value[at(k)] * change[i];
        for (Offset l = p_.begin[i]; l < p_.begin[i + 1]; ++l) {
          entries.emplace_back(p_.column[at(k)], p_.column[at(l)], p_.value[at(k)] * p_.value[at(l)]);
        }
      }
    }
    for (std::size_t s = 0; s < n_states_; ++s) {
      if (takes_part_[s] == 0) entries.emplace_back(static_cast<int>(s), static_cast<int>(s), 1.0);
    }
    Eigen::SparseMatrix<double> hessian(gradient.size(), gradient.size());
    hessian.setFromTriplets(entries.begin(), entries.end());
    const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> cholesky(hessian);
    if (cholesky.info() != Eigen::Success) return Eigen::VectorXd::Zero(gradient.size());
    return -cholesky.solve(gradient);
  }

  // The longest of 1, 1/2, 1/4, ... that lowers the objective; 0 lengths are not taken.
  double step(std::vector<double>& potential, const Eigen::VectorXd& direction, std::vector<double>& change,
              double best) const {
    for (double length = 1.0; length > 1e-10; length *= 0.5) {
      std::vector<double> trial(potential);
      for (std::size_t s = 0; s < n_states_; ++s) trial[s] += length * direction[static_cast<Eigen::Index>(s)];
      auto moved = p_.change(p_.residual(trial));
      const double reached = objective(moved);
      if (!(reached < best)) continue;
      potential = std::move(trial);
      change = std::move(moved);
      return reached;
    }
    return best;
  }

  const LeastChangeProblem& p_;
  std::size_t n_states_;
  std::vector<char> takes_part_;
};

// T4 with the Phi found: cost M Phi on optimal pairs, max(L, M Phi + margin) on the others, in twice the precision.
void set_cost(const LeastChangeProblem& p, const Mdp& model, double margin, LeastChange& result) {
  const auto residual = p.residual(result.potential);
  std::vector<TwoDouble> slack(at(model.n_rows()), infinity), phi(result.potential.begin(), result.potential.end());
  std::vector<char> kept(at(model.n_rows()), 1);
  for (std::size_t i = 0; i < p.n(); ++i) {
    slack[at(p.row[i])] = p.optimal[i] != 0 ? 0.0 : margin;
    kept[at(p.row[i])] = p.optimal[i] == 0 && residual[i] <= 0.0 ? 1 : 0;
  }
  const ShapedCost shaped = shaped_cost(model, slack, phi, phi, 1);
  Buffer<double> cost(model.cost().begin(), model.cost().end());
  Buffer<double> tail(model.cost_tail().begin(), model.cost_tail().end());
  if (tail.empty()) tail.assign(cost.size(), 0.0);
  result.change.assign(cost.size(), 0.0);
  double largest = 0.0, subtracted = 0.0;
  for (std::size_t r = 0; r < cost.size(); ++r) {
    if (slack[r].hi < infinity) subtracted = std::max(subtracted, std::abs(shaped.subtracted[r]));
    if (slack[r].hi < infinity) largest = std::max(largest, std::abs(kept[r] != 0 ? cost[r] : shaped.cost[r]));
    if (kept[r] != 0) continue;
    result.change[r] = (TwoDouble(shaped.cost[r], shaped.tail[r]) - TwoDouble(cost[r], tail[r])).hi;
    cost[r] = shaped.cost[r];
    tail[r] = shaped.tail[r];
  }
  result.condition_number = largest > 0.0 ? subtracted / largest : infinity;
  result.cost.assign(cost.begin(), cost.end());
  result.model = without_lost_goals(model.with_cost(std::move(cost), std::move(tail)));
}

// Gaps of the changed model, by solving it.
void certify(const LeastChangeProblem& p, const solvers::SolveOptions& options, LeastChange& result) {
  const auto solved = solvers::solve(*result.model, options);
  if (!(solved.value_error_bound < infinity)) return;
  const KnownValues known(solved);
  const EnclosedQ enclosed(*result.model, known);
  const double rounding = enclosed.rounding_bound();
  result.optimal_gap = {-infinity, -infinity};
  result.other_gap = {infinity, infinity};
  std::vector<QInterval> best(result.potential.size(), {infinity, infinity});
  const auto q = [&](std::size_t i) { return enclosed(p.state[i], p.row[i]); };
  for (std::size_t i = 0; i < p.n(); ++i) {
    const QInterval x = q(i);
    auto& [lower, upper] = best[at(p.state[i])];
    if (x.lower < lower) lower = x.lower;
    if (x.upper < upper) upper = x.upper;
  }
  for (std::size_t i = 0; i < p.n(); ++i) {
    const QInterval x = q(i), value = best[at(p.state[i])];
    const bounds::Interval gap{std::max(0.0, bounds::round_down((x.lower - value.upper).hi - 2.0 * rounding)),
                               bounds::round_up((x.upper - value.lower).hi + 2.0 * rounding)};
    if (p.optimal[i] != 0) {
      result.optimal_gap = {std::max(result.optimal_gap.lower, gap.lower),
                            std::max(result.optimal_gap.upper, gap.upper)};
    } else {
      result.other_gap = {std::min(result.other_gap.lower, gap.lower), std::min(result.other_gap.upper, gap.upper)};
    }
  }
}

void conclude(const LeastChangeOptions& options, double max_cost, LeastChange& result) {
  const double gap = result.size - result.size_lower;
  const bool near = gap <= options.tolerance * result.size || result.size <= options.tolerance * max_cost;
  const double slack = 1e-6 * std::max(1.0, max_cost);
  if (result.optimal_gap.lower > slack || result.other_gap.upper < options.margin - slack) {
    result.status = Status::refused;
    result.message = fmt::format(
        "solving the changed model contradicts it: an action that must be optimal is {:.3g} worse, another {:.3g}",
        result.optimal_gap.lower, result.other_gap.upper);
    return;
  }
  result.status = near ? Status::converged : Status::precision_limit;
  result.message =
      near ? "the world's optimal actions are optimal in the model, by the least change (T5)"
           : fmt::format(
                 "the world's optimal actions are optimal in the model; the least change is between {:.6g} and {:.6g}",
                 result.size_lower, result.size);
}

}  // namespace

std::string_view to_string(ChangeNorm norm) noexcept { return words[static_cast<std::size_t>(norm)]; }

ChangeNorm change_norm_from_string(std::string_view word) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<ChangeNorm>(i);
  }
  throw InvalidOption(fmt::format("norm = {}, required one of l1, l2, linf", word));
}

std::string LeastChangeOptions::check() const {
  if (!(margin >= 0.0 && margin < infinity)) return fmt::format("margin = {}, required >= 0 and finite", margin);
  if (!(tolerance > 0.0)) return fmt::format("tolerance = {}, required > 0", tolerance);
  if (max_iterations < 1) return fmt::format("max_iterations = {}, required >= 1", max_iterations);
  if (solve.level != Level::certified) return "solve.level must be certified: the model confirms the cost";
  return solve.check();
}

LeastChange least_change(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                         const LeastChangeOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  require_certified(world, world_values, "world");
  if (!(model.discount() < 1.0)) throw InvalidArgument("the model's discount is 1: T5 needs one below 1");
  const LeastChangeProblem problem = least_change_problem(world, world_values, model, options.margin);
  LeastChange result;
  if (!problem.refusal.empty()) {
    result.status = Status::refused;
    result.message = problem.refusal;
    return result;
  }
  if (problem.n() == 0) {
    result.status = Status::converged;
    result.message = "V* is infinite in every state: nothing has to be optimal";
    result.cost.assign(model.cost().begin(), model.cost().end());
    result.change.assign(result.cost.size(), 0.0);
    result.potential.assign(at(world.n_states()), infinity);
    result.size = 0.0;
    result.optimal_gap = {0.0, 0.0};
    result.other_gap = {infinity, infinity};
    result.model = model;
    return result;
  }
  const bool squares = options.norm == ChangeNorm::l2;
  Candidate found =
      squares ? LeastSquares(problem, model)(options, model) : by_linear_program(problem, model, options.norm);
  result.iterations = found.iterations;
  result.n_optimal = std::count(problem.optimal.begin(), problem.optimal.end(), 1);
  result.potential = std::move(found.potential);
  for (std::size_t s = 0; s < result.potential.size(); ++s) {
    if (world_values.values[s] == infinity) result.potential[s] = infinity;
  }
  set_cost(problem, model, options.margin, result);
  result.size = norm_of(result.change, options.norm);
  result.size_lower =
      std::min(result.size, dual_bound(problem, model, std::move(found.dual), options.norm, result.size));
  certify(problem, options.solve, result);
  conclude(options, model.max_abs_cost(), result);
  return result;
}

}  // namespace mdp::equivalence
