// libmdp/buffer.hpp — a vector that does not write zeros before the data arrive.
#pragma once

#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace mdp {

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
