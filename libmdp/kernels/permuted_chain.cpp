#include "libmdp/kernels/permuted_chain.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/policy.hpp"

namespace mdp::kernels {
namespace {

// By insertion, as rows are short and nearly sorted.
void sort_row(State* index, double* value, Offset length) {
  for (Offset k = 1; k < length; ++k) {
    const State i = index[k];
    const double x = value[k];
    Offset to = k;
    for (; to > 0 && index[to - 1] > i; --to) {
      index[to] = index[to - 1];
      value[to] = value[to - 1];
    }
    index[to] = i;
    value[to] = x;
  }
}

}  // namespace

std::vector<State> order_by_value(std::span<const double> values) {
  struct Key {
    double value;
    State state;
  };
  Buffer<Key> keys(values.size());
  for (std::size_t s = 0; s < keys.size(); ++s) keys[s] = {values[s], static_cast<State>(s)};
  std::sort(keys.begin(), keys.end(),
            [](const Key& a, const Key& b) { return a.value < b.value || (a.value == b.value && a.state < b.state); });
  std::vector<State> order;
  reserve_large(order, values.size());
  order.resize(values.size());
  for (std::size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].state;
  return order;
}

PermutedChain::PermutedChain(const Mdp& mdp, std::span<const Action> policy, std::vector<State> order, int threads)
    : order_(std::move(order)), position_(order_.size()), blocks_(mdp.blocks().begin(), mdp.blocks().end()) {
  for (std::size_t i = 0; i < order_.size(); ++i) position_[order_[i]] = static_cast<State>(i);
  assign(mdp, policy, threads);
}

void PermutedChain::assign(const Mdp& mdp, std::span<const Action> policy, int threads) {
  const auto n = order_.size();
  begin_.resize(n + 1);
  begin_[0] = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Offset row = selected_row(mdp, policy, order_[i]);
    begin_[i + 1] = begin_[i] + mdp.row_begin()[row + 1] - mdp.row_begin()[row];
  }
  index_.resize(static_cast<std::size_t>(begin_[n]));
  value_.resize(static_cast<std::size_t>(begin_[n]));
  for_states(blocks_, threads, [&](State first, State last) {
    for (State i = first; i < last; ++i) {
      Offset to = begin_[i];
      const Offset row = selected_row(mdp, policy, order_[i]);
      for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k, ++to) {
        index_[to] = position_[mdp.next_state()[k]];
        value_[to] = mdp.probability()[k];
      }
      sort_row(index_.data() + begin_[i], value_.data() + begin_[i], begin_[i + 1] - begin_[i]);
    }
  });
}

void IncompleteLu::factorise(const CompressedRows& m, double discount, std::span<const double> row_sum) {
  m_ = m;
  const auto n = static_cast<std::size_t>(m.size());
  factor_.resize(m.value.size());
  diagonal_.resize(n);
  right_.resize(n);
  inverse_.resize(n);
  std::vector<double> sum(row_sum.begin(), row_sum.end());
  std::vector<Offset> place(n, -1);
  for (State i = 0; i < m.size(); ++i) eliminate(i, discount, sum, place);
}

// Row i of the factors, from those before it. place[j] is where column j is stored in row i.
void IncompleteLu::eliminate(State i, double discount, std::span<double> row_sum, std::vector<Offset>& place) {
  const Offset begin = m_.begin[i];
  const Offset end = m_.begin[i + 1];
  for (Offset k = begin; k < end; ++k) {
    factor_[k] = discount * m_.value[k];
    place[m_.index[k]] = k;
  }
  Offset k = begin;
  for (; k < end && m_.index[k] < i; ++k) {
    const State t = m_.index[k];
    const double l = factor_[k] * inverse_[t];
    factor_[k] = l;
    row_sum[i] += l * row_sum[t];
    for (Offset q = right_[t]; q < m_.begin[t + 1]; ++q) {
      const Offset to = place[m_.index[q]];
      if (to >= 0) factor_[to] += l * factor_[q];  // on the diagonal or outside the pattern: in the pivot by row_sum
    }
  }
  diagonal_[i] = k;
  if (k < end && m_.index[k] == i) ++k;
  right_[i] = k;
  double pivot = row_sum[i];
  for (Offset q = k; q < end; ++q) pivot += factor_[q];
  inverse_[i] = pivot > 0.0 ? 1.0 / pivot : 1.0;
  for (Offset q = begin; q < end; ++q) place[m_.index[q]] = -1;
}

void IncompleteLu::solve(std::span<const double> r, std::span<double> z) const {
  const State n = m_.size();
  for (State i = 0; i < n; ++i) {
    double sum = r[i];
    for (Offset k = m_.begin[i]; k < diagonal_[i]; ++k) sum += factor_[k] * z[m_.index[k]];
    z[i] = sum;
  }
  for (State i = n - 1; i >= 0; --i) {
    double sum = z[i];
    for (Offset k = right_[i]; k < m_.begin[i + 1]; ++k) sum += factor_[k] * z[m_.index[k]];
    z[i] = sum * inverse_[i];
  }
}

}  // namespace mdp::kernels
