#include "tests/oracles/policy_enumeration.hpp"

#include <algorithm>
#include <random>

#include "libmdp/builder.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::oracles {
namespace {

using Vector = std::vector<mpq_class>;
using Matrix = std::vector<Vector>;

Vector solve(Matrix a, Vector b) {  // Gauss-Jordan
  const std::size_t n = b.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    while (a[pivot][c] == 0) ++pivot;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c || a[r][c] == 0) continue;
      const mpq_class f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      b[r] -= f * b[c];
    }
  }
  for (std::size_t r = 0; r < n; ++r) b[r] /= a[r][r];
  return b;
}

// x(s) = b(s) + sum_j p x(j) on the states marked open, x = fixed elsewhere.
Vector solve_open(const Matrix& p, const std::vector<char>& open, const Vector& b, Vector fixed) {
  const std::size_t n = b.size();
  Matrix a(n, Vector(n));
  Vector rhs(n);
  for (std::size_t s = 0; s < n; ++s) {
    a[s][s] = 1;
    rhs[s] = open[s] ? b[s] : fixed[s];
    if (!open[s]) continue;
    for (std::size_t t = 0; t < n; ++t) a[s][t] -= p[s][t];
  }
  return solve(a, rhs);
}

std::vector<std::vector<char>> closure(const Matrix& p) {
  const std::size_t n = p.size();
  std::vector<std::vector<char>> reach(n, std::vector<char>(n, 0));
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) reach[s][t] = s == t || p[s][t] > 0;
  }
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t t = 0; t < n; ++t) reach[s][t] = reach[s][t] || (reach[s][k] && reach[k][t]);
    }
  }
  return reach;
}

bool is_goal(const TinyModel& m, std::size_t s) {
  return std::find(m.goal.begin(), m.goal.end(), static_cast<int>(s)) != m.goal.end();
}

// States from which some policy never meets an inadmissible row.
std::vector<char> live_states(const TinyModel& m) {
  std::vector<char> live(m.n(), 1);
  for (std::size_t round = 0; round <= m.n(); ++round) {
    for (std::size_t s = 0; s < m.n(); ++s) {
      live[s] = std::any_of(m.rows[s].begin(), m.rows[s].end(), [&](const auto& row) {
        if (row.inadmissible) return false;
        for (std::size_t t = 0; t < m.n(); ++t) {
          if (row.p[t] > 0 && !live[t]) return false;
        }
        return true;
      });
    }
  }
  return live;
}

// Whether the chain pays only admissible rows from s on.
bool admissible_from(const TinyModel& m, const std::vector<int>& policy, const Chain& chain, std::size_t s) {
  for (std::size_t t = 0; t < m.n(); ++t) {
    if (chain.reaches(s, t) && m.rows[t][static_cast<std::size_t>(policy[t])].inadmissible) return false;
  }
  return true;
}

void lower(Extended& best, const Extended& x) {
  if (x < best) best = x;
}

}  // namespace

Mdp TinyModel::build() const {
  MdpBuilder b(static_cast<std::int64_t>(n()), objective);
  const int sign = objective == Objective::maximize ? -1 : 1;
  for (std::size_t s = 0; s < n(); ++s) {
    if (is_goal(*this, s)) {
      b.goal(static_cast<std::int64_t>(s));
      continue;
    }
    for (const Row& row : rows[s]) {
      b.row(static_cast<std::int64_t>(s),
            row.inadmissible ? TwoDouble(sign * infinity) : io::to_two_double(mpq_class(sign * row.cost)));
      for (std::size_t t = 0; t < n(); ++t) {
        if (row.p[t] > 0) b.to(static_cast<std::int64_t>(t), io::to_two_double(row.p[t]));
      }
    }
  }
  return b.build();
}

bool Extended::within(double lower, double upper) const {
  const auto compare = [this](double x) {  // sign of this - x
    if (infinite != 0 || !std::isfinite(x)) {
      const int other = x == infinity ? 1 : x == -infinity ? -1 : 0;
      return infinite - other;
    }
    return cmp(value, mpq_class(x));
  };
  return compare(lower) >= 0 && compare(upper) <= 0;
}

bool Chain::reaches(std::size_t from, std::size_t to) const { return closure(p)[from][to] != 0; }

std::vector<mpq_class> Chain::transient_cost() const {
  std::vector<char> open(p.size());
  for (std::size_t s = 0; s < p.size(); ++s) open[s] = recurrent_class[s] < 0;
  return solve_open(p, open, cost, Vector(p.size()));
}

std::vector<mpq_class> Chain::reach(const std::vector<int>& goal) const {
  Vector fixed(p.size());
  std::vector<char> open(p.size());
  for (std::size_t s = 0; s < p.size(); ++s) open[s] = recurrent_class[s] < 0;
  for (const int g : goal) fixed[static_cast<std::size_t>(g)] = 1;
  return solve_open(p, open, Vector(p.size()), fixed);
}

Chain chain_of(const TinyModel& m, const std::vector<int>& policy) {
  const std::size_t n = m.n();
  Chain c;
  for (std::size_t s = 0; s < n; ++s) {
    const auto& row = m.rows[s][static_cast<std::size_t>(policy[s])];
    c.p.push_back(row.p);
    c.cost.push_back(row.cost);
  }
  const auto reach = closure(c.p);
  c.recurrent_class.assign(n, -1);
  std::vector<char> open(n, 0);
  for (std::size_t s = 0; s < n; ++s) {
    bool recurrent = true;
    for (std::size_t t = 0; t < n; ++t) recurrent = recurrent && (!reach[s][t] || reach[t][s]);
    open[s] = !recurrent;
    if (!recurrent) continue;
    for (std::size_t t = 0; t <= s && c.recurrent_class[s] < 0; ++t) {
      if (reach[s][t]) c.recurrent_class[s] = static_cast<int>(t);
    }
  }
  // Stationary law of each class, its gain and bias: h + g = c + P h, sum law h = 0.
  c.gain.assign(n, 0);
  c.bias.assign(n, 0);
  for (std::size_t root = 0; root < n; ++root) {
    if (c.recurrent_class[root] != static_cast<int>(root)) continue;
    std::vector<std::size_t> members;
    for (std::size_t s = 0; s < n; ++s) {
      if (c.recurrent_class[s] == static_cast<int>(root)) members.push_back(s);
    }
    const std::size_t k = members.size();
    Matrix a(k, Vector(k));
    Vector b(k);
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) a[j][i] = (i == j ? 1 : 0) - c.p[members[i]][members[j]];
    }
    for (std::size_t i = 0; i < k; ++i) a[0][i] = 1;
    b[0] = 1;
    const Vector law = solve(a, b);
    mpq_class gain = 0;
    for (std::size_t i = 0; i < k; ++i) gain += law[i] * c.cost[members[i]];
    Matrix d(k, Vector(k));
    Vector e(k);
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) d[i][j] = (i == j ? 1 : 0) - c.p[members[i]][members[j]] + law[j];
      e[i] = c.cost[members[i]] - gain;
    }
    const Vector h = solve(d, e);
    for (std::size_t i = 0; i < k; ++i) {
      c.gain[members[i]] = gain;
      c.bias[members[i]] = h[i];
    }
  }
  c.gain = solve_open(c.p, open, Vector(n), c.gain);
  Vector excess(n);
  for (std::size_t s = 0; s < n; ++s) excess[s] = c.cost[s] - c.gain[s];
  c.bias = solve_open(c.p, open, excess, c.bias);
  return c;
}

void for_every_policy(const TinyModel& m, const std::function<void(const std::vector<int>&)>& f) {
  std::vector<int> policy(m.n(), 0);
  while (true) {
    f(policy);
    std::size_t s = 0;
    while (s < m.n() && ++policy[s] == static_cast<int>(m.rows[s].size())) policy[s++] = 0;
    if (s == m.n()) return;
  }
}

std::vector<Extended> reach_values(const TinyModel& m) {
  const int sign = m.objective == Objective::maximize ? -1 : 1;
  std::vector<Extended> best(m.n(), Extended{1, 0});
  for_every_policy(m, [&](const auto& policy) {
    const auto reach = chain_of(m, policy).reach(m.goal);
    for (std::size_t s = 0; s < m.n(); ++s) lower(best[s], {0, sign * reach[s]});
  });
  return best;
}

std::vector<Extended> goal_values(const TinyModel& m, bool excluded) {
  const auto live = live_states(m);
  std::vector<Extended> best(m.n(), Extended{1, 0});
  std::vector<char> proper(m.n(), 0);
  for_every_policy(m, [&](const auto& policy) {
    const Chain chain = chain_of(m, policy);
    const auto reach = chain.reach(m.goal);
    const auto cost = chain.transient_cost();
    for (std::size_t s = 0; s < m.n(); ++s) {
      if (!admissible_from(m, policy, chain, s)) continue;
      if (reach[s] == 1) {
        proper[s] = 1;
        lower(best[s], {0, cost[s]});
      } else if (!excluded && m.objective == Objective::maximize && live[s]) {
        lower(best[s], {-1, 0});
      }
    }
  });
  if (!excluded && m.objective == Objective::maximize) return best;
  // Where a class of negative gain can be visited as often as one likes on the way, there is no least cost.
  const auto stays = [&](const TinyModel::Row& row) {
    if (row.inadmissible) return false;
    for (std::size_t t = 0; t < m.n(); ++t) {
      if (row.p[t] > 0 && !proper[t]) return false;
    }
    return true;
  };
  std::vector<char> bottomless(m.n(), 0);
  for_every_policy(m, [&](const auto& policy) {
    for (std::size_t s = 0; s < m.n(); ++s) {
      if (proper[s] && !stays(m.rows[s][static_cast<std::size_t>(policy[s])])) return;
    }
    const Chain chain = chain_of(m, policy);
    for (std::size_t s = 0; s < m.n(); ++s) {
      if (proper[s] && chain.recurrent_class[s] >= 0 && chain.gain[s] < 0) bottomless[s] = 1;
    }
  });
  for (std::size_t round = 0; round < m.n(); ++round) {
    for (std::size_t s = 0; s < m.n(); ++s) {
      for (const auto& row : m.rows[s]) {
        if (!proper[s] || !stays(row)) continue;
        for (std::size_t t = 0; t < m.n(); ++t) {
          if (row.p[t] > 0 && bottomless[t]) bottomless[s] = 1;
        }
      }
    }
  }
  for (std::size_t s = 0; s < m.n(); ++s) {
    if (bottomless[s]) best[s] = {-1, 0};
  }
  return best;
}

std::vector<std::optional<Extended>> total_values(const TinyModel& m) {
  const std::size_t n = m.n();
  std::vector<Extended> best(n, Extended{1, 0});
  std::vector<char> may_pay(n, 0);
  std::vector<char> may_gain(n, 0);
  for_every_policy(m, [&](const auto& policy) {
    const Chain chain = chain_of(m, policy);
    const auto cost = chain.transient_cost();
    for (std::size_t s = 0; s < n; ++s) {
      if (!admissible_from(m, policy, chain, s)) continue;
      bool pays = false;
      bool gains = false;
      for (std::size_t t = 0; t < n; ++t) {
        if (chain.recurrent_class[t] < 0 || !chain.reaches(s, t)) continue;
        pays = pays || chain.cost[t] > 0;
        gains = gains || chain.cost[t] < 0;
      }
      may_pay[s] = may_pay[s] || pays;
      may_gain[s] = may_gain[s] || gains;
      if (!pays && !gains) lower(best[s], {0, cost[s]});
      if (!pays && gains) lower(best[s], {-1, 0});
    }
  });
  std::vector<std::optional<Extended>> values;
  for (std::size_t s = 0; s < n; ++s) {
    values.push_back(may_pay[s] && may_gain[s] ? std::nullopt : std::optional(best[s]));
  }
  return values;
}

std::vector<Extended> gains(const TinyModel& m) {
  std::vector<Extended> best(m.n(), Extended{1, 0});
  for_every_policy(m, [&](const auto& policy) {
    const Chain chain = chain_of(m, policy);
    for (std::size_t s = 0; s < m.n(); ++s) {
      if (admissible_from(m, policy, chain, s)) lower(best[s], {0, chain.gain[s]});
    }
  });
  return best;
}

std::vector<Extended> finite_values(const TinyModel& m, int horizon, const mpq_class& discount) {
  std::vector<Extended> next(m.n());
  for (int k = 0; k < horizon; ++k) {
    std::vector<Extended> now(m.n(), Extended{1, 0});
    for (std::size_t s = 0; s < m.n(); ++s) {
      for (const auto& row : m.rows[s]) {
        if (row.inadmissible) continue;
        Extended q{0, row.cost};
        for (std::size_t t = 0; t < m.n(); ++t) {
          if (row.p[t] == 0 || discount == 0) continue;
          q.infinite = std::max(q.infinite, next[t].infinite);
          q.value += discount * row.p[t] * next[t].value;
        }
        lower(now[s], q);
      }
    }
    next = now;
  }
  return next;
}

TinyModel random_model(std::uint64_t seed, const Shape& shape) {
  std::mt19937_64 random(seed);
  const auto draw = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  TinyModel m;
  m.objective = draw(0, 1) == 0 ? Objective::minimize : Objective::maximize;
  const int n = draw(1, shape.max_states);
  m.rows.resize(static_cast<std::size_t>(n));
  const int n_goal = shape.with_goal && n > 1 ? draw(0, 3) == 0 ? 2 : 1 : 0;
  const int zeros = draw(0, 3);  // how often a cost is 0
  const int sign = !shape.negative ? draw(0, 1) * 2 - 1 : 0;
  for (int s = 0; s < n; ++s) {
    auto& rows = m.rows[static_cast<std::size_t>(s)];
    if (s >= n - n_goal && !(n_goal == 2 && n == 2 && s == 0)) {
      m.goal.push_back(s);
      rows.resize(1);
      rows[0].p.assign(static_cast<std::size_t>(n), 0);
      rows[0].p[static_cast<std::size_t>(s)] = 1;
      continue;
    }
    rows.resize(static_cast<std::size_t>(draw(1, shape.max_actions)));
    for (auto& row : rows) {
      row.p.assign(static_cast<std::size_t>(n), 0);
      const int k = draw(1, 3);
      const int denominator =
          k == 1 ? 1 : (k == 2 ? std::vector<int>{2, 3, 10, 1000000}[static_cast<std::size_t>(draw(0, 3))] : 7);
      int left = denominator;
      for (int i = 0; i < k; ++i) {
        const int part = i + 1 == k ? left : draw(1, left - (k - 1 - i));
        row.p[static_cast<std::size_t>(draw(0, n - 1))] += mpq_class(part, denominator);
        left -= part;
      }
      for (auto& p : row.p) p.canonicalize();
      if (draw(0, 3) >= zeros) {
        row.cost = mpq_class(draw(1, 6), std::vector<int>{1, 1, 2, 3, 10}[static_cast<std::size_t>(draw(0, 4))]);
        row.cost.canonicalize();
        if (sign < 0 || (sign == 0 && draw(0, 1) == 0)) row.cost = -row.cost;
      }
      row.inadmissible = shape.inadmissible && draw(0, 5) == 0;
    }
  }
  return m;
}

TinyModel mixed_chain(const TinyModel& m, std::span<const double> policy, int sign) {
  TinyModel chain = m;
  std::size_t row = 0;
  for (std::size_t s = 0; s < m.n(); ++s) {
    TinyModel::Row mean;
    mean.p.resize(m.n());
    mpq_class total = 0;
    for (std::size_t a = 0; a < m.rows[s].size(); ++a) total += mpq_class(policy[row + a]);
    for (const auto& r : m.rows[s]) {
      const mpq_class weight = mpq_class(policy[row++]) / total;
      mean.cost += weight * (sign == 0 ? r.cost : std::max(mpq_class(0), mpq_class(sign * r.cost)));
      for (std::size_t t = 0; t < m.n(); ++t) mean.p[t] += weight * r.p[t];
    }
    chain.rows[s] = {mean};
  }
  return chain;
}

std::vector<double> random_policy(const TinyModel& m, std::uint64_t seed, bool deterministic) {
  std::mt19937_64 random(seed);
  std::vector<double> policy;
  for (const auto& rows : m.rows) {
    const std::size_t chosen = random() % rows.size();
    double total = 0.0;
    std::vector<double> weight;
    for (std::size_t a = 0; a < rows.size(); ++a) {
      weight.push_back(deterministic ? (a == chosen ? 1.0 : 0.0) : static_cast<double>(random() % 4));
      total += weight.back();
    }
    if (total == 0.0) weight[chosen] = total = 1.0;
    for (const double w : weight) policy.push_back(w / total);
  }
  return policy;
}

}  // namespace mdp::oracles
