#include "estimators/packed_steps.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

constexpr std::size_t most_positions = 8;
constexpr std::size_t laws_per_block = 4096;
constexpr std::uint64_t lower_half = (std::uint64_t{1} << 30) - 1;  // of a draw of 62 bits

/// f(first, last) over all laws, in parallel.
template <class F>
void for_blocks(std::size_t n_laws, int threads, const F& f) {
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>((n_laws + laws_per_block - 1) / laws_per_block), threads,
                           [&](std::ptrdiff_t block) {
                             const std::size_t first = static_cast<std::size_t>(block) * laws_per_block;
                             f(first, std::min(n_laws, first + laws_per_block));
                           });
}

/// Writes the upper halves of the ends of all masses but the last; false if what is left over reaches below the largest word.
bool write_ends(std::span<const double> p, std::uint32_t* ends) {
  std::uint64_t end = 0;
  for (std::size_t k = 0; k < p.size(); ++k) {
    end = std::min(unit_mass, end + static_cast<std::uint64_t>(p[k] * static_cast<double>(unit_mass)));
    if (k + 1 < p.size()) ends[k] = static_cast<std::uint32_t>(std::min<std::uint64_t>(end >> 30, ~std::uint32_t{0}));
  }
  return unit_mass - end <= lower_half;
}

}  // namespace

std::optional<PackedSteps::Table> PackedSteps::pack(std::span<const Offset> begin, std::span<const double> probability,
                                                    bool with_positions, int threads) {
  const std::size_t n_laws = begin.size() - 1;
  Table table{begin, probability, 1, 4, {}};
  for (std::size_t i = 0; i < n_laws; ++i) table.length = std::max(table.length, at(begin[i + 1] - begin[i]));
  if (table.length > most_positions) return std::nullopt;
  const std::size_t n_words = (with_positions ? 2 : 1) * table.length;
  while (table.stride < n_words) table.stride *= 2;
  table.words.resize(n_laws * table.stride);
  std::atomic<bool> fits = true;
  for_blocks(n_laws, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      std::uint32_t* words = table.words.data() + i * table.stride;
      const auto n = at(begin[i + 1] - begin[i]);
      std::fill_n(words, table.stride, largest);
      words[0] = n == 1 ? single : 0;
      if (n > 1 && !write_ends(probability.subspan(at(begin[i]), n), words + 1)) fits = false;
    }
  });
  if (!fits) return std::nullopt;
  return table;
}

std::optional<PackedSteps> PackedSteps::make(const Mdp& mdp, std::span<const double> policy, int threads) {
  if (mdp.n_rows() >= static_cast<Offset>(single)) return std::nullopt;
  auto states = pack(mdp.state_rows(), policy, false, threads);
  auto rows = pack(mdp.row_begin(), mdp.probability(), true, threads);
  if (!states || !rows) return std::nullopt;
  PackedSteps packed;
  packed.states_ = std::move(*states);
  packed.rows_ = std::move(*rows);
  for_blocks(at(mdp.n_states()), threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t s = first; s < last; ++s)
      packed.states_.words[s * packed.states_.stride] |= static_cast<std::uint32_t>(mdp.state_rows()[s]);
  });
  for_blocks(at(mdp.n_rows()), threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      std::uint32_t* successors = packed.rows_.words.data() + row * packed.rows_.stride + packed.rows_.length;
      for (Offset i = mdp.row_begin()[row]; i < mdp.row_begin()[row + 1]; ++i)
        *successors++ = static_cast<std::uint32_t>(mdp.next_state()[at(i)]);
    }
  });
  return packed;
}

Offset PackedSteps::scanned(const Table& table, Offset i, std::uint64_t u) {
  const auto first = at(table.begin[at(i)]);
  return scan(u, table.probability.subspan(first, at(table.begin[at(i) + 1]) - first));
}

}  // namespace mdp::estimators
