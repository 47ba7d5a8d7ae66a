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

/// Collects rows of a reference with the world's rows beside them, in two batches of eight. One object per thread.
/// Traffic per row: 12 B per transition of each, and a gather of V for each, one for both where they have the same successors.
class TiltRows {
 public:
  /// \param values  [n_states] V; may hold +inf
  /// \param ratio, ratio_minus_one, shift  of TiltBatch
  TiltRows(const Mdp& world, const Mdp& reference, std::span<const double> values, TwoDouble ratio,
           TwoDouble ratio_minus_one, TwoDouble shift)
      : world_(world), reference_(reference), values_(values), batches_(std::make_unique<Batches>()) {
    for (TiltBatch& batch : *batches_) {
      batch.ratio = ratio;
      batch.ratio_minus_one = ratio_minus_one;
      batch.shift = shift;
    }
  }

  /// Takes a row of state s; false if it is too long, has +inf somewhere, or if probabilities have tails.
  bool add(State s, Offset row) {
    const auto r = static_cast<std::size_t>(row);
    const double own = values_[static_cast<std::size_t>(s)];
    if (!world_.probability_tail().empty() || !(own < infinity) || !(world_.cost()[r] < infinity)) return false;
    if (!take(row_of(world_, r), row_of(reference_, r))) return false;
    (*batches_)[n_ / lanes].own[n_ % lanes] = own;
    state_[n_] = s;
    row_[n_] = row;
    ++n_;
    return true;
  }
  [[nodiscard]] bool full() const { return n_ == n_rows; }

  /// Solves the rows at hand and calls done(state, row, lane, length, batch) for each, in order.
  template <class F>
  void solve(F&& done) {
    if (n_ == 0) return;
    for (std::size_t k = n_; k < n_rows; ++k) length_[k] = world_length_[k] = 0;
    for (std::size_t b = 0; b < batches_->size(); ++b) even_out((*batches_)[b], b * lanes);
    tilt((*batches_)[0], (*batches_)[1]);
    for (std::size_t k = 0; k < n_; ++k) done(state_[k], row_[k], k % lanes, length_[k], (*batches_)[k / lanes]);
    n_ = 0;
  }

 private:
  static constexpr std::size_t lanes = TiltBatch::lanes;
  static constexpr std::size_t n_rows = 2 * lanes;
  using Batches = std::array<TiltBatch, 2>;

  struct Row {
    const State* next;
    const double* probability;
    std::size_t length, rest;  // rest: transitions from here to the end of the MDP
  };

  static Row row_of(const Mdp& mdp, std::size_t row) {
    const auto begin = static_cast<std::size_t>(mdp.row_begin()[row]);
    const auto end = static_cast<std::size_t>(mdp.row_begin()[row + 1]);
    return {mdp.next_state().data() + begin, mdp.probability().data() + begin, end - begin,
            mdp.next_state().size() - begin};
  }

  bool take(const Row& world, const Row& reference) {
    if (std::max(world.length, reference.length) > TiltBatch::max_length) return false;
    TiltBatch& batch = (*batches_)[n_ / lanes];
    const std::size_t lane = n_ % lanes;
    world_length_[n_] = world.length;
    length_[n_] = reference.length;
    fetch_ahead(world);
    stream_ahead(world);
    stream_ahead(reference);
    if (!have_same_successors(world, reference)) {
      fetch_ahead(reference);
      return gather(world, &batch.world[lane], &batch.world_value[lane]) &&
             gather(reference, &batch.r[lane], &batch.value[lane]);
    }
    double* value = &batch.value[lane];
    double* world_value = &batch.world_value[lane];
    for (std::size_t i = 0; i < world.length; ++i) {
      batch.world[i * lanes + lane] = world.probability[i];
      batch.r[i * lanes + lane] = reference.probability[i];
    }
    bool is_finite = true;
    for (std::size_t i = 0; i < world.length; ++i) {
      const double v = values_[static_cast<std::size_t>(world.next[i])];
      is_finite = is_finite && v < infinity;
      value[i * lanes] = world_value[i * lanes] = v;
    }
    return is_finite;
  }

  // A loop, since a call of memcmp takes longer than most rows.
  static bool have_same_successors(const Row& a, const Row& b) {
    if (a.length != b.length) return false;
    State differ = 0;
    for (std::size_t i = 0; i < a.length; ++i) differ |= a.next[i] ^ b.next[i];
    return differ == 0;
  }

  // The transitions some thousand bytes on: see StreamAhead, whose lines a short row does not fill.
  static void stream_ahead(const Row& row) {
    constexpr std::size_t ahead = 512;
    if (row.rest < ahead + row.length) return;
    __builtin_prefetch(row.probability + ahead);
    __builtin_prefetch(row.next + ahead);
  }

  // The values of the rows of a later batch are on their way while this one is solved.
  void fetch_ahead(const Row& row) const {
    constexpr std::size_t ahead = 64;
    if (row.rest < ahead + row.length) return;
    for (std::size_t i = ahead; i < ahead + row.length; ++i) {
      __builtin_prefetch(values_.data() + static_cast<std::size_t>(row.next[i]));
    }
  }

  bool gather(const Row& row, double* p, double* v) const {
    bool is_finite = true;
    for (std::size_t i = 0; i < row.length; ++i) {
      const double value = values_[static_cast<std::size_t>(row.next[i])];
      is_finite = is_finite && value < infinity;
      p[i * lanes] = row.probability[i];
      v[i * lanes] = value;
    }
    return is_finite;
  }

  // Rows shorter than the longest of their batch end in zeros.
  void even_out(TiltBatch& batch, std::size_t first) const {
    const auto length = length_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto world_length = world_length_.begin() + static_cast<std::ptrdiff_t>(first);
    batch.length = *std::max_element(length, length + lanes);
    batch.world_length = *std::max_element(world_length, world_length + lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (first + l >= n_) batch.own[l] = 0.0;
      pad(batch.r, batch.value, batch.own[l], l, length[static_cast<std::ptrdiff_t>(l)], batch.length);
      pad(batch.world, batch.world_value, batch.own[l], l, world_length[static_cast<std::ptrdiff_t>(l)],
          batch.world_length);
    }
  }

  static void pad(TiltBatch::Column& p, TiltBatch::Column& v, double own, std::size_t lane, std::size_t from,
                  std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      p[i * lanes + lane] = 0.0;
      v[i * lanes + lane] = own;
    }
  }

  const Mdp& world_;
  const Mdp& reference_;
  std::span<const double> values_;
  std::unique_ptr<Batches> batches_;
  std::size_t n_ = 0;
  std::array<std::size_t, n_rows> length_{}, world_length_{};
  std::array<State, n_rows> state_{};
  std::array<Offset, n_rows> row_{};
};

}  // namespace mdp::kernels
