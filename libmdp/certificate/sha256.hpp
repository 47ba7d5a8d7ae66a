// libmdp/certificate/sha256.hpp — the hash function of FIPS 180-4, for the identity of models.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mdp::certificate {

/// SHA-256 of a text that comes in pieces.
class Sha256 {
 public:
  Sha256& add(std::string_view text);
  /// 64 hexadecimal digits. The object is spent afterwards.
  [[nodiscard]] std::string hex();

 private:
  void add_block(const unsigned char* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                      0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U};
  std::string pending_;
  std::uint64_t length_ = 0;
};

}  // namespace mdp::certificate
