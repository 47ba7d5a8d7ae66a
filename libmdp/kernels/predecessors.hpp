// libmdp/kernels/predecessors.hpp — the transitions of an MDP by the state that they lead to.
#pragma once

#include <cstdint>
#include <span>

#include "libmdp/buffer.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// Row and probability (rounded to float) of every transition, by successor; loops and rows of infinite cost left out.
/// 8 B per transition, 8 B per state, 4 B per row. For heuristics: which state to look at next. n_rows < 2^31.
class Predecessors {
 public:
  struct Entry {
    std::int32_t row;
    float probability;
  };

  explicit Predecessors(const Mdp& mdp);

  [[nodiscard]] std::span<const Entry> of(State s) const {
    const auto i = static_cast<std::size_t>(s);
    return std::span(entries_).subspan(static_cast<std::size_t>(begin_[i]),
                                       static_cast<std::size_t>(begin_[i + 1] - begin_[i]));
  }
  [[nodiscard]] State owner(std::int32_t row) const { return owner_[static_cast<std::size_t>(row)]; }

 private:
  Buffer<Offset> begin_;
  Buffer<Entry> entries_;
  Buffer<State> owner_;  // state of each row
};

}  // namespace mdp::kernels
