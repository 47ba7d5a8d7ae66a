#include "libmdp/kernels/backward_search.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/predecessors.hpp"

namespace mdp::kernels {
namespace {

bool stays(const Mdp& mdp, State s, Offset row) {
  const Offset k = mdp.row_begin()[row];
  return mdp.row_begin()[row + 1] == k + 1 && mdp.next_state()[k] == s && mdp.cost()[row] < infinity;
}

// A value, rounded to float, and a state in one number that is ordered as they are: half of what the two would take in the queue,
// which is where the time goes.
std::uint64_t ordered_key(double value, State s) {
  constexpr std::uint32_t sign = 0x80000000U;
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::uint32_t ascending = (bits & sign) != 0 ? ~bits : bits | sign;
  return (std::uint64_t{ascending} << 32U) | static_cast<std::uint32_t>(s);
}
State state_of(std::uint64_t key) { return static_cast<State>(static_cast<std::uint32_t>(key)); }

class Search {
 public:
  explicit Search(const Mdp& mdp) : mdp_(mdp), predecessors_(mdp) {
    const auto n = static_cast<std::size_t>(mdp.n_states());
    reserve_large(result_.value, n);
    reserve_large(result_.policy, n);
    result_.value.assign(n, infinity);
    result_.policy.assign(n, 0);
    settled_.assign(n, 0);
    known_.assign(static_cast<std::size_t>(mdp.n_rows()), Known{});
  }

  BackwardSearch operator()() {
    start();
    while (!queue_.empty()) {
      const State s = state_of(queue_.top());
      queue_.pop();
      if (settled_[s]) continue;
      settled_[s] = 1;
      ++result_.n_reached;
      spread(s);
    }
    return std::move(result_);
  }

 private:
  // Of a row's transitions to settled states.
  struct Known {
    double weighted = 0.0;  // sum of p V
    double mass = 0.0;      // sum of p
  };

  void start() {
    const double complement = mdp_.exact_discount().complement.value();
    for (State s = 0; s < mdp_.n_states(); ++s) {
      for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
        if (!stays(mdp_, s, row)) continue;
        const double cost = mdp_.cost()[row];
        if (complement > 0.0)
          offer(s, row, cost / complement);
        else if (cost == 0.0 && std::binary_search(mdp_.goal().begin(), mdp_.goal().end(), s))
          offer(s, row, 0.0);
      }
    }
  }

  void offer(State s, Offset row, double value) {
    if (!(value < result_.value[s])) return;
    result_.value[s] = value;
    result_.policy[s] = static_cast<Action>(row - mdp_.state_rows()[s]);
    queue_.push(ordered_key(value, s));
  }

  void spread(State s) {
    const double gamma = mdp_.discount();
    const double value = result_.value[s];
    for (const auto& [row, p] : predecessors_.of(s)) {
      const State from = predecessors_.owner(row);
      if (settled_[from]) continue;
      Known& known = known_[row];
      known.mass += p;
      known.weighted += static_cast<double>(p) * value;
      const double rest = 1.0 - gamma * (1.0 - std::min(1.0, known.mass));
      offer(from, row, (mdp_.cost()[row] + gamma * known.weighted) / rest);
    }
  }

  const Mdp& mdp_;
  Predecessors predecessors_;
  BackwardSearch result_;
  Buffer<char> settled_;
  Buffer<Known> known_;  // [n_rows]
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> queue_;
};

}  // namespace

BackwardSearch search_backward(const Mdp& mdp) { return Search(mdp)(); }

bool has_absorbing_state(const Mdp& mdp, int threads) {
  return reduce_states(
      mdp.blocks(), threads, false,
      [&](State first, State last) {
        for (State s = first; s < last; ++s) {
          for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
            if (stays(mdp, s, row)) return true;
          }
        }
        return false;
      },
      [](bool x, bool y) { return x || y; });
}

}  // namespace mdp::kernels
