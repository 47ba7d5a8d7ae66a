#include "libmdp/kernels/profile_lu.hpp"

#include <algorithm>
#include <utility>

#include "libmdp/kernels/parallel.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(MDP_NO_TARGET_CLONES)
#define MDP_PROFILE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MDP_PROFILE_CLONES
#endif

#define MDP_INLINE __attribute__((always_inline)) inline

namespace mdp::kernels {
namespace {

constexpr Offset lanes = 8;

// sum x y in eight lanes, which are added in pairs: the same bits for any width of the machine's registers.
MDP_INLINE double dot(const double* x, const double* y, Offset n) {
  double lane[lanes] = {};
  Offset k = 0;
  for (; k + lanes <= n; k += lanes) {
    for (Offset l = 0; l < lanes; ++l) lane[l] += x[k + l] * y[k + l];
  }
  double sum = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  for (; k < n; ++k) sum += x[k] * y[k];
  return sum;
}

MDP_INLINE void add_multiple(double factor, const double* __restrict x, double* __restrict y, Offset n) {
  for (Offset k = 0; k < n; ++k) y[k] += factor * x[k];
}

// Clears the columns [from, end) of a row by the rows of the factors, multipliers to `left`. Returns what s' gains.
MDP_PROFILE_CLONES
double eliminate(double* row, State from, State end, const Offset* right_begin, const double* right,
                 const double* inverse, const double* row_sum, double* left) {
  double sum = 0.0;
  for (State j = from; j < end; ++j) {
    const double factor = row[j - from] * inverse[j];
    left[j - from] = factor;
    sum += factor * row_sum[j];
    add_multiple(factor, right + right_begin[j], row + (j - from) + 1, right_begin[j + 1] - right_begin[j]);
  }
  return sum;
}

MDP_PROFILE_CLONES
double sum_of(const double* x, Offset n) {
  double lane[lanes] = {};
  Offset k = 0;
  for (; k + lanes <= n; k += lanes) {
    for (Offset l = 0; l < lanes; ++l) lane[l] += x[k + l];
  }
  double sum = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  for (; k < n; ++k) sum += x[k];
  return sum;
}

// x <- x + left x, row after row.
MDP_PROFILE_CLONES
void solve_lower(State n_rows, const State* first, const Offset* begin, const double* left, double* x) {
  for (State i = 0; i < n_rows; ++i) x[i] += dot(left + begin[i], x + first[i], begin[i + 1] - begin[i]);
}

// x <- (x + right x) / pivot, from the last row on.
MDP_PROFILE_CLONES
void solve_upper(State n_rows, const Offset* begin, const double* right, const double* inverse, double* x) {
  for (State i = n_rows - 1; i >= 0; --i) {
    x[i] = inverse[i] * (x[i] + dot(right + begin[i], x + i + 1, begin[i + 1] - begin[i]));
  }
}

// The same with the transposes, column after column.
MDP_PROFILE_CLONES
void solve_upper_transposed(State n_rows, const Offset* begin, const double* right, const double* inverse, double* x) {
  for (State i = 0; i < n_rows; ++i) {
    x[i] *= inverse[i];
    add_multiple(x[i], right + begin[i], x + i + 1, begin[i + 1] - begin[i]);
  }
}

MDP_PROFILE_CLONES
void solve_lower_transposed(State n_rows, const State* first, const Offset* begin, const double* left, double* x) {
  for (State i = n_rows - 1; i >= 0; --i) add_multiple(x[i], left + begin[i], x + first[i], begin[i + 1] - begin[i]);
}

// Room for n numbers; what was there is not kept.
template <class T>
void make_room(Buffer<T>& buffer, Offset n) {
  buffer.clear();
  if (buffer.capacity() < static_cast<std::size_t>(n)) buffer.shrink_to_fit();
  buffer.resize(static_cast<std::size_t>(n));
}

}  // namespace

ProfileLu::ProfileLu(std::vector<State> order) : order_(std::move(order)), position_(order_.size()) {
  for (std::size_t i = 0; i < order_.size(); ++i) position_[order_[i]] = static_cast<State>(i);
}

void ProfileLu::Part::make_room_to_plan(State n) {
  size = n;
  border = 0;
  for (auto* states : {&first, &last, &maxima}) make_room(*states, n);
  for (auto* begin : {&left_begin, &right_begin}) make_room(*begin, Offset{n} + 1);
}

// Of all rows, as if there were no middle. `last` gets the farthest column of the rows that row i is cleared by: the largest
// `last` from a position on, of which those are kept in mind that no later one exceeds.
void ProfileLu::Part::plan(std::span<const State> first_column, std::span<const State> last_column) {
  left_begin[0] = right_begin[0] = 0;
  State* end = maxima.data();
  for (State i = 0; i < size; ++i) {
    first[i] = first_column[i];
    last[i] = last_column[i];
    if (first[i] < i) {
      const State* largest = std::partition_point(maxima.data(), end, [&](State j) { return j < first[i]; });
      last[i] = std::max(last[i], last[*largest]);
    }
    while (end != maxima.data() && last[end[-1]] <= last[i]) --end;
    *end++ = i;
    left_begin[i + 1] = left_begin[i] + (i - first[i]);
    right_begin[i + 1] = right_begin[i] + (last[i] - i);
  }
}

// What row i takes: multiplications and additions, and the numbers of the factors that it writes.
ProfileLu::Work ProfileLu::Part::work_of(State i) const {
  const State end = std::min(i, size);
  const Offset updates = right_begin[end] - right_begin[first[i]] + (end - first[i]);
  const Offset entries = (end - first[i]) + (i < size ? right_begin[i + 1] - right_begin[i] + 1 : border);
  return {2.0 * static_cast<double>(updates), static_cast<double>(entries)};
}

// The rows from n_eliminated on are the middle's.
void ProfileLu::Part::cut(State n_eliminated, State n_border) {
  size = n_eliminated;
  border = n_border;
  first.resize(size + border);
  last.resize(size);
  left_begin.resize(size + border + 1);
  right_begin.resize(size + 1);
  for (State i = size; i < size + border; ++i) {
    first[i] = std::min(first[i], size);
    left_begin[i + 1] = left_begin[i] + (size - first[i]);
  }
}

void ProfileLu::Part::allocate() {
  const State n = size + border;
  Offset longest = 0;
  for (State i = 0; i < n; ++i) longest = std::max<Offset>(longest, (i < size ? last[i] + 1 : n) - first[i]);
  make_room(left, left_begin[n]);
  make_room(right, right_begin[size]);
  make_room(inverse, size);
  make_room(row_sum, n);
  make_room(complement, Offset{border} * border);
  make_room(row, longest);
  make_room(x, n);
}

// load(i, first column, row) adds the entries of row i beside the diagonal to a row of zeros and returns its sum s.
template <class Load>
void ProfileLu::Part::factorise(Load&& load) {
  for (State i = 0; i < size + border; ++i) {
    const State from = first[i];
    const State end = std::min(i, size);
    const State columns = (i < size ? last[i] + 1 : size + border) - from;
    std::fill_n(row.data(), columns, 0.0);
    const double sum = load(i, from, row.data());
    row_sum[i] = sum + eliminate(row.data(), from, end, right_begin.data(), right.data(), inverse.data(),
                                 row_sum.data(), left.data() + left_begin[i]);
    const double* rest = row.data() + (end - from);
    if (i < size) {
      const Offset n = right_begin[i + 1] - right_begin[i];
      std::copy_n(rest + 1, n, right.data() + right_begin[i]);
      inverse[i] = 1.0 / (row_sum[i] + sum_of(rest + 1, n));
    } else {
      std::copy_n(rest, border, complement.data() + Offset{i - size} * border);
    }
  }
}

ProfileLu::Work ProfileLu::plan(const CompressedRows& m, int threads) {
  const auto n = static_cast<State>(order_.size());
  Buffer<State> first[2];  // columns of the rows as numbered from either end
  Buffer<State> last[2];
  for (auto* columns : {&first[0], &first[1], &last[0], &last[1]}) columns->resize(order_.size());
  for_states(m.blocks, threads, [&](State begin, State end) {
    for (State s = begin; s < end; ++s) {
      const State i = position_[s];
      State lowest = i;
      State highest = i;
      for (Offset k = m.begin[s]; k < m.begin[s + 1]; ++k) {
        lowest = std::min(lowest, position_[m.index[k]]);
        highest = std::max(highest, position_[m.index[k]]);
      }
      first[0][i] = lowest;
      last[0][i] = highest;
      first[1][n - 1 - i] = n - 1 - highest;
      last[1][n - 1 - i] = n - 1 - lowest;
    }
  });
  for (Part& end : ends_) end.make_room_to_plan(n);
  parallel_blocks(2, threads, [&](std::ptrdiff_t e) { ends_[e].plan(first[e], last[e]); });
  split(first[0], last[0]);
  Work work;
  for (Part* part : {&ends_[0], &ends_[1], &middle_}) {
    for (State i = 0; i < part->size + part->border; ++i) {
      const Work of_row = part->work_of(i);
      work = {work.flops + of_row.flops, work.entries + of_row.entries};
    }
  }
  return work;
}

// Where both ends take about the same: rows [0, a) and [b, n), none of which reaches the other; one part alone where the
// rows in between are many.
void ProfileLu::split(std::span<const State> first, std::span<const State> last) {
  constexpr State least_per_row_between = 8;
  const auto n = static_cast<State>(first.size());
  const auto cost = [](const Part& part, State i) {
    const Work work = part.work_of(i);
    return work.flops + 4.0 * work.entries;
  };
  Buffer<double> below(order_.size() + 1, 0.0);  // what the rows [b, n) take
  Buffer<State> lowest(order_.size() + 1, n);    // column that they reach
  for (State b = n - 1; b >= 0; --b) {
    below[b] = below[b + 1] + cost(ends_[1], n - 1 - b);
    lowest[b] = std::min(lowest[b + 1], first[b]);
  }
  double above = 0.0;
  State a = 0;
  State b = 0;
  while (b < n && above < below[b]) {
    above += cost(ends_[0], a);
    b = std::max({b, last[a] + 1, a + 1});
    ++a;
    while (b < n && lowest[b] < a) ++b;
  }
  if ((b - a) > n / least_per_row_between) a = b = n;
  ends_[0].cut(a, b - a);
  ends_[1].cut(n - b, b - a);
  const Buffer<State> whole_first(b - a, 0);
  const Buffer<State> whole_last(b - a, b - a - 1);
  middle_.make_room_to_plan(b - a);
  middle_.plan(whole_first, whole_last);
}

void ProfileLu::factorise(const CompressedRows& m, double discount, std::span<const double> row_sum, int threads) {
  for (Part* part : {&ends_[0], &ends_[1], &middle_}) part->allocate();
  parallel_blocks(2, threads, [&](std::ptrdiff_t e) { factorise_end(e, m, discount, row_sum); });
  factorise_middle(m, discount, row_sum);
}

void ProfileLu::factorise_end(std::ptrdiff_t e, const CompressedRows& m, double discount,
                              std::span<const double> row_sum) {
  Part& part = ends_[e];
  part.factorise([&](State i, State from, double* row) {
    const bool in_middle = i >= part.size;  // entries between states of the middle are not this end's
    const State s = order_[from_end(e, i)];
    for (Offset k = m.begin[s]; k < m.begin[s + 1]; ++k) {
      const State j = from_end(e, position_[m.index[k]]);
      if (j != i && (!in_middle || j < part.size)) row[j - from] += discount * m.value[k];
    }
    return in_middle ? 0.0 : row_sum[s];
  });
}

void ProfileLu::factorise_middle(const CompressedRows& m, double discount, std::span<const double> row_sum) {
  const State begin = ends_[0].size;
  const State n = middle_.size;
  middle_.factorise([&](State i, State /*from*/, double* row) {
    const State s = order_[begin + i];
    for (Offset k = m.begin[s]; k < m.begin[s + 1]; ++k) {
      const State j = position_[m.index[k]] - begin;
      if (j >= 0 && j < n) row[j] += discount * m.value[k];
    }
    for (State j = 0; j < n; ++j) {
      row[j] += ends_[0].complement[Offset{i} * n + j] + ends_[1].complement[Offset{n - 1 - i} * n + (n - 1 - j)];
    }
    return row_sum[s] + ends_[0].row_sum[begin + i] + ends_[1].row_sum[ends_[1].size + n - 1 - i];
  });
}

// down() on both ends, then on the middle with what they add to it; then up(), the middle first.
template <class Down, class Up>
void ProfileLu::solve_parts(std::span<double> x, int threads, Down&& down, Up&& up) const {
  const State begin = ends_[0].size;
  const State n = middle_.size;
  parallel_blocks(2, threads, [&](std::ptrdiff_t e) {
    const Part& part = ends_[e];
    for (State i = 0; i < part.size; ++i) part.x[i] = x[order_[from_end(e, i)]];
    std::fill_n(part.x.data() + part.size, n, 0.0);
    down(part);
  });
  for (State i = 0; i < n; ++i) {
    middle_.x[i] = x[order_[begin + i]] + (ends_[0].x[begin + i] + ends_[1].x[ends_[1].size + n - 1 - i]);
  }
  down(middle_);
  up(middle_);
  for (State i = 0; i < n; ++i) {
    x[order_[begin + i]] = ends_[0].x[begin + i] = ends_[1].x[ends_[1].size + n - 1 - i] = middle_.x[i];
  }
  parallel_blocks(2, threads, [&](std::ptrdiff_t e) {
    const Part& part = ends_[e];
    up(part);
    for (State i = 0; i < part.size; ++i) x[order_[from_end(e, i)]] = part.x[i];
  });
}

void ProfileLu::solve(std::span<double> x, int threads) const {
  solve_parts(
      x, threads,
      [](const Part& p) {
        solve_lower(p.size + p.border, p.first.data(), p.left_begin.data(), p.left.data(), p.x.data());
      },
      [](const Part& p) { solve_upper(p.size, p.right_begin.data(), p.right.data(), p.inverse.data(), p.x.data()); });
}

void ProfileLu::solve_transposed(std::span<double> x, int threads) const {
  solve_parts(
      x, threads,
      [](const Part& p) {
        solve_upper_transposed(p.size, p.right_begin.data(), p.right.data(), p.inverse.data(), p.x.data());
      },
      [](const Part& p) {
        solve_lower_transposed(p.size + p.border, p.first.data(), p.left_begin.data(), p.left.data(), p.x.data());
      });
}

}  // namespace mdp::kernels
