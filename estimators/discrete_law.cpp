#include "estimators/discrete_law.hpp"

#include <algorithm>
#include <cstddef>

#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

std::uint64_t floor_mass(double p) { return static_cast<std::uint64_t>(p * static_cast<double>(unit_mass)); }

Offset first_largest(std::span<const double> p) { return std::max_element(p.begin(), p.end()) - p.begin(); }

std::uint64_t draw_mass(RandomSequence& random) { return random.bits64() >> 2; }

}  // namespace

std::vector<std::uint64_t> integer_masses(std::span<const double> p) {
  std::vector<std::uint64_t> mass;
  std::uint64_t left = unit_mass;
  for (const double x : p) {
    mass.push_back(std::min(floor_mass(x), left));
    left -= mass.back();
  }
  mass[static_cast<std::size_t>(first_largest(p))] += left;
  return mass;
}

Offset scan(std::uint64_t u, std::span<const double> p) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    const std::uint64_t mass = floor_mass(p[i]);
    if (u < mass) return static_cast<Offset>(i);
    u -= mass;
  }
  return first_largest(p);
}

Offset draw_by_scan(RandomSequence& random, std::span<const double> p) {
  return p.size() == 1 ? 0 : scan(draw_mass(random), p);
}

void fill_alias_table(std::span<const double> p, std::span<AliasCell> table) {
  // Every cell holds unit_mass; position i has n times its mass to place, in 128 bits.
  __extension__ using Wide = unsigned __int128;
  const std::size_t n = p.size();
  const std::vector<std::uint64_t> mass = integer_masses(p);
  const auto to_place = [&](std::size_t i) { return static_cast<Wide>(mass[i]) * n; };
  const auto next = [&](std::size_t i, bool heavy) {
    while (i < n && (to_place(i) > unit_mass) != heavy) ++i;
    return i;
  };
  for (std::size_t i = 0; i < n; ++i) table[i] = {unit_mass, static_cast<std::int32_t>(i)};
  std::size_t light = next(0, false);
  std::size_t heavy = next(0, true);
  Wide rest = heavy < n ? to_place(heavy) : 0;  // of the heavy position
  while (heavy < n) {
    if (rest > unit_mass) {  // give to the next light cell what it lacks
      table[light] = {static_cast<std::uint64_t>(to_place(light)), static_cast<std::int32_t>(heavy)};
      rest -= unit_mass - to_place(light);
      light = next(light + 1, false);
    } else {  // the heavy cell itself lacks something: the next heavy position gives it
      const std::size_t giver = next(heavy + 1, true);
      table[heavy] = {static_cast<std::uint64_t>(rest), static_cast<std::int32_t>(giver < n ? giver : heavy)};
      rest = giver < n ? to_place(giver) - (unit_mass - rest) : 0;
      heavy = giver;
    }
  }
}

Offset draw_by_alias(RandomSequence& random, std::span<const AliasCell> table) {
  const std::uint64_t cell = random.below(table.size());
  const AliasCell& c = table[static_cast<std::size_t>(cell)];
  return draw_mass(random) < c.threshold ? static_cast<Offset>(cell) : c.alias;
}

DiscreteLaws::DiscreteLaws(std::span<const Offset> begin, std::span<const double> probability, int threads)
    : begin_(begin), probability_(probability) {
  const std::size_t n_laws = begin.size() - 1;
  const auto is_long = [&](std::size_t i) { return begin[i + 1] - begin[i] > scan_limit; };
  bool any_long = false;
  for (std::size_t i = 0; i < n_laws; ++i) any_long = any_long || is_long(i);
  if (!any_long) return;
  table_.resize(probability.size());
  constexpr std::size_t laws_per_block = 1024;
  const std::size_t n_blocks = (n_laws + laws_per_block - 1) / laws_per_block;
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(n_blocks), threads, [&](std::ptrdiff_t block) {
    const std::size_t first = static_cast<std::size_t>(block) * laws_per_block;
    for (std::size_t i = first; i < std::min(n_laws, first + laws_per_block); ++i) {
      if (!is_long(i)) continue;
      const auto from = static_cast<std::size_t>(begin[i]);
      const auto length = static_cast<std::size_t>(begin[i + 1]) - from;
      fill_alias_table(probability.subspan(from, length), std::span(table_).subspan(from, length));
    }
  });
}

}  // namespace mdp::estimators
