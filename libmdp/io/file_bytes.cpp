#include "libmdp/io/file_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libmdp/error.hpp"

namespace mdp::io {
namespace {

/// Closes a file descriptor at the end of a block.
struct Descriptor {
  int number;
  explicit Descriptor(int descriptor) : number(descriptor) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

Buffer<std::byte> read_to_end(int descriptor, const std::string& path) {
  constexpr std::size_t block = std::size_t{1} << 20;
  Buffer<std::byte> bytes;
  while (true) {
    const std::size_t size = bytes.size();
    bytes.resize(size + block);
    const auto got = ::read(descriptor, bytes.data() + size, block);
    bytes.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
    if (got < 0 && errno != EINTR) throw InputError(path, "", std::string("cannot be read: ") + std::strerror(errno));
  }
}

}  // namespace

FileBytes::FileBytes(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) {
    throw InputError(
        path, "", errno == ENOENT ? "there is no such file" : std::string("cannot be opened: ") + std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(file.number, &status) != 0) throw InputError(path, "", "cannot be examined");
  if (S_ISDIR(status.st_mode)) throw InputError(path, "", "is a directory, not a file");
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* place = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (place != MAP_FAILED) {
      bytes_ = {static_cast<const std::byte*>(place), size};
      return;
    }
  }
  read_ = read_to_end(file.number, path);
  if (read_.empty()) throw InputError(path, "", "is empty");
  bytes_ = read_;
}

FileBytes::~FileBytes() {
  if (read_.empty() && !bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string extension(std::string_view path) {
  const std::size_t dot = path.find_last_of("./");
  if (dot == std::string_view::npos || path[dot] == '/') return "";
  std::string end(path.substr(dot + 1));
  std::transform(end.begin(), end.end(), end.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return end;
}

}  // namespace mdp::io
