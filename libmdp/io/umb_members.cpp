#include "libmdp/io/umb_members.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <gmpxx.h>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::io {
namespace {

template <class T>
T load(std::span<const std::byte> bytes, std::int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

/// A little-endian integer, in two's complement if `is_signed`.
mpz_class integer(std::span<const std::byte> bytes, bool is_signed) {
  mpz_class value;
  mpz_import(value.get_mpz_t(), bytes.size(), -1, 1, -1, 0, bytes.data());
  const bool negative = is_signed && (std::to_integer<unsigned>(bytes.back()) & 0x80u) != 0;
  if (negative) {
    mpz_class modulus;
    mpz_setbit(modulus.get_mpz_t(), bytes.size() * 8);
    value -= modulus;
  }
  return value;
}

}  // namespace

void UmbMembers::fail(const std::string& member, const std::string& what) const {
  throw InputError(file_, member, what);
}

std::span<const std::byte> UmbMembers::bytes(const std::string& name) const {
  const Archive::Member* member = archive_.find(name);
  return member == nullptr ? std::span<const std::byte>() : member->bytes;
}

std::optional<std::span<const std::byte>> UmbMembers::bytes(const std::string& name, std::int64_t size) const {
  const Archive::Member* member = archive_.find(name);
  if (member == nullptr) return std::nullopt;
  if (member->bytes.size() != static_cast<std::size_t>(size)) {
    fail(name, "has " + std::to_string(member->bytes.size()) + " bytes, the counts of index.json ask for " +
                   std::to_string(size));
  }
  return member->bytes;
}

void UmbMembers::in_pieces(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& f) const {
  constexpr std::int64_t piece = std::int64_t{1} << 18;
  kernels::parallel_blocks((n + piece - 1) / piece, threads_,
                           [&](std::ptrdiff_t b) { f(b * piece, std::min(n, (b + 1) * piece)); });
}

std::optional<Buffer<Offset>> UmbMembers::offsets(const std::string& name, std::int64_t n, std::int64_t end) const {
  const auto data = bytes(name, 8 * (n + 1));
  if (!data) return std::nullopt;
  Buffer<Offset> offsets(static_cast<std::size_t>(n) + 1);
  std::atomic<bool> ascending = true;
  in_pieces(n + 1, [&](std::int64_t first, std::int64_t last) {
    std::memcpy(offsets.data() + first, data->data() + 8 * first, static_cast<std::size_t>(8 * (last - first)));
    bool good = true;
    for (std::int64_t i = std::max<std::int64_t>(first, 1); i < last; ++i) {
      good &= load<std::uint64_t>(*data, i - 1) <= load<std::uint64_t>(*data, i);
    }
    if (!good) ascending = false;
  });
  if (!ascending || offsets.front() != 0 || offsets.back() != end) {
    fail(name, "must ascend from 0 to " + std::to_string(end) + ", the count of index.json");
  }
  return offsets;
}

Buffer<State> UmbMembers::targets(const std::string& name, std::int64_t n, std::int64_t n_states) const {
  // Absent means that every branch leads to state 0: said of a few branches, not of as many as a number can say.
  constexpr std::int64_t most_without_bytes = 1'000'000;
  const auto data = bytes(name, 8 * n);
  if (!data) {
    if (n > most_without_bytes) fail(name, "is missing");
    return Buffer<State>(static_cast<std::size_t>(n), 0);
  }
  Buffer<State> targets(static_cast<std::size_t>(n));
  std::atomic<bool> fit = true;
  in_pieces(n, [&](std::int64_t first, std::int64_t last) {
    std::uint64_t bits = 0;  // of all targets: an or is a quarter of the price of a maximum
    for (std::int64_t i = first; i < last; ++i) {
      const auto target = load<std::uint64_t>(*data, i);
      bits |= target;
      targets[static_cast<std::size_t>(i)] = static_cast<State>(target);
    }
    if (bits > std::numeric_limits<State>::max()) fit = false;
  });
  for (std::int64_t i = 0; !fit && i < n; ++i) {
    if (const auto target = load<std::uint64_t>(*data, i); target >= static_cast<std::uint64_t>(n_states)) {
      fail(name, "entry " + std::to_string(i) + " is state " + std::to_string(target) + ", required 0 to " +
                     std::to_string(n_states - 1));
    }
  }
  return targets;
}

std::optional<UmbNumbers> UmbMembers::numbers(const std::string& name, const UmbType& type, std::int64_t n) const {
  const std::int64_t n_bytes = type.bits / 8;
  if (n > std::numeric_limits<std::int64_t>::max() / n_bytes)
    fail(name, "cannot hold " + std::to_string(n) + " values");
  const auto data = bytes(name, n_bytes * n);
  if (!data) return std::nullopt;
  if (type.name == "rational") return rationals(name, *data, static_cast<std::size_t>(n_bytes));
  UmbNumbers numbers;
  numbers.hi.resize(static_cast<std::size_t>(n));
  in_pieces(n, [&](std::int64_t first, std::int64_t last) {
    std::memcpy(numbers.hi.data() + first, data->data() + 8 * first, static_cast<std::size_t>(8 * (last - first)));
  });
  return numbers;
}

UmbNumbers UmbMembers::rationals(const std::string& name, std::span<const std::byte> data, std::size_t n_bytes) const {
  const std::size_t n = data.size() / n_bytes;
  UmbNumbers numbers;
  numbers.hi.resize(n);
  numbers.lo.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = data.subspan(i * n_bytes, n_bytes);
    mpq_class x{integer(value.first(n_bytes / 2), true), integer(value.last(n_bytes / 2), false)};
    if (sgn(x.get_den()) == 0) fail(name, "entry " + std::to_string(i) + " has denominator 0");
    x.canonicalize();
    const TwoDouble rounded = to_two_double(x);
    numbers.hi[i] = rounded.hi;
    numbers.lo[i] = rounded.lo;
  }
  return numbers;
}

std::vector<State> UmbMembers::bits(const std::string& name, std::int64_t n) const {
  std::vector<State> set;
  const auto data = bytes(name, (n + 63) / 64 * 8);
  if (!data) return set;
  for (std::int64_t word = 0; word < (n + 63) / 64; ++word) {
    for (auto rest = load<std::uint64_t>(*data, word); rest != 0; rest &= rest - 1) {
      const std::int64_t i = word * 64 + std::countr_zero(rest);
      if (i >= n) fail(name, "has a bit set beyond the last of " + std::to_string(n));
      set.push_back(static_cast<State>(i));
    }
  }
  return set;
}

std::vector<std::string> UmbMembers::strings(const std::string& mapping, const std::string& text,
                                             std::int64_t most) const {
  const auto offsets = bytes(mapping);
  const std::string_view characters = as_text(bytes(text));
  if (offsets.empty()) return {};
  const auto n = static_cast<std::int64_t>(offsets.size() / 8) - 1;
  if (offsets.size() % 8 != 0 || n > most) {
    fail(mapping, "has " + std::to_string(offsets.size()) + " bytes, required 8 for each of at most " +
                      std::to_string(most) + " strings and 8 more");
  }
  std::vector<std::string> strings;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto begin = load<std::uint64_t>(offsets, i);
    const auto end = load<std::uint64_t>(offsets, i + 1);
    if (begin > end || end > characters.size()) {
      fail(mapping, "entry " + std::to_string(i) + " is not within the " + std::to_string(characters.size()) +
                        " bytes of " + text);
    }
    strings.emplace_back(characters.substr(begin, end - begin));
  }
  return strings;
}

template <class T>
std::optional<std::vector<std::int64_t>> UmbMembers::indices(const std::string& name, std::int64_t n) const {
  const auto data = bytes(name, static_cast<std::int64_t>(sizeof(T)) * n);
  if (!data) return std::nullopt;
  std::vector<std::int64_t> values(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    values[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(load<T>(*data, i));
  return values;
}

template std::optional<std::vector<std::int64_t>> UmbMembers::indices<std::uint32_t>(const std::string&,
                                                                                     std::int64_t) const;
template std::optional<std::vector<std::int64_t>> UmbMembers::indices<std::uint64_t>(const std::string&,
                                                                                     std::int64_t) const;

}  // namespace mdp::io
