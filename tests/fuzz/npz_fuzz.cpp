// read_npz() of any bytes, and of any members of an archive.
#include <cstdint>

#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/npz.hpp"
#include "tests/fuzz/members.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return mdp::tests::fuzz_archive_reader(data, size, mdp::io::read_npz, mdp::io::read_npz_members);
}
