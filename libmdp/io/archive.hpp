// libmdp/io/archive.hpp — tar and zip archives in memory, through libarchive. Internal.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/io/write.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {

enum class ArchiveFormat { tar, zip };

/// The members of an archive. Where nothing is compressed they are views into the bytes of the archive.
class Archive {
 public:
  struct Member {
    std::string name;
    std::span<const std::byte> bytes;
  };

  /// Takes the members whose name `wanted` accepts; directories are skipped. A tar may be compressed with gzip or xz
  /// as a whole. Memory grows as data arrive, never by a size that the archive announces.
  /// \param bytes  must outlive the Archive.  \throws InputError if this is no such archive, if it ends early, or if
  /// a wanted name stands twice.
  Archive(std::span<const std::byte> bytes, ArchiveFormat format, const std::string& file,
          const std::function<bool(std::string_view)>& wanted);

  /// An archive of these members, which are views: for readers under test.
  explicit Archive(std::vector<Member> members) : members_(std::move(members)) {}

  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }
  /// The member of that name, or nullptr.
  [[nodiscard]] const Member* find(std::string_view name) const noexcept;

 private:
  std::vector<Member> members_;
  std::deque<Buffer<std::byte>> unpacked_;  // what compressed members point into
};

/// The contents of a file that is compressed with gzip or xz as a whole. Memory grows as data arrive.
/// \throws InputError if it is neither, or ends early.
[[nodiscard]] Buffer<std::byte> decompressed(std::span<const std::byte> bytes, const std::string& file);

/// Writes an archive member by member into a file, whole or not at all. The same members give the same bytes: no
/// time, user or host is recorded.
class ArchiveWriter {
 public:
  /// Compression::gzip of a zip archive is its "deflate". \throws OutputError; InvalidArgument for xz in a zip.
  ArchiveWriter(const std::string& path, ArchiveFormat format, Compression compression);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  /// Starts a member of exactly `size` bytes; append() must give them all before the next begin() or commit().
  void begin(const std::string& name, std::size_t size);
  void append(std::span<const std::byte> bytes);
  void add(const std::string& name, std::span<const std::byte> bytes) {
    begin(name, bytes.size());
    append(bytes);
  }
  /// Finishes the archive and puts it in place.  \throws OutputError.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mdp::io
