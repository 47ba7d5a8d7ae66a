// theory.md C5, total cost: both sides around any values, against closed forms.
#include "solvers/goal_enclosure.hpp"

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/graph/approach.hpp"
#include "libmdp/kernels/ordered_chain.hpp"
#include "solvers/goal_iteration.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

struct Enclosed {
  std::vector<double> lower, upper;
};

Enclosed enclose(const Mdp& mdp, const std::vector<double>& v, const Policy& policy) {
  const auto way = graph::approach(mdp, graph::Predecessors(mdp), graph::goal_states(mdp), graph::admissible_rows(mdp));
  kernels::OrderedChain chain(mdp, way.order);
  const std::vector<TwoDouble> around(v.begin(), v.end());
  const auto found = enclose_until_goal(mdp, around, policy, chain, {}, 1, {});
  Enclosed e;
  for (std::size_t s = 0; s < v.size(); ++s) {
    e.lower.push_back(found.below.empty() ? -infinity : v[s] - found.below[s]);
    e.upper.push_back(found.above.empty() ? infinity : v[s] + found.above[s]);
  }
  return e;
}

Mdp coin(double cost) {  // stays with probability 1/2 and pays: V = 2 cost
  MdpBuilder b(2);
  b.row(0, cost).to(0, 0.5).to(1, 0.5);
  b.goal(1);
  return b.discount(1.0).build();
}

}  // namespace

TEST_CASE("C5: with costs above 0 the values themselves are the drift, and the bounds are tight", "[criteria]") {
  const Mdp mdp = coin(1.0);
  const Enclosed low = enclose(mdp, {1.0, 0.0}, {0, 0});
  CHECK(low.upper[0] >= 2.0);
  CHECK(low.upper[0] <= 2.0 + 1e-9);
  CHECK(low.lower[0] <= 1.0);
  const Enclosed high = enclose(mdp, {3.0, 0.0}, {0, 0});
  CHECK(high.lower[0] <= 2.0);
  CHECK(high.lower[0] >= 2.0 - 1e-9);
}

TEST_CASE("C5: with other costs the drift is an expected time, and the bounds are tight for one state", "[criteria]") {
  const Mdp mdp = coin(-1.0);
  for (const double v : {-3.0, -2.5, -1.0}) {
    CAPTURE(v);
    const Enclosed e = enclose(mdp, {v, 0.0}, {0, 0});
    CHECK(e.lower[0] <= -2.0);
    CHECK(e.upper[0] >= -2.0);
    CHECK(std::max(e.lower[0], -2.0) - std::max(v, -2.0) <= 1e-9);
    if (v < -2.0) CHECK(e.upper[0] <= -2.0 + 1e-9);
    if (v > -2.0) CHECK(e.lower[0] >= -2.0 - 1e-9);
  }
}

TEST_CASE("C5: a policy that never arrives has no upper bound, a cycle that pays nothing no lower one", "[criteria]") {
  MdpBuilder b(3);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, 5.0).to(2, 1.0);
  b.row(1, 1.0).to(0, 1.0);
  b.goal(2);
  const Mdp paying = b.discount(1.0).build();
  const Enclosed never = enclose(paying, {5.0, 6.0, 0.0}, {0, 0, 0});
  CHECK(never.upper[0] == infinity);
  const Enclosed arrives = enclose(paying, {5.0, 6.0, 0.0}, {1, 0, 0});
  CHECK(arrives.lower[0] >= 5.0 - 1e-9);
  CHECK(arrives.upper[1] <= 6.0 + 1e-9);

  MdpBuilder free(3);  // V* = 0 by going round for ever, if policies that do not arrive competed; 5 is no bound then
  free.row(0, 0.0).to(1, 1.0);
  free.row(0, 5.0).to(2, 1.0);
  free.row(1, 0.0).to(0, 1.0);
  free.goal(2);
  const Enclosed round = enclose(free.discount(1.0).build(), {6.0, 6.0, 0.0}, {1, 0, 0});
  CHECK(round.lower[0] == -infinity);
  CHECK(round.upper[0] >= 5.0);
}

TEST_CASE("Haddad and Monmege: a small residual is no small error, and the enclosure says so", "[criteria]") {
  // A gambler's walk that falls back to the start: the time is 2^(n+1) - 2.
  const State n = 20;
  MdpBuilder b(n + 1);
  for (State s = 0; s < n; ++s) b.row(s, 1.0).to(0, 0.5).to(s + 1, 0.5);
  b.goal(n);
  const Mdp mdp = b.discount(1.0).build();
  std::vector<double> v(static_cast<std::size_t>(n) + 1, 1000.0);
  v.back() = 0.0;
  const Enclosed e = enclose(mdp, v, Policy(v.size(), 0));
  const double truth = std::ldexp(1.0, n + 1) - 2.0;
  CHECK(e.upper[0] >= truth);
  CHECK(e.lower[0] <= truth);
}
