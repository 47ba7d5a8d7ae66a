// libmdp/io/umb_members.hpp — the binary members of a UMB file: sizes checked, bytes converted. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/umb_index.hpp"
#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::io {

/// Numbers as pairs of doubles; `lo` is empty where all are doubles.
struct UmbNumbers {
  Buffer<double> hi, lo;
};

/// Typed access to the members. Nothing is allocated before a member is found to have the bytes it needs.
class UmbMembers {
 public:
  UmbMembers(const Archive& archive, std::string file, int threads)
      : archive_(archive), file_(std::move(file)), threads_(threads) {}

  [[nodiscard]] bool has(const std::string& name) const { return archive_.find(name) != nullptr; }
  /// The bytes of a member of exactly that size, or nothing if absent.  \throws InputError.
  [[nodiscard]] std::optional<std::span<const std::byte>> bytes(const std::string& name, std::int64_t size) const;
  /// The bytes of a member of any size; empty if absent.
  [[nodiscard]] std::span<const std::byte> bytes(const std::string& name) const;

  /// Offsets of a CSR file, [n+1]; nothing if absent: i owns i.  \throws InputError unless they ascend from 0 to `end`.
  [[nodiscard]] std::optional<Buffer<Offset>> offsets(const std::string& name, std::int64_t n, std::int64_t end) const;
  /// 64-bit positions of states as State; those that are below 2^31 but no states are left to build() to refuse.
  /// \throws InputError if one does not fit.
  [[nodiscard]] Buffer<State> targets(const std::string& name, std::int64_t n, std::int64_t n_states) const;
  /// Doubles or rationals; nothing if absent.
  [[nodiscard]] std::optional<UmbNumbers> numbers(const std::string& name, const UmbType& type, std::int64_t n) const;
  /// Positions of the bits that are set, ascending.
  [[nodiscard]] std::vector<State> bits(const std::string& name, std::int64_t n) const;
  /// The strings of a SEQ file and its CSR mapping: as many as the mapping says, at most `most`.
  [[nodiscard]] std::vector<std::string> strings(const std::string& mapping, const std::string& text,
                                                 std::int64_t most) const;
  /// 32- or 64-bit unsigned indices; nothing if absent.
  template <class T>
  [[nodiscard]] std::optional<std::vector<std::int64_t>> indices(const std::string& name, std::int64_t n) const;

  [[noreturn]] void fail(const std::string& member, const std::string& what) const;
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  [[nodiscard]] UmbNumbers rationals(const std::string& name, std::span<const std::byte> data,
                                     std::size_t n_bytes) const;
  /// Calls f(first, last) on pieces of 0 .. n-1, in parallel; f must not throw.
  void in_pieces(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& f) const;

  const Archive& archive_;
  std::string file_;
  int threads_;
};

}  // namespace mdp::io
