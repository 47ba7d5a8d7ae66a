// T6 and the divergences of section 3: each nearest row against a solver of another kind, closed forms and its dual.
#include "equivalence/row_projection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "solvers/linear_program.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using mdp::tests::draw;
using Long = long double;

namespace {

using Vector = std::vector<double>;

struct Solved : Projection {
  Vector p;
};

Solved project(Divergence divergence, const Vector& r, const Vector& x, double tie = 0.0, double slack = 0.0,
               const GroundDistance* ground = nullptr) {
  std::vector<State> states(r.size());
  std::iota(states.begin(), states.end(), 0);
  Vector p(r.size());
  RowProjection solve(divergence, ground);
  const Projection projection = solve({states, r, x, tie, slack}, p);
  return {projection, p};
}

double mass(const Vector& p) { return std::accumulate(p.begin(), p.end(), 0.0); }
double moment(const Vector& p, const Vector& x) {
  Long sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += p[i] > 0.0 ? static_cast<Long>(p[i]) * x[i] : 0.0L;
  return static_cast<double>(sum);
}

// A row on n states: r > 0 on `seen` of them, x in [-1, 1] times a scale, both signs, ties among them.
struct Row {
  Vector r, x;
};
Row random_row(std::mt19937& random, int n, int seen, double scale = 1.0) {
  Row row{Vector(static_cast<std::size_t>(n)), Vector(static_cast<std::size_t>(n))};
  std::vector<std::size_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[random() % (i + 1)]);
  for (int k = 0; k < seen; ++k) row.r[order[static_cast<std::size_t>(k)]] = draw(random, 1, 1000);
  const double sum = mass(row.r);
  for (double& v : row.r) v /= sum;
  for (double& v : row.x) v = scale * draw(random, -20, 20) / 20.0;
  row.x[static_cast<std::size_t>(draw(random, 0, n / 2 - 1))] = -scale * draw(random, 1, 1000) / 1000.0;
  row.x[static_cast<std::size_t>(draw(random, n / 2, n - 1))] = scale * draw(random, 1, 1000) / 1000.0;
  return row;
}

// d divergence / d p_i at p; l2: of the square.
Long slope(Divergence divergence, Long p, Long r) {
  switch (divergence) {
    case Divergence::kl: return std::log(p / r) + 1;
    case Divergence::reverse_kl: return -r / p;
    case Divergence::chi2: return 2 * (p - r) / r;
    default: return 2 * (p - r);
  }
}

// The divergence by its definition; l2: the square.
Long value(Divergence divergence, const Vector& p, const Vector& r) {
  Long sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Long q = p[i], s = r[i];
    if (divergence == Divergence::kl) sum += q > 0 ? q * std::log(q / s) : 0;
    if (divergence == Divergence::reverse_kl) sum += s > 0 ? s * std::log(s / q) : 0;
    if (divergence == Divergence::chi2) sum += (q - s) * (q - s) / s;
    if (divergence == Divergence::l2) sum += (q - s) * (q - s);
  }
  return sum;
}

// Frank and Wolfe (1956): a convex F on a polytope is at most max_v -grad F(p) (v - p), over its vertices v, above its
// least value. The vertices are the one- and two-point rows.
Long frank_wolfe_gap(Divergence divergence, const Row& row, const Vector& p) {
  const std::size_t n = p.size();
  std::vector<Long> g(n);
  Long here = 0;
  for (std::size_t i = 0; i < n; ++i) {
    g[i] = row.r[i] == 0.0 && divergence == Divergence::reverse_kl ? 0 : slope(divergence, p[i], row.r[i]);
    if (p[i] > 0.0) here += g[i] * p[i];
  }
  Long least = infinity;
  for (std::size_t i = 0; i < n; ++i) {
    if (row.x[i] == 0.0) least = std::min(least, g[i]);
    for (std::size_t j = 0; j < n; ++j) {
      if (!(row.x[i] < 0.0 && row.x[j] > 0.0)) continue;
      const Long width = static_cast<Long>(row.x[j]) - row.x[i];
      least = std::min(least, (g[i] * row.x[j] - g[j] * row.x[i]) / width);
    }
  }
  return here - least;
}

}  // namespace

TEST_CASE("T6: KL both ways, chi^2 and l2 are least among all rows to 1e-12: no vertex of the polytope lies downhill") {
  const auto seed = 20261126U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const auto divergence : {Divergence::kl, Divergence::reverse_kl, Divergence::chi2, Divergence::l2}) {
    CAPTURE(to_string(divergence));
    int n_solved = 0;
    for (int trial = 0; trial < 1000; ++trial) {
      CAPTURE(trial);
      const int n = draw(random, 3, 9);
      const Row row = random_row(random, n, stays_in_reference(divergence) ? n : draw(random, 1, n));
      const auto s = project(divergence, row.r, row.x);
      if (s.outcome == RowOutcome::kept) continue;
      REQUIRE(s.outcome == RowOutcome::projected);
      REQUIRE(mass(s.p) == Approx(1.0).epsilon(1e-15));
      REQUIRE(std::abs(moment(s.p, row.x)) <= 1e-15);
      const Long truth = value(divergence, s.p, row.r);
      const double shown = divergence == Divergence::l2 ? s.divergence * s.divergence : s.divergence;
      REQUIRE(shown == Approx(static_cast<double>(truth)).epsilon(1e-11).margin(1e-15));
      REQUIRE(frank_wolfe_gap(divergence, row, s.p) <= 1e-12L * (1 + truth));
      REQUIRE(std::abs(s.duality_gap) <= 1e-13 * (1.0 + s.divergence));
      ++n_solved;
    }
    REQUIRE(n_solved > 900);
  }
}

TEST_CASE("T6: the multiplier is the derivative of the least divergence by tau") {
  const auto seed = 31U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const auto divergence :
       {Divergence::kl, Divergence::reverse_kl, Divergence::chi2, Divergence::l2, Divergence::l1}) {
    CAPTURE(to_string(divergence));
    for (int trial = 0; trial < 40; ++trial) {
      const Row row = random_row(random, 6, stays_in_reference(divergence) ? 6 : draw(random, 2, 6), 3.0);
      const auto moved = [&](double by) {
        Vector x = row.x;
        for (double& v : x) v -= by;
        return project(divergence, row.r, x);
      };
      const double h = 1e-6;
      const auto here = moved(0.0), up = moved(h), down = moved(-h);
      if (here.outcome != RowOutcome::projected || up.outcome != RowOutcome::projected ||
          down.outcome != RowOutcome::projected) {
        continue;
      }
      // Convex in tau: the derivative lies between the difference quotients on both sides.
      const double before = (here.divergence - down.divergence) / h, after = (up.divergence - here.divergence) / h;
      REQUIRE(here.multiplier >= before - 1e-7);
      REQUIRE(here.multiplier <= after + 1e-7);
    }
  }
}

TEST_CASE("likelihood: unseen states take the missing mass, the example of the theory") {
  const double tau = 0.9;
  const auto s = project(Divergence::reverse_kl, {0.99, 0.01, 0.0}, {0.0 - tau, 1.0 - tau, 10.0 - tau});
  REQUIRE(s.outcome == RowOutcome::projected);
  REQUIRE(s.p[0] == Approx(0.9009).margin(5e-5));
  REQUIRE(s.p[1] == Approx(0.0101).margin(5e-5));
  REQUIRE(s.p[2] == Approx(0.0890).margin(5e-5));
  const auto log_likelihood = [](const Vector& p) { return 0.99 * std::log(p[0]) + 0.01 * std::log(p[1]); };
  REQUIRE(log_likelihood(s.p) == Approx(-0.15).margin(5e-3));
  REQUIRE(log_likelihood({0.1, 0.9}) == Approx(-2.28).margin(5e-3));  // the root over supp r
  REQUIRE(s.divergence == Approx(0.99 * std::log(0.99) + 0.01 * std::log(0.01) - log_likelihood(s.p)));
  SECTION("tau beyond the hull of what was seen") {
    const auto far = project(Divergence::reverse_kl, {0.5, 0.5, 0.0}, {-3.0, -2.0, 1.0});
    REQUIRE(far.outcome == RowOutcome::projected);
    REQUIRE(moment(far.p, {-3.0, -2.0, 1.0}) == Approx(0.0).margin(1e-15));
    // r / (1 - x/b) at the lower end mu = -1/b, b = 1.
    REQUIRE(far.p[0] == Approx(0.5 / 4.0));
    REQUIRE(far.p[1] == Approx(0.5 / 3.0));
    REQUIRE(far.p[2] == Approx(1.0 - 0.125 - 0.5 / 3.0));
  }
  SECTION("at an end of D the likelihood is 0 if another value was seen; r outside D is refused") {
    const auto end = project(Divergence::reverse_kl, {0.5, 0.5}, {0.0, 1.0});
    REQUIRE(end.outcome == RowOutcome::boundary);
    REQUIRE(end.divergence == infinity);
    REQUIRE(end.p == Vector{1.0, 0.0});
    REQUIRE(project(Divergence::reverse_kl, {0.5, 0.5}, {infinity, 0.0}).outcome == RowOutcome::unsupported);
  }
}

TEST_CASE("l1: mass moves from one end to the other, by hand") {
  // Mean -0.55 must rise: 0.5 of the mass at -1 goes to 1, which lifts the mean by 1; 0.275 of it is enough.
  const auto s = project(Divergence::l1, {0.75, 0.05, 0.2}, {-1.0, 0.0, 1.0});
  REQUIRE(s.p[0] == Approx(0.475));
  REQUIRE(s.p[2] == Approx(0.475));
  REQUIRE(s.divergence == Approx(0.55));
  REQUIRE(s.multiplier == Approx(1.0));
  // Mass outside D has to be placed anyhow: twice 0.5, and the split keeps the mean.
  const auto placed = project(Divergence::l1, {0.5, 0.5, 0.0, 0.0}, {infinity, 0.5, -1.0, 1.0});
  REQUIRE(placed.divergence == Approx(1.0));
  REQUIRE(placed.p[0] == 0.0);
  REQUIRE(placed.p[1] == 0.5);
  REQUIRE(placed.p[2] == Approx(0.375));
  REQUIRE(placed.p[3] == Approx(0.125));
}

TEST_CASE("l1 and Wasserstein-1 reach the largest dual value, found by trying every breakpoint") {
  const auto seed = 20261127U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 600; ++trial) {
    CAPTURE(trial);
    const int n = draw(random, 3, 8);
    const auto size = static_cast<std::size_t>(n);
    Row row = random_row(random, n, draw(random, 1, n));
    if (draw(random, 0, 2) == 0) row.x[static_cast<std::size_t>(draw(random, 0, n - 1))] = infinity;
    const bool is_l1 = draw(random, 0, 1) == 0;
    Vector place(size);
    for (double& v : place) v = draw(random, 0, 30) / 4.0;
    const Metric line = [&place](State i, State j) {
      return std::abs(place[static_cast<std::size_t>(i)] - place[static_cast<std::size_t>(j)]);
    };
    const GroundDistance ground(line);
    const auto s = is_l1 ? project(Divergence::l1, row.r, row.x)
                         : project(Divergence::wasserstein, row.r, row.x, 0.0, 0.0, &ground);
    if (s.outcome != RowOutcome::projected) continue;
    REQUIRE(mass(s.p) == Approx(1.0).epsilon(1e-15));
    REQUIRE(std::abs(moment(s.p, row.x)) <= 1e-15);

    const auto cost = [&](std::size_t i, std::size_t j) -> Long {
      return is_l1 ? (i == j ? 0.0L : 2.0L) : static_cast<Long>(line(static_cast<State>(i), static_cast<State>(j)));
    };
    const auto dual = [&](Long lambda) {
      Long sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        Long least = infinity;
        for (std::size_t j = 0; j < size; ++j) {
          if (row.x[j] < infinity) least = std::min(least, cost(i, j) - lambda * row.x[j]);
        }
        sum += row.r[i] * least;
      }
      return sum;
    };
    Long best = dual(0);
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        for (std::size_t k = 0; k < size; ++k) {
          if (row.x[j] == infinity || row.x[k] == infinity || row.x[j] == row.x[k]) continue;
          best = std::max(best, dual((cost(i, j) - cost(i, k)) / (static_cast<Long>(row.x[j]) - row.x[k])));
        }
      }
    }
    REQUIRE(s.divergence == Approx(static_cast<double>(best)).margin(1e-13));
    REQUIRE(std::abs(s.duality_gap) <= 1e-14);
    if (is_l1) {
      double distance = 0.0;
      for (std::size_t i = 0; i < size; ++i) distance += std::abs(s.p[i] - row.r[i]);
      REQUIRE(distance == Approx(s.divergence).margin(1e-14));
    }
  }
}

TEST_CASE("l1, Wasserstein-1 and linear agree with CLP to 1e-9") {
  if (!solvers::has_linear_programming()) return;
  const auto seed = 20261207U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_solved = 0;
  for (int trial = 0; trial < 150; ++trial) {
    CAPTURE(trial);
    const int n = draw(random, 3, 9);
    const auto size = static_cast<std::size_t>(n);
    const Row row = random_row(random, n, draw(random, 1, n));
    Vector place(size), g(size);
    for (double& v : place) v = draw(random, 0, 30) / 4.0;
    for (double& v : g) v = draw(random, -30, 30) / 4.0;
    const int kind = trial % 3;  // l1, wasserstein, linear
    const Metric line = [&place](State i, State j) {
      return std::abs(place[static_cast<std::size_t>(i)] - place[static_cast<std::size_t>(j)]);
    };
    const GroundDistance ground(line);
    std::vector<State> states(size);
    std::iota(states.begin(), states.end(), 0);
    Vector p(size);
    RowProjection solve(kind == 0   ? Divergence::l1
                        : kind == 1 ? Divergence::wasserstein
                                    : Divergence::linear,
                        &ground, g);
    const Projection found = solve({states, row.r, row.x}, p);
    if (found.outcome != RowOutcome::projected) continue;

    solvers::LinearProgram program;  // pi_ij for the transports, p_j for `linear`
    if (kind == 2) {
      for (std::size_t j = 0; j < size; ++j) program.add_column(g[j], 0.0, infinity);
      for (std::size_t j = 0; j < size; ++j) program.add_entry(static_cast<int>(j), 1.0);
      program.end_row(1.0, 1.0);
      for (std::size_t j = 0; j < size; ++j) program.add_entry(static_cast<int>(j), row.x[j]);
    } else {
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
          const double far = line(static_cast<State>(i), static_cast<State>(j));
          program.add_column(kind == 1 ? far : i == j ? 0.0 : 2.0, 0.0, infinity);
        }
      }
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) program.add_entry(static_cast<int>(i * size + j), 1.0);
        program.end_row(row.r[i], row.r[i]);
      }
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) program.add_entry(static_cast<int>(i * size + j), row.x[j]);
      }
    }
    program.end_row(0.0, 0.0);
    const auto best = solvers::solve_linear_program(program);
    REQUIRE(best.status == Status::converged);
    REQUIRE(found.divergence == Approx(best.objective).epsilon(1e-9).margin(1e-9));
    ++n_solved;
  }
  REQUIRE(n_solved > 120);
}

TEST_CASE("Wasserstein-1 on a line: at most one atom is split, the distance is that of the quantiles") {
  const Metric line = [](State i, State j) { return std::abs(static_cast<double>(i - j)); };
  const GroundDistance ground(line);
  const Vector x{-1.5, -0.5, 0.5, 2.5};
  const auto s = project(Divergence::wasserstein, {0.5, 0.25, 0.25, 0.0}, x, 0.0, 0.0, &ground);
  REQUIRE(s.outcome == RowOutcome::projected);
  // The mean -0.75 rises cheapest from state 2 to 3 (2 per step), by 0.5, then from state 1 to 3 (3 in two steps).
  double cumulated = 0.0, distance = 0.0;
  const Vector r{0.5, 0.25, 0.25, 0.0};
  for (std::size_t i = 0; i + 1 < r.size(); ++i) {
    cumulated += s.p[i] - r[i];
    distance += std::abs(cumulated);
  }
  REQUIRE(s.divergence == Approx(distance));
  REQUIRE(s.divergence == Approx(0.25 + 0.25 / 3.0 * 2.0));
  REQUIRE(s.p[3] == Approx(0.25 + 0.25 / 3.0));
  REQUIRE(moment(s.p, x) == Approx(0.0).margin(1e-16));
}

TEST_CASE("sparsest and deterministic: the successors whose V* are nearest tau") {
  const Vector r{0.4, 0.3, 0.2, 0.1};
  const auto two = project(Divergence::sparsest, r, {-3.0, -1.0, 2.0, 5.0});
  REQUIRE(two.outcome == RowOutcome::projected);
  REQUIRE(two.divergence == 2.0);
  REQUIRE(two.p[1] == Approx(2.0 / 3.0));
  REQUIRE(two.p[2] == Approx(1.0 / 3.0));
  const auto one = project(Divergence::sparsest, r, {-3.0, 0.0, 0.0, 5.0});
  REQUIRE(one.divergence == 1.0);
  REQUIRE(one.p == Vector{0.0, 1.0, 0.0, 0.0});  // the likelier of two
  const auto outside = project(Divergence::sparsest, r, {1.0, 2.0, 3.0, 4.0}, 0.0, 0.5);
  REQUIRE(outside.outcome == RowOutcome::infeasible);
  REQUIRE(outside.divergence == infinity);
  REQUIRE(outside.p[0] == 1.0);
  REQUIRE(project(Divergence::sparsest, r, {0.5, 2.0, 3.0, 4.0}, 0.0, 0.5).outcome == RowOutcome::projected);

  const auto miss = project(Divergence::deterministic, r, {-3.0, -1.0, 0.75, 5.0});
  REQUIRE(miss.outcome == RowOutcome::infeasible);
  REQUIRE(miss.divergence == 0.75);
  REQUIRE(miss.p[2] == 1.0);
  REQUIRE(project(Divergence::deterministic, r, {-3.0, 0.0, 0.75, 5.0}).outcome == RowOutcome::projected);
}

TEST_CASE("T6: at an end of the interval each divergence projects on the extreme states") {
  const Vector r{0.2, 0.3, 0.1, 0.4};
  const Vector x{0.0, 0.0, -1.0, -3.0};
  REQUIRE(project(Divergence::chi2, r, x).p == Vector{0.4, 0.6, 0.0, 0.0});
  REQUIRE(project(Divergence::l2, r, x).p[0] == Approx(0.45));
  REQUIRE(project(Divergence::l2, r, x).p[1] == Approx(0.55));
  REQUIRE(project(Divergence::l2, r, x).divergence == Approx(std::sqrt(2 * 0.0625 + 0.01 + 0.16)));
  REQUIRE(project(Divergence::chi2, r, x).divergence == Approx(0.04 / 0.2 + 0.09 / 0.3 + 0.5));
  REQUIRE(project(Divergence::l1, r, x).divergence == Approx(1.0));
  REQUIRE(project(Divergence::l1, r, x).multiplier == infinity);
  for (const auto d : {Divergence::kl, Divergence::chi2, Divergence::l2, Divergence::l1}) {
    REQUIRE(project(d, r, x).outcome == RowOutcome::boundary);
    const auto out = project(d, r, {-1.0, -1.0, -2.0, -3.0});
    REQUIRE(out.outcome == RowOutcome::infeasible);
    REQUIRE(out.divergence == infinity);
    REQUIRE(out.p[2] + out.p[3] == 0.0);
  }
}

TEST_CASE("T6: every divergence over orders of magnitude: mass 1, moment 0 to a rounding, gap 0") {
  const auto seed = 20261128U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto log_uniform = [&random](int decades) {
    return std::pow(10.0, -decades * draw(random, 0, 10000) / 10000.0);
  };
  for (const auto divergence : {Divergence::kl, Divergence::reverse_kl, Divergence::chi2, Divergence::l2,
                                Divergence::l1, Divergence::sparsest}) {
    CAPTURE(to_string(divergence));
    for (int trial = 0; trial < 3000; ++trial) {
      CAPTURE(trial);
      const auto n = static_cast<std::size_t>(draw(random, 2, 9));
      const int decades = draw(random, 0, 2) == 0 ? 40 : 3;
      const double scale = std::ldexp(1.0, draw(random, -300, 300));
      Vector r(n), x(n);
      for (double& v : r) v = log_uniform(decades);
      for (double& v : x) v = log_uniform(draw(random, 0, 2) == 0 ? 12 : 1) * (draw(random, 0, 1) == 0 ? 1.0 : -1.0);
      x[0] = std::abs(x[0]), x[1] = -std::abs(x[1]);
      if (!stays_in_reference(divergence) && n > 3) r[3] = 0.0;
      const double sum = mass(r);
      for (double& v : r) v /= sum;
      Vector scaled = x;
      for (double& v : scaled) v *= scale;
      const auto s = project(divergence, r, scaled);
      if (s.outcome == RowOutcome::kept) continue;
      REQUIRE(s.outcome == RowOutcome::projected);
      REQUIRE(std::abs(mass(s.p) - 1.0) <= 8.0 * unit_roundoff);
      const double largest =
          std::abs(*std::max_element(x.begin(), x.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
      REQUIRE(std::abs(moment(s.p, x)) <= 4.0 * unit_roundoff * largest);
      REQUIRE(s.divergence >= 0.0);
      REQUIRE(std::abs(s.duality_gap) <= 1e-13 * (1.0 + s.divergence));
    }
  }
}

TEST_CASE("l2: a reference whose successors all have one value") {
  // No slope to go by at the start; x of a random pair that once ended with no mass at all.
  const double tau = -1.0508865790998436e-05;
  const std::vector<double> v{0.00099999999999999915, 0.0, -0.0007016962193033278, 0.0, 0.0, 0.0};
  const std::vector<double> r{0.0, 0.0, 0.0, 0.3, 0.5, 0.2};
  std::vector<double> x, p(6);
  for (const double value : v) x.push_back((value - tau) * 512.0);
  EuclideanProjection projection;
  const RowSolution found = projection(r, x, true, p);
  double mass = 0.0, mean = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    CHECK(p[i] >= 0.0);
    mass += p[i];
    mean += p[i] * x[i];
  }
  CHECK(mass == Approx(1.0).epsilon(1e-15));
  CHECK(std::abs(mean) < 1e-15);
  CHECK(found.gap < 1e-12);
  CHECK(found.divergence < 0.03);
}
