#include "tests/oracles/exact_mdp.hpp"

namespace mdp::oracles {
namespace {

using Vector = std::vector<Rational>;

Vector solve_linear(std::vector<Vector> a, Vector b) {
  const std::size_t n = b.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    while (a[pivot][c] == 0) ++pivot;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c || a[r][c] == 0) continue;
      const Rational f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      b[r] -= f * b[c];
    }
  }
  for (std::size_t r = 0; r < n; ++r) b[r] /= a[r][r];
  return b;
}

}  // namespace

Rational exactly(TwoDouble x) { return Rational(x.hi) + Rational(x.lo); }

ExactMdp exact_mdp(const Mdp& mdp) {
  ExactMdp m;
  m.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  m.discount = exactly(mdp.exact_discount().value);
  for (const double p : mdp.initial()) m.initial.emplace_back(p);
  for (std::size_t row = 0; row < static_cast<std::size_t>(mdp.n_rows()); ++row) {
    const bool inadmissible = mdp.cost()[row] == infinity;
    m.inadmissible.push_back(inadmissible ? 1 : 0);
    m.cost.push_back(inadmissible ? Rational(0)
                                  : exactly({mdp.cost()[row], mdp.cost_tail().empty() ? 0.0 : mdp.cost_tail()[row]}));
    std::vector<std::pair<State, Rational>> entries;
    Rational sum = 0;
    for (auto k = static_cast<std::size_t>(mdp.row_begin()[row]);
         k < static_cast<std::size_t>(mdp.row_begin()[row + 1]); ++k) {
      const double tail = mdp.probability_tail().empty() ? 0.0 : mdp.probability_tail()[k];
      entries.emplace_back(mdp.next_state()[k], exactly({mdp.probability()[k], tail}));
      sum += entries.back().second;
    }
    for (auto& entry : entries) entry.second /= sum;
    m.rows.push_back(std::move(entries));
  }
  return m;
}

std::vector<Rational> q_values(const ExactMdp& mdp, const std::vector<Rational>& v) {
  Vector q = mdp.cost;
  for (std::size_t row = 0; row < mdp.rows.size(); ++row) {
    if (mdp.inadmissible[row] != 0) continue;
    Rational sum = 0;
    for (const auto& [next, p] : mdp.rows[row]) sum += p * v[static_cast<std::size_t>(next)];
    q[row] += mdp.discount * sum;
  }
  return q;
}

std::vector<Rational> policy_values(const ExactMdp& mdp, const std::vector<Offset>& selected_row) {
  const std::size_t n = mdp.n_states();
  std::vector<Vector> a(n, Vector(n));
  Vector b(n);
  for (std::size_t s = 0; s < n; ++s) {
    const auto row = static_cast<std::size_t>(selected_row[s]);
    a[s][s] = 1;
    for (const auto& [next, p] : mdp.rows[row]) a[s][static_cast<std::size_t>(next)] -= mdp.discount * p;
    b[s] = mdp.cost[row];
  }
  return solve_linear(std::move(a), std::move(b));
}

ExactSolution solve(const ExactMdp& mdp) {
  ExactSolution result;
  for (std::size_t s = 0; s < mdp.n_states(); ++s) {
    auto row = static_cast<std::size_t>(mdp.state_rows[s]);
    while (mdp.inadmissible[row] != 0) ++row;
    result.selected_row.push_back(static_cast<Offset>(row));
  }
  for (bool improved = true; improved;) {
    improved = false;
    result.values = policy_values(mdp, result.selected_row);
    result.q = q_values(mdp, result.values);
    for (std::size_t s = 0; s < mdp.n_states(); ++s) {
      const Offset current = result.selected_row[s];
      Offset best = current;
      for (Offset row = mdp.state_rows[s]; row < mdp.state_rows[s + 1]; ++row) {
        const auto r = static_cast<std::size_t>(row);
        if (mdp.inadmissible[r] == 0 && result.q[r] < result.q[static_cast<std::size_t>(best)]) best = row;
      }
      improved = improved || best != current;
      result.selected_row[s] = best;
    }
  }
  for (std::size_t s = 0; s < mdp.n_states(); ++s) {  // the lowest of several
    for (Offset row = result.selected_row[s]; row >= mdp.state_rows[s]; --row) {
      const auto r = static_cast<std::size_t>(row);
      if (mdp.inadmissible[r] == 0 && result.q[r] == result.values[s]) result.selected_row[s] = row;
    }
  }
  return result;
}

}  // namespace mdp::oracles
