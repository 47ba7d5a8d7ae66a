// auto against the best method, over a family of models: how much does its choice cost where it is wrong?
//
//     robustness_bench [--threads N] [--only NAME] [--criterion discounted|goal|average] [--auto]
//
// A row per model: seconds of auto until a certified error of 1e-6 times max(1, largest cost), of values or gains, and of the best other method
// (which may take no longer than auto, and half a second at least), the better of two runs each, and their ratio. The
// enclosures must meet state by state; else the program ends with 1. With --auto, auto alone.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "libmdp/builder.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/epidemic.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/generate/linear_quadratic.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/generate/queue.hpp"
#include "libmdp/generate/replacement.hpp"
#include "libmdp/random.hpp"
#include "solvers/applicability.hpp"
#include "solvers/criterion.hpp"

namespace {

using namespace mdp;
using solvers::Criterion;
using solvers::CriterionResult;
using solvers::Method;

struct Instance {
  std::string name;
  std::function<Mdp()> make;
  Criterion criterion = Criterion::discounted;
};

Mdp garnet(State states, std::int64_t actions, std::int64_t successors, double discount) {
  return generate::garnet({.shape = {states, actions, successors}, .discount = discount});
}

Mdp grid(std::int64_t width, std::int64_t height, double slip, double discount) {
  generate::GridworldOptions options;
  options.width = width;
  options.height = height;
  options.slip = slip;
  options.discount = discount;
  return generate::gridworld(options);
}

/// Transitions of state s, drawn by next(s, a random sequence); weights uniform, costs in [0, 1).
Mdp drawn(State states, int actions, int successors, double discount, std::uint64_t seed,
          const std::function<State(State, RandomSequence&)>& next) {
  MdpBuilder b(states);
  for (State s = 0; s < states; ++s) {
    RandomSequence random(seed, RandomStream::random_row, static_cast<std::uint64_t>(s));
    for (int a = 0; a < actions; ++a) {
      std::vector<double> weight(static_cast<std::size_t>(successors));
      double sum = 0.0;
      for (double& w : weight) sum += w = 0.01 + random.uniform();
      b.row(s, random.uniform());
      for (const double w : weight) b.to(next(s, random), w / sum);
    }
  }
  return b.discount(Discount(discount)).build();
}

/// Steps of less than `width` to either side on a ring.
Mdp ring(State states, State width, double discount) {
  return drawn(states, 3, 4, discount, 5, [=](State s, RandomSequence& random) {
    const auto step = static_cast<State>(random.below(2 * static_cast<std::uint64_t>(width) + 1)) - width;
    return (s + step + states) % states;
  });
}

/// Parts of equal size, left with probability `leak` per transition.
Mdp parts(State states, State n_parts, double leak, double discount) {
  const State size = states / n_parts;
  return drawn(states, 4, 5, discount, 7, [=](State s, RandomSequence& random) {
    if (random.uniform() < leak) return static_cast<State>(random.below(static_cast<std::uint64_t>(states)));
    return s / size * size + static_cast<State>(random.below(static_cast<std::uint64_t>(size)));
  });
}

Mdp drift(State states, double discount) {
  return drawn(states, 3, 4, discount, 8,
               [=](State s, RandomSequence& random) { return (s + static_cast<State>(random.below(200))) % states; });
}

/// Rows with the transitions that to(row, builder) gives them; those of `goal` (-1: none) stay there for nothing.
Mdp rebuilt(const Mdp& mdp, State goal, const std::function<void(State, Offset, MdpBuilder&)>& to) {
  MdpBuilder b(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      b.row(s, s == goal ? 0.0 : mdp.cost()[at(row)]);
      if (s == goal) {
        b.to(s, 1.0);
      } else {
        to(s, row, b);
      }
    }
  }
  if (goal >= 0) b.goal(goal);
  return b.discount(Discount(1.0)).build();
}

void add_row(const Mdp& mdp, Offset row, double weight, MdpBuilder& b) {
  for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k)
    b.to(mdp.next_state()[at(k)], weight * mdp.probability()[at(k)]);
}

Mdp until(State goal, const Mdp& mdp) {
  return rebuilt(mdp, goal, [&](State, Offset row, MdpBuilder& b) { add_row(mdp, row, 1.0, b); });
}

/// From the goals, and with some probability from anywhere, back to the start: no goal is left.
Mdp restarted(const Mdp& mdp, double probability) {
  return rebuilt(mdp, -1, [&](State s, Offset row, MdpBuilder& b) {
    if (std::ranges::find(mdp.goal(), s) != mdp.goal().end()) {
      b.to(0, 1.0);
      return;
    }
    add_row(mdp, row, 1.0 - probability, b);
    if (probability > 0.0) b.to(0, probability);
  });
}

/// The last state a goal, reached by luck (width 0) or by steps of at most `width`.
Mdp to_goal(State states, State width) {
  return until(states - 1, drawn(states, 3, 4, 1.0, 9, [=](State s, RandomSequence& random) {
                 if (width == 0) return static_cast<State>(random.below(static_cast<std::uint64_t>(states)));
                 const auto step = static_cast<State>(random.below(2 * static_cast<std::uint64_t>(width) + 2)) - width;
                 return static_cast<State>(std::clamp<std::int64_t>(s + step, 0, states - 1));
               }));
}

std::vector<Instance> until_the_goal() {
  std::vector<Instance> family = {
      {"grid 200, no slip", [] { return grid(200, 200, 0.0, 1.0); }},
      {"grid 200, slip 0.1", [] { return grid(200, 200, 0.1, 1.0); }},
      {"grid 300, slip 0.4", [] { return grid(300, 300, 0.4, 1.0); }},
      {"corridor 5000 x 10", [] { return grid(5000, 10, 0.1, 1.0); }},
      {"chain", [] { return generate::chain({.states = 100000, .discount = 1.0}); }},
      {"random, goal by luck", [] { return to_goal(50000, 0); }},
      {"line, 200 wide", [] { return to_goal(50000, 200); }},
      {"line, 5000 wide", [] { return to_goal(50000, 5000); }},
      {"two queues, drained",
       [] { return until(0, generate::queue({.queues = 2, .capacity = 100, .discount = 1.0})); }},
      {"epidemic, until it is over", [] { return generate::epidemic({.population = 50, .discount = 1.0}); }},
  };
  for (Instance& x : family) x.criterion = Criterion::goal;
  return family;
}

std::vector<Instance> in_the_long_run() {
  std::vector<Instance> family = {
      {"garnet", [] { return garnet(50000, 5, 6, 1.0); }},
      {"garnet, one action", [] { return garnet(200000, 1, 8, 1.0); }},
      {"garnet, two successors", [] { return garnet(100000, 3, 2, 1.0); }},
      {"grid 100, back from the goal", [] { return restarted(grid(100, 100, 0.1, 1.0), 0.0); }},
      {"grid 200, back at 1e-3", [] { return restarted(grid(200, 200, 0.1, 1.0), 1e-3); }},
      {"corridor 2000 x 10, back from the goal", [] { return restarted(grid(2000, 10, 0.1, 1.0), 0.0); }},
      {"queue", [] { return generate::queue({.capacity = 20000, .discount = 1.0}); }},
      {"two queues", [] { return generate::queue({.queues = 2, .capacity = 150, .discount = 1.0}); }},
      {"replacement, 1", [] { return generate::replacement({.levels = 30000, .discount = 1.0}); }},
      {"replacement, 2", [] { return generate::replacement({.machines = 2, .levels = 150, .discount = 1.0}); }},
      {"replacement, 3", [] { return generate::replacement({.machines = 3, .levels = 25, .discount = 1.0}); }},
      {"pendulum", [] { return generate::pendulum({.angles = 201, .velocities = 201, .discount = 1.0}); }},
      {"epidemic", [] { return generate::epidemic({.population = 50, .discount = 1.0}); }},
      {"linear-quadratic",
       [] { return generate::linear_quadratic({.steps = 1000, .extent = 8.0, .reach = 0.02, .discount = 1.0}); }},
      {"inventory", [] { return generate::inventory({.capacity = 120, .discount = 1.0}); }},
      {"ten components", [] { return parts(60000, 10, 0.0, 1.0); }},
      {"nearly decomposable 1e-3", [] { return parts(60000, 8, 1e-3, 1.0); }},
      {"ring, 500 wide", [] { return ring(60000, 500, 1.0); }},
      {"ring, 5000 wide", [] { return ring(60000, 5000, 1.0); }},
      {"drift", [] { return drift(60000, 1.0); }},
  };
  for (Instance& x : family) x.criterion = Criterion::average;
  return family;
}

std::vector<Instance> discounted() {
  return {
      {"garnet 0.5", [] { return garnet(50000, 5, 6, 0.5); }},
      {"garnet 0.99", [] { return garnet(50000, 5, 6, 0.99); }},
      {"garnet 0.999999", [] { return garnet(50000, 5, 6, 0.999999); }},
      {"garnet, one action", [] { return garnet(200000, 1, 8, 0.99); }},
      {"garnet, one successor 0.99", [] { return garnet(100000, 3, 1, 0.99); }},
      {"garnet, one successor 0.9999", [] { return garnet(30000, 2, 1, 0.9999); }},
      {"garnet, two successors 0.999", [] { return garnet(200000, 3, 2, 0.999); }},
      {"garnet, 100 actions 0.995", [] { return garnet(10000, 100, 5, 0.995); }},
      {"garnet, 300 successors 0.999", [] { return garnet(10000, 4, 300, 0.999); }},
      {"grid 200, no slip 0.99", [] { return grid(200, 200, 0.0, 0.99); }},
      {"grid 300, slip 0.05 0.9999", [] { return grid(300, 300, 0.05, 0.9999); }},
      {"grid 200, slip 0.4 0.999", [] { return grid(200, 200, 0.4, 0.999); }},
      {"grid 250, slip 0.2 0.95", [] { return grid(250, 250, 0.2, 0.95); }},
      {"corridor 5000 x 10 0.999", [] { return grid(5000, 10, 0.1, 0.999); }},
      {"chain 0.99", [] { return generate::chain({.states = 100000, .discount = 0.99}); }},
      {"chain 0.999", [] { return generate::chain({.states = 100000, .discount = 0.999}); }},
      {"queue 0.9999", [] { return generate::queue({.capacity = 20000, .discount = 0.9999}); }},
      {"two queues 0.99", [] { return generate::queue({.queues = 2, .capacity = 150, .discount = 0.99}); }},
      {"two queues 0.9999", [] { return generate::queue({.queues = 2, .capacity = 150, .discount = 0.9999}); }},
      {"replacement, 1 0.999", [] { return generate::replacement({.levels = 30000, .discount = 0.999}); }},
      {"replacement, 2 0.99", [] { return generate::replacement({.machines = 2, .levels = 150, .discount = 0.99}); }},
      {"replacement, 3 0.9999",
       [] { return generate::replacement({.machines = 3, .levels = 25, .discount = 0.9999}); }},
      {"pendulum 0.99", [] { return generate::pendulum({.angles = 201, .velocities = 201, .discount = 0.99}); }},
      {"pendulum 0.9999", [] { return generate::pendulum({.angles = 201, .velocities = 201, .discount = 0.9999}); }},
      {"pendulum, short steps 0.999",
       [] { return generate::pendulum({.angles = 151, .velocities = 151, .time_step = 0.01, .discount = 0.999}); }},
      {"epidemic 0.99", [] { return generate::epidemic({.population = 60, .discount = 0.99}); }},
      {"epidemic 0.9999", [] { return generate::epidemic({.population = 50, .discount = 0.9999}); }},
      {"linear-quadratic 0.99",
       [] { return generate::linear_quadratic({.steps = 1000, .extent = 8.0, .reach = 0.02, .discount = 0.99}); }},
      {"inventory 0.99", [] { return generate::inventory({.capacity = 120, .discount = 0.99}); }},
      {"inventory 0.9999", [] { return generate::inventory({.capacity = 120, .discount = 0.9999}); }},
      {"ten components 0.995", [] { return parts(60000, 10, 0.0, 0.995); }},
      {"nearly decomposable 1e-3 0.999", [] { return parts(60000, 8, 1e-3, 0.999); }},
      {"nearly decomposable 1e-4 0.9999", [] { return parts(60000, 20, 1e-4, 0.9999); }},
      {"ring, 20 wide 0.999", [] { return ring(60000, 20, 0.999); }},
      {"ring, 500 wide 0.9999", [] { return ring(60000, 500, 0.9999); }},
      {"ring, 5000 wide 0.999", [] { return ring(60000, 5000, 0.999); }},
      {"drift 0.999", [] { return drift(60000, 0.999); }},
  };
}

CriterionResult solve_by(const Mdp& mdp, Criterion criterion, Method method, double limit, int threads) {
  solvers::CriterionOptions options;
  options.solve.method = method;
  options.solve.tolerance = 1e-6 * std::max(1.0, mdp.max_abs_cost());
  options.solve.threads = threads;
  options.solve.time_limit_seconds = limit;
  return solve_criterion(mdp, criterion, options);
}

bool meet(const CriterionResult& a, const CriterionResult& b) {
  const bool gains = a.criterion == Criterion::average;
  const auto& a_lower = gains ? a.gain_lower : a.value_lower;
  const auto& a_upper = gains ? a.gain_upper : a.value_upper;
  const auto& b_lower = gains ? b.gain_lower : b.value_lower;
  const auto& b_upper = gains ? b.gain_upper : b.value_upper;
  for (std::size_t s = 0; s < a_lower.size() && s < b_lower.size(); ++s) {
    if (a_lower[s] > b_upper[s] || b_lower[s] > a_upper[s]) return false;
  }
  return true;
}

bool run(const Instance& instance, int threads, bool others) {
  constexpr double patience = 30.0;
  const Mdp mdp = instance.make();
  const Criterion criterion = instance.criterion;
  const auto automatic = solve_by(mdp, criterion, Method::automatic, patience, threads);
  double seconds = automatic.seconds;
  double best = infinity;
  std::string who;
  bool good = true;
  for (const Method method : solvers::all_methods()) {
    if (!others || method == Method::automatic || method == Method::linear_programming ||
        method == Method::soft_value_iteration || !why_not(method, mdp, criterion).empty()) {
      continue;
    }
    const auto r = solve_by(mdp, criterion, method, std::max(0.5, std::min(seconds, patience)), threads);
    good = good && meet(automatic, r);
    if (!r.converged() || r.seconds >= best) continue;
    best = std::min(r.seconds, solve_by(mdp, criterion, method, patience, threads).seconds);
    who = solvers::to_string(method);
  }
  seconds = std::min(seconds, solve_by(mdp, criterion, Method::automatic, patience, threads).seconds);
  const std::string rest = who.empty() ? (others ? "none as fast | |" : "not asked | |")
                                       : fmt::format("{:.4f} | {:.1f} | {}", best, seconds / best, who);
  fmt::print("| {} | {} | {:.2g} | {:.4f} | {} | {}{} |\n", instance.name, mdp.n_states(),
             static_cast<double>(mdp.n_transitions()), seconds, rest, automatic.method,
             good ? (automatic.converged() ? "" : ", STOPPED") : ", ENCLOSURES DO NOT MEET");
  std::fflush(stdout);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 2;
  std::string only, criterion;
  bool others = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--auto") others = false;
    if (i + 1 == argc) break;
    if (word == "--threads") threads = std::atoi(argv[++i]);
    if (word == "--only") only = argv[++i];
    if (word == "--criterion") criterion = argv[++i];
  }
  bool good = true;
  for (const auto& family : {discounted(), until_the_goal(), in_the_long_run()}) {
    const std::string_view word = to_string(family.front().criterion);
    if (!criterion.empty() && criterion != word) continue;
    fmt::print("\n| {} | states | transitions | auto, s | best other, s | ratio | which | what auto ran |\n", word);
    fmt::print("|---|---|---|---|---|---|---|---|\n");
    for (const auto& instance : family) {
      if (instance.name.find(only) != std::string::npos) good = run(instance, threads, others) && good;
    }
  }
  return good ? 0 : 1;
}
