#include "solvers/goal_enclosure.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/residual.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/chain_steps.hpp"
#include "solvers/direct_chain.hpp"

namespace mdp::solvers {
namespace {

constexpr double inflate = 1.0 + 0x1p-40;  // roundings of a few operations on bounds
constexpr int most_rounds = 30;
constexpr int most_time_sweeps = 500;  // before BiCGSTAB takes over
constexpr std::int64_t most_products = 2000;
constexpr double longest_time = 1e15;

// A number known to within `error` of each row.
struct RowNumbers {
  Buffer<double> value;
  double error = infinity;

  [[nodiscard]] double low(Offset row) const { return value[at(row)] - spread(row); }
  [[nodiscard]] double high(Offset row) const { return value[at(row)] + spread(row); }

 private:
  [[nodiscard]] double spread(Offset row) const {
    return (error + 4.0 * unit_roundoff * std::abs(value[at(row)])) * inflate;
  }
};

RowNumbers gaps_of(const Mdp& mdp, std::span<const TwoDouble> v, const EntryUncertainty& uncertainty, int threads) {
  RowNumbers gaps;
  gaps.value.resize(at(mdp.n_rows()));
  kernels::row_gaps(mdp, v, gaps.value, threads);
  const double size = inflate * max_abs(v);
  gaps.error = bounds::round_up(kernels::row_gap_error(mdp, size) + uncertainty.of_q(size));
  return gaps;
}

// The MDP that pays nothing, with the same inadmissible rows.
Mdp costless(const Mdp& mdp) {
  Buffer<double> cost(at(mdp.n_rows()), 0.0);
  for (std::size_t row = 0; row < cost.size(); ++row) {
    if (!(mdp.cost()[row] < infinity)) cost[row] = infinity;
  }
  return mdp.with_cost(std::move(cost));
}

class GoalEncloser {
 public:
  GoalEncloser(const Mdp& mdp, std::span<const TwoDouble> v, std::span<const Action> policy,
               kernels::OrderedChain& chain, const EntryUncertainty& uncertainty, int threads,
               const std::function<bool()>& keep_going, double max_factor_bytes)
      : mdp_(mdp),
        v_(v),
        policy_(policy.begin(), policy.end()),
        chain_(chain),
        uncertainty_(uncertainty),
        threads_(threads),
        keep_going_(keep_going),
        direct_(max_factor_bytes),
        gap_(gaps_of(mdp, v, uncertainty, threads)) {}

  GoalEnclosure operator()() {
    GoalEnclosure found;
    if (scale_values(found)) return found;
    chain_.use_unit_costs(true);
    const Mdp free = costless(mdp_);
    if (time_of(policy_)) {
      find_drifts(free);
      if (const auto eps = above()) found.above = scaled(*eps);
      for (int round = 0; round < most_rounds; ++round) {
        if (const auto eps = below()) {
          found.below = scaled(*eps);
          break;
        }
        if (!lengthen() || !time_of(slow_)) break;
        find_drifts(free);
      }
    }
    chain_.use_unit_costs(false);
    return found;
  }

 private:
  // w = v, if that works on both sides.
  bool scale_values(GoalEnclosure& found) {
    for (const State s : chain_.order()) {
      if (!(v_[at(s)].hi >= 0.0)) return false;
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        if (!(mdp_.cost()[at(row)] > 0.0)) return false;
      }
    }
    w_.resize(v_.size());
    for (std::size_t s = 0; s < w_.size(); ++s) w_[s] = v_[s].hi;
    // d = c - g for w = v; w leaves out the tails of v, which moves d by twice their size.
    drift_.value.resize(gap_.value.size());
    for (std::size_t row = 0; row < gap_.value.size(); ++row) drift_.value[row] = mdp_.cost()[row] - gap_.value[row];
    drift_.error = bounds::round_up(gap_.error + 4.0 * unit_roundoff * (inflate * max_abs(v_) + mdp_.max_abs_cost()));
    const auto up = above();
    const auto down = below();
    if (!up || !down) return false;
    found.above = scaled(*up);
    found.below = scaled(*down);
    return true;
  }

  // w: the time until the goal under a policy, to within a half at each step. False if it is too long.
  bool time_of(std::span<const Action> policy) {
    constexpr double enough = 0.25;
    chain_.assign(policy);
    std::vector<double> x(chain_.size(), 0.0);
    std::vector<double> y(x.size());
    bool known = direct_.improve(chain_, x, threads_) && chain_.residual(x, y, threads_) <= enough;
    if (!known) known = sweep_chain(chain_, x, y, threads_, {most_time_sweeps, 0.0, enough, keep_going_}).enough;
    const KrylovOptions options{
        .tolerance = enough, .max_products = most_products, .threads = threads_, .keep_going = keep_going_};
    if (!known && !(improve_by_krylov(chain_, x, y, 0.0, options).residual <= 2.0 * enough)) return false;
    if (!std::all_of(x.begin(), x.end(), [](double t) { return t >= 0.0 && t < longest_time; })) return false;
    w_.assign(v_.size(), 0.0);
    chain_.scatter(x, w_, threads_);
    return true;
  }

  void find_drifts(const Mdp& free) {
    const std::vector<TwoDouble> w(w_.begin(), w_.end());
    drift_ = gaps_of(free, w, {uncertainty_.probability, 0.0}, threads_);
    for (double& d : drift_.value) d = -d;
  }

  template <class F>
  void for_rows(F&& f) const {
    for (const State s : chain_.order()) {
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        if (mdp_.cost()[at(row)] < infinity) f(s, row);
      }
    }
  }

  [[nodiscard]] std::optional<double> above() const {
    double eps = 0.0;
    for (const State s : chain_.order()) {
      const Offset row = selected_row(mdp_, policy_, s);
      const double drift = drift_.low(row);
      if (!(drift > 0.0)) return {};
      eps = std::max(eps, gap_.high(row) / drift * inflate);
    }
    return eps < infinity ? std::optional(eps) : std::nullopt;
  }

  [[nodiscard]] std::optional<double> below() {
    least_ = 0.0;
    for_rows([&](State, Offset row) {
      if (!(gap_.low(row) < 0.0)) return;
      const double drift = drift_.low(row);
      least_ = std::max(least_, drift > 0.0 ? -gap_.low(row) / drift * inflate : infinity);
    });
    if (!(least_ < infinity)) return {};
    bool holds = true;
    for_rows([&](State, Offset row) { holds = holds && !breaks(row); });
    return holds ? std::optional(least_) : std::nullopt;
  }

  // Whether  g + least_ d >= 0  is not proved.
  [[nodiscard]] bool breaks(Offset row) const {
    const double gap = gap_.low(row);
    const double drift = drift_.low(row);
    if (gap < 0.0) return !(drift > 0.0 && least_ >= -gap / drift * (1.0 + 2.0 * unit_roundoff));
    return drift < 0.0 && !(least_ * -drift * inflate <= gap);
  }

  // Where rows break the condition, the slowest of them takes over. False if there is none.
  bool lengthen() {
    if (slow_.empty()) slow_ = policy_;
    bool changed = false;
    for (const State s : chain_.order()) {
      const Offset first = mdp_.state_rows()[at(s)];
      Offset slowest = first + slow_[at(s)];
      for (Offset row = first; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        if (!(mdp_.cost()[at(row)] < infinity)) continue;
        const bool broken = least_ < infinity ? breaks(row) : gap_.low(row) < 0.0 && !(drift_.low(row) > 0.0);
        if (broken && drift_.value[at(row)] < drift_.value[at(slowest)]) slowest = row;
      }
      if (slowest == first + slow_[at(s)]) continue;
      slow_[at(s)] = static_cast<Action>(slowest - first);
      changed = true;
    }
    return changed;
  }

  [[nodiscard]] std::vector<double> scaled(double eps) const {
    std::vector<double> distance(w_.size());
    for (std::size_t s = 0; s < w_.size(); ++s) distance[s] = eps * w_[s] * inflate;
    return distance;
  }

  const Mdp& mdp_;
  std::span<const TwoDouble> v_;
  Policy policy_, slow_;
  kernels::OrderedChain& chain_;
  const EntryUncertainty& uncertainty_;
  int threads_;
  const std::function<bool()>& keep_going_;
  DirectChain direct_;
  RowNumbers gap_, drift_;
  std::vector<double> w_;
  double least_ = 0.0;
};

}  // namespace

GoalEnclosure enclose_until_goal(const Mdp& mdp, std::span<const TwoDouble> v, std::span<const Action> policy,
                                 kernels::OrderedChain& chain, const EntryUncertainty& uncertainty, int threads,
                                 const std::function<bool()>& keep_going, double max_factor_bytes) {
  return GoalEncloser(mdp, v, policy, chain, uncertainty, threads, keep_going, max_factor_bytes)();
}

}  // namespace mdp::solvers
