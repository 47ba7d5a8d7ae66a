#include "libmdp/buffer.hpp"

#include <cstdint>

#include <sys/mman.h>

namespace mdp {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21;
constexpr std::uintptr_t small_page = 4096;

}  // namespace

void* allocate_large(std::size_t n_bytes) {
  if (n_bytes > static_cast<std::size_t>(-1) - huge_page) throw std::bad_alloc();
  // The last page is whole, unless much of it would be wasted.
  const std::size_t whole = (n_bytes + huge_page - 1) / huge_page * huge_page;
  const std::size_t size = whole - n_bytes < n_bytes / 4 ? whole : n_bytes;
  void* place = ::operator new (size, std::align_val_t{huge_page});
  // Advice only: where it is not taken, pages are small.
  ::madvise(place, size, MADV_HUGEPAGE);
  return place;
}

void advise_large(void* place, std::size_t n_bytes) noexcept {
  if (n_bytes < large_bytes / 8) return;
  const auto first = (reinterpret_cast<std::uintptr_t>(place) + small_page - 1) / small_page * small_page;
  const auto last = (reinterpret_cast<std::uintptr_t>(place) + n_bytes) / small_page * small_page;
  if (n_bytes >= large_bytes) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE  // all pages in one call (Linux 5.14): half the time of as many faults
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
#endif
}

void deallocate_large(void* place, std::size_t) noexcept { ::operator delete (place, std::align_val_t{huge_page}); }

}  // namespace mdp
