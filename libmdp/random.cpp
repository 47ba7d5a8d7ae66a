#include "libmdp/random.hpp"

#include <Random123/philox.h>

namespace mdp {

std::array<std::uint32_t, 4> philox_block(const std::array<std::uint32_t, 4>& counter,
                                          const std::array<std::uint32_t, 2>& key) noexcept {
  const r123::Philox4x32::ctr_type c = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type k = {{key[0], key[1]}};
  const r123::Philox4x32::ctr_type bits = r123::Philox4x32()(c, k);
  return {bits[0], bits[1], bits[2], bits[3]};
}

}  // namespace mdp
