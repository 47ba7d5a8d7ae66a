#include "libmdp/io/archive.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <unordered_set>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "libmdp/error.hpp"

namespace mdp::io {
namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

std::string error_text(archive* a) {
  const char* text = archive_error_string(a);
  return text == nullptr ? "unknown error" : text;
}

Reader open_reader(std::span<const std::byte> bytes, ArchiveFormat format, const std::string& file) {
  Reader reader(archive_read_new(), &archive_read_free);
  if (format == ArchiveFormat::tar) {
    archive_read_support_filter_gzip(reader.get());
    archive_read_support_filter_xz(reader.get());
    archive_read_support_format_tar(reader.get());
  } else {
    archive_read_support_format_zip(reader.get());
  }
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    throw InputError(file, "",
                     std::string("is not a ") + (format == ArchiveFormat::tar ? "tar" : "zip") +
                         " archive: " + error_text(reader.get()));
  }
  return reader;
}

bool inside(std::span<const std::byte> part, std::span<const std::byte> whole) {
  const std::less_equal<const std::byte*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

/// Collects the blocks of a member: as a view while they follow one another inside the archive's own bytes.
class MemberData {
 public:
  explicit MemberData(std::span<const std::byte> archive_bytes) : archive_bytes_(archive_bytes) {}

  void append(std::span<const std::byte> block) {
    if (block.empty()) return;
    if (copy_.empty()) {
      if (view_.empty() && inside(block, archive_bytes_)) {
        view_ = block;
        return;
      }
      if (!view_.empty() && block.data() == view_.data() + view_.size() && inside(block, archive_bytes_)) {
        view_ = {view_.data(), view_.size() + block.size()};
        return;
      }
      copy_.assign(view_.begin(), view_.end());
    }
    copy_.insert(copy_.end(), block.begin(), block.end());
  }
  [[nodiscard]] std::size_t size() const { return copy_.empty() ? view_.size() : copy_.size(); }
  [[nodiscard]] std::span<const std::byte> view() const { return view_; }
  [[nodiscard]] Buffer<std::byte>& copy() { return copy_; }

 private:
  std::span<const std::byte> archive_bytes_;
  std::span<const std::byte> view_;
  Buffer<std::byte> copy_;
};

MemberData read_data(archive* reader, std::span<const std::byte> bytes, const std::string& file,
                     const std::string& name) {
  MemberData data(bytes);
  while (true) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) return data;
    if (result != ARCHIVE_OK) throw InputError(file, name, "is damaged: " + error_text(reader));
    if (offset != static_cast<la_int64_t>(data.size())) throw InputError(file, name, "is stored with holes");
    data.append({static_cast<const std::byte*>(block), size});
  }
}

std::string plain_name(const char* name) {
  std::string_view text = name == nullptr ? "" : name;
  while (text.starts_with("./")) text.remove_prefix(2);
  return std::string(text);
}

}  // namespace

Archive::Archive(std::span<const std::byte> bytes, ArchiveFormat format, const std::string& file,
                 const std::function<bool(std::string_view)>& wanted) {
  const Reader reader = open_reader(bytes, format, file);
  std::unordered_set<std::string> seen;
  while (true) {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      throw InputError(file, "", "is a damaged archive: " + error_text(reader.get()));
    }
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string name = plain_name(archive_entry_pathname(entry));
    if (!wanted(name)) continue;
    if (!seen.insert(name).second) throw InputError(file, name, "stands twice in the archive");
    MemberData data = read_data(reader.get(), bytes, file, name);
    std::span<const std::byte> contents = data.view();
    if (!data.copy().empty()) contents = unpacked_.emplace_back(std::move(data.copy()));
    members_.push_back({name, contents});
  }
}

const Archive::Member* Archive::find(std::string_view name) const noexcept {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

Buffer<std::byte> decompressed(std::span<const std::byte> bytes, const std::string& file) {
  Reader reader(archive_read_new(), &archive_read_free);
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    throw InputError(file, "", "cannot be unpacked: " + error_text(reader.get()));
  }
  if (archive_filter_count(reader.get()) < 2) throw InputError(file, "", "is not compressed with gzip or xz");
  MemberData data = read_data(reader.get(), {}, file, "");
  return std::move(data.copy());
}

struct ArchiveWriter::State {
  std::string path;
  AtomicFile file;
  std::unique_ptr<archive, decltype(&archive_write_free)> writer{archive_write_new(), &archive_write_free};
  std::exception_ptr failure;  // of `file`, caught below libarchive's frames
  bool discard = false;        // the archive was given up: nothing more is written

  explicit State(const std::string& name) : path(name), file(name) {}

  // Always succeeds for libarchive, which leaks its buffer when a write fails: require() reports the failure.
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t size) {
    auto& state = *static_cast<State*>(self);
    if (state.discard || state.failure) return static_cast<la_ssize_t>(size);
    try {
      state.file.write(std::span(static_cast<const std::byte*>(bytes), size));
    } catch (...) {
      state.failure = std::current_exception();
    }
    return static_cast<la_ssize_t>(size);
  }
  void require(bool done) const {
    if (failure) std::rethrow_exception(failure);
    if (!done) throw OutputError(path + ": cannot be written: " + error_text(writer.get()));
  }
};

ArchiveWriter::ArchiveWriter(const std::string& path, ArchiveFormat format, Compression compression)
    : state_(std::make_unique<State>(path)) {
  archive* const writer = state_->writer.get();
  if (format == ArchiveFormat::zip) {
    if (compression == Compression::xz) throw InvalidArgument("a zip archive is compressed by gzip or not at all");
    archive_write_set_format_zip(writer);
    const bool plain = compression == Compression::none;
    state_->require((plain ? archive_write_zip_set_compression_store(writer)
                           : archive_write_zip_set_compression_deflate(writer)) == ARCHIVE_OK);
  } else {
    archive_write_set_format_pax_restricted(writer);
    if (compression == Compression::gzip) {
      archive_write_add_filter_gzip(writer);
      archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr);
    }
    if (compression == Compression::xz) archive_write_add_filter_xz(writer);
  }
  archive_write_set_bytes_in_last_block(writer, 1);
  state_->require(archive_write_open(writer, state_.get(), nullptr, &State::write, nullptr) == ARCHIVE_OK);
}

ArchiveWriter::~ArchiveWriter() {
  // libarchive finishes the archive on free(); the file is thrown away, so nothing needs to be written.
  if (state_) state_->discard = true;
}

void ArchiveWriter::begin(const std::string& name, std::size_t size) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  state_->require(archive_write_header(state_->writer.get(), entry.get()) == ARCHIVE_OK);
}

void ArchiveWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto done = archive_write_data(state_->writer.get(), bytes.data(), bytes.size());
    state_->require(done > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void ArchiveWriter::commit() {
  state_->require(archive_write_close(state_->writer.get()) == ARCHIVE_OK);
  state_->writer.reset();
  state_->file.commit();
}

}  // namespace mdp::io
