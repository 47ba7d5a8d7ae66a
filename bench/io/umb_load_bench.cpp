// Loading a garnet of 20 million transitions from an uncompressed .umb file against summing the bytes of that file, both
// with a warm page cache and with the same number of threads.
//
//     umb_load_bench [states [threads]]
//
// Prints the best of five runs each and their ratio, which is to be at most 2; exits with 1 if the model read is not
// the model written.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <numeric>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace {

/// Seconds on the clock, and of all processors together: the latter hardly change when other programs run too.
struct Seconds {
  double clock = 1e300;
  double processor = 1e300;
};

Seconds best_of_five(const std::function<void()>& run) {
  Seconds best;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    run();
    const std::chrono::duration<double> clock = std::chrono::steady_clock::now() - start;
    best.clock = std::min(best.clock, clock.count());
    best.processor = std::min(best.processor, static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC);
  }
  return best;
}

/// Sum of the bytes of a file, read in blocks of 1 MB.
std::uint64_t sum_bytes(const std::string& path, std::int64_t size, int threads) {
  constexpr std::int64_t block = 1 << 20;
  const int file = ::open(path.c_str(), O_RDONLY);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>((size + block - 1) / block));
  mdp::kernels::parallel_blocks(static_cast<std::ptrdiff_t>(sums.size()), threads, [&](std::ptrdiff_t b) {
    static thread_local std::vector<unsigned char> bytes(block);
    const auto got = ::pread(file, bytes.data(), bytes.size(), b * block);
    sums[static_cast<std::size_t>(b)] = std::accumulate(bytes.begin(), bytes.begin() + got, std::uint64_t{0});
  });
  ::close(file);
  return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

bool same(const mdp::Mdp& a, const mdp::Mdp& b) {
  return std::ranges::equal(a.row_begin(), b.row_begin()) && std::ranges::equal(a.next_state(), b.next_state()) &&
         std::ranges::equal(a.probability(), b.probability()) && std::ranges::equal(a.cost(), b.cost());
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t states = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const int threads = mdp::kernels::n_threads(argc > 2 ? std::atoi(argv[2]) : 0);
  const mdp::Mdp written = mdp::generate::garnet({.shape = {.states = states, .actions = 4, .successors = 5}});
  const auto path =
      (std::filesystem::temp_directory_path() / fmt::format("umb_load_bench_{}.umb", ::getpid())).string();
  mdp::io::write_mdp(path, written);
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));

  std::uint64_t sum = 0;
  const Seconds sum_seconds = best_of_five([&] { sum = sum_bytes(path, size, threads); });
  const Seconds load_seconds = best_of_five([&] { (void)mdp::io::read_mdp(path, {.threads = threads}); });
  const bool good = same(written, mdp::io::read_mdp(path, {.threads = threads}));
  std::filesystem::remove(path);

  const double gigabytes = static_cast<double>(size) / 1e9;
  fmt::print("{} transitions, {:.3f} GB, {} threads\n", written.n_transitions(), gigabytes, threads);
  const auto print = [&](const char* what, Seconds t) {
    fmt::print("{}  {:.3f} s  {:.2f} GB/s  {:.3f} s of processors\n", what, t.clock, gigabytes / t.clock, t.processor);
  };
  print("sum of bytes", sum_seconds);
  print("load        ", load_seconds);
  fmt::print("load / sum    {:.2f}, of processors {:.2f}  (goal: at most 2; sum {})\n",
             load_seconds.clock / sum_seconds.clock, load_seconds.processor / sum_seconds.processor, sum);
  fmt::print("model read is the model written: {}\n", good ? "yes" : "NO");
  return good ? 0 : 1;
}
