#include "tests/support/drawn_mdp.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "libmdp/builder.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/epidemic.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/generate/queue.hpp"
#include "libmdp/generate/replacement.hpp"
#include "libmdp/random.hpp"
#include "tests/oracles/policy_enumeration.hpp"

namespace mdp::tests {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed, RandomStream::test, 3) {}

  std::int64_t in(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool one_in(std::int64_t n) { return in(1, n) == 1; }
  double uniform() { return random_.uniform(); }
  template <class T, std::size_t n>
  T one_of(const std::array<T, n>& values) {
    return values[static_cast<std::size_t>(in(0, static_cast<std::int64_t>(n) - 1))];
  }

 private:
  RandomSequence random_;
};

Mdp chain(Draw& draw, std::uint64_t seed) {
  return generate::chain({.states = draw.in(2, 40), .discount = 0.99, .seed = seed});
}

Mdp haddad_monmege(Draw& draw, std::uint64_t) {
  return generate::haddad_monmege(
      {.length = draw.in(1, 16), .advance = draw.one_of<double, 3>({0.5, 0.25, 0.9}), .first_branch = draw.uniform()});
}

Mdp queue(Draw& draw, std::uint64_t) {
  generate::QueueOptions options;
  options.queues = draw.in(1, 2);
  options.capacity = options.queues == 1 ? draw.in(2, 12) : draw.in(1, 3);
  options.arrival = 0.25 * draw.uniform();
  options.reject_cost = 40.0 * draw.uniform();
  return generate::queue(options);
}

Mdp replacement(Draw& draw, std::uint64_t) {
  generate::ReplacementOptions options;
  options.machines = draw.in(1, 2);
  options.levels = options.machines == 1 ? draw.in(2, 20) : draw.in(2, 5);
  options.max_wear = draw.in(1, 4);
  options.replacement_cost = 16.0 * draw.uniform();
  return generate::replacement(options);
}

Mdp pendulum(Draw& draw, std::uint64_t) {
  generate::PendulumOptions options;
  options.angles = draw.in(2, 6);
  options.velocities = draw.in(2, 5);
  options.torques = draw.in(2, 3);
  options.time_step = 0.05 + 0.5 * draw.uniform();
  return generate::pendulum(options);
}

Mdp epidemic(Draw& draw, std::uint64_t) {
  generate::EpidemicOptions options;
  options.population = draw.in(1, 5);
  options.contact = draw.uniform();
  options.recovery = 0.05 + 0.95 * draw.uniform();
  options.intervention_cost = draw.uniform();
  return generate::epidemic(options);
}

Mdp gridworld(Draw& draw, std::uint64_t) {
  generate::GridworldOptions options;
  const auto width = static_cast<std::size_t>(draw.in(2, 6));
  for (std::int64_t line = draw.in(1, 5); line > 0; --line) {
    std::string& cells = options.map.emplace_back();
    while (cells.size() < width) cells += draw.one_of<char, 9>({'.', '.', '.', '.', '.', '#', 'H', 'G', 'S'});
  }
  options.map.front().front() = '.';
  options.slip = draw.one_of<double, 4>({0.0, 0.1, 1.0 / 3.0, 0.5});
  options.hole_cost = draw.one_of<double, 3>({0.0, 100.0, -1.0});
  options.step_cost = draw.one_of<double, 3>({1.0, 0.0, 0.1});
  return generate::gridworld(options);
}

Mdp inventory(Draw& draw, std::uint64_t) {
  generate::InventoryOptions options;
  options.capacity = draw.in(1, 5);
  options.lots = {0, draw.in(1, 3)};
  const double p = 0.5 * draw.uniform();
  options.demand = {{0, 0.5}, {1, p}, {2, 0.5 - p}};
  options.holding_cost = draw.uniform();
  return generate::inventory(options);
}

Mdp garnet(Draw& draw, std::uint64_t seed) {
  const std::int64_t states = draw.in(2, 20);
  return generate::garnet({.shape = {.states = states,
                                     .actions = draw.in(1, 3),
                                     .successors = draw.in(1, std::min<std::int64_t>(3, states))},
                           .seed = seed});
}

Mdp tiny(Draw& draw, std::uint64_t seed) {
  return oracles::random_model(seed, {.max_states = 7, .inadmissible = draw.one_in(3), .with_goal = draw.one_in(2)})
      .build();
}

// Costs L = h - P h + (0 or a charge): every cycle of uncharged rows has mean cost 0, though its costs have both signs.
Mdp cycles_of_mean_zero(Draw& draw, std::uint64_t) {
  const std::int64_t n = draw.in(2, 9);
  std::vector<double> h;
  for (std::int64_t s = 0; s < n; ++s) h.push_back(static_cast<double>(draw.in(-3, 3)));
  MdpBuilder b(n);
  for (std::int64_t s = 0; s < n; ++s) {
    for (std::int64_t a = draw.in(1, 3); a > 0; --a) {
      const std::int64_t x = draw.in(0, n - 1), y = draw.in(0, n - 1);
      const double p = draw.one_of<double, 3>({1.0, 0.5, 0.25});
      const auto at = [&](std::int64_t t) { return h[static_cast<std::size_t>(t)]; };
      b.row(s, at(s) - p * at(x) - (1.0 - p) * at(y) + (draw.one_in(3) ? 1.0 : 0.0)).to(x, p);
      if (p < 1.0) b.to(y, 1.0 - p);
    }
  }
  return b.build();
}

// Blocks that are left with a tiny probability.
Mdp nearly_decomposable(Draw& draw, std::uint64_t) {
  const std::int64_t blocks = draw.in(2, 4), size = draw.in(1, 4), n = blocks * size;
  const double leak = draw.one_of<double, 4>({0x1p-10, 0x1p-20, 0x1p-40, 1e-12});
  MdpBuilder b(n);
  for (std::int64_t s = 0; s < n; ++s) {
    const std::int64_t own = s - s % size;
    for (std::int64_t a = draw.in(1, 2); a > 0; --a) {
      b.row(s, draw.uniform());
      b.to(own + draw.in(0, size - 1), 0.5).to(own + draw.in(0, size - 1), 0.5 - leak).to(draw.in(0, n - 1), leak);
    }
  }
  return b.build();
}

// Actions twice, the second dearer by a unit in the last place, or by a little.
Mdp near_ties(Draw& draw, std::uint64_t) {
  const std::int64_t n = draw.in(2, 10);
  MdpBuilder b(n);
  for (std::int64_t s = 0; s < n; ++s) {
    const double cost = draw.uniform(), p = draw.uniform();
    const std::int64_t x = draw.in(0, n - 1), y = draw.in(0, n - 1);
    for (const double c : {std::nextafter(cost, 2.0), cost, cost + 1e-13}) b.row(s, c).to(x, p).to(y, 1.0 - p);
  }
  return b.build();
}

// Costs of 1e-300 to 1e90: all of one size, or each of its own.
Mdp extreme_costs(Draw& draw, std::uint64_t) {
  const std::int64_t n = draw.in(2, 8);
  const bool mixed = draw.one_in(2);
  double scale = std::pow(10.0, static_cast<double>(draw.in(-300, 90)));
  MdpBuilder b(n);
  for (std::int64_t s = 0; s < n; ++s) {
    for (std::int64_t a = draw.in(1, 3); a > 0; --a) {
      if (mixed) scale = std::pow(10.0, static_cast<double>(draw.in(-300, 90)));
      b.row(s, draw.one_in(4) ? 0.0 : scale * draw.uniform());
      const double p = draw.one_of<double, 4>({0.5, 0.1, 1e-6, 1.0});
      b.to(draw.in(0, n - 1), p);
      if (p < 1.0) b.to(draw.in(0, n - 1), 1.0 - p);
    }
  }
  return b.build();
}

// Layers of closed classes behind one another: multichain.
Mdp layers(Draw& draw, std::uint64_t) {
  const std::int64_t n = draw.in(3, 16);
  MdpBuilder b(n);
  for (std::int64_t s = 0; s < n; ++s) {
    const std::int64_t last = std::min(n - 1, s + 1 + draw.in(0, 3));
    for (std::int64_t a = draw.in(1, 3); a > 0; --a) {
      b.row(s, static_cast<double>(draw.in(0, 4)));
      const std::int64_t first = draw.one_in(3) ? s - s % 3 : s;
      b.to(draw.in(first, last), 0.5).to(draw.in(first, last), 0.5);
    }
  }
  return b.build();
}

enum class Signs { kept, turned, both };

// The same rows with other signs of costs, another sense, and some states for goals: they lose their rows.
Mdp rebuilt(const Mdp& m, Draw& draw) {
  const auto objective = draw.one_in(2) ? Objective::minimize : Objective::maximize;
  const auto signs = draw.one_of<Signs, 4>({Signs::kept, Signs::kept, Signs::turned, Signs::both});
  std::vector<char> goal(static_cast<std::size_t>(m.n_states()), 0);
  for (const State s : m.goal()) goal[static_cast<std::size_t>(s)] = 1;
  if (m.goal().empty() && !draw.one_in(4)) goal[static_cast<std::size_t>(draw.in(0, m.n_states() - 1))] = 1;
  MdpBuilder b(m.n_states(), objective);
  b.discount(draw.one_of<double, 5>({0.5, 0.9, 0.99, 0.999, 0.0}));
  for (State s = 0; s < m.n_states(); ++s) {
    if (goal[static_cast<std::size_t>(s)] != 0) {
      b.goal(s);
      continue;
    }
    for (Offset row = m.state_rows()[static_cast<std::size_t>(s)];
         row < m.state_rows()[static_cast<std::size_t>(s) + 1]; ++row) {
      const auto r = static_cast<std::size_t>(row);
      TwoDouble cost(m.cost()[r], m.cost_tail().empty() ? 0.0 : m.cost_tail()[r]);
      const bool turn = signs == Signs::turned || (signs == Signs::both && draw.one_in(2));
      if (turn && std::isfinite(cost.hi) && cost.hi != 0.0) cost = -cost;
      b.row(s, objective == Objective::maximize ? -cost : cost);  // in the sense of the file
      for (Offset k = m.row_begin()[r]; k < m.row_begin()[r + 1]; ++k) {
        const auto t = static_cast<std::size_t>(k);
        b.to(m.next_state()[t],
             TwoDouble(m.probability()[t], m.probability_tail().empty() ? 0.0 : m.probability_tail()[t]));
      }
    }
  }
  return b.build();
}

struct Family {
  const char* name;
  Mdp (*draw)(Draw&, std::uint64_t);
};

constexpr std::array<Family, 15> families{{{"chain", chain},
                                           {"haddad-monmege", haddad_monmege},
                                           {"queue", queue},
                                           {"replacement", replacement},
                                           {"pendulum", pendulum},
                                           {"epidemic", epidemic},
                                           {"gridworld", gridworld},
                                           {"inventory", inventory},
                                           {"garnet", garnet},
                                           {"tiny", tiny},
                                           {"cycles of mean zero", cycles_of_mean_zero},
                                           {"nearly decomposable", nearly_decomposable},
                                           {"near ties", near_ties},
                                           {"layers", layers},
                                           {"extreme costs", extreme_costs}}};

}  // namespace

std::uint64_t n_drawn_families() { return families.size(); }

DrawnMdp draw_mdp(std::uint64_t seed) {
  Draw draw(seed);
  const Family& family = families[seed % families.size()];
  return {family.name, rebuilt(family.draw(draw, seed), draw), family.draw == extreme_costs};
}

}  // namespace mdp::tests
