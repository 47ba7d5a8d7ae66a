#include "libmdp/kernels/backward_search.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "libmdp/kernels/predecessors.hpp"

namespace mdp::kernels {
namespace {

bool stays(const Mdp& mdp, State s, Offset row) {
  const Offset k = mdp.row_begin()[row];
  return mdp.row_begin()[row + 1] == k + 1 && mdp.next_state()[k] == s && mdp.cost()[row] < infinity;
}

class Search {
 public:
  explicit Search(const Mdp& mdp) : mdp_(mdp), predecessors_(mdp) {
    const auto n = static_cast<std::size_t>(mdp.n_states());
    result_.value.assign(n, infinity);
    result_.policy.assign(n, 0);
    settled_.assign(n, 0);
    mass_.assign(static_cast<std::size_t>(mdp.n_rows()), 0.0F);
    weighted_.assign(mass_.size(), 0.0);
  }

  BackwardSearch operator()() {
    start();
    while (!queue_.empty()) {
      const auto [value, s] = queue_.top();
      queue_.pop();
      if (settled_[s]) continue;
      settled_[s] = 1;
      ++result_.n_reached;
      spread(s, value);
    }
    return std::move(result_);
  }

 private:
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
    queue_.push({value, s});
  }

  void spread(State s, double value) {
    const double gamma = mdp_.discount();
    for (const auto& [row, p] : predecessors_.of(s)) {
      const State from = predecessors_.owner(row);
      if (settled_[from]) continue;
      mass_[row] += p;
      weighted_[row] += static_cast<double>(p) * value;
      const double rest = 1.0 - gamma * (1.0 - std::min(1.0, static_cast<double>(mass_[row])));
      offer(from, row, (mdp_.cost()[row] + gamma * weighted_[row]) / rest);
    }
  }

  const Mdp& mdp_;
  Predecessors predecessors_;
  BackwardSearch result_;
  std::vector<char> settled_;
  std::vector<float> mass_;       // of a row's transitions to settled states
  std::vector<double> weighted_;  // sum of p V over them
  using Offer = std::pair<double, State>;
  std::priority_queue<Offer, std::vector<Offer>, std::greater<>> queue_;
};

}  // namespace

BackwardSearch search_backward(const Mdp& mdp) { return Search(mdp)(); }

bool has_absorbing_state(const Mdp& mdp) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (stays(mdp, s, row)) return true;
    }
  }
  return false;
}

}  // namespace mdp::kernels
