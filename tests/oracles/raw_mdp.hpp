// tests/oracles/raw_mdp.hpp — dynamic programming by its definition, in any number type.
//
// Nothing of the library but the arrays of an Mdp is used. With rationals (GMP) the answers are exact; with
// automatic differentiation they carry derivatives; with long double they serve differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/mdp.hpp"

namespace mdp::oracles {

/// The entries of an MDP, free to move: rows need not sum to 1.
template <class Number>
struct RawMdp {
  std::vector<Offset> state_rows, row_begin;
  std::vector<State> next_state;
  std::vector<Number> probability, cost;
  std::vector<bool> inadmissible;  // [n_rows] cost +inf; `cost` then is not read
  Number discount;

  [[nodiscard]] State n_states() const { return static_cast<State>(state_rows.size()) - 1; }
  [[nodiscard]] Offset n_rows() const { return static_cast<Offset>(row_begin.size()) - 1; }
};

template <class Number>
RawMdp<Number> raw(const Mdp& mdp) {
  RawMdp<Number> r;
  r.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  r.row_begin.assign(mdp.row_begin().begin(), mdp.row_begin().end());
  r.next_state.assign(mdp.next_state().begin(), mdp.next_state().end());
  for (const double p : mdp.probability()) r.probability.push_back(Number(p));
  for (const double c : mdp.cost()) {
    r.inadmissible.push_back(!(c < infinity));
    r.cost.push_back(Number(c < infinity ? c : 0.0));
  }
  r.discount = Number(mdp.discount());
  return r;
}

/// Rows divided by their sum.
template <class Number>
void normalise(RawMdp<Number>& r) {
  for (Offset row = 0; row < r.n_rows(); ++row) {
    Number sum(0.0);
    for (Offset k = r.row_begin[row]; k < r.row_begin[row + 1]; ++k) sum += r.probability[k];
    for (Offset k = r.row_begin[row]; k < r.row_begin[row + 1]; ++k) r.probability[k] = r.probability[k] / sum;
  }
}

/// Entry number e: costs of the rows first, then probabilities of the transitions, then the discount.
template <class Number>
Number& entry(RawMdp<Number>& r, std::size_t e) {
  if (e < r.cost.size()) return r.cost[e];
  e -= r.cost.size();
  return e < r.probability.size() ? r.probability[e] : r.discount;
}
template <class Number>
std::size_t n_entries(const RawMdp<Number>& r) {
  return r.cost.size() + r.probability.size() + 1;
}

/// Q = L + gamma P V.
template <class Number>
Number q_value(const RawMdp<Number>& r, Offset row, const std::vector<Number>& v) {
  Number sum(0.0);
  for (Offset k = r.row_begin[row]; k < r.row_begin[row + 1]; ++k) {
    sum += Number(r.probability[k] * v[r.next_state[k]]);
  }
  return Number(r.cost[row] + r.discount * sum);
}

/// x with a x = b, by elimination with the largest pivot.
template <class Number>
std::vector<Number> solve_dense(std::vector<std::vector<Number>> a, std::vector<Number> b) {
  const auto size = [](const Number& x) { return x < Number(0.0) ? Number(-x) : x; };
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    std::size_t pivot = j;
    for (std::size_t i = j + 1; i < n; ++i) pivot = size(a[i][j]) > size(a[pivot][j]) ? i : pivot;
    std::swap(a[j], a[pivot]);
    std::swap(b[j], b[pivot]);
    for (std::size_t i = j + 1; i < n; ++i) {
      const Number factor = a[i][j] / a[j][j];
      for (std::size_t k = j; k < n; ++k) a[i][k] -= Number(factor * a[j][k]);
      b[i] -= Number(factor * b[j]);
    }
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t k = j + 1; k < n; ++k) b[j] -= Number(a[j][k] * b[k]);
    b[j] = Number(b[j] / a[j][j]);
  }
  return b;
}

/// V = L_pi + gamma P_pi V for weights [n_rows]. No taken row may be inadmissible.
template <class Number>
std::vector<Number> policy_values(const RawMdp<Number>& r, const std::vector<Number>& weight) {
  const auto n = static_cast<std::size_t>(r.n_states());
  std::vector<std::vector<Number>> a(n, std::vector<Number>(n, Number(0.0)));
  std::vector<Number> b(n, Number(0.0));
  for (std::size_t s = 0; s < n; ++s) {
    a[s][s] += Number(1.0);
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
      if (r.inadmissible[row]) continue;
      b[s] += Number(weight[row] * r.cost[row]);
      for (Offset k = r.row_begin[row]; k < r.row_begin[row + 1]; ++k) {
        a[s][r.next_state[k]] -= Number(r.discount * weight[row] * r.probability[k]);
      }
    }
  }
  return solve_dense(std::move(a), std::move(b));
}

/// V* by Howard's policy iteration; exact in exact numbers. Every state must have an admissible row.
template <class Number>
std::vector<Number> optimal_values(const RawMdp<Number>& r) {
  std::vector<Number> weight(r.n_rows(), Number(0.0));
  std::vector<Offset> choice(r.n_states(), -1);
  for (State s = 0; s < r.n_states(); ++s) {
    for (Offset row = r.state_rows[s + 1]; row-- > r.state_rows[s];) choice[s] = r.inadmissible[row] ? choice[s] : row;
    weight[choice[s]] = Number(1.0);
  }
  for (;;) {
    std::vector<Number> v = policy_values(r, weight);
    bool changed = false;
    for (State s = 0; s < r.n_states(); ++s) {
      Offset best = choice[s];
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        if (!r.inadmissible[row] && q_value(r, row, v) < q_value(r, best, v)) best = row;
      }
      if (best == choice[s]) continue;
      weight[choice[s]] = Number(0.0);
      weight[best] = Number(1.0);
      choice[s] = best;
      changed = true;
    }
    if (!changed) return v;
  }
}

/// n sweeps of V <- min_a Q from 0.
template <class Number>
std::vector<Number> value_iteration(const RawMdp<Number>& r, int n) {
  std::vector<Number> v(r.n_states(), Number(0.0));
  for (int i = 0; i < n; ++i) {
    std::vector<Number> tv;
    for (State s = 0; s < r.n_states(); ++s) {
      Number best(1e300);
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        const Number q = q_value(r, row, v);
        if (!r.inadmissible[row] && q < best) best = q;
      }
      tv.push_back(best);
    }
    v = tv;
  }
  return v;
}

/// V_beta, its Q and log pi, by n sweeps of V <- -beta log sum_a mu exp(-Q/beta) from 0 (D4).
template <class Number>
struct Soft {
  std::vector<Number> values, q, log_policy;
};

template <class Number>
Soft<Number> soft_value_iteration(const RawMdp<Number>& r, const Number& beta, const std::vector<double>& mu, int n) {
  using std::exp;
  using std::log;
  Soft<Number> soft;
  soft.values.assign(r.n_states(), Number(0.0));
  for (int i = 0; i < n; ++i) {
    std::vector<Number> tv;
    soft.q.assign(r.n_rows(), Number(0.0));
    soft.log_policy.assign(r.n_rows(), Number(0.0));
    for (State s = 0; s < r.n_states(); ++s) {
      const auto taken = [&](Offset row) { return !r.inadmissible[row] && (mu.empty() || mu[row] > 0.0); };
      Number least(1e300);
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        soft.q[row] = q_value(r, row, soft.values);
        if (taken(row) && soft.q[row] < least) least = soft.q[row];
      }
      Number sum(0.0);
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        if (!taken(row)) continue;
        const Number weight = exp(Number((least - soft.q[row]) / beta));
        sum += mu.empty() ? weight : Number(Number(mu[row]) * weight);
      }
      tv.push_back(Number(least - beta * log(sum)));
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        const Number log_mu = mu.empty() ? Number(0.0) : Number(log(Number(mu[row])));
        soft.log_policy[row] = Number((tv.back() - soft.q[row]) / beta + log_mu);
      }
    }
    soft.values = tv;
  }
  return soft;
}

}  // namespace mdp::oracles
