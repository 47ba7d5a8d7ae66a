// libmdp/kernels/tilt_rows.hpp — short rows of an MDP on their way into batches of tilt().
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <span>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "libmdp/kernels/tilt.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// Collects rows of a reference with the world's rows beside them, in four batches of eight. One object per thread.
/// Traffic per row: 12 B per transition of each, and a gather of V for each, one for both where they have the same successors.
class TiltRows {
 public:
  /// \param values  [n_states] V; may hold +inf
  /// \param ratio, ratio_minus_one, shift  of TiltBatch
  TiltRows(const Mdp& world, const Mdp& reference, std::span<const double> values, TwoDouble ratio,
           TwoDouble ratio_minus_one, TwoDouble shift)
      : world_(world),
        reference_(reference),
        cost_(world.probability_tail().empty() ? world.cost().data() : nullptr),
        values_(values.data()),
        batches_(std::make_unique<Batches>()) {
    for (TiltBatch& batch : *batches_) {
      batch.ratio = ratio;
      batch.ratio_minus_one = ratio_minus_one;
      batch.shift = shift;
    }
  }

  TiltRows(const TiltRows&) = delete;
  TiltRows& operator=(const TiltRows&) = delete;
  ~TiltRows() {  // what write() wrote is there for the other threads
#ifdef __x86_64__
    _mm_sfence();
#endif
  }

  /// Takes a row of state s; false if it is too long, has +inf somewhere, or if probabilities have tails.
  bool add(State s, Offset row) {
    const auto r = static_cast<std::size_t>(row);
    const double own = values_[s];
    if (cost_ == nullptr || !(own < infinity) || !(cost_[r] < infinity)) return false;
    if (!take(world_.row(r), reference_.row(r))) return false;
    (*batches_)[n_ / lanes].own[n_ % lanes] = own;
    state_[n_] = s;
    row_[n_] = row;
    ++n_;
    return true;
  }
  [[nodiscard]] bool full() const { return n_ == n_rows; }

  /// Copies p of a row to `out`, past the caches where the machine can: it is not read again soon, and what is overwritten need not
  /// be read.
  static void write(const TiltBatch& batch, std::size_t lane, std::size_t length, double* out) {
    for (std::size_t i = 0; i < length; ++i) {
#ifdef __x86_64__
      _mm_stream_si64(reinterpret_cast<long long*>(out + i), std::bit_cast<long long>(batch.entry[i].p[lane]));
#else
      out[i] = batch.entry[i].p[lane];
#endif
    }
  }

  /// Solves the rows at hand and calls done(state, row, lane, length, batch) for each, in order.
  template <class F>
  void solve(F&& done) {
    if (n_ == 0) return;
    for (std::size_t k = n_; k < n_rows; ++k) length_[k] = world_length_[k] = 0;
    for (std::size_t b = 0; b < batches_->size(); ++b) even_out((*batches_)[b], b * lanes);
    tilt(*batches_);
    for (std::size_t k = 0; k < n_; ++k) done(state_[k], row_[k], k % lanes, length_[k], (*batches_)[k / lanes]);
    n_ = 0;
  }

 private:
  static constexpr std::size_t lanes = TiltBatch::lanes;
  static constexpr std::size_t n_rows = TiltBatch::side_by_side * lanes;
  static constexpr std::size_t values_ahead = 64;  // transitions
  using Batches = std::array<TiltBatch, TiltBatch::side_by_side>;

  struct Row {
    const State* next;
    const double* probability;
    std::size_t length, rest;  // rest: transitions from here to the end of the MDP
  };

  // The arrays of an MDP.
  struct Rows {
    explicit Rows(const Mdp& mdp)
        : row_begin(mdp.row_begin().data()),
          next(mdp.next_state().data()),
          probability(mdp.probability().data()),
          n_transitions(mdp.next_state().size()) {}

    [[nodiscard]] Row row(std::size_t row) const {
      const auto begin = static_cast<std::size_t>(row_begin[row]);
      return {next + begin, probability + begin, static_cast<std::size_t>(row_begin[row + 1]) - begin,
              n_transitions - begin};
    }

    const Offset* row_begin;
    const State* next;
    const double* probability;
    std::size_t n_transitions;
  };

  bool take(const Row& world, const Row& reference) {
    if (std::max(world.length, reference.length) > TiltBatch::max_length) return false;
    TiltBatch& batch = (*batches_)[n_ / lanes];
    const std::size_t lane = n_ % lanes;
    world_length_[n_] = world.length;
    length_[n_] = reference.length;
    stream_ahead(world);
    stream_ahead(reference);
    using Entry = TiltBatch::Entry;
    if (world.length != reference.length) {
      return gather<&Entry::world, &Entry::world_value>(world, batch, lane) &&
             gather<&Entry::r, &Entry::value>(reference, batch, lane);
    }
    // Most references have the world's successors: their values are fetched once.
    const State* ahead = world.next + (world.rest < values_ahead + world.length ? 0 : values_ahead);
    State differ = 0;
    bool is_finite = true;
    for (std::size_t i = 0; i < world.length; ++i) {
      __builtin_prefetch(values_ + ahead[i]);
      const State next = world.next[i];
      differ |= next ^ reference.next[i];
      const double v = values_[next];
      is_finite &= v < infinity;
      Entry& entry = batch.entry[i];
      entry.world[lane] = world.probability[i];
      entry.r[lane] = reference.probability[i];
      entry.world_value[lane] = entry.value[lane] = v;
    }
    return is_finite && (differ == 0 || gather<&Entry::r, &Entry::value>(reference, batch, lane));
  }

  // The transitions some thousand bytes on: see StreamAhead, whose lines a short row does not fill.
  static void stream_ahead(const Row& row) {
    constexpr std::size_t ahead = 512;
    if (row.rest < ahead + row.length) return;
    __builtin_prefetch(row.probability + ahead);
    __builtin_prefetch(row.next + ahead);
  }

  // The values of the rows of a later batch are on their way while this one is solved.
  template <auto p, auto value>
  bool gather(const Row& row, TiltBatch& batch, std::size_t lane) const {
    const State* ahead = row.next + (row.rest < values_ahead + row.length ? 0 : values_ahead);
    bool is_finite = true;
    for (std::size_t i = 0; i < row.length; ++i) {
      __builtin_prefetch(values_ + ahead[i]);
      const double v = values_[row.next[i]];
      is_finite &= v < infinity;
      (batch.entry[i].*p)[lane] = row.probability[i];
      (batch.entry[i].*value)[lane] = v;
    }
    return is_finite;
  }

  // Rows shorter than the longest of their batch end in zeros.
  void even_out(TiltBatch& batch, std::size_t first) {
    const std::size_t* length = &length_[first];
    const std::size_t* world_length = &world_length_[first];
    const auto [shortest, longest] = std::minmax_element(length, length + lanes);
    const auto [world_shortest, world_longest] = std::minmax_element(world_length, world_length + lanes);
    batch.length = *longest;
    batch.world_length = *world_longest;
    if (*shortest == *longest && *world_shortest == *world_longest) return;
    using Entry = TiltBatch::Entry;
    for (std::size_t l = 0; l < lanes; ++l) {
      if (first + l >= n_) batch.own[l] = 0.0;
      pad<&Entry::r, &Entry::value>(batch, l, length[l], batch.length);
      pad<&Entry::world, &Entry::world_value>(batch, l, world_length[l], batch.world_length);
    }
  }

  template <auto p, auto value>
  static void pad(TiltBatch& batch, std::size_t lane, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      (batch.entry[i].*p)[lane] = 0.0;
      (batch.entry[i].*value)[lane] = batch.own[lane];
    }
  }

  Rows world_, reference_;
  const double* cost_;  // of the world; null where probabilities have tails
  const double* values_;
  std::unique_ptr<Batches> batches_;
  std::size_t n_ = 0;
  std::array<std::size_t, n_rows> length_{}, world_length_{};
  std::array<State, n_rows> state_{};
  std::array<Offset, n_rows> row_{};
};

}  // namespace mdp::kernels
