// read_npz() of any bytes or, behind an "@", of any members: it gives an MDP or an InputError, nothing else.
#include <cstdint>

#include "libmdp/error.hpp"
#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/npz.hpp"
#include "tests/fuzz/members.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const mdp::io::ReadOptions options{.threads = 1};
  try {
    if (size > 0 && data[0] == '@') {
      (void)mdp::io::read_npz_members(mdp::tests::archive_of(bytes.subspan(1)), "fuzz.npz", options);
    } else {
      (void)mdp::io::read_npz(bytes, "fuzz.npz", options);
    }
  } catch (const mdp::InputError&) {
  }
  return 0;
}
