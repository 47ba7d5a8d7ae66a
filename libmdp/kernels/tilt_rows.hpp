// libmdp/kernels/tilt_rows.hpp — short rows of an MDP on their way into batches of tilt().
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "libmdp/kernels/tilt.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// Collects rows of a reference with the world's rows beside them, eight at a time. One object per thread.
/// Traffic per row: 12 B per transition of each, and a gather of V for each.
class TiltRows {
 public:
  /// \param values  [n_states] V; may hold +inf
  /// \param ratio, ratio_minus_one, shift  of TiltBatch
  TiltRows(const Mdp& world, const Mdp& reference, std::span<const double> values, TwoDouble ratio,
           TwoDouble ratio_minus_one, TwoDouble shift)
      : world_(world), reference_(reference), values_(values), batch_(std::make_unique<TiltBatch>()) {
    batch_->ratio = ratio;
    batch_->ratio_minus_one = ratio_minus_one;
    batch_->shift = shift;
  }

  /// Takes a row of state s; false if it is too long, has +inf somewhere, or if probabilities have tails.
  bool add(State s, Offset row) {
    const auto r = static_cast<std::size_t>(row);
    const double own = values_[static_cast<std::size_t>(s)];
    if (!world_.probability_tail().empty() || !(own < infinity) || !(world_.cost()[r] < infinity)) return false;
    if (!gather(world_, r, batch_->world.data() + n_, batch_->world_value.data() + n_, world_length_[n_]) ||
        !gather(reference_, r, batch_->r.data() + n_, batch_->value.data() + n_, length_[n_])) {
      return false;
    }
    batch_->own[n_] = own;
    state_[n_] = s;
    row_[n_] = row;
    ++n_;
    return true;
  }
  [[nodiscard]] bool full() const { return n_ == TiltBatch::lanes; }

  /// Solves the rows at hand and calls done(state, row, lane, length, batch) for each, in order.
  template <class F>
  void solve(F&& done) {
    if (n_ == 0) return;
    TiltBatch& batch = *batch_;
    for (std::size_t l = n_; l < TiltBatch::lanes; ++l) batch.own[l] = 0.0, length_[l] = world_length_[l] = 0;
    batch.length = *std::max_element(length_.begin(), length_.end());
    batch.world_length = *std::max_element(world_length_.begin(), world_length_.end());
    for (std::size_t l = 0; l < TiltBatch::lanes; ++l) {
      pad(batch.r, batch.value, batch.own[l], l, length_[l], batch.length);
      pad(batch.world, batch.world_value, batch.own[l], l, world_length_[l], batch.world_length);
    }
    tilt(batch);
    for (std::size_t l = 0; l < n_; ++l) done(state_[l], row_[l], l, length_[l], batch);
    n_ = 0;
  }

 private:
  bool gather(const Mdp& mdp, std::size_t row, double* p, double* v, std::size_t& length) const {
    const auto begin = static_cast<std::size_t>(mdp.row_begin()[row]);
    length = static_cast<std::size_t>(mdp.row_begin()[row + 1]) - begin;
    if (length > TiltBatch::max_length) return false;
    const State* next = mdp.next_state().data() + begin;
    const double* probability = mdp.probability().data() + begin;
    // The values of the rows of the next batch are on their way while this one is solved.
    constexpr std::size_t ahead = 64;
    const std::size_t rest = mdp.next_state().size() - begin;
    for (std::size_t i = ahead; i < std::min(ahead + length, rest); ++i) {
      __builtin_prefetch(values_.data() + static_cast<std::size_t>(next[i]));
    }
    bool is_finite = true;
    for (std::size_t i = 0; i < length; ++i) {
      const double value = values_[static_cast<std::size_t>(next[i])];
      is_finite = is_finite && value < infinity;
      p[i * TiltBatch::lanes] = probability[i];
      v[i * TiltBatch::lanes] = value;
    }
    return is_finite;
  }

  static void pad(TiltBatch::Column& p, TiltBatch::Column& v, double own, std::size_t lane, std::size_t from,
                  std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      p[i * TiltBatch::lanes + lane] = 0.0;
      v[i * TiltBatch::lanes + lane] = own;
    }
  }

  const Mdp& world_;
  const Mdp& reference_;
  std::span<const double> values_;
  std::unique_ptr<TiltBatch> batch_;
  std::size_t n_ = 0;
  std::array<std::size_t, TiltBatch::lanes> length_{}, world_length_{};
  std::array<State, TiltBatch::lanes> state_{};
  std::array<Offset, TiltBatch::lanes> row_{};
};

}  // namespace mdp::kernels
