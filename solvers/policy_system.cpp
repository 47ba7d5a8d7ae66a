#include "solvers/policy_system.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/krylov.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {
namespace {

void require_valid_arguments(const Mdp& mdp, const LinearOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (!(mdp.exact_discount().complement.hi > 0.0)) throw InvalidArgument("discount = 1, required < 1");
}

// The probabilities of each state divided by their sum.
StochasticPolicy normalised(const Mdp& mdp, std::span<const double> policy) {
  StochasticPolicy result(policy.begin(), policy.end());
  for (State s = 0; s < mdp.n_states(); ++s) {
    double sum = 0.0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) sum += policy[row];
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) result[row] /= sum;
  }
  return result;
}

Offset most_actions(const Mdp& mdp) {
  Offset most = 0;
  for (State s = 0; s < mdp.n_states(); ++s) most = std::max(most, mdp.n_actions(s));
  return most;
}

// Relative error of the entries of P averaged over actions, `rounding` that of the average.
double averaged_error(const Mdp& mdp, double rounding) {
  return mdp.entry_error().probability + rounding * (1.0 + mdp.entry_error().probability);
}

bool takes_lu(const kernels::PolicyChain& chain, const LinearOptions& options) {
  return options.solver == LinearSolver::sparse_lu ||
         (options.solver == LinearSolver::automatic && judge_sparse_lu(chain).cheap);
}

// Nearest to absorption first: Gauss–Seidel, which Krylov methods are preconditioned with, then follows the way there
// backwards. `chain` has its transpose; absorbing states have no transitions.
struct Order {
  std::vector<State> states;
  int depth = 0;        // most steps that the shortest way to absorption takes
  bool absorbs = true;  // there is one from every state; if not, the system is singular
};

Order nearest_first(const kernels::PolicyChain& chain) {
  const auto n = static_cast<std::size_t>(chain.n_states());
  const kernels::CompressedRows from = chain.columns();
  Order order;
  order.states.reserve(n);
  std::vector<char> placed(n, 0);
  const auto place = [&](State s) {
    if (placed[s] != 0) return;
    placed[s] = 1;
    order.states.push_back(s);
  };
  for (State s = 0; s < chain.n_states(); ++s) {
    if (chain.row_begin()[s] == chain.row_begin()[s + 1]) place(s);
  }
  std::size_t level_end = order.states.size();
  for (std::size_t i = 0; i < order.states.size(); ++i) {
    if (i == level_end) {
      ++order.depth;
      level_end = order.states.size();
    }
    const State s = order.states[i];
    for (Offset k = from.begin[s]; k < from.begin[s + 1]; ++k) place(from.index[k]);
  }
  order.absorbs = order.states.size() == n;
  for (State s = 0; s < chain.n_states(); ++s) place(s);
  return order;
}

// A matrix whose row and column order[i] are number i here.
class Renumbered {
 public:
  Renumbered(const kernels::CompressedRows& m, std::span<const State> order) : blocks_(m.blocks) {
    std::vector<State> place(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<State>(i);
    begin_.push_back(0);
    std::vector<std::pair<State, double>> row;
    for (const State s : order) {
      row.clear();
      for (Offset k = m.begin[s]; k < m.begin[s + 1]; ++k) row.emplace_back(place[m.index[k]], m.value[k]);
      std::sort(row.begin(), row.end());
      for (const auto& [next, value] : row) {
        index_.push_back(next);
        value_.push_back(value);
      }
      begin_.push_back(static_cast<Offset>(index_.size()));
    }
  }
  [[nodiscard]] kernels::CompressedRows rows() const { return {begin_, index_, value_, blocks_}; }

 private:
  std::vector<Offset> begin_;
  std::vector<State> index_;
  std::vector<double> value_;
  std::span<const State> blocks_;
};

}  // namespace

std::string LinearOptions::check() const {
  if (!(tolerance >= 0.0 && tolerance < 1.0))
    return fmt::format("tolerance = {}, required 0 <= tolerance < 1", tolerance);
  if (max_iterations < 1) return fmt::format("max_iterations = {}, required >= 1", max_iterations);
  if (threads < 0) return fmt::format("threads = {}, required >= 0 (0 = all)", threads);
  return {};
}

struct PolicySystem::Impl {
  kernels::PolicyChain chain;
  Discount discount;
  LinearOptions options;
  double entry_error;  // relative, of the entries of P against those meant
  std::optional<SparseLu> lu;
  double steps_to_absorption = infinity;  // N, at discount 1
  // Until absorption, iteratively: right-hand sides and solutions are renumbered on the way in and out.
  Order order;
  std::optional<Renumbered> rows, columns;

  Impl(kernels::PolicyChain packed, const Discount& gamma, const LinearOptions& linear, double error)
      : chain(std::move(packed)), discount(gamma), options(linear), entry_error(error) {
    const bool use_lu = takes_lu(chain, options);
    chain.transpose();
    const bool discounted = discount.complement.hi > 0.0;
    if (!discounted) order = nearest_first(chain);
    if (use_lu && order.absorbs) lu.emplace(chain, discount);
    if (discounted) return;
    if (!lu) {
      rows.emplace(chain.rows(), order.states);
      columns.emplace(chain.columns(), order.states);
    }
    if (order.absorbs) steps_to_absorption = bound_steps();
  }

  // max w/d of (I - P) w >= d > 0 for the P meant, w near the expected number of steps; infinity if that proves nothing.
  [[nodiscard]] double bound_steps() const {
    const auto n = static_cast<std::size_t>(chain.n_states());
    const std::vector<double> w = solve(std::vector<double>(n, 1.0), false).x;
    std::vector<double> next(n);
    chain.multiply(w, next, options.threads);
    const double relative = bounds::rounding(longest_row(false) + 5) + 2.0 * entry_error;
    double least = infinity;
    double largest = 0.0;
    for (std::size_t s = 0; s < n; ++s) {
      if (!(w[s] >= 0.0)) return infinity;
      least = std::min(least, w[s] - next[s] - relative * (w[s] + next[s]));
      largest = std::max(largest, w[s]);
    }
    return least > 0.0 ? bounds::round_up(largest / least) : infinity;
  }

  [[nodiscard]] double error_of(double residual_norm) const {
    if (discount.complement.hi > 0.0) return bounds::value_error(residual_norm, discount);
    if (residual_norm == 0.0) return 0.0;
    return residual_norm < infinity ? bounds::round_up(residual_norm * steps_to_absorption) : infinity;  // NaN, too
  }

  [[nodiscard]] Offset longest_row(bool transposed) const {
    Offset longest = 0;
    const auto m = matrix(transposed);
    for (State i = 0; i < m.size(); ++i) longest = std::max(longest, m.begin[i + 1] - m.begin[i]);
    return longest;
  }

  [[nodiscard]] double norm(std::span<const double> x, bool transposed) const {
    return transposed ? kernels::sum_norm(chain.blocks(), x, options.threads)
                      : kernels::max_norm(chain.blocks(), x, options.threads);
  }
  [[nodiscard]] kernels::CompressedRows matrix(bool transposed) const {
    if (rows) return transposed ? columns->rows() : rows->rows();
    return transposed ? chain.columns() : chain.rows();
  }

  void require_right_side(std::span<const double> b) const {
    if (b.size() != static_cast<std::size_t>(chain.n_states())) {
      throw InvalidArgument(
          fmt::format("right-hand side has {} entries, required n_states = {}", b.size(), chain.n_states()));
    }
    const auto bad = std::find_if(b.begin(), b.end(), [](double x) { return !std::isfinite(x); });
    if (bad != b.end())
      throw InvalidArgument(fmt::format("right-hand side[{}] = {}, required finite", bad - b.begin(), *bad));
  }

  // Direct solution and refinement by the residual in doubles while that halves it.
  void solve_directly(std::span<const double> b, LinearSolution& solution, bool transposed) const {
    std::vector<double> residual(b.begin(), b.end());
    std::vector<double> kept = solution.x;
    double before = infinity;
    for (;;) {
      const double now = norm(residual, transposed);
      if (!(now < 0.5 * before)) {
        if (!(now < before)) solution.x = kept;
        return;
      }
      before = now;
      if (now == 0.0 || !std::isfinite(now)) return;
      kept = solution.x;
      if (transposed)
        lu->solve_transposed(residual);
      else
        lu->solve(residual);
      for (std::size_t i = 0; i < residual.size(); ++i) solution.x[i] += residual[i];
      subtract_product(b, solution.x, residual, transposed);
      ++solution.iterations;
    }
  }

  // Gauss–Seidel sweeps, there and back, from x = 0. What is far from absorption has to travel there before a norm of the
  // residual falls: Krylov methods would restart, and give up. At most as many sweeps as there are steps.
  std::int64_t sweep_towards_absorption(std::span<const double> b, std::vector<double>& x, bool transposed,
                                        double tolerance) const {
    constexpr int n_parts = 8;
    constexpr int patience = 20;  // sweeps that do not halve the least norm, once it has fallen
    std::vector<double> residual(b.begin(), b.end());
    const double start = norm(residual, transposed);
    double least = start;
    int idle = 0;
    std::int64_t sweeps = 0;
    for (double now = start; sweeps < order.depth + 2 * patience && now > tolerance && idle < patience; ++sweeps) {
      kernels::symmetric_gauss_seidel(matrix(transposed), 1.0, n_parts, residual, residual, options.threads);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += residual[i];
      subtract_product(b, x, residual, transposed);
      now = norm(residual, transposed);
      idle = now < 0.5 * least || least > 1e-6 * start ? 0 : idle + 1;
      least = std::min(least, now);
    }
    return sweeps;
  }

  // r = b - A x.
  void subtract_product(std::span<const double> b, std::span<const double> x, std::span<double> r,
                        bool transposed) const {
    kernels::apply_system(matrix(transposed), discount.value.hi, x, r, options.threads);
    for (std::size_t i = 0; i < b.size(); ++i) r[i] = b[i] - r[i];
  }

  // N ||r||, r that of the MDP meant: per entry of b - (x - gamma M x), n + 3 roundings of |b| + |x| +
  // gamma M |x|, and the entries' own errors; rows of M or M^T sum to at most 1, so the norms add up to ||b|| + 2 ||x||.
  [[nodiscard]] double error_bound(double residual, std::span<const double> b, std::span<const double> x,
                                   bool transposed) const {
    const Offset longest = longest_row(transposed);
    const auto n = static_cast<Offset>(b.size());
    const double size = norm(b, transposed) + 2.0 * norm(x, transposed);
    const double relative = bounds::rounding(longest + 5) + entry_error + 2.0 * unit_roundoff;
    // A norm of n terms is itself summed with n roundings.
    const double inflate = 1.0 + bounds::rounding(2 * n + 64) + 4.0 * relative;
    const double underflow = 0x1p-1070 * static_cast<double>(longest + 4) * (transposed ? static_cast<double>(n) : 1.0);
    return error_of(bounds::round_up((residual + relative * size) * inflate + underflow));
  }

  [[nodiscard]] LinearSolution solve(std::span<const double> b, bool transposed) const {
    require_right_side(b);
    if (!rows) return solve_as_numbered(b, transposed);
    std::vector<double> renumbered(b.size());
    for (std::size_t i = 0; i < b.size(); ++i) renumbered[i] = b[order.states[i]];
    LinearSolution solution = solve_as_numbered(renumbered, transposed);
    for (std::size_t i = 0; i < b.size(); ++i) renumbered[order.states[i]] = solution.x[i];
    solution.x = std::move(renumbered);
    return solution;
  }

  [[nodiscard]] LinearSolution solve_as_numbered(std::span<const double> b, bool transposed) const {
    LinearSolution solution;
    solution.x.assign(b.size(), 0.0);
    if (lu) {
      solve_directly(b, solution, transposed);
    } else {
      KrylovOptions krylov;
      krylov.norm = transposed ? Norm::sum : Norm::max;
      krylov.tolerance = options.tolerance * norm(b, transposed);
      krylov.max_products = options.max_iterations;
      krylov.threads = options.threads;
      if (rows) solution.iterations = sweep_towards_absorption(b, solution.x, transposed, krylov.tolerance);
      solution.iterations += improve_solution(matrix(transposed), discount.value.hi, b, solution.x, krylov).products;
    }
    std::vector<double> residual(b.size());
    subtract_product(b, solution.x, residual, transposed);
    solution.residual = norm(residual, transposed);
    solution.error_bound = error_bound(solution.residual, b, solution.x, transposed);
    return solution;
  }
};

PolicySystem::PolicySystem(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PolicySystem::PolicySystem(const Mdp& mdp, std::span<const Action> policy, const LinearOptions& options) {
  require_valid_arguments(mdp, options);
  require_valid(mdp, policy);
  impl_ = std::make_unique<Impl>(kernels::PolicyChain(mdp, policy, options.threads), mdp.exact_discount(), options,
                                 mdp.entry_error().probability);
}

PolicySystem::PolicySystem(const Mdp& mdp, std::span<const double> stochastic_policy, const LinearOptions& options) {
  require_valid_arguments(mdp, options);
  require_valid(mdp, stochastic_policy);
  const auto policy = normalised(mdp, stochastic_policy);
  impl_ = std::make_unique<Impl>(kernels::PolicyChain(mdp, policy, options.threads), mdp.exact_discount(), options,
                                 averaged_error(mdp, bounds::rounding(2 * most_actions(mdp) + 4)));
}

PolicySystem PolicySystem::until_absorption(const Mdp& mdp, std::span<const double> row_weights,
                                            const LinearOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  return PolicySystem(std::make_unique<Impl>(kernels::PolicyChain(mdp, row_weights, options.threads), Discount(1.0),
                                             options, averaged_error(mdp, bounds::rounding(most_actions(mdp) + 1))));
}

PolicySystem::~PolicySystem() = default;
PolicySystem::PolicySystem(PolicySystem&&) noexcept = default;
PolicySystem& PolicySystem::operator=(PolicySystem&&) noexcept = default;

State PolicySystem::n_states() const noexcept { return impl_->chain.n_states(); }

std::string PolicySystem::method() const { return impl_->lu ? "sparse LU" : "BiCGSTAB"; }

LinearSolution PolicySystem::solve(std::span<const double> b) const { return impl_->solve(b, false); }

LinearSolution PolicySystem::solve_transposed(std::span<const double> b) const { return impl_->solve(b, true); }

double PolicySystem::error_of(double residual_norm) const { return impl_->error_of(residual_norm); }

void PolicySystem::multiply(std::span<const double> x, std::span<double> y) const {
  impl_->chain.multiply(x, y, impl_->options.threads);
}

void PolicySystem::multiply_transposed(std::span<const double> x, std::span<double> y) const {
  impl_->chain.multiply_transposed(x, y, impl_->options.threads);
}

}  // namespace mdp::solvers
