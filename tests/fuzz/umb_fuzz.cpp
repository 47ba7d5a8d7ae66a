// read_umb() of any bytes or, behind an "@", of any members: it gives an MDP or an InputError, nothing else.
#include <cstdint>

#include "libmdp/error.hpp"
#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/umb.hpp"
#include "tests/fuzz/members.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const mdp::io::ReadOptions options{.threads = 1};
  try {
    if (size > 0 && data[0] == '@') {
      (void)mdp::io::read_umb_members(mdp::tests::archive_of(bytes.subspan(1)), "fuzz.umb", options);
    } else {
      (void)mdp::io::read_umb(bytes, "fuzz.umb", options);
    }
  } catch (const mdp::InputError&) {
  }
  return 0;
}
