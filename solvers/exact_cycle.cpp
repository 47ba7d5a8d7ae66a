#include "solvers/exact_cycle.hpp"

#include <algorithm>
#include <cmath>
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

// Whether hi + lo is a double, or a sum of doubles of like size, and not a longer number rounded to 106 bits.
bool is_short(double hi, double lo) {
  constexpr int longest = 70;  // bits; a longer number rounds to so few with probability 2^-36
  constexpr double least_with_tail = 0x1p-960;
  if (hi == 0.0) return lo == 0.0;
  if (std::abs(hi) < least_with_tail) return false;
  const double scaled = std::ldexp(lo, longest - std::ilogb(hi));
  return scaled == std::floor(scaled);
}

// Whether the entries of a row are short: then they are what is meant.
bool is_plain(const Mdp& mdp, Offset row) {
  if (mdp.probability_tail().empty()) return true;
  for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
    if (!is_short(mdp.probability()[at(k)], mdp.probability_tail()[at(k)])) return false;
  }
  return true;
}

// The chain of a class in rationals.
class MeantChain {
 public:
  MeantChain(const MeantComponent& component, std::span<const Offset> rows, std::vector<State> members)
      : component_(component),
        members_(std::move(members)),
        in_part_(rows.size(), -1),
        in_mdp_(at(component.mdp.n_states()), -1) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      in_part_[at(members_[i])] = static_cast<std::int64_t>(i);
      in_mdp_[at(component.states[at(members_[i])])] = static_cast<std::int64_t>(i);
    }
  }

  // Entries and cost of the i-th member, ascending. False if one cannot be told.
  [[nodiscard]] bool read(std::size_t i, Offset row, RationalRow& entries, mpq_class& cost) const {
    const auto c = cost_of(row);
    if (!c) return false;
    cost = *c;
    const Offset origin = component_.part.origin[at(row)];
    if (component_.exact_doubles && is_plain(component_.mdp, origin)) {
      read_doubles(origin, entries);
    } else if (!read_rationals(i, row, entries)) {
      return false;
    }
    std::sort(entries.begin(), entries.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
    return true;
  }

 private:
  [[nodiscard]] std::optional<mpq_class> cost_of(Offset row) const {
    const TwoDouble c = component_.part.cost[at(row)];
    if (component_.exact_doubles && is_short(c.hi, c.lo)) return mpq_class(mpq_class(c.hi) + mpq_class(c.lo));
    return rational(c);
  }

  void read_doubles(Offset row, RationalRow& entries) const {
    const Mdp& mdp = component_.mdp;
    mpq_class sum;
    for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
      const double tail = mdp.probability_tail().empty() ? 0.0 : mdp.probability_tail()[at(k)];
      entries.emplace_back(in_mdp_[at(mdp.next_state()[at(k)])], mpq_class(mdp.probability()[at(k)]) + mpq_class(tail));
      sum += entries.back().second;
    }
    for (auto& entry : entries) entry.second /= sum;
  }

  [[nodiscard]] bool read_rationals(std::size_t i, Offset row, RationalRow& entries) const {
    const graph::ReducedMdp& m = component_.part;
    mpq_class loop = 1;
    for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
      const auto entry = rational(m.probability[at(k)]);
      if (!entry) return false;
      entries.emplace_back(in_part_[at(m.next_state[at(k)])], *entry);
      loop -= *entry;
    }
    if (loop > 0) entries.emplace_back(static_cast<std::int64_t>(i), loop);
    return loop >= 0;
  }

  const MeantComponent& component_;
  std::vector<State> members_;
  std::vector<std::int64_t> in_part_, in_mdp_;  // [states] place among the members, or -1
};

}  // namespace

std::optional<int> sign_of_gain(const MeantComponent& component, std::span<const Offset> rows, State root,
                                State max_states) {
  const auto members = class_of(component.part, rows, root);
  if (members.size() > at(max_states)) return std::nullopt;
  const MeantChain meant(component, rows, members);
  std::vector<RationalRow> chain(members.size());
  std::vector<mpq_class> cost(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!meant.read(i, rows[at(members[i])], chain[i], cost[i])) return std::nullopt;
  }
  ExactRun limits;
  limits.max_bytes = 1e8;
  limits.max_operations = 1e10;
  const ChainGain gain = gain_of_chain(chain, cost, limits, false);
  if (gain.end != ExactEnd::solved) return std::nullopt;
  return sgn(gain.gain.front());
}

}  // namespace mdp::solvers
