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
  void* place = ::operator new (n_bytes, std::align_val_t{huge_page});
  // Advice only: where it is not taken, pages are small.
  ::madvise(place, n_bytes, MADV_HUGEPAGE);
  return place;
}

void advise_large(void* place, std::size_t n_bytes) noexcept {
  if (n_bytes < large_bytes) return;
  const auto first = (reinterpret_cast<std::uintptr_t>(place) + small_page - 1) / small_page * small_page;
  const auto last = (reinterpret_cast<std::uintptr_t>(place) + n_bytes) / small_page * small_page;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

void deallocate_large(void* place, std::size_t) noexcept { ::operator delete (place, std::align_val_t{huge_page}); }

}  // namespace mdp
