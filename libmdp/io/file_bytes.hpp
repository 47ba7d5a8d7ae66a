// libmdp/io/file_bytes.hpp — the bytes of a file. Internal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "libmdp/buffer.hpp"

namespace mdp::io {

/// The contents of a file, mapped into memory where it is a regular file, else read (a pipe, a device).
class FileBytes {
 public:
  /// \throws InputError if the file is missing, unreadable, a directory or empty.
  explicit FileBytes(const std::string& path);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  Buffer<std::byte> read_;  // empty where the file is mapped
};

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The part of a file name behind its last dot, in lower case: "npz"; "" without one.
[[nodiscard]] std::string extension(std::string_view path);

}  // namespace mdp::io
