#include "solvers/direct_chain.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace mdp::solvers {
namespace {

// Operations of factors that are cheap: those of a chain of length l and width w, l >= 10 w, which are 4 w^2 a state.
double cheap_flops(double n) { return std::min(1e10, 0.4 * n * n); }

// Whether the profile can be that narrow: what rows reach back, on average.
bool is_short(const kernels::CompressedRows& rows) {
  const double n = rows.size();
  const double most = n * std::sqrt(2.0 * cheap_flops(n) / n);
  double sum = 0.0;
  for (State i = 0; i < rows.size() && sum <= most; ++i) {
    const auto row = rows.index.subspan(static_cast<std::size_t>(rows.begin[i]),
                                        static_cast<std::size_t>(rows.begin[i + 1] - rows.begin[i]));
    if (row.empty()) continue;
    const auto [low, high] = std::minmax_element(row.begin(), row.end());
    sum += std::max(*high, i) - std::min(*low, i);
  }
  return sum <= most;
}

}  // namespace

bool DirectChain::improve(const kernels::OrderedChain& chain, std::vector<double>& x, int threads) {
  const auto rows = chain.rows();
  if (!(max_bytes_ > 0.0) || !is_short(rows)) return false;
  if (!lu_ || lu_->order().size() != chain.size()) {
    std::vector<State> order(chain.size());
    std::iota(order.begin(), order.end(), 0);
    lu_.emplace(std::move(order));
  }
  const auto work = lu_->plan(rows, threads);
  if (work.flops > cheap_flops(rows.size()) || work.bytes() > max_bytes_) return false;
  std::vector<double> sum(chain.size());
  chain.row_sums(sum, threads);
  lu_->factorise(rows, 1.0, sum, threads);
  std::vector<double> step(chain.size());
  const double before = chain.residual(x, step, threads);
  lu_->solve(step, threads);
  std::vector<double> better(x);
  for (std::size_t i = 0; i < x.size(); ++i) better[i] += step[i];
  const double after = chain.residual(better, step, threads);
  if (!(after <= before)) return false;
  x.swap(better);
  return true;
}

}  // namespace mdp::solvers
