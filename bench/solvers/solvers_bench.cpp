// Methods x problems: time to a certified absolute error of 1e-6, each answer checked in the same run.
//
//     solvers_bench [--scale X] [--threads N] [--time-limit SECONDS] [--all] [FILE...]
//
// Without files: generated models of the kinds of docs/speed.md. A row per method (auto alone, or --all):
//   units    seconds divided by one sweep: the larger of the two roof times of a full Bellman sweep (its compulsory bytes at
//            the read bandwidth measured just before; its gathers at the time measured just before), over 0.75
//   sweeps   passes over all rows
//   GB       bytes of transitions read, by the trace's count
//   of_read  those bytes per second, as a fraction of the read bandwidth
//   peak     largest memory of the process while solving, over the bytes of the arrays of the model
// The enclosures of all methods are intersected state by state: an empty intersection ends the program with 1.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "bench/support/read_bandwidth.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/epidemic.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/generate/queue.hpp"
#include "libmdp/generate/replacement.hpp"
#include "libmdp/io/read.hpp"
#include "solvers/solve.hpp"

namespace {

using namespace mdp;
using solvers::Method;

struct Setting {
  double scale = 1.0;
  int threads = 2;
  double time_limit = 60.0;
  bool all_methods = false;
  std::vector<std::string> files;
};

struct Instance {
  std::string name;
  std::function<Mdp()> make;
};

std::int64_t scaled(double n, double scale) { return std::max<std::int64_t>(2, std::llround(n * scale)); }

std::vector<Instance> instances(double scale) {
  const double root = std::sqrt(scale);
  const auto garnet = [scale](double states, std::int64_t actions, std::int64_t successors, double discount) {
    generate::GarnetOptions options;
    options.shape = {scaled(states, scale), actions, successors};
    options.discount = discount;
    return generate::garnet(options);
  };
  const auto grid = [root](double side, double slip, double discount) {
    generate::GridworldOptions options;
    options.width = options.height = scaled(side, root);
    options.slip = slip;
    options.discount = discount;
    return generate::gridworld(options);
  };
  return {
      {"garnet100k", [=] { return garnet(1e5, 10, 10, 0.99); }},
      {"garnet100k_999", [=] { return garnet(1e5, 10, 10, 0.999); }},
      {"garnet1M", [=] { return garnet(1e6, 4, 5, 0.99); }},
      {"inventory200", [=] { return generate::inventory({.capacity = scaled(199, root), .discount = 0.995}); }},
      {"grid1000", [=] { return grid(1000, 0.1, 0.999); }},
      {"chain200k", [=] { return generate::chain({.states = scaled(2e5, scale), .discount = 0.9999}); }},
      {"grid600_slip3", [=] { return grid(600, 0.3, 0.9995); }},
      {"queue", [=] { return generate::queue({.queues = 2, .capacity = scaled(300, root), .discount = 0.999}); }},
      {"replacement",
       [=] { return generate::replacement({.machines = 2, .levels = scaled(250, root), .discount = 0.995}); }},
      {"pendulum", [=] { return generate::pendulum({.angles = scaled(401, root), .velocities = scaled(401, root)}); }},
      {"epidemic", [=] { return generate::epidemic({.population = scaled(80, root)}); }},
  };
}

double array_bytes(const Mdp& mdp) {
  return 8.0 * static_cast<double>(mdp.n_states() + 1) + 16.0 * static_cast<double>(mdp.n_rows()) +
         12.0 * static_cast<double>(mdp.n_transitions());
}

/// One sweep: see above.
double unit_seconds(const Mdp& mdp, double bandwidth, int threads) {
  const std::vector<double> v(static_cast<std::size_t>(mdp.n_states()), 1.0);
  const double bytes =
      12.0 * static_cast<double>(mdp.n_transitions() + mdp.n_rows()) + 16.0 * static_cast<double>(v.size());
  return std::max(bytes / bandwidth, bench::gather_seconds(mdp.next_state(), v, threads)) / 0.75;
}

/// Bytes of a line of /proc/self/status in kB; 0 where there is none.
double memory(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return 1024.0 * std::atof(line.c_str() + key.size() + 1);
  }
  return 0.0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// The intersection of the enclosures seen so far.
class Agreement {
 public:
  bool add(const solvers::SolveResult& r) {
    if (lower_.empty()) {
      lower_ = r.value_lower;
      upper_ = r.value_upper;
    }
    bool good = true;
    for (std::size_t s = 0; s < lower_.size(); ++s) {
      lower_[s] = std::max(lower_[s], r.value_lower[s]);
      upper_[s] = std::min(upper_[s], r.value_upper[s]);
      good = good && lower_[s] <= upper_[s];
    }
    return good;
  }

 private:
  std::vector<double> lower_;
  std::vector<double> upper_;
};

std::vector<Method> methods(const Mdp& mdp, const Setting& setting) {
  if (!setting.all_methods) return {Method::automatic};
  std::vector<Method> list;
  for (const Method method : solvers::all_methods()) {
    const bool other = method == Method::soft_value_iteration || method == Method::interval_iteration ||
                       method == Method::optimistic_value_iteration;
    const bool simplex = method == Method::linear_programming && mdp.n_rows() > 5000;  // hours
    if (!other && !simplex) list.push_back(method);
  }
  return list;
}

bool run(const std::string& name, const Mdp& mdp, const Setting& setting) {
  // A model that fits the caches is read at their bandwidth.
  const double bandwidth = bench::read_bandwidth(setting.threads, array_bytes(mdp));
  const double unit = unit_seconds(mdp, bandwidth, setting.threads);
  fmt::print("\n{}: {} states, {} rows, {} transitions, discount {}; one sweep {:.3g} ms, read {:.3g} GB/s\n", name,
             mdp.n_states(), mdp.n_rows(), mdp.n_transitions(), mdp.discount(), 1e3 * unit, 1e-9 * bandwidth);
  fmt::print("| {:<26} | {:<11} | {:>9} | {:>7} | {:>7} | {:>8} | {:>7} | {:>5} | {}\n", "method", "status", "seconds",
             "units", "sweeps", "GB", "of_read", "peak", "what ran");
  Agreement agreement;
  bool good = true;
  for (const Method method : methods(mdp, setting)) {
    solvers::SolveOptions options;
    options.method = method;
    options.tolerance = 1e-6;
    options.threads = setting.threads;
    options.time_limit_seconds = setting.time_limit;
    double bytes = 0.0;
    options.observer = [&](const solvers::SweepRecord& record) {
      bytes = record.bytes;
      return true;
    };
    reset_peak();
    const auto r = solvers::solve(mdp, options);
    const double peak = memory("VmHWM");
    const bool agrees = agreement.add(r);
    good = good && agrees;
    fmt::print("| {:<26} | {:<11} | {:>9.3f} | {:>7.1f} | {:>7} | {:>8.3g} | {:>7.2f} | {:>5.2f} | {}{}\n",
               solvers::to_string(method), to_string(r.status), r.seconds, r.seconds / unit, r.sweeps, 1e-9 * bytes,
               bytes / r.seconds / bandwidth, peak / array_bytes(mdp), r.method,
               agrees ? "" : "  ENCLOSURES DO NOT MEET");
    std::fflush(stdout);
  }
  return good;
}

Setting parse(int argc, char** argv) {
  Setting setting;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atof(argv[++i]) : 0.0; };
    if (word == "--scale")
      setting.scale = number();
    else if (word == "--threads")
      setting.threads = static_cast<int>(number());
    else if (word == "--time-limit")
      setting.time_limit = number();
    else if (word == "--all")
      setting.all_methods = true;
    else if (word.rfind("--", 0) != 0)
      setting.files.push_back(word);
  }
  return setting;
}

}  // namespace

int main(int argc, char** argv) {
  const Setting setting = parse(argc, argv);
  bool good = true;
  for (const auto& file : setting.files) good = run(file, io::read_mdp(file, {}), setting) && good;
  if (!setting.files.empty()) return good ? 0 : 1;
  for (const auto& instance : instances(setting.scale)) good = run(instance.name, instance.make(), setting) && good;
  return good ? 0 : 1;
}
