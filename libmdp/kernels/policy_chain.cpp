#include "libmdp/kernels/policy_chain.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "libmdp/kernels/stream_ahead.hpp"
#include "libmdp/policy.hpp"

namespace mdp::kernels {
namespace {

// The rows of one state averaged by the policy: successors ascending, duplicates added up.
void mix_rows(const Mdp& mdp, std::span<const double> weight, State s, std::vector<std::pair<State, double>>& mixed) {
  mixed.clear();
  for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
    if (weight[row] == 0.0) continue;
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      mixed.emplace_back(mdp.next_state()[k], weight[row] * mdp.probability()[k]);
    }
  }
  std::stable_sort(mixed.begin(), mixed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t n = 0;
  for (const auto& entry : mixed) {
    if (n > 0 && mixed[n - 1].first == entry.first) {
      mixed[n - 1].second += entry.second;
    } else {
      mixed[n++] = entry;
    }
  }
  mixed.resize(n);
}

double mean_cost(const Mdp& mdp, std::span<const double> weight, State s) {
  double cost = 0.0;
  for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
    if (weight[row] > 0.0) cost += weight[row] * mdp.cost()[row];
  }
  return cost;
}

}  // namespace

PolicyChain::PolicyChain(const Mdp& mdp, std::span<const Action> policy, int threads)
    : blocks_(mdp.blocks().begin(), mdp.blocks().end()), longest_(mdp.max_row_length()) {
  assign(mdp, policy, threads);
}

void PolicyChain::assign(const Mdp& mdp, std::span<const Action> policy, int threads) {
  if (copied_.size() != policy.size() || !replace_rows(mdp, policy, threads)) copy_rows(mdp, policy, threads);
  copied_.resize(policy.size());
  cost_.resize(policy.size());
  for_states(blocks_, threads, [&](State first, State last) {
    std::copy(policy.begin() + first, policy.begin() + last, copied_.begin() + first);
    for (State s = first; s < last; ++s) cost_[s] = mdp.cost()[selected_row(mdp, policy, s)];
  });
  column_begin_ = {};
}

// Only the rows of states with another action; false, and rows of both, if one of them has another length.
bool PolicyChain::replace_rows(const Mdp& mdp, std::span<const Action> policy, int threads) {
  return reduce_states(
      blocks_, threads, true,
      [&](State first, State last) {
        for (State s = first; s < last; ++s) {
          if (policy[s] == copied_[s]) continue;
          const Offset row = selected_row(mdp, policy, s);
          if (mdp.row_begin()[row + 1] - mdp.row_begin()[row] != row_begin_[s + 1] - row_begin_[s]) return false;
          copy_row(mdp, row, s);
        }
        return true;
      },
      [](bool x, bool y) { return x && y; });
}

void PolicyChain::copy_rows(const Mdp& mdp, std::span<const Action> policy, int threads) {
  const auto n = policy.size();
  row_begin_.resize(n + 1);
  row_begin_[0] = 0;
  // Row lengths, block by block; then where the blocks begin.
  for_states(blocks_, threads, [&](State first, State last) {
    Offset length = 0;
    for (State s = first; s < last; ++s) {
      const Offset row = selected_row(mdp, policy, s);
      length += mdp.row_begin()[row + 1] - mdp.row_begin()[row];
      row_begin_[s + 1] = length;
    }
  });
  std::vector<Offset> block_begin(1, 0);
  for (std::size_t b = 1; b < blocks_.size(); ++b) {
    block_begin.push_back(block_begin.back() + (blocks_[b] > blocks_[b - 1] ? row_begin_[blocks_[b]] : 0));
  }
  next_state_.resize(static_cast<std::size_t>(block_begin.back()));
  probability_.resize(static_cast<std::size_t>(block_begin.back()));
  parallel_blocks(static_cast<std::ptrdiff_t>(blocks_.size()) - 1, threads, [&](std::ptrdiff_t b) {
    for (State s = blocks_[b]; s < blocks_[b + 1]; ++s) row_begin_[s + 1] += block_begin[b];
  });
  for_states(blocks_, threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) copy_row(mdp, selected_row(mdp, policy, s), s);
  });
}

void PolicyChain::copy_row(const Mdp& mdp, Offset row, State s) {
  const Offset from = mdp.row_begin()[row];
  const Offset length = mdp.row_begin()[row + 1] - from;
  std::copy_n(mdp.next_state().data() + from, length, next_state_.data() + row_begin_[s]);
  std::copy_n(mdp.probability().data() + from, length, probability_.data() + row_begin_[s]);
}

PolicyChain::PolicyChain(const Mdp& mdp, std::span<const double> stochastic_policy, int threads)
    : blocks_(mdp.blocks().begin(), mdp.blocks().end()) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  row_begin_.resize(n + 1);
  cost_.resize(n);
  row_begin_[0] = 0;
  for_states(blocks_, threads, [&](State first, State last) {
    std::vector<std::pair<State, double>> mixed;
    for (State s = first; s < last; ++s) {
      mix_rows(mdp, stochastic_policy, s, mixed);
      row_begin_[s + 1] = static_cast<Offset>(mixed.size());
      cost_[s] = mean_cost(mdp, stochastic_policy, s);
    }
  });
  longest_ = *std::max_element(row_begin_.begin(), row_begin_.end());
  for (std::size_t s = 0; s < n; ++s) row_begin_[s + 1] += row_begin_[s];
  next_state_.resize(static_cast<std::size_t>(row_begin_[n]));
  probability_.resize(static_cast<std::size_t>(row_begin_[n]));
  for_states(blocks_, threads, [&](State first, State last) {
    std::vector<std::pair<State, double>> mixed;
    for (State s = first; s < last; ++s) {
      mix_rows(mdp, stochastic_policy, s, mixed);
      for (std::size_t k = 0; k < mixed.size(); ++k) {
        next_state_[row_begin_[s] + static_cast<Offset>(k)] = mixed[k].first;
        probability_[row_begin_[s] + static_cast<Offset>(k)] = mixed[k].second;
      }
    }
  });
}

// f(s, (P x)(s)) for the states of [first, last).
template <class F>
void PolicyChain::for_products(State first, State last, std::span<const double> x, F&& f) const {
  with_rows(row_begin_.data(), first, last, longest_, [&]<class Rows>(Rows ends) {
    Offset k = row_begin_[first];
    StreamAhead ahead(probability_.data(), next_state_.data(), k, row_begin_[last], n_transitions(), x);
    for (State s = first; s < last; ++s) {
      const Offset end = ends.end(s, k);
      ahead(end);
      f(s, row_product<Rows>(k, end, probability_.data(), next_state_.data(), x.data()));
      k = end;
    }
  });
}

ResidualRange PolicyChain::sweep(double discount, std::span<const double> x, std::span<double> y, int threads) const {
  return reduce_states(
      blocks_, threads, ResidualRange{},
      [&](State first, State last) {
        ResidualRange range;
        for_products(first, last, x, [&](State s, double mean) {
          y[s] = discount == 0.0 ? cost_[s] : cost_[s] + discount * mean;
          const double d = y[s] - x[s];
          if (y[s] < infinity && x[s] < infinity) range = {std::min(range.min, d), std::max(range.max, d)};
        });
        return range;
      },
      [](const ResidualRange& a, const ResidualRange& b) {
        return ResidualRange{std::min(a.min, b.min), std::max(a.max, b.max)};
      });
}

void PolicyChain::multiply(std::span<const double> x, std::span<double> y, int threads) const {
  for_states(blocks_, threads, [&](State first, State last) {
    for_products(first, last, x, [&](State s, double mean) { y[s] = mean; });
  });
}

void PolicyChain::multiply_transposed(std::span<const double> x, std::span<double> y, int threads) const {
  for_states(blocks_, threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      y[s] = row_product(column_begin_[s], column_begin_[s + 1], column_probability_.data(), source_.data(), x.data());
    }
  });
}

void PolicyChain::transpose() {
  const auto n = static_cast<std::size_t>(n_states());
  const auto n_entries = static_cast<std::size_t>(n_transitions());
  column_begin_.assign(n + 1, 0);
  for (std::size_t k = 0; k < n_entries; ++k) ++column_begin_[next_state_[k] + 1];
  for (std::size_t s = 0; s < n; ++s) column_begin_[s + 1] += column_begin_[s];
  source_.resize(n_entries);
  column_probability_.resize(n_entries);
  Buffer<Offset> place(column_begin_.begin(), column_begin_.end() - 1);
  for (State s = 0; s < n_states(); ++s) {
    for (Offset k = row_begin_[s]; k < row_begin_[s + 1]; ++k) {
      const Offset to = place[next_state_[k]]++;
      source_[to] = s;
      column_probability_[to] = probability_[k];
    }
  }
}

}  // namespace mdp::kernels
