#include "libmdp/buffer.hpp"

#include <sys/mman.h>

namespace mdp {
namespace {

constexpr std::size_t huge_page = std::size_t{1} << 21;

}  // namespace

void* allocate_large(std::size_t n_bytes) {
  if (n_bytes > static_cast<std::size_t>(-1) - huge_page) throw std::bad_alloc();
  void* place = ::operator new (n_bytes, std::align_val_t{huge_page});
  // Advice only: where it is not taken, pages are small.
  ::madvise(place, n_bytes, MADV_HUGEPAGE);
  return place;
}

void deallocate_large(void* place, std::size_t) noexcept { ::operator delete (place, std::align_val_t{huge_page}); }

}  // namespace mdp
