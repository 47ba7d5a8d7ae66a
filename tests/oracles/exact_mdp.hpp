// tests/oracles/exact_mdp.hpp — a small MDP in rationals, solved by a road that shares nothing with the library.
#pragma once

#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/mdp.hpp"

namespace mdp::oracles {

using Rational = mpq_class;

/// The number that a TwoDouble is.
[[nodiscard]] Rational exactly(TwoDouble x);

/// Rows as in Mdp, dense in nothing but the mind of the solver: meant for some tens of states.
struct ExactMdp {
  std::vector<Offset> state_rows;                             // [n_states+1]
  std::vector<std::vector<std::pair<State, Rational>>> rows;  // [n_rows] successor, probability
  std::vector<Rational> cost;                                 // [n_rows]
  std::vector<char> inadmissible;                             // [n_rows] 1: cost +inf, never taken
  Rational discount;
  std::vector<Rational> initial;  // [n_states]

  [[nodiscard]] std::size_t n_states() const { return state_rows.size() - 1; }
};

/// The MDP meant (theory.md, section 0): entries and discount as the dyadic numbers hi + lo that are stored, each row
/// divided by its sum.
[[nodiscard]] ExactMdp exact_mdp(const Mdp& mdp);

/// L + gamma P v per row; inadmissible rows hold their finite part, 0.
[[nodiscard]] std::vector<Rational> q_values(const ExactMdp& mdp, const std::vector<Rational>& v);

/// (I - gamma P_pi)^-1 L_pi by Gauss–Jordan elimination. discount < 1.
[[nodiscard]] std::vector<Rational> policy_values(const ExactMdp& mdp, const std::vector<Offset>& selected_row);

/// V* by policy iteration in rationals, every state with an admissible row.
struct ExactSolution {
  std::vector<Rational> values;      // [n_states]
  std::vector<Rational> q;           // [n_rows]
  std::vector<Offset> selected_row;  // [n_states] lowest minimiser
};
[[nodiscard]] ExactSolution solve(const ExactMdp& mdp);

}  // namespace mdp::oracles
