#include "libmdp/kernels/ordered_chain.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/stream_ahead.hpp"

namespace mdp::kernels {
namespace {

constexpr std::size_t most_parts = 4;
constexpr std::size_t states_per_part = 4096;

// Keeps NaN.
double larger(double a, double b) { return b <= a || std::isnan(a) ? a : b; }

}  // namespace

OrderedChain::OrderedChain(const Mdp& mdp, std::span<const State> order, const Discount& discount)
    : mdp_(mdp),
      discount_(discount),
      order_(order.begin(), order.end()),
      place_(at(mdp.n_states()), -1),
      policy_(at(mdp.n_states()), -1),
      begin_(order.size() + 1),
      cost_(order.size()) {
  begin_[0] = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const auto s = at(order_[i]);
    place_[s] = static_cast<State>(i);
    Offset longest = 0;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      longest = std::max(longest, mdp.row_begin()[at(row) + 1] - mdp.row_begin()[at(row)]);
    }
    begin_[i + 1] = begin_[i] + longest;
  }
  const std::size_t n_parts = std::clamp<std::size_t>(order.size() / states_per_part, 1, most_parts);
  for (std::size_t part = 0; part <= n_parts; ++part) {
    blocks_.push_back(static_cast<State>(order.size() * part / n_parts));
  }
  next_.resize(at(begin_.back()));
  weight_.assign(at(begin_.back()), 0.0);
  cost_.assign(order_.size(), infinity);  // until a row is assigned
  for (std::size_t i = 0; i < order_.size(); ++i) {
    std::fill(next_.begin() + begin_[i], next_.begin() + begin_[i + 1], static_cast<State>(i));
  }
}

State OrderedChain::assign(std::span<const Action> policy, int threads) {
  return reduce_states(
      mdp_.blocks(), threads, State{0},
      [&](State first, State last) {
        State n_changed = 0;
        for (State s = first; s < last; ++s) {
          if (policy_[at(s)] == policy[at(s)] || place_[at(s)] < 0) continue;
          const Offset row = mdp_.state_rows()[at(s)] + policy[at(s)];
          if (never_leaves(s, row)) continue;
          policy_[at(s)] = policy[at(s)];
          copy_row(at(place_[at(s)]), row);
          ++n_changed;
        }
        return n_changed;
      },
      [](State x, State y) { return x + y; });
}

bool OrderedChain::never_leaves(State s, Offset row) const {
  const Offset first = mdp_.row_begin()[at(row)];
  return !(discount_.complement.hi > 0.0) && mdp_.row_begin()[at(row) + 1] == first + 1 &&
         mdp_.next_state()[at(first)] == s;
}

void OrderedChain::copy_row(std::size_t i, Offset row) {
  Offset slot = begin_[i];
  double leaving = 0.0;
  for (Offset k = mdp_.row_begin()[at(row)]; k < mdp_.row_begin()[at(row) + 1]; ++k) {
    const State next = mdp_.next_state()[at(k)];
    const double p = mdp_.probability()[at(k)];
    leaving += next == order_[i] ? discount_.complement.hi * p : p;
    if (next == order_[i] || place_[at(next)] < 0) continue;
    next_[at(slot)] = place_[at(next)];
    weight_[at(slot++)] = discount_.value.hi * p;
  }
  for (Offset k = begin_[i]; k < slot; ++k) weight_[at(k)] /= leaving;
  for (; slot < begin_[i + 1]; ++slot) {
    next_[at(slot)] = static_cast<State>(i);
    weight_[at(slot)] = 0.0;
  }
  cost_[i] = (unit_costs_ ? 1.0 : mdp_.cost()[at(row)]) / leaving;
}

void OrderedChain::use_unit_costs(bool unit) {
  unit_costs_ = unit;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const auto s = at(order_[i]);
    if (policy_[s] >= 0) copy_row(i, mdp_.state_rows()[s] + policy_[s]);
  }
}

// The largest f(first, last) over the parts.
template <class F>
double OrderedChain::for_parts(int threads, F&& f) const {
  return reduce_states(blocks_, threads, 0.0, std::forward<F>(f), larger);
}

double OrderedChain::gauss_seidel(std::span<const double> x, std::span<double> y, int threads) const {
  return for_parts(threads, [&](State begin, State end) {
    const auto first = at(begin);
    const double* old = x.data();
    double* now = y.data();
    double largest = 0.0;
    StreamAhead ahead(weight_.data(), next_.data(), begin_[first], begin_.back());
    for (std::size_t i = first; i < at(end); ++i) {
      ahead(begin_[i + 1]);
      double sum = cost_[i];
      for (Offset k = begin_[i]; k < begin_[i + 1]; ++k) {
        const auto j = at(next_[at(k)]);
        sum += weight_[at(k)] * (j - first < i - first ? now : old)[j];
      }
      largest = larger(largest, std::abs(sum - old[i]));
      now[i] = sum;
    }
    return largest;
  });
}

double OrderedChain::residual(std::span<const double> x, std::span<double> r, int threads) const {
  return for_parts(threads, [&](State first, State last) {
    double largest = 0.0;
    StreamAhead ahead(weight_.data(), next_.data(), begin_[at(first)], begin_.back());
    for (auto i = at(first); i < at(last); ++i) {
      ahead(begin_[i + 1]);
      double sum = cost_[i] - x[i];
      for (Offset k = begin_[i]; k < begin_[i + 1]; ++k) sum += weight_[at(k)] * x[at(next_[at(k)])];
      r[i] = sum;
      largest = larger(largest, std::abs(sum));
    }
    return largest;
  });
}

void OrderedChain::row_sums(std::span<double> sum, int threads) const {
  for_states(blocks_, threads, [&](State first, State last) {
    for (auto i = at(first); i < at(last); ++i) {
      const State s = order_[i];
      const Offset row = mdp_.state_rows()[at(s)] + policy_[at(s)];
      double leaving = 0.0;
      double out = 0.0;
      for (Offset k = mdp_.row_begin()[at(row)]; k < mdp_.row_begin()[at(row) + 1]; ++k) {
        const State next = mdp_.next_state()[at(k)];
        const double p = mdp_.probability()[at(k)];
        leaving += next == s ? discount_.complement.hi * p : p;
        out += place_[at(next)] < 0 ? p : discount_.complement.hi * p;
      }
      sum[i] = out / leaving;
    }
  });
}

void OrderedChain::gather(std::span<const double> v, std::span<double> x, int threads) const {
  for_states(blocks_, threads, [&](State first, State last) {
    for (auto i = at(first); i < at(last); ++i) x[i] = v[at(order_[i])];
  });
}

void OrderedChain::scatter(std::span<const double> x, std::span<double> v, int threads) const {
  for_states(blocks_, threads, [&](State first, State last) {
    for (auto i = at(first); i < at(last); ++i) v[at(order_[i])] = x[i];
  });
}

}  // namespace mdp::kernels
