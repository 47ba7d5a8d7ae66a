#include "libmdp/random.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/statistics.hpp"

namespace {

using mdp::RandomSequence;
using mdp::RandomStream;

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  // kat_vectors of Random123 1.14.
  using Block = std::array<std::uint32_t, 4>;
  CHECK(mdp::philox_block({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t f = 0xffffffff;
  CHECK(mdp::philox_block({f, f, f, f}, {f, f}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(mdp::philox_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a sequence is the blocks of its name, low word first") {
  const std::uint64_t seed = 0x0123456789abcdef;
  const std::uint64_t index = 0xfedcba9876543210;
  RandomSequence random(seed, RandomStream::garnet, index);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const auto words = mdp::philox_block({block, 0x76543210, 0xfedcba98, 1}, {0x89abcdef, 0x01234567});
    CHECK(random.bits32() == words[0]);
    CHECK(random.bits32() == words[1]);
    CHECK(random.bits64() == (words[2] | std::uint64_t{words[3]} << 32));
  }
}

TEST_CASE("uniform() is the upper 53 bits") {
  RandomSequence bits(7, RandomStream::test, 3);
  RandomSequence random(7, RandomStream::test, 3);
  for (int i = 0; i < 100; ++i) {
    const double u = random.uniform();
    CHECK(u * 0x1p53 == static_cast<double>(bits.bits64() >> 11));
    CHECK(u < 1.0);
  }
}

TEST_CASE("below() is uniform, also where 2^64 mod n is large") {
  RandomSequence random(11, RandomStream::test, 0);
  CHECK(random.below(1) == 0);
  for (const std::uint64_t n : {std::uint64_t{7}, std::uint64_t{3} << 62}) {
    // Without rejection two of three equal parts of 0 … 3 2^62 - 1 would be hit 1.5 times as often as they should.
    const std::uint64_t part = n == 7 ? 1 : std::uint64_t{1} << 62;
    std::vector<double> counts(n / part);
    const double draws = 30000.0;
    for (int i = 0; i < 30000; ++i) {
      const std::uint64_t x = random.below(n);
      REQUIRE(x < n);
      counts[x / part] += 1.0;
    }
    double chi_square = 0.0;
    const double expected = draws / static_cast<double>(counts.size());
    for (const double c : counts) chi_square += (c - expected) * (c - expected) / expected;
    CHECK(chi_square < mdp::tests::chi_square_threshold(counts.size() - 1));
  }
}

}  // namespace
