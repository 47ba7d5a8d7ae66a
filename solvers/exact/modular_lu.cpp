#include "solvers/exact/modular_lu.hpp"

#include <algorithm>
#include <functional>
#include <queue>

namespace mdp::solvers {
namespace {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): __extension__ needs a declaration

constexpr int products_before_reduction = 127;  // 2^7 - 1 products and a residue stay below 2^128

Residue reduce(Wide x, Residue prime) { return static_cast<Residue>(x % prime); }

// start - sum over the entries of a row of value x[column].
Residue row_residual(const ModularMatrix& a, std::size_t row, std::span<const Residue> x, Residue start,
                     Residue prime) {
  Wide sum = 0;
  auto k = at(a.row_begin[row]);
  const auto end = at(a.row_begin[row + 1]);
  while (k < end) {
    const auto stop = std::min(end, k + products_before_reduction);
    for (; k < stop; ++k) sum += static_cast<Wide>(a.value[k]) * x[at(a.column[k])];
    sum = reduce(sum, prime);
  }
  const auto total = static_cast<Residue>(sum);
  return start >= total ? start - total : start + prime - total;
}

// One row on its way through the elimination: dense accumulators over a sparse pattern, the columns below the diagonal
// visited in ascending order.
class RowInWork {
 public:
  RowInWork(std::size_t n, Residue prime)
      : prime_(prime), limit_(static_cast<Wide>(prime) << 66U), sum_(n, 0), used_(n, 0) {}

  void start(std::size_t diagonal) {
    diagonal_ = diagonal;
    pattern_.clear();
  }
  void add(std::size_t column, Wide x) {
    if (used_[column] == 0) {
      used_[column] = 1;
      pattern_.push_back(static_cast<State>(column));
      if (column < diagonal_) below_.push(static_cast<State>(column));
    }
    sum_[column] += x;
    if (sum_[column] >= limit_) sum_[column] = reduce(sum_[column], prime_);
  }
  // The next column below the diagonal, or -1.
  [[nodiscard]] State next() {
    if (below_.empty()) return -1;
    const State column = below_.top();
    below_.pop();
    return column;
  }
  [[nodiscard]] Residue value(State column) const { return reduce(sum_[at(column)], prime_); }
  // Pattern of what is left, ascending; the accumulators are zero again afterwards.
  template <class F>
  void finish(F&& entry) {
    std::sort(pattern_.begin(), pattern_.end());
    for (const State column : pattern_) {
      if (at(column) >= diagonal_) entry(column, value(column));
      sum_[at(column)] = 0;
      used_[at(column)] = 0;
    }
  }

 private:
  Residue prime_;
  Wide limit_;  // below 2^126; a product fits on top of it
  std::vector<Wide> sum_;
  std::vector<char> used_;
  std::vector<State> pattern_;
  std::priority_queue<State, std::vector<State>, std::greater<>> below_;
  std::size_t diagonal_ = 0;
};

void append(ModularMatrix& m, State column, Residue value) {
  m.column.push_back(column);
  m.value.push_back(value);
}

}  // namespace

Residue multiply_modulo(Residue a, Residue b, Residue prime) { return reduce(static_cast<Wide>(a) * b, prime); }

Residue inverse_modulo(Residue a, Residue prime) {
  Residue result = 1;  // a^(p-2), Fermat
  for (Residue e = prime - 2; e != 0; e >>= 1U) {
    if (e % 2 == 1) result = multiply_modulo(result, a, prime);
    a = multiply_modulo(a, a, prime);
  }
  return result;
}

std::optional<ModularLu> ModularLu::factorise(const ModularMatrix& a, Residue prime, std::span<const State> order) {
  ModularLu lu(prime);
  const std::size_t n = order.size();
  lu.order_.assign(order.begin(), order.end());
  lu.work_.resize(n);
  std::vector<std::size_t> position(n);
  for (std::size_t k = 0; k < n; ++k) position[at(order[k])] = k;
  lu.lower_.row_begin.push_back(0);
  lu.upper_.row_begin.push_back(0);
  RowInWork row(n, prime);
  for (std::size_t i = 0; i < n; ++i) {
    row.start(i);
    const auto source = at(order[i]);
    for (auto k = at(a.row_begin[source]); k < at(a.row_begin[source + 1]); ++k) {
      row.add(position[at(a.column[k])], a.value[k]);
    }
    for (State k = row.next(); k >= 0; k = row.next()) {
      const Residue factor = multiply_modulo(row.value(k), lu.inverse_pivot_[at(k)], prime);
      if (factor == 0) continue;
      append(lu.lower_, k, factor);
      const Wide minus = prime - factor;
      for (auto j = at(lu.upper_.row_begin[at(k)]); j < at(lu.upper_.row_begin[at(k) + 1]); ++j) {
        row.add(at(lu.upper_.column[j]), minus * lu.upper_.value[j]);
      }
    }
    Residue pivot = 0;
    row.finish([&](State column, Residue value) {
      if (at(column) == i)
        pivot = value;
      else if (value != 0)
        append(lu.upper_, column, value);
    });
    if (pivot == 0) return std::nullopt;
    lu.inverse_pivot_.push_back(inverse_modulo(pivot, prime));
    lu.lower_.row_begin.push_back(static_cast<Offset>(lu.lower_.column.size()));
    lu.upper_.row_begin.push_back(static_cast<Offset>(lu.upper_.column.size()));
  }
  return lu;
}

void ModularLu::solve(std::span<Residue> x) {
  const std::size_t n = order_.size();
  for (std::size_t i = 0; i < n; ++i) work_[i] = row_residual(lower_, i, work_, x[at(order_[i])], prime_);
  for (std::size_t i = n; i-- > 0;) {
    work_[i] = multiply_modulo(row_residual(upper_, i, work_, work_[i], prime_), inverse_pivot_[i], prime_);
  }
  for (std::size_t i = 0; i < n; ++i) x[at(order_[i])] = work_[i];
}

}  // namespace mdp::solvers
