// read_umb() of any bytes, and of any members of an archive.
#include <cstdint>

#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/umb.hpp"
#include "tests/fuzz/members.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return mdp::tests::fuzz_archive_reader(data, size, mdp::io::read_umb, mdp::io::read_umb_members);
}
