// Methods x problems: time to a certified absolute error of 1e-6, each answer checked in the same run.
//
//     solvers_bench [--scale X] [--threads N] [--time-limit SECONDS] [--all] [--only NAME] [FILE...]
//
// Without files: generated models of the kinds of docs/speed.md, or those with NAME in their name. A row per method (auto alone, or --all that apply):
//   units    seconds divided by one sweep: the larger of the two roof times of a full Bellman sweep (its compulsory bytes at
//            the read bandwidth measured just before; its gathers at the time measured just before), over 0.75
//   sweeps   passes over all rows
//   GB       bytes of transitions read, by the trace's count
//   of_read  those bytes per second, as a fraction of the read bandwidth
//   peak     largest memory of the process while solving, the model and the bench's own copies of bounds included, in MB
//   of_model what of it is beyond 64 MiB, over the bytes of the arrays of the model
// The enclosures of all methods must meet state by state, and one sweep in twice the precision must show that lower bounds do
// not fall under T and upper ones do not rise, so that V* lies between them; else the program ends with 1.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

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
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/residual.hpp"
#include "solvers/applicability.hpp"
#include "solvers/criterion.hpp"
#include "solvers/solve.hpp"

namespace {

using namespace mdp;
using solvers::Criterion;
using solvers::Method;

constexpr double tolerance = 1e-6;

struct Setting {
  double scale = 1.0;
  int threads = 2;
  double time_limit = 60.0;
  bool all_methods = false;
  std::string only;
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
      {"grid1000ssp", [=] { return grid(1000, 0.1, 1.0); }},
      {"chain200k", [=] { return generate::chain({.states = scaled(2e5, scale), .discount = 0.9999}); }},
      {"grid600_slip3", [=] { return grid(600, 0.3, 0.9995); }},
      {"queue", [=] { return generate::queue({.queues = 2, .capacity = scaled(300, root), .discount = 0.999}); }},
      {"replacement",
       [=] { return generate::replacement({.machines = 2, .levels = scaled(250, root), .discount = 0.995}); }},
      {"pendulum", [=] { return generate::pendulum({.angles = scaled(401, root), .velocities = scaled(401, root)}); }},
      {"epidemic", [=] { return generate::epidemic({.population = scaled(80, root)}); }},
  };
}

// Best of five sweeps over all rows, from V without a pattern.
double sweep_seconds(const Mdp& mdp, int threads) {
  std::vector<double> v(static_cast<std::size_t>(mdp.n_states()), 1.0);
  v.front() = 2.0;
  std::vector<double> tv(v.size());
  Policy policy(v.size());
  double best = infinity;
  for (int k = 0; k < 5; ++k) {
    const auto start = std::chrono::steady_clock::now();
    kernels::bellman_sweep(mdp, v, tv, policy, threads);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
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

// Of this process, once what earlier models left in the heap is given back.
void reset_peak() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << "5";
}

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

// By how much L exceeds T L or U falls short of T U, at most, evaluated in twice the precision and beyond the rounding of L and U
// themselves; over 1 - gamma that is what the bounds may be wrong by. Undiscounted: over two roundings of the largest value.
double excess_of_bounds(const Mdp& mdp, const solvers::SolveResult& r, int threads) {
  std::vector<double> gap(static_cast<std::size_t>(mdp.n_rows()));
  const auto residual = [&](const std::vector<double>& v) {
    return kernels::row_gaps(mdp, std::vector<TwoDouble>(v.begin(), v.end()), gap, threads);
  };
  const double worst = std::max(-residual(r.value_lower).min, residual(r.value_upper).max);
  double largest = 1.0;
  for (const double v : r.value_upper) largest = std::max(largest, std::isfinite(v) ? std::abs(v) : 0.0);
  // Bounds L' with T L' >= L' that are rounded down by up to an ulp to L have T L >= L - that; likewise above.
  const double rounding = 2.0 * unit_roundoff * largest;
  const double complement = mdp.exact_discount().complement.value();
  return complement > 0.0 ? std::max(0.0, worst - rounding) / complement : worst / (2.0 * rounding) * tolerance;
}

Criterion criterion_of(const Mdp& mdp) {
  return mdp.exact_discount().complement.hi > 0.0 ? Criterion::discounted : Criterion::goal;
}

std::vector<Method> methods(const Mdp& mdp, const Setting& setting) {
  if (!setting.all_methods) return {Method::automatic};
  std::vector<Method> list;
  for (const Method method : solvers::all_methods()) {
    const bool other = method == Method::soft_value_iteration || !why_not(method, mdp, criterion_of(mdp)).empty();
    const bool simplex = method == Method::linear_programming && mdp.n_rows() > 5000;  // hours
    if (!other && !simplex) list.push_back(method);
  }
  return list;
}

struct Solved {
  solvers::CriterionResult result;
  double bytes = 0.0;
  double peak = 0.0;
};

Solved solve(const Mdp& mdp, Method method, const Setting& setting) {
  solvers::CriterionOptions options;
  options.solve.method = method;
  options.solve.tolerance = tolerance;
  options.solve.threads = setting.threads;
  options.solve.time_limit_seconds = setting.time_limit;
  Solved solved;
  options.solve.observer = [&](const solvers::SweepRecord& record) {
    solved.bytes = record.bytes;
    return true;
  };
  reset_peak();
  solved.result = solve_criterion(mdp, criterion_of(mdp), options);
  solved.peak = memory("VmHWM");
  return solved;
}

bool run(const std::string& name, const Mdp& mdp, const Setting& setting) {
  // A model that fits the caches is read at their bandwidth.
  const double bandwidth = bench::read_bandwidth(setting.threads, array_bytes(mdp));
  const double unit = unit_seconds(mdp, bandwidth, setting.threads);
  fmt::print(
      "\n{}: {} states, {} rows, {} transitions, discount {}; one sweep {:.3g} ms, measured {:.3g} ms, read {:.3g} "
      "GB/s\n\n",
      name, mdp.n_states(), mdp.n_rows(), mdp.n_transitions(), mdp.discount(), 1e3 * unit,
      1e3 * sweep_seconds(mdp, setting.threads), 1e-9 * bandwidth);
  fmt::print("| {:<26} | {:<11} | {:>9} | {:>7} | {:>7} | {:>8} | {:>7} | {:>6} | {:>8} | {} |\n", "method", "status",
             "seconds", "units", "sweeps", "GB", "of_read", "peak", "of_model", "what ran");
  fmt::print("|---|---|---|---|---|---|---|---|---|---|\n");
  Agreement agreement;
  bool good = true;
  for (const Method method : methods(mdp, setting)) {
    const auto [r, bytes, peak] = solve(mdp, method, setting);
    const bool agrees = agreement.add(r);
    const bool proved = excess_of_bounds(mdp, r, setting.threads) <= tolerance;
    good = good && agrees && proved;
    fmt::print(
        "| {:<26} | {:<11} | {:>9.4f} | {:>7.1f} | {:>7} | {:>8.3g} | {:>7.2f} | {:>6.0f} | {:>8.2f} | {}{}{} |\n",
        solvers::to_string(method), to_string(r.status), r.seconds, r.seconds / unit, r.sweeps, 1e-9 * bytes,
        bytes / r.seconds / bandwidth, 1e-6 * peak, std::max(0.0, peak - 0x1p26) / array_bytes(mdp), r.method,
        agrees ? "" : "  ENCLOSURES DO NOT MEET", proved ? "" : "  BOUNDS ARE NOT PROVED");
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
    else if (word == "--only")
      setting.only = i + 1 < argc ? argv[++i] : "";
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
  for (const auto& instance : instances(setting.scale)) {
    if (instance.name.find(setting.only) == std::string::npos) continue;
    good = run(instance.name, instance.make(), setting) && good;
  }
  return good ? 0 : 1;
}
