#include "estimators/moments.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "estimators/finite_costs.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

/// The backward recursion for some directions and some pairs of them. A state's record is
///     m1, m2, g_1 … g_m, c_1 … c_m, C_1 … C_p  (one C per pair).
class Recursion {
 public:
  Recursion(const Mdp& mdp, std::span<const double> policy, std::span<const double> baseline,
            std::span<const LogitDirection> directions, bool all_pairs)
      : mdp_(mdp), policy_(policy), baseline_(baseline), m_(directions.size()) {
    for (std::size_t i = 0; i < m_; ++i) {
      for (std::size_t j = i; j < (all_pairs ? m_ : i + 1); ++j) pairs_.emplace_back(i, j);
    }
    width_ = 2 + 2 * m_ + pairs_.size();
    fill_scores(directions);
  }

  /// The record averaged over the initial distribution, after `horizon` stages.
  [[nodiscard]] std::vector<double> run(std::int64_t horizon, int threads) const {
    std::vector<double> next(at(mdp_.n_states()) * width_, 0.0);
    std::vector<double> now(next.size());
    for (std::int64_t t = 0; t < horizon; ++t) {
      kernels::for_states(mdp_.blocks(), threads, [&](State first, State last) {
        std::vector<double> expectation(width_);
        for (State s = first; s < last; ++s) step(s, next.data(), expectation.data(), now.data() + at(s) * width_);
      });
      now.swap(next);
    }
    std::vector<double> root(width_, 0.0);
    for (State s = 0; s < mdp_.n_states(); ++s) {
      const double p = mdp_.initial()[at(s)];
      if (p == 0.0) continue;
      for (std::size_t j = 0; j < width_; ++j) root[j] += p * next[at(s) * width_ + j];
    }
    return root;
  }

  [[nodiscard]] const std::vector<std::pair<std::size_t, std::size_t>>& pairs() const { return pairs_; }

 private:
  /// u^T sigma(s, a) = u(s, a) - sum_a' pi(a'|s) u(s, a').
  void fill_scores(std::span<const LogitDirection> directions) {
    score_.assign(at(mdp_.n_rows()) * m_, 0.0);
    for (std::size_t i = 0; i < m_; ++i) {
      for (std::size_t k = 0; k < directions[i].row.size(); ++k) {
        const Offset row = directions[i].row[k];
        const State s = mdp_.state_of(row);
        const double weight = directions[i].weight[k];
        score_[at(row) * m_ + i] += weight;
        for (Offset r = mdp_.state_rows()[at(s)]; r < mdp_.state_rows()[at(s) + 1]; ++r) {
          score_[at(r) * m_ + i] -= policy_[at(row)] * weight;
        }
      }
    }
  }

  /// One state of X2: `next` holds the records of stage t+1, `out` is written, e is scratch for P times a record.
  void step(State s, const double* next, double* e, double* out) const {
    std::fill(out, out + width_, 0.0);
    const double b = baseline_.empty() ? 0.0 : baseline_[at(s)];
    const double gamma = mdp_.discount();
    for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
      const double pi = policy_[at(row)];
      if (pi == 0.0) continue;
      kernels::row_expectation(mdp_, row, next, width_, e);
      const double cost = mdp_.cost()[at(row)];
      const double q = cost + gamma * e[0];
      const double q2 = cost * cost + 2.0 * gamma * cost * e[0] + gamma * gamma * e[1];
      const double* sigma = score_.data() + at(row) * m_;
      const double* pg = e + 2;
      const double* pc = pg + m_;
      const double* p_second = pc + m_;
      double* g = out + 2;
      double* c = g + m_;
      double* second = c + m_;
      out[0] += pi * q;
      out[1] += pi * q2;
      for (std::size_t i = 0; i < m_; ++i) {
        g[i] += pi * (sigma[i] * (q - b) + gamma * pg[i]);
        c[i] += pi * (sigma[i] * (q2 - b * q) + gamma * cost * pg[i] + gamma * gamma * pc[i]);
      }
      const double centred_square = q2 - 2.0 * b * q + b * b;
      const auto x = [&](std::size_t i, std::size_t j) {
        return gamma * sigma[i] * ((cost - b) * pg[j] + gamma * pc[j]);
      };
      for (std::size_t k = 0; k < pairs_.size(); ++k) {
        const auto [i, j] = pairs_[k];
        second[k] += pi * (sigma[i] * sigma[j] * centred_square + x(i, j) + x(j, i) + gamma * gamma * p_second[k]);
      }
    }
  }

  const Mdp& mdp_;
  std::span<const double> policy_, baseline_;
  std::size_t m_;
  std::size_t width_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;
  std::vector<double> score_;  // [n_rows * m] u_i^T sigma
};

/// Writes the moments of directions first … first+m-1 from the averaged record of their recursion.
void store(const std::vector<double>& root, const Recursion& recursion, std::size_t first, std::size_t m,
           GradientMoments& result) {
  const double* g = root.data() + 2;
  const double* c = g + m;
  const double* second = c + m;
  const std::size_t n = result.mean.size();
  for (std::size_t i = 0; i < m; ++i) {
    result.mean[first + i] = g[i];
    result.covariance_with_return[first + i] = c[i] - root[0] * g[i];
  }
  for (std::size_t k = 0; k < recursion.pairs().size(); ++k) {
    const auto [i, j] = recursion.pairs()[k];
    const double covariance = second[k] - g[i] * g[j];
    if (i == j) result.variance[first + i] = std::max(0.0, covariance);
    if (result.covariance.empty()) continue;
    result.covariance[(first + i) * n + first + j] = covariance;
    result.covariance[(first + j) * n + first + i] = covariance;
  }
  if (first == 0) {
    result.return_mean = root[0];
    result.return_variance = std::max(0.0, root[1] - root[0] * root[0]);
  }
}

void check_directions(const Mdp& mdp, std::span<const LogitDirection> directions) {
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const std::string place = "direction " + std::to_string(i);
    if (directions[i].row.size() != directions[i].weight.size()) {
      throw InvalidArgument(place + " has " + std::to_string(directions[i].row.size()) + " rows and " +
                            std::to_string(directions[i].weight.size()) + " weights");
    }
    for (const Offset row : directions[i].row) {
      if (row < 0 || row >= mdp.n_rows()) {
        throw InvalidArgument(place + " names row " + std::to_string(row) +
                              ", required 0 <= row < n_rows = " + std::to_string(mdp.n_rows()));
      }
    }
  }
}

}  // namespace

std::vector<LogitDirection> logit_axes(std::span<const Offset> rows) {
  std::vector<LogitDirection> axes;
  for (const Offset row : rows) axes.push_back({{row}, {1.0}});
  return axes;
}

std::string MomentsOptions::check() const {
  return horizon < 1 ? "horizon = " + std::to_string(horizon) + ", required >= 1" : "";
}

GradientMoments score_gradient_moments(const Mdp& mdp, std::span<const double> stochastic_policy,
                                       std::span<const LogitDirection> directions, const MomentsOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) {
    throw InvalidOption("score_gradient_moments: " + broken);
  }
  require_finite_return(mdp, stochastic_policy);
  require_valid_baseline(mdp, options.baseline);
  check_directions(mdp, directions);

  const std::size_t m = directions.size();
  GradientMoments result;
  result.horizon = options.horizon;
  result.mean.resize(m);
  result.variance.resize(m);
  result.covariance_with_return.resize(m);
  if (options.covariance) result.covariance.resize(m * m);

  constexpr std::size_t group_size = 8;  // a record of 26 doubles
  const std::size_t group = options.covariance ? std::max<std::size_t>(m, 1) : group_size;
  const std::size_t n_groups = std::max<std::size_t>(1, (m + group - 1) / group);
  const int inner_threads = n_groups > 1 ? 1 : options.threads;
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(n_groups), options.threads, [&](std::ptrdiff_t block) {
    const std::size_t first = static_cast<std::size_t>(block) * group;
    const auto mine = directions.subspan(first, std::min(group, m - first));
    const Recursion recursion(mdp, stochastic_policy, options.baseline, mine, options.covariance);
    store(recursion.run(options.horizon, inner_threads), recursion, first, mine.size(), result);
  });
  return result;
}

}  // namespace mdp::estimators
