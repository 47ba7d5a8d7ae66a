#include "tests/io/same_bits.hpp"

#include <algorithm>
#include <bit>

#include <catch2/catch.hpp>

namespace mdp::tests {
namespace {

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool same(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

bool same_names(const Mdp& a, const Mdp& b) {
  for (Offset row = 0; row < a.n_rows(); ++row) {
    if (a.action_name(row) != b.action_name(row)) return false;
  }
  return a.names().states == b.names().states;
}

}  // namespace

void check_same_bits(const Mdp& a, const Mdp& b, bool tails) {
  REQUIRE(same(a.state_rows(), b.state_rows()));
  REQUIRE(same(a.row_begin(), b.row_begin()));
  CHECK(same(a.next_state(), b.next_state()));
  CHECK(same(a.probability(), b.probability()));
  CHECK(same(a.cost(), b.cost()));
  CHECK(same(a.initial(), b.initial()));
  CHECK(same(a.goal(), b.goal()));
  CHECK(a.objective() == b.objective());
  CHECK(a.discount() == b.discount());
  CHECK(same_names(a, b));
  if (!tails) return;
  CHECK(same(a.probability_tail(), b.probability_tail()));
  CHECK(same(a.cost_tail(), b.cost_tail()));
  const Discount& x = a.exact_discount();
  const Discount& y = b.exact_discount();
  CHECK((x.value.lo == y.value.lo && x.complement.hi == y.complement.hi && x.complement.lo == y.complement.lo));
}

}  // namespace mdp::tests
