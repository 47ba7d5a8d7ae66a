#include "libmdp/kernels/predecessors.hpp"

#include <limits>
#include <string>
#include <vector>

#include "libmdp/error.hpp"

namespace mdp::kernels {
namespace {

template <class F>
void each_transition(const Mdp& mdp, F&& f) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (!(mdp.cost()[row] < infinity)) continue;
      for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
        if (mdp.next_state()[k] != s) f(row, k);
      }
    }
  }
}

}  // namespace

Predecessors::Predecessors(const Mdp& mdp) {
  if (mdp.n_rows() > std::numeric_limits<std::int32_t>::max()) {
    throw InvalidArgument("n_rows = " + std::to_string(mdp.n_rows()) + ", required < 2^31 to list predecessors");
  }
  const auto n = static_cast<std::size_t>(mdp.n_states());
  owner_.resize(static_cast<std::size_t>(mdp.n_rows()));
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) owner_[row] = s;
  }
  begin_.assign(n + 1, 0);
  each_transition(mdp, [&](Offset, Offset k) { ++begin_[mdp.next_state()[k] + 1]; });
  for (std::size_t s = 0; s < n; ++s) begin_[s + 1] += begin_[s];
  entries_.resize(static_cast<std::size_t>(begin_[n]));
  Buffer<Offset> place(begin_.begin(), begin_.end() - 1);
  each_transition(mdp, [&](Offset row, Offset k) {
    entries_[place[mdp.next_state()[k]]++] = {static_cast<std::int32_t>(row), static_cast<float>(mdp.probability()[k])};
  });
}

}  // namespace mdp::kernels
