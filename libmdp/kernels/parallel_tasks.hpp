// libmdp/kernels/parallel_tasks.hpp — long tasks of uneven length, in parallel, that an observer may stop.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

#include "libmdp/kernels/parallel.hpp"

namespace mdp::kernels {

/// Calls f(task) for task = 0 .. n_tasks-1, each when a thread is free; no result may depend on their order. Before each of
/// its own tasks the calling thread calls observer(fraction begun); false: the tasks that are not begun are left out.
/// Returns whether all were done. f must not throw.
template <class F>
[[nodiscard]] bool parallel_tasks(std::ptrdiff_t n_tasks, int threads, const std::function<bool(double)>& observer,
                                  F&& f) {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> stopped = false;
  std::atomic<std::ptrdiff_t> begun = 0;
#pragma omp parallel for schedule(dynamic) num_threads(n_threads(threads)) if (n_tasks > 1)
  for (std::ptrdiff_t task = 0; task < n_tasks; ++task) {
    const double fraction = static_cast<double>(begun++) / static_cast<double>(n_tasks);
    if (observer && std::this_thread::get_id() == caller && !stopped && !observer(fraction)) stopped = true;
    if (!stopped) f(task);
  }
  return !stopped;
}

}  // namespace mdp::kernels
