#include "solvers/memory.hpp"

#include <fstream>
#include <string>

namespace mdp::solvers {

double memory_limit_of(const SolveOptions& options) {
  if (options.memory_limit > 0) return static_cast<double>(options.memory_limit);
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) return 0.5 * 1024.0 * std::stod(line.substr(13));
  }
  return infinity;
}

}  // namespace mdp::solvers
