#include "tests/oracles/exact_solver.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "libmdp/builder.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::oracles {
namespace {

using SparseRow = std::map<std::int64_t, mpq_class>;

// x with A x = b.
std::vector<mpq_class> solve(std::vector<SparseRow> a, std::vector<mpq_class> b) {
  const auto n = static_cast<std::int64_t>(b.size());
  std::vector<std::set<std::int64_t>> rows_of(b.size());  // rows below the diagonal with an entry in the column
  for (std::int64_t r = 0; r < n; ++r) {
    for (const auto& [c, x] : a[r]) {
      if (c < r) rows_of[c].insert(r);
    }
  }
  for (std::int64_t c = 0; c < n; ++c) {
    for (const auto r : rows_of[c]) {
      const mpq_class factor = a[r][c] / a[c][c];
      for (const auto& [k, x] : a[c]) {
        if (k < c) continue;
        a[r][k] -= factor * x;
        if (k > c && k < r) rows_of[k].insert(r);
      }
      a[r].erase(c);
      b[r] -= factor * b[c];
    }
  }
  for (std::int64_t r = n - 1; r >= 0; --r) {
    for (const auto& [k, x] : a[r]) {
      if (k > r) b[r] -= x * b[k];
    }
    b[r] /= a[r][r];
  }
  return b;
}

bool usable(const io::ExactModel& m, std::int64_t row, const std::vector<char>& inside) {
  if (m.rows[row].inadmissible) return false;
  if (m.discount == 0) return true;
  return std::all_of(m.rows[row].to.begin(), m.rows[row].to.end(), [&](const auto& t) { return inside[t.first]; });
}

// Averaged row of a state: cost and successors; inadmissible if a row of positive probability is.
io::ExactModel::Row average(const io::ExactModel& m, const std::vector<mpq_class>& policy, std::int64_t s) {
  io::ExactModel::Row mean;
  mpq_class total;
  SparseRow to;
  for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) total += policy[row];
  for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) {
    if (policy[row] == 0) continue;
    const mpq_class weight = policy[row] / total;
    mean.inadmissible = mean.inadmissible || m.rows[row].inadmissible;
    mean.cost += weight * m.rows[row].cost;
    for (const auto& [t, p] : m.rows[row].to) to[t] += weight * p;
  }
  mean.to.assign(to.begin(), to.end());
  return mean;
}

mpq_class fraction(std::mt19937_64& random, int low, int high, int denominator) {
  mpq_class x(std::uniform_int_distribution<int>(low, high)(random), denominator);
  x.canonicalize();
  return x;
}

// A cost and a weight: fractions that doubles round, or doubles.
mpq_class random_cost(std::mt19937_64& random, const RandomOptions& options) {
  if (options.rational) return fraction(random, -30, 30, 7) * mpq_class(options.cost_scale);
  return mpq_class(std::uniform_real_distribution<double>(-1.0, 1.0)(random) * options.cost_scale);
}

std::vector<mpq_class> random_row(std::mt19937_64& random, std::size_t n, const RandomOptions& options) {
  std::vector<mpq_class> weights(n);
  mpq_class total;
  for (auto& w : weights) {
    w = fraction(random, 1, 20, 1);
    total += w;
  }
  const double scale = 1.0 + options.row_sum_miss * std::uniform_real_distribution<double>(-1.0, 1.0)(random);
  for (auto& w : weights) {
    w /= total;
    if (!options.rational) w = mpq_class(w.get_d() * scale);
  }
  return weights;
}

}  // namespace

std::vector<char> finite_states(const io::ExactModel& m) {
  std::vector<char> inside(static_cast<std::size_t>(m.n_states), 1);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::int64_t s = 0; s < m.n_states; ++s) {
      bool any = false;
      for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) any = any || usable(m, row, inside);
      changed = changed || (inside[s] && !any);
      inside[s] = inside[s] && any;
    }
  }
  return inside;
}

ExactValues policy_values(const io::ExactModel& m, const std::vector<mpq_class>& stochastic_policy) {
  io::ExactModel chain;
  chain.n_states = m.n_states;
  chain.discount = m.discount;
  chain.state_rows = {0};
  for (std::int64_t s = 0; s < m.n_states; ++s) {
    chain.rows.push_back(average(m, stochastic_policy, s));
    chain.state_rows.push_back(s + 1);
  }
  const auto inside = finite_states(chain);
  std::vector<SparseRow> a(static_cast<std::size_t>(m.n_states));
  std::vector<mpq_class> b(a.size());
  for (std::int64_t s = 0; s < m.n_states; ++s) {
    a[s][s] += 1;
    if (!inside[s]) continue;
    b[s] = chain.rows[s].cost;
    for (const auto& [t, p] : chain.rows[s].to) a[s][t] -= m.discount * p;
  }
  const auto x = solve(std::move(a), std::move(b));
  ExactValues values(x.size());
  for (std::size_t s = 0; s < x.size(); ++s) {
    if (inside[s]) values[s] = x[s];
  }
  return values;
}

ExactValues policy_values(const io::ExactModel& m, const Policy& policy) {
  std::vector<mpq_class> stochastic(m.rows.size());
  for (std::int64_t s = 0; s < m.n_states; ++s) stochastic[m.state_rows[s] + policy[s]] = 1;
  return policy_values(m, stochastic);
}

std::optional<mpq_class> q_value(const io::ExactModel& m, std::int64_t row, const ExactValues& values) {
  if (m.rows[row].inadmissible) return {};
  mpq_class q = m.rows[row].cost;
  if (m.discount == 0) return q;
  for (const auto& [t, p] : m.rows[row].to) {
    if (!values[t]) return {};
    q += m.discount * p * *values[t];
  }
  return q;
}

ExactValues optimal_values(const io::ExactModel& m, Policy policy) {
  const auto inside = finite_states(m);
  policy.resize(static_cast<std::size_t>(m.n_states), 0);
  for (std::int64_t s = 0; s < m.n_states; ++s) {
    if (!inside[s] || usable(m, m.state_rows[s] + policy[s], inside)) continue;
    auto row = m.state_rows[s];
    while (!usable(m, row, inside)) ++row;
    policy[s] = static_cast<Action>(row - m.state_rows[s]);
  }
  for (;;) {
    const ExactValues values = policy_values(m, policy);
    bool improved = false;
    for (std::int64_t s = 0; s < m.n_states; ++s) {
      if (!inside[s]) continue;
      mpq_class best = *values[s];
      for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) {
        const auto q = usable(m, row, inside) ? q_value(m, row, values) : std::nullopt;
        if (!q || !(*q < best)) continue;
        best = *q;
        policy[s] = static_cast<Action>(row - m.state_rows[s]);
        improved = true;
      }
    }
    if (!improved) return values;
  }
}

bool contains(double lower, double upper, const std::optional<mpq_class>& value) {
  if (!value) return lower == infinity && upper == infinity;
  const bool above = lower == -infinity || (lower < infinity && mpq_class(lower) <= *value);
  const bool below = upper == infinity || (upper > -infinity && *value <= mpq_class(upper));
  return above && below;
}

Problem random_problem(std::mt19937_64& random, const RandomOptions& options) {
  io::ExactModel m;
  m.n_states = options.states;
  m.discount = options.discount;
  m.objective = options.objective;
  m.state_rows = {0};
  const int sign = options.objective == Objective::maximize ? -1 : 1;
  MdpBuilder builder(options.states, options.objective);
  builder.discount(io::to_discount(options.discount));
  std::uniform_real_distribution<double> uniform;
  for (int s = 0; s < options.states; ++s) {
    const int n_actions = std::uniform_int_distribution<int>(1, options.max_actions)(random);
    for (int a = 0; a < n_actions; ++a) {
      io::ExactModel::Row row;
      row.inadmissible = uniform(random) < options.inadmissible;
      row.cost = row.inadmissible ? mpq_class(0) : random_cost(random, options);
      builder.row(s, row.inadmissible ? TwoDouble(sign * infinity) : io::to_two_double(sign * row.cost));
      const auto n = std::uniform_int_distribution<std::size_t>(1, options.max_successors)(random);
      const auto p = random_row(random, n, options);
      SparseRow to;
      mpq_class sum;
      for (std::size_t k = 0; k < n; ++k) {
        const auto t = std::uniform_int_distribution<int>(0, options.states - 1)(random);
        builder.to(t, io::to_two_double(p[k]));
        to[t] += p[k];
        sum += p[k];
      }
      for (auto& [t, x] : to) x /= sum;
      row.to.assign(to.begin(), to.end());
      m.rows.push_back(std::move(row));
    }
    m.state_rows.push_back(static_cast<std::int64_t>(m.rows.size()));
  }
  return {std::move(m), builder.build()};
}

io::ExactModel exact_model_of(const Mdp& mdp) {
  io::ExactModel m;
  m.n_states = mdp.n_states();
  m.objective = mdp.objective();
  m.discount = mpq_class(mdp.exact_discount().value.hi) + mpq_class(mdp.exact_discount().value.lo);
  m.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  for (Offset r = 0; r < mdp.n_rows(); ++r) {
    io::ExactModel::Row row;
    row.inadmissible = mdp.cost()[r] == infinity;
    if (!row.inadmissible) row.cost = mdp.cost()[r];
    if (!row.inadmissible && !mdp.cost_tail().empty()) row.cost += mpq_class(mdp.cost_tail()[r]);
    mpq_class sum;
    for (Offset k = mdp.row_begin()[r]; k < mdp.row_begin()[r + 1]; ++k) {
      mpq_class p = mdp.probability()[k];
      if (!mdp.probability_tail().empty()) p += mpq_class(mdp.probability_tail()[k]);
      sum += p;
      row.to.emplace_back(mdp.next_state()[k], p);
    }
    for (auto& t : row.to) t.second /= sum;
    m.rows.push_back(std::move(row));
  }
  return m;
}

}  // namespace mdp::oracles
