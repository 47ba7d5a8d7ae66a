#include "libmdp/row_normaliser.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "libmdp/kernels/parallel.hpp"

namespace mdp {
namespace {

// Rounded up: never less than x.
float to_float_up(double x) {
  const auto f = static_cast<float>(x);
  return static_cast<double>(f) < x ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
}

// Asks for an entry some rows ahead: the arrays were just written, are far larger than the caches, and half of the
// time of inspect() was spent waiting for them.
template <class T>
void fetch_ahead(const Buffer<T>& values, Offset i) {
  if (at(i) < values.size()) __builtin_prefetch(values.data() + i);
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", x);
  return text;
}

}  // namespace

RowNormaliser::RowNormaliser(MdpArrays& m, const std::vector<State>& blocks, const BuildOptions& options)
    : m_(m), blocks_(blocks), options_(options), reports_(blocks.size() - 1) {
  defects_.resize(m.cost.size());
}

bool RowNormaliser::check_entries(Offset row, Problems& problems) const {
  const auto n_states = static_cast<State>(m_.state_rows.size() - 1);
  bool good = true;
  for (Offset k = m_.row_begin[at(row)]; k < m_.row_begin[at(row) + 1]; ++k) {
    const State next = m_.next_state[at(k)];
    const double p = m_.probability[at(k)];
    std::string what;
    if (next < 0 || next >= n_states) {
      what = "successor " + std::to_string(next) + " does not exist, required 0 <= state < " + std::to_string(n_states);
    } else if (!(p >= 0.0 && p <= 1.0 + options_.row_sum_tolerance)) {
      what = "probability " + number(p) + " of successor " + std::to_string(next) + ", required 0 <= probability <= 1";
    }
    if (what.empty()) continue;
    good = false;
    if (problems.full())
      problems.count();
    else
      problems.add(place_of_row(m_, row) + ": " + what);
  }
  return good;
}

void RowNormaliser::inspect_row(Offset row, BlockReport& report, Problems& problems) {
  const Offset first = m_.row_begin[at(row)];
  const Offset last = m_.row_begin[at(row) + 1];
  const auto n_states = static_cast<std::uint32_t>(m_.state_rows.size() - 1);
  const double largest = 1.0 + options_.row_sum_tolerance;
  // Plain ands: every row of a good file passes every test, and branches would cost more than the arithmetic.
  // NaN fails the first comparison; p = 0 and unsorted successors only make the row dirty.
  fetch_ahead(m_.probability, last + 192);
  fetch_ahead(m_.next_state, last + 384);
  State previous = -1;
  bool ascending = true;
  bool in_range = true;
  double sum = 0.0;
  double sum_tail = 0.0;
  for (Offset k = first; k < last; ++k) {
    const State next = m_.next_state[at(k)];
    const double p = m_.probability[at(k)];
    in_range &= (p >= 0.0) & (p <= largest) & (static_cast<std::uint32_t>(next) < n_states);
    ascending &= (next > previous) & (p > 0.0);
    previous = next;
    const TwoDouble s = two_sum(sum, p);
    sum = s.hi;
    sum_tail += s.lo;
  }
  double tail_ratio = 0.0;
  if (!m_.probability_tail.empty()) {
    for (Offset k = first; k < last; ++k) {
      sum_tail += m_.probability_tail[at(k)];
      if (const double p = m_.probability[at(k)]; p > 0.0) {
        tail_ratio = std::max(tail_ratio, std::abs(m_.probability_tail[at(k)]) / p);
      }
    }
  }
  if (!in_range && !check_entries(row, problems)) return;
  const double defect = std::abs((sum - 1.0) + sum_tail);
  defects_[at(row)] = to_float_up(defect);
  report.largest_defect = std::max(report.largest_defect, defect);
  if (!(defect <= options_.row_sum_tolerance)) {
    if (problems.full()) return problems.count();
    problems.add(place_of_row(m_, row) + ": probabilities sum to " + number(sum + sum_tail) + ", required within " +
                 number(options_.row_sum_tolerance) + " of 1");
    return;
  }
  const bool within_rounding = defect <= static_cast<double>(last - first) * unit_roundoff;
  if (ascending && within_rounding) {
    report.probability_error = std::max(report.probability_error, (defect + tail_ratio) * (1.0 + 0x1p-20));
  } else {
    report.dirty.push_back(row);
    report.probability_error =
        std::max(report.probability_error, defect * (within_rounding ? 1.0 : 0.0) + 0x1.01p-53 + tail_ratio);
  }
}

void RowNormaliser::inspect(Problems& problems) {
  const auto n_blocks = static_cast<std::ptrdiff_t>(reports_.size());
  std::vector<Problems> found(reports_.size(), Problems(options_.max_problems));
  kernels::parallel_blocks(n_blocks, options_.threads, [&](std::ptrdiff_t b) {
    const auto i = static_cast<std::size_t>(b);
    const Offset last = m_.state_rows[at(blocks_[i + 1])];
    for (Offset row = m_.state_rows[at(blocks_[i])]; row < last; ++row) inspect_row(row, reports_[i], found[i]);
  });
  for (const auto& part : found) problems.append(part);
}

// Sorts, adds up duplicates, drops zeros, divides by the sum if it is off by more than rounding. The result
// is written over the row; returns how many entries are left.
Offset RowNormaliser::rewrite_row(Offset row, std::vector<std::pair<State, TwoDouble>>& scratch) {
  const Offset first = m_.row_begin[at(row)];
  const Offset last = m_.row_begin[at(row) + 1];
  scratch.clear();
  for (Offset k = first; k < last; ++k) {
    if (m_.probability[at(k)] > 0.0) {
      scratch.emplace_back(m_.next_state[at(k)], TwoDouble(m_.probability[at(k)], m_.probability_tail[at(k)]));
    }
  }
  std::stable_sort(scratch.begin(), scratch.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  std::size_t n = 0;
  TwoDouble sum;
  for (const auto& entry : scratch) {
    sum = sum + entry.second;
    if (n > 0 && scratch[n - 1].first == entry.first) {
      scratch[n - 1].second = scratch[n - 1].second + entry.second;
    } else {
      scratch[n++] = entry;
    }
  }
  const bool divide = std::abs((sum + TwoDouble(-1.0)).hi) > static_cast<double>(last - first) * unit_roundoff;
  for (std::size_t j = 0; j < n; ++j) {
    const TwoDouble p = divide ? scratch[j].second / sum : scratch[j].second;
    m_.next_state[at(first) + j] = scratch[j].first;
    m_.probability[at(first) + j] = p.hi;
    m_.probability_tail[at(first) + j] = p.lo;
  }
  return static_cast<Offset>(n);
}

void RowNormaliser::rewrite() {
  const bool any = std::any_of(reports_.begin(), reports_.end(), [](const auto& r) { return !r.dirty.empty(); });
  if (!any) return;
  const bool had_tails = !m_.probability_tail.empty();
  if (!had_tails) m_.probability_tail.assign(m_.probability.size(), 0.0);
  std::vector<std::vector<std::pair<Offset, Offset>>> shrunk(reports_.size());
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(reports_.size()), options_.threads, [&](std::ptrdiff_t b) {
    const auto i = static_cast<std::size_t>(b);
    std::vector<std::pair<State, TwoDouble>> scratch;
    for (const Offset row : reports_[i].dirty) {
      const Offset left = rewrite_row(row, scratch);
      if (left < m_.row_begin[at(row) + 1] - m_.row_begin[at(row)]) shrunk[i].emplace_back(row, left);
    }
  });
  for (const auto& part : shrunk) new_ends_.insert(new_ends_.end(), part.begin(), part.end());
  compact();
  const bool zero =
      std::all_of(m_.probability_tail.begin(), m_.probability_tail.end(), [](double t) { return t == 0.0; });
  if (zero) m_.probability_tail = {};
}

// Closes the gaps behind rows that shrank.
void RowNormaliser::compact() {
  if (new_ends_.empty()) return;
  auto gap = new_ends_.begin();
  Offset to = 0;
  const auto n_rows = static_cast<Offset>(m_.row_begin.size()) - 1;
  for (Offset row = 0; row < n_rows; ++row) {
    const Offset first = m_.row_begin[at(row)];
    Offset length = m_.row_begin[at(row) + 1] - first;
    if (gap != new_ends_.end() && gap->first == row) length = (gap++)->second;
    if (to != first) {
      std::copy_n(m_.next_state.begin() + first, length, m_.next_state.begin() + to);
      std::copy_n(m_.probability.begin() + first, length, m_.probability.begin() + to);
      std::copy_n(m_.probability_tail.begin() + first, length, m_.probability_tail.begin() + to);
    }
    m_.row_begin[at(row)] = to;
    to += length;
  }
  m_.row_begin.back() = to;
  m_.next_state.resize(at(to));
  m_.probability.resize(at(to));
  m_.probability_tail.resize(at(to));
}

double RowNormaliser::largest_defect() const {
  double largest = 0.0;
  for (const auto& report : reports_) largest = std::max(largest, report.largest_defect);
  return largest;
}

Buffer<float> RowNormaliser::take_defects() { return largest_defect() > 0.0 ? std::move(defects_) : Buffer<float>(); }

double RowNormaliser::probability_error() const {
  double largest = 0.0;
  for (const auto& report : reports_) largest = std::max(largest, report.probability_error);
  return largest;
}

}  // namespace mdp
