#include <chrono>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/generate/garnet.hpp"

namespace {

/// A line of /proc/self/status in bytes; 0 where there is none.
double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != key + ":") continue;
    double kilobytes = 0.0;
    status >> kilobytes;
    return 1024.0 * kilobytes;
  }
  return 0.0;
}

/// Bytes of the arrays that an Mdp keeps.
double array_bytes(const mdp::Mdp& m) {
  return static_cast<double>(m.state_rows().size_bytes() + m.row_begin().size_bytes() + m.next_state().size_bytes() +
                             m.probability().size_bytes() + m.cost().size_bytes() + m.initial().size_bytes());
}

TEST_CASE("building 20 million transitions takes at most 1.5 times the memory of the arrays", "[long]") {
  const double before = status_bytes("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";  // the high-water mark starts again from here
  const auto start = std::chrono::steady_clock::now();
  const mdp::Mdp m = mdp::generate::garnet({.shape = {.states = 1000000, .actions = 4, .successors = 5}});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double peak = status_bytes("VmHWM") - before;
  WARN("20M transitions in " << seconds << " s, peak " << peak / array_bytes(m) << " times the arrays");
  CHECK(m.n_transitions() == 20000000);
  CHECK(peak <= 1.5 * array_bytes(m));
}

}  // namespace
