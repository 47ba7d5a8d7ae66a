// libmdp/buffer.hpp — a vector that does not write zeros before the data arrive.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace mdp {

/// From this size on, memory comes in huge pages where the system has them: a tenth of the page faults when it is
/// filled, and fewer misses when it is gathered from.
inline constexpr std::size_t large_bytes = std::size_t{1} << 21;

/// \throws std::bad_alloc
[[nodiscard]] void* allocate_large(std::size_t n_bytes);
void deallocate_large(void* place, std::size_t n_bytes) noexcept;

/// For memory that will be written at once: huge pages where it is large, and all pages, from 256 kB on, prepared in one go.
void advise_large(void* place, std::size_t n_bytes) noexcept;

/// v.reserve(n) for a vector that is not a Buffer, with large_bytes in mind.
template <class T>
void reserve_large(std::vector<T>& v, std::size_t n) {
  if (n <= v.capacity()) return;
  v.reserve(n);
  advise_large(v.data() + v.size(), (v.capacity() - v.size()) * sizeof(T));
}

/// std::allocator whose construct() default-initialises: resize() leaves numbers unwritten, so that the
/// thread that fills a large array is the first to touch its pages and no pass over memory is wasted.
template <class T>
struct DefaultInitAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = DefaultInitAllocator<U>;
  };
  DefaultInitAllocator() = default;
  template <class U>
  DefaultInitAllocator(const DefaultInitAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) {
    return n < large_bytes / sizeof(T) ? std::allocator<T>::allocate(n)
                                       : static_cast<T*>(allocate_large(n * sizeof(T)));
  }
  void deallocate(T* place, std::size_t n) noexcept {
    if (n < large_bytes / sizeof(T)) {
      std::allocator<T>::deallocate(place, n);
    } else {
      deallocate_large(place, n * sizeof(T));
    }
  }

  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Args>
  void construct(U* place, Args&&... args) {
    ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
  }
};

template <class T>
using Buffer = std::vector<T, DefaultInitAllocator<T>>;

}  // namespace mdp
