#include "equivalence/bisimulation_metric.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/transport.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

// One application of the operator, pair by pair.
class Operator {
 public:
  explicit Operator(const Mdp& mdp) : mdp_(mdp), n_(static_cast<std::size_t>(mdp.n_states())) {}

  [[nodiscard]] double operator()(State s, State t, const std::vector<double>& d) const {
    if (mdp_.n_actions(s) != mdp_.n_actions(t)) return infinity;
    double largest = 0.0;
    for (Offset a = 0; a < mdp_.n_actions(s); ++a) {
      const auto x = static_cast<std::size_t>(mdp_.state_rows()[static_cast<std::size_t>(s)] + a);
      const auto y = static_cast<std::size_t>(mdp_.state_rows()[static_cast<std::size_t>(t)] + a);
      const double cx = mdp_.cost()[x], cy = mdp_.cost()[y];
      if (cx == infinity && cy == infinity) continue;
      if (cx == infinity || cy == infinity) return infinity;
      const double moved = mdp_.discount() > 0.0 ? mdp_.discount() * wasserstein(x, y, d) : 0.0;
      largest = std::max(largest, std::abs(cx - cy) + moved);
    }
    return largest;
  }

 private:
  [[nodiscard]] double wasserstein(std::size_t x, std::size_t y, const std::vector<double>& d) const {
    const auto begin = [&](std::size_t row) { return static_cast<std::size_t>(mdp_.row_begin()[row]); };
    const auto size = [&](std::size_t row) { return begin(row + 1) - begin(row); };
    const auto p = mdp_.probability();
    const auto next = mdp_.next_state();
    return transport_cost(
        p.subspan(begin(x), size(x)), p.subspan(begin(y), size(y)), [&](std::size_t i, std::size_t j) {
          return d[static_cast<std::size_t>(next[begin(x) + i]) * n_ + static_cast<std::size_t>(next[begin(y) + j])];
        });
  }

  const Mdp& mdp_;
  std::size_t n_;
};

}  // namespace

std::string MetricOptions::check() const {
  if (!(tolerance > 0.0)) return fmt::format("tolerance = {}, required > 0", tolerance);
  if (max_iterations < 1) return fmt::format("max_iterations = {}, required >= 1", max_iterations);
  if (max_states < 1) return fmt::format("max_states = {}, required >= 1", max_states);
  if (threads < 0) return fmt::format("threads = {}, required >= 0 (0 = all)", threads);
  return {};
}

BisimulationMetric bisimulation_metric(const Mdp& mdp, const MetricOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (mdp.n_states() > options.max_states) {
    throw InvalidArgument(
        fmt::format("bisimulation metric: {} states, at most {}", mdp.n_states(), options.max_states));
  }
  if (!(mdp.discount() < 1.0)) throw InvalidArgument("bisimulation metric: the discount must be below 1");
  const auto n = static_cast<std::size_t>(mdp.n_states());
  const Operator step(mdp);
  BisimulationMetric result;
  result.distance.assign(n * n, 0.0);
  std::vector<double> next(n * n, 0.0);
  for (std::int64_t k = 1; k <= options.max_iterations; ++k) {
    kernels::parallel_blocks(static_cast<std::ptrdiff_t>(n), options.threads, [&](std::ptrdiff_t row) {
      const auto s = static_cast<std::size_t>(row);
      for (std::size_t t = 0; t < s; ++t) {
        next[s * n + t] = next[t * n + s] = step(static_cast<State>(s), static_cast<State>(t), result.distance);
      }
    });
    double change = 0.0;
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (next[i] != result.distance[i])
        change = std::max(change, next[i] < infinity ? next[i] - result.distance[i] : 0.0);
      // A distance that became infinite spreads: not the end yet.
      if (next[i] == infinity && result.distance[i] < infinity) change = infinity;
    }
    std::swap(result.distance, next);
    result.iterations = k;
    // |d_k - d| <= gamma |d_k - d_{k-1}| / (1 - gamma).
    result.error_bound = change < infinity ? bounds::value_error(bounds::round_up(mdp.discount() * std::abs(change)),
                                                                 mdp.exact_discount())
                                           : infinity;
    if (result.error_bound <= options.tolerance) {
      result.status = Status::converged;
      result.message = fmt::format("settled after {} iterations", k);
      return result;
    }
  }
  result.status = Status::sweep_limit;
  result.message = fmt::format("not settled after {} iterations", options.max_iterations);
  return result;
}

}  // namespace mdp::equivalence
