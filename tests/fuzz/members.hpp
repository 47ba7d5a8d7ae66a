#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/read.hpp"

namespace mdp::tests {

/// The members of an archive that a fuzz target is given as: name, newline, length in two bytes (low first),
/// contents; again and again. Checksums of real archives would keep the fuzzer out of what is inside.
inline io::Archive archive_of(std::span<const std::byte> bytes) {
  std::vector<io::Archive::Member> members;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos || text.size() - newline < 3) break;
    const auto low = static_cast<unsigned char>(text[newline + 1]);
    const auto high = static_cast<unsigned char>(text[newline + 2]);
    const std::string name(text.substr(0, newline));
    const std::string_view contents = text.substr(newline + 3, low + std::size_t{256} * high);
    members.push_back({name, std::as_bytes(std::span(contents))});
    text.remove_prefix(newline + 3 + contents.size());
  }
  return io::Archive(std::move(members));
}

/// Gives bytes to read(bytes, file, options) or, behind an "@", members to read_members(archive, file, options): an MDP
/// or an InputError comes out, nothing else.
template <class Read, class ReadMembers>
int fuzz_archive_reader(const std::uint8_t* data, std::size_t size, Read&& read, ReadMembers&& read_members) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const io::ReadOptions options{.threads = 1};
  try {
    if (size > 0 && data[0] == '@') {
      (void)read_members(archive_of(bytes.subspan(1)), "fuzz", options);
    } else {
      (void)read(bytes, "fuzz", options);
    }
  } catch (const InputError&) {
  }
  return 0;
}

}  // namespace mdp::tests
