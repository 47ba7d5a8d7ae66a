// Policies and values of any bytes are read or refused with an InputError.
#include <cstdint>
#include <cstdlib>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/policy_file.hpp"

namespace {

mdp::Mdp three_states() {
  mdp::MdpBuilder builder(3);
  for (const int s : {0, 0, 1, 2, 2, 2}) builder.row(s, 0.0).to(s, 1.0);
  return builder.build();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const mdp::Mdp m = three_states();
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto policy = mdp::io::parse_policy(bytes, "fuzz.json", m);
    mdp::require_valid(m, std::span<const double>(policy.probabilities));
    if (policy.deterministic) mdp::require_valid(m, std::span<const mdp::Action>(policy.actions));
  } catch (const mdp::InputError&) {
  }
  for (const char* file : {"fuzz.json", "fuzz.npy"}) {
    try {
      if (mdp::io::parse_values(bytes, file, 3).size() != 3) std::abort();
    } catch (const mdp::InputError&) {
    }
  }
  return 0;
}
