// estimators/packed_steps.hpp — the laws of a policy and a model laid out for drawing steps: one line of memory each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "estimators/discrete_law.hpp"
#include "libmdp/buffer.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/random.hpp"

namespace mdp::estimators {

/// A record of 32-bit words for every state and every row, of 4, 8 or 16 words, so that none straddles a line of memory. A record
/// says where the masses of all positions of the law but the last end (discrete_law.hpp), by their upper 32 bits. A draw compares
/// its upper 32 bits with all of them. Where it equals one (once in 2^32 / positions), or is the largest word, the law itself is
/// scanned: positions, and the random numbers taken, are always those of draw_by_scan().
///
/// A state's record begins with its first row, a row's ends with its successors. With up to 8 of each a step of a model beyond all
/// caches reads two lines, where the arrays of the Mdp take six to eight.
class PackedSteps {
 public:
  /// O(n_transitions) time, at most 64 bytes a row and 32 a state. Nothing where a law has more than 8 positions or lacks more
  /// than 2^-32, or where there are 2^31 rows. \param mdp, policy  must outlive the result
  [[nodiscard]] static std::optional<PackedSteps> make(const Mdp& mdp, std::span<const double> policy, int threads);

  void prefetch_state(State s) const { __builtin_prefetch(record(states_, s)); }
  void prefetch_row(Offset row) const { __builtin_prefetch(record(rows_, row)); }

  [[nodiscard]] Offset draw_row(RandomSequence& random, State s) const {
    const std::uint32_t* words = record(states_, s);
    return (words[0] & ~single) + draw(random, states_, s, words);
  }
  [[nodiscard]] State draw_next(RandomSequence& random, Offset row) const {
    const std::uint32_t* words = record(rows_, row);
    return static_cast<State>(words[rows_.length + static_cast<std::size_t>(draw(random, rows_, row, words))]);
  }

 private:
  static constexpr std::uint32_t single = std::uint32_t{1} << 31;  // in word 0: one position, nothing is drawn
  static constexpr std::uint32_t largest = ~std::uint32_t{0};

  struct Table {
    std::span<const Offset> begin;  // the laws
    std::span<const double> probability;
    std::size_t length = 1;  // positions of the longest one
    std::size_t stride = 4;
    Buffer<std::uint32_t> words;
  };

  [[nodiscard]] static const std::uint32_t* record(const Table& table, Offset i) {
    return table.words.data() + static_cast<std::size_t>(i) * table.stride;
  }
  [[nodiscard]] static Offset draw(RandomSequence& random, const Table& table, Offset i, const std::uint32_t* words) {
    if ((words[0] & single) != 0) return 0;
    const std::uint64_t bits = random.bits64();
    const auto upper = static_cast<std::uint32_t>(bits >> 32);
    Offset at_least = 0, above = 0;
    for (std::size_t k = 1; k < table.length; ++k) {
      at_least += upper >= words[k] ? 1 : 0;
      above += upper > words[k] ? 1 : 0;
    }
    return at_least == above && upper != largest ? above : scanned(table, i, bits >> 2);
  }
  [[nodiscard]] static Offset scanned(const Table& table, Offset i, std::uint64_t u);
  [[nodiscard]] static std::optional<Table> pack(std::span<const Offset> begin, std::span<const double> probability,
                                                 bool with_positions, int threads);

  Table states_, rows_;
};

}  // namespace mdp::estimators
