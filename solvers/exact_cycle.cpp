#include "solvers/exact_cycle.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "solvers/exact/exact_gain.hpp"

namespace mdp::solvers {
namespace {

constexpr std::size_t max_bits = 48;

// The rational of least denominator in [low, high], 0 < low <= high: a walk down the continued fraction.
mpq_class simplest_between(mpq_class low, mpq_class high) {
  // x = (a y + b) / (c y + d) for the y still to be found.
  mpz_class a = 1, b = 0, c = 0, d = 1;
  while (true) {
    mpz_class whole;
    mpz_fdiv_q(whole.get_mpz_t(), low.get_num_mpz_t(), low.get_den_mpz_t());
    if (whole != low) {
      mpz_class whole_high;
      mpz_fdiv_q(whole_high.get_mpz_t(), high.get_num_mpz_t(), high.get_den_mpz_t());
      if (whole_high == whole) {  // y = whole + 1/z, z in [1/(high - whole), 1/(low - whole)]
        const mpq_class next_low = 1 / (high - whole);
        high = 1 / (low - whole);
        low = next_low;
        b += a * whole;
        d += c * whole;
        std::swap(a, b);
        std::swap(c, d);
        continue;
      }
      whole += 1;
    }
    mpq_class x(a * whole + b, c * whole + d);
    x.canonicalize();
    return x;
  }
}

std::optional<mpq_class> rational(TwoDouble x) {
  const mpq_class exact = mpq_class(x.hi) + mpq_class(x.lo);
  if (exact == 0) return exact;
  const mpq_class size = abs(exact);
  mpq_class slack = size;
  mpq_div_2exp(slack.get_mpq_t(), slack.get_mpq_t(), 98);
  const mpq_class found = simplest_between(size - slack, size + slack);
  if (mpz_sizeinbase(found.get_num_mpz_t(), 2) > max_bits || mpz_sizeinbase(found.get_den_mpz_t(), 2) > max_bits) {
    return std::nullopt;
  }
  return exact < 0 ? mpq_class(-found) : found;
}

// States that the policy leads to from the root, which comes first.
std::vector<State> class_of(const graph::ReducedMdp& m, std::span<const Offset> rows, State root) {
  std::vector<char> seen(rows.size(), 0);
  std::vector<State> members{root};
  seen[at(root)] = 1;
  for (std::size_t head = 0; head < members.size(); ++head) {
    const Offset row = rows[at(members[head])];
    for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
      const State next = m.next_state[at(k)];
      if (seen[at(next)] == 0) members.push_back(next);
      seen[at(next)] = 1;
    }
  }
  return members;
}

}  // namespace

std::optional<int> sign_of_gain(const graph::ReducedMdp& m, std::span<const Offset> rows, State root,
                                State max_states) {
  const auto members = class_of(m, rows, root);
  if (members.size() > at(max_states)) return std::nullopt;
  std::vector<std::int64_t> position(rows.size());
  for (std::size_t i = 0; i < members.size(); ++i) position[at(members[i])] = static_cast<std::int64_t>(i);
  std::vector<RationalRow> chain(members.size());
  std::vector<mpq_class> cost;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Offset row = rows[at(members[i])];
    const auto c = rational(m.cost[at(row)]);
    if (!c) return std::nullopt;
    cost.push_back(*c);
    mpq_class loop = 1;
    for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
      const auto entry = rational(m.probability[at(k)]);
      if (!entry) return std::nullopt;
      chain[i].emplace_back(position[at(m.next_state[at(k)])], *entry);
      loop -= *entry;
    }
    if (loop < 0) return std::nullopt;
    if (loop > 0) chain[i].emplace_back(static_cast<std::int64_t>(i), loop);
    std::sort(chain[i].begin(), chain[i].end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  }
  ExactRun limits;
  limits.max_bytes = 1e8;
  limits.max_operations = 1e10;
  const ChainGain gain = gain_of_chain(chain, cost, limits, false);
  if (gain.end != ExactEnd::solved) return std::nullopt;
  return sgn(gain.gain.front());
}

}  // namespace mdp::solvers
