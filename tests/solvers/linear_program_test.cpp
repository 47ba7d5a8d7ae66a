// Linear programs by CLP against solutions by hand.
#include "solvers/linear_program.hpp"

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"

using namespace mdp;
using namespace mdp::solvers;

TEST_CASE("Linear program: optimum and prices by hand") {
  if (!has_linear_programming()) {
    REQUIRE_THROWS_WITH(solve_linear_program({}), Catch::Contains("CLP"));
    return;
  }
  // min 2x + 3y, x + y >= 4, x <= 3, y free above -1: x = 3, y = 1, value 9, price of the row 3.
  LinearProgram p;
  const int x = p.add_column(2.0, 0.0, 3.0), y = p.add_column(3.0, -1.0, infinity);
  p.add_entry(x, 1.0);
  p.add_entry(y, 1.0);
  p.end_row(4.0, infinity);
  const auto result = solve_linear_program(p);
  REQUIRE(result.status == Status::converged);
  REQUIRE(result.x[0] == Approx(3.0));
  REQUIRE(result.x[1] == Approx(1.0));
  REQUIRE(result.dual[0] == Approx(3.0));
  REQUIRE(result.objective == Approx(9.0));
}

TEST_CASE("Linear program: infeasible, unbounded and misshapen ones are told apart") {
  if (!has_linear_programming()) return;
  LinearProgram p;
  const int x = p.add_column(-1.0, 0.0, infinity);
  const auto unbounded = solve_linear_program(p);
  REQUIRE(unbounded.status == Status::refused);
  REQUIRE(unbounded.message.find("unbounded") != std::string::npos);
  p.add_entry(x, 1.0);
  p.end_row(-infinity, -1.0);
  const auto infeasible = solve_linear_program(p);
  REQUIRE(infeasible.status == Status::refused);
  REQUIRE(infeasible.message.find("infeasible") != std::string::npos);
  p.row_lower.pop_back();
  REQUIRE_THROWS_AS(solve_linear_program(p), InvalidArgument);
}

TEST_CASE("Linear program: out of time, it says so") {
  if (!has_linear_programming()) return;
  LinearProgram p;  // an assignment of 60 to 60: some hundred iterations
  constexpr int n = 60;
  for (int i = 0; i < n * n; ++i) p.add_column((i * 7919) % 101, 0.0, 1.0);
  for (int side = 0; side < 2; ++side) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) p.add_entry(side == 0 ? i * n + j : j * n + i, 1.0);
      p.end_row(1.0, 1.0);
    }
  }
  CHECK(solve_linear_program(p).status == Status::converged);
  CHECK(solve_linear_program(p, 0.0).status == Status::time_limit);
}
