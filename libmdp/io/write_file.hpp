// libmdp/io/write_file.hpp — files are written whole or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mdp::io {

/// A file on its way: bytes go to a temporary file in the folder of `path`, commit() renames it. Whatever goes wrong
/// before that, the old file, if any, is untouched and the temporary one is removed. A path that names something
/// other than a regular file (a pipe, /dev/stdout) is written to directly.
class AtomicFile {
 public:
  /// \throws OutputError if the folder does not exist or cannot be written.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends.  \throws OutputError (no space left, …).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Flushes to the disk and renames. Call it once, last.  \throws OutputError.
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;
  void discard() noexcept;

  std::string path_;
  std::string temporary_;  // empty: written directly
  int descriptor_ = -1;
};

/// Writes a file whole or not at all.  \throws OutputError.
void write_file(const std::string& path, std::span<const std::byte> bytes);
void write_file(const std::string& path, std::string_view text);

}  // namespace mdp::io
