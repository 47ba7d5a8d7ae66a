// Laws that relate the solutions of two MDPs: every method must respect them to the bounds that it reports.
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "solvers/solve.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

// An MDP as a list of rows, easy to change.
struct Row {
  State state;
  double cost;
  std::vector<std::pair<State, double>> to;
};
struct Model {
  State n_states = 0;
  std::vector<Row> rows;
  double discount = 0.9;

  [[nodiscard]] Mdp build() const {
    MdpBuilder b(n_states);
    b.discount(discount);
    for (State s = 0; s < n_states; ++s) {
      for (const Row& row : rows) {
        if (row.state != s) continue;
        b.row(s, row.cost);
        for (const auto& [t, p] : row.to) b.to(t, p);
      }
    }
    return b.build();
  }
};

// Dyadic entries: every change below is exact.
Model random_model(std::mt19937_64& random) {
  Model m;
  m.n_states = 12;
  std::uniform_int_distribution<State> state(0, m.n_states - 1);
  std::uniform_int_distribution<int> part(1, 15);
  std::uniform_int_distribution<int> cost(-64, 64);
  for (State s = 0; s < m.n_states; ++s) {
    const int n_actions = std::uniform_int_distribution<int>(1, 4)(random);
    for (int a = 0; a < n_actions; ++a) {
      const double p = part(random) / 16.0;
      m.rows.push_back({s, cost(random) / 64.0, {{state(random), p}, {state(random), 1.0 - p}}});
    }
  }
  return m;
}

SolveResult solved(const Model& m, Method method) {
  SolveOptions options;
  options.method = method;
  const SolveResult r = solve(m.build(), options);
  REQUIRE(r.converged());
  return r;
}

// changed[s] must be f(values[origin(s)]) to both bounds and the rounding of f.
void require_law(const SolveResult& original, const SolveResult& changed, double scale,
                 const std::function<double(std::size_t)>& expected, std::size_t n) {
  const double allowed = scale * original.value_error_bound + changed.value_error_bound;
  for (std::size_t s = 0; s < n; ++s) {
    CAPTURE(s);
    REQUIRE(std::abs(changed.values[s] - expected(s)) <= allowed + 1e-12);
  }
}

}  // namespace

TEST_CASE("Metamorphic laws hold for every method") {
  const auto method =
      GENERATE(Method::automatic, Method::value_iteration, Method::policy_iteration, Method::modified_policy_iteration);
  const int seed = GENERATE(range(0, 8));
  CAPTURE(to_string(method), seed);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  const Model m = random_model(random);
  const SolveResult r = solved(m, method);
  const auto n = static_cast<std::size_t>(m.n_states);

  SECTION("Numbering states differently numbers the values differently") {
    std::vector<State> place(n);
    std::iota(place.begin(), place.end(), 0);
    std::shuffle(place.begin(), place.end(), random);
    Model changed = m;
    for (Row& row : changed.rows) {
      row.state = place[row.state];
      for (auto& t : row.to) t.first = place[t.first];
    }
    const SolveResult c = solved(changed, method);
    std::vector<double> back(n);
    for (std::size_t s = 0; s < n; ++s) back[place[s]] = r.values[s];
    require_law(
        r, c, 1.0, [&](std::size_t s) { return back[s]; }, n);
  }
  SECTION("Costs + k add k/(1 - gamma)") {
    Model changed = m;
    for (Row& row : changed.rows) row.cost += 4.0;
    require_law(
        r, solved(changed, method), 1.0, [&](std::size_t s) { return r.values[s] + 4.0 / (1.0 - m.discount); }, n);
  }
  SECTION("Costs times 2^-10 scale values by it") {
    Model changed = m;
    for (Row& row : changed.rows) row.cost *= 0x1p-10;
    require_law(
        r, solved(changed, method), 0x1p-10, [&](std::size_t s) { return r.values[s] * 0x1p-10; }, n);
  }
  SECTION("A second copy of every action changes nothing") {
    Model changed = m;
    changed.rows.insert(changed.rows.end(), m.rows.begin(), m.rows.end());
    require_law(
        r, solved(changed, method), 1.0, [&](std::size_t s) { return r.values[s]; }, n);
  }
  SECTION("A state split in two has its value twice") {
    Model changed = m;
    ++changed.n_states;
    for (const Row& row : m.rows) {
      if (row.state == 0) changed.rows.push_back({m.n_states, row.cost, row.to});
    }
    for (Row& row : changed.rows) {
      std::vector<std::pair<State, double>> to;
      for (const auto& [t, p] : row.to) {
        to.emplace_back(t, t == 0 ? 0.25 * p : p);
        if (t == 0) to.emplace_back(m.n_states, 0.75 * p);
      }
      row.to = to;
    }
    const SolveResult c = solved(changed, method);
    require_law(
        r, c, 1.0, [&](std::size_t s) { return r.values[s]; }, n);
    REQUIRE(std::abs(c.values[n] - r.values[0]) <= r.value_error_bound + c.value_error_bound + 1e-12);
  }
  SECTION("T4: shaping, L + Phi - gamma P Phi, adds Phi") {
    std::vector<double> phi(n);
    for (double& x : phi) x = std::uniform_int_distribution<int>(-8, 8)(random);
    Model changed = m;
    for (Row& row : changed.rows) {
      row.cost += phi[row.state];
      for (const auto& [t, p] : row.to) row.cost -= m.discount * p * phi[t];
    }
    require_law(
        r, solved(changed, method), 1.0, [&](std::size_t s) { return r.values[s] + phi[s]; }, n);
  }
  SECTION("The discount as the probability of going on, to a free absorbing state") {
    Model changed = m;
    changed.n_states = m.n_states + 1;
    changed.discount = 0.95;  // times 0.9/0.95: the same discount in two parts
    for (Row& row : changed.rows) {
      for (auto& t : row.to) t.second *= 0.9 / 0.95;
      row.to.emplace_back(m.n_states, 1.0 - 0.9 / 0.95);
    }
    changed.rows.push_back({m.n_states, 0.0, {{m.n_states, 1.0}}});
    require_law(
        r, solved(changed, method), 1.0, [&](std::size_t s) { return r.values[s]; }, n);
  }
}
