// estimators/discrete_law.hpp — drawing from many small discrete distributions, exactly as stated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libmdp/random.hpp"
#include "libmdp/types.hpp"

namespace mdp::estimators {

/// Probabilities are drawn in units of 2^-62.
inline constexpr std::uint64_t unit_mass = std::uint64_t{1} << 62;

/// The law that is drawn: masses in units of 2^-62 that sum to unit_mass. Position i gets floor(p_i 2^62), the
/// first largest one also what is left; so no mass is further from p_i than the row's own rounding error, and
/// what has probability 0 is never drawn.
[[nodiscard]] std::vector<std::uint64_t> integer_masses(std::span<const double> p);

/// The position that u < unit_mass falls on when the masses lie end to end: what is left over, on the first largest.
[[nodiscard]] Offset scan(std::uint64_t u, std::span<const double> p);

/// scan() of a uniform u. One 64-bit draw, none for a single position.
[[nodiscard]] Offset draw_by_scan(RandomSequence& random, std::span<const double> p);

/// One cell of an alias table: position itself with mass `threshold`, else `alias`.
struct AliasCell {
  std::uint64_t threshold = 0;
  std::int32_t alias = 0;
};

/// Writes the alias table of p [same length]: a cell drawn uniformly, then threshold against alias, has exactly the law of
/// integer_masses(p). O(length), no allocation but the masses.
/// Source: Walker (1977); order of filling by Hübschle-Schneider and Sanders, "Parallel weighted random sampling" (2019).
void fill_alias_table(std::span<const double> p, std::span<AliasCell> table);

[[nodiscard]] Offset draw_by_alias(RandomSequence& random, std::span<const AliasCell> table);

/// Distributions in consecutive ranges, such as the rows of an MDP. Short ones are scanned, long ones (more than
/// `scan_limit` positions) have alias tables: 16 bytes per position of all distributions if any is long.
class DiscreteLaws {
 public:
  static constexpr Offset scan_limit = 8;

  /// \param begin        [n_laws+1], \param probability [begin.back()]; both must outlive this object
  DiscreteLaws(std::span<const Offset> begin, std::span<const double> probability, int threads = 0);

  /// Position within distribution i.
  [[nodiscard]] Offset draw(RandomSequence& random, Offset i) const {
    const auto first = static_cast<std::size_t>(begin_[static_cast<std::size_t>(i)]);
    const auto length = static_cast<std::size_t>(begin_[static_cast<std::size_t>(i) + 1]) - first;
    if (length <= static_cast<std::size_t>(scan_limit))
      return draw_by_scan(random, probability_.subspan(first, length));
    return draw_by_alias(random, std::span(table_).subspan(first, length));
  }

  /// Asks for the memory that draw(i) reads: first where distribution i lies, then, once that has arrived, its numbers.
  void prefetch_range(Offset i) const {
    __builtin_prefetch(begin_.data() + i);
    __builtin_prefetch(begin_.data() + i + 1);
  }
  void prefetch_law(Offset i) const {
    const auto first = static_cast<std::size_t>(begin_[static_cast<std::size_t>(i)]);
    const auto length = static_cast<std::size_t>(begin_[static_cast<std::size_t>(i) + 1]) - first;
    if (length > static_cast<std::size_t>(scan_limit)) return;  // which cell of a table is read, a random number says
    __builtin_prefetch(probability_.data() + first);
    __builtin_prefetch(probability_.data() + first + length - 1);
  }

 private:
  std::span<const Offset> begin_;
  std::span<const double> probability_;
  std::vector<AliasCell> table_;
};

}  // namespace mdp::estimators
