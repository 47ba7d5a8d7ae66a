// Time to a certified answer, by method, beside textbook value iteration in the same run.
//
//     solve_bench [scale = 1] [threads = 0] [time limit in seconds = 60]
//
// The textbook stops on the norm of the residual, gamma/(1 - gamma) ||TV - V|| <= tolerance, without MacQueen's bounds
// and without any certificate. Every method aims at an absolute error of 1e-6; the enclosures of all methods are
// intersected state by state: an empty intersection would show a wrong answer and ends the program with 1. `ratio` is the
// time of the textbook over that of the method; ">" marks a textbook that ran into the time limit.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/solve.hpp"

namespace {

using namespace mdp;

constexpr double tolerance = 1e-6;

struct Setting {
  double scale = 1.0;
  int threads = 0;
  double time_limit = 60.0;
};

struct Instance {
  std::string name;
  Mdp mdp;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::int64_t scaled(double n, double scale) { return std::max<std::int64_t>(2, std::llround(n * scale)); }

// A long walk with costs that vary, to an absorbing end: narrow, slow to mix.
Mdp long_walk(std::int64_t states, double discount) {
  generate::GridworldOptions options;
  options.width = states / 20;
  options.height = 20;
  options.slip = 0.3;
  options.discount = discount;
  return generate::gridworld(options);
}

std::vector<Instance> instances(double scale) {
  generate::GarnetOptions garnet;
  garnet.shape = {scaled(50'000, scale), 10, 10};
  garnet.discount = 0.99;
  generate::GarnetOptions patient = garnet;
  patient.discount = 0.999;
  generate::GridworldOptions grid;
  grid.width = grid.height = scaled(300, std::sqrt(scale));
  grid.discount = 0.999;
  generate::InventoryOptions inventory;
  inventory.capacity = scaled(99, std::sqrt(scale));
  inventory.discount = 0.995;
  return {{"garnet 0.99", generate::garnet(garnet)},
          {"garnet 0.999", generate::garnet(patient)},
          {"grid 0.999", generate::gridworld(grid)},
          {"inventory 0.995", generate::inventory(inventory)},
          {"long walk 0.9999", long_walk(scaled(20'000, scale), 0.9999)}};
}

struct Textbook {
  double seconds = 0.0;
  std::int64_t sweeps = 0;
  bool finished = false;
};

Textbook textbook_value_iteration(const Mdp& mdp, const Setting& setting) {
  std::vector<double> v(static_cast<std::size_t>(mdp.n_states()), 0.0);
  std::vector<double> tv(v.size());
  Textbook result;
  const double begin = now();
  const double factor = mdp.discount() / (1.0 - mdp.discount());
  while (result.seconds < setting.time_limit && !result.finished) {
    const auto residual = kernels::bellman_sweep(mdp, v, tv, {}, setting.threads);
    std::swap(v, tv);
    ++result.sweeps;
    result.finished = factor * std::max(std::abs(residual.min), std::abs(residual.max)) <= tolerance;
    result.seconds = now() - begin;
  }
  return result;
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

bool run(const Instance& instance, const Setting& setting) {
  const Mdp& mdp = instance.mdp;
  fmt::print("{}: {} states, {} rows, {} transitions\n", instance.name, mdp.n_states(), mdp.n_rows(),
             mdp.n_transitions());
  const Textbook textbook = textbook_value_iteration(mdp, setting);
  fmt::print("  {:<28} {:>9.3f} s {:>8} sweeps  {}\n", "textbook value iteration", textbook.seconds, textbook.sweeps,
             textbook.finished ? "no certificate" : "time limit");
  Agreement agreement;
  bool good = true;
  for (const auto method :
       {solvers::Method::value_iteration, solvers::Method::modified_policy_iteration, solvers::Method::automatic}) {
    solvers::SolveOptions options;
    options.method = method;
    options.tolerance = tolerance;
    options.threads = setting.threads;
    options.time_limit_seconds = setting.time_limit;
    const auto r = solvers::solve(mdp, options);
    const bool agrees = agreement.add(r);
    good = good && agrees;
    fmt::print("  {:<28} {:>9.3f} s {:>8} sweeps  bound {:.1e}  {}{:.3g}x  {}{}\n", solvers::to_string(method),
               r.seconds, r.sweeps, r.value_error_bound, textbook.finished ? "" : ">", textbook.seconds / r.seconds,
               method == solvers::Method::automatic ? r.method : std::string(to_string(r.status)),
               agrees ? "" : "  ENCLOSURES DO NOT MEET");
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  Setting setting;
  if (argc > 1) setting.scale = std::atof(argv[1]);
  if (argc > 2) setting.threads = std::atoi(argv[2]);
  if (argc > 3) setting.time_limit = std::atof(argv[3]);
  bool good = true;
  for (const auto& instance : instances(setting.scale)) good = run(instance, setting) && good;
  return good ? 0 : 1;
}
