// libmdp/random.hpp — counter-based random numbers: any draw is reproducible in isolation.
#pragma once

#include <array>
#include <cstdint>

namespace mdp {

/// Philox4x32-10: 128 random bits as a function of a 128-bit counter and a 64-bit key.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011); Random123.
[[nodiscard]] std::array<std::uint32_t, 4> philox_block(const std::array<std::uint32_t, 4>& counter,
                                                        const std::array<std::uint32_t, 2>& key) noexcept;

/// What random numbers are for. Two purposes never share numbers, whatever their seeds and indices.
enum class RandomStream : std::uint32_t {
  test = 0,
  garnet = 1,
  planted_state = 2,
  planted_row = 3,
  trajectory = 4,
  transition = 5,
  chain = 62,
  polytope = 63,
  posterior = 20,
  random_row = 21,
  start_point = 40,
};

/// The sequence of random numbers that (seed, stream, index) names: the same on every machine and for any
/// order or number of threads. Key = seed; counter = (block, index low, index high, stream), so a sequence
/// holds 2^34 words of 32 bits and different names never overlap.
class RandomSequence {
 public:
  RandomSequence(std::uint64_t seed, RandomStream stream, std::uint64_t index) noexcept
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(stream)} {}

  [[nodiscard]] std::uint32_t bits32() noexcept {
    if (used_ == block_.size()) {
      block_ = philox_block(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  /// Two words, the low one first.
  [[nodiscard]] std::uint64_t bits64() noexcept {
    const std::uint64_t low = bits32();
    return low | static_cast<std::uint64_t>(bits32()) << 32;
  }

  /// Uniform on the multiples of 2^-53 in [0, 1).
  [[nodiscard]] double uniform() noexcept { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

  /// Uniform on 0 .. n-1, n >= 1, without bias.
  /// Source: Lemire, "Fast random integer generation in an interval" (2019), algorithm 5.
  [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept {
    Wide product = static_cast<Wide>(bits64()) * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t threshold = (0 - n) % n;  // 2^64 mod n
      while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(bits64()) * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace mdp
