// tests/support/array_hash.hpp — one number that changes with any bit of a model's arrays.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::tests {

/// FNV-1a of the bytes of state_rows, row_begin, next_state, probability and cost (little-endian, minimised).
inline std::uint64_t array_hash(const Mdp& m) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](const auto& array) {
    for (const std::byte b : std::as_bytes(array)) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3;
  };
  add(m.state_rows());
  add(m.row_begin());
  add(m.next_state());
  add(m.probability());
  add(m.cost());
  return hash;
}

}  // namespace mdp::tests
