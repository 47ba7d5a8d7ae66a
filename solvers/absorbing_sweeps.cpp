#include "solvers/absorbing_sweeps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/graph/reduced_gap.hpp"
#include "libmdp/graph/reduced_sweep.hpp"

namespace mdp::solvers {
namespace {

using graph::ReducedMdp;

constexpr double inflate = 1.0 + 0x1p-30;
constexpr int start_sweeps = 200;
constexpr int time_sweeps = 100'000;
constexpr int patience = 20;  // sweeps without a smaller change: rounding is all that is left

std::size_t at(Offset i) { return static_cast<std::size_t>(i); }

double max_abs(std::span<const double> v) {
  double largest = 0.0;
  for (const double x : v) largest = std::max(largest, std::abs(x));
  return largest;
}

// gap and w - P w of a row, each with a bound on its error; values are exact as stored.
class RowFacts {
 public:
  RowFacts(const ReducedMdp& m, std::span<const double> v)
      : m_(m),
        v_(v.begin(), v.end()),
        size_(v.begin(), v.end()),
        relative_((m.entry_error + graph::reduced_gap_rounding(m)) * inflate) {
    for (double& x : size_) x = std::abs(x);
  }

  struct Fact {
    double low, high;
  };
  // c + P v - v(s).
  [[nodiscard]] Fact gap(State s, Offset row) const {
    const auto gap = graph::gap_of_row(m_, row, s, v_, size_);
    return around(gap, m_.cost_error);
  }
  // v(s) - P v.
  [[nodiscard]] Fact loss(State s, Offset row) const {
    const auto drift = around(graph::drift_of_row(m_, row, s, v_, size_), 0.0);
    return {-drift.high, -drift.low};
  }

 private:
  [[nodiscard]] Fact around(const graph::ReducedGap& gap, double more) const {
    const double value = gap.value.value();
    const double error = (relative_ * gap.magnitude + (gap.magnitude > 0.0 ? 0x1p-1040 : 0.0) + more +
                          2.0 * unit_roundoff * std::abs(value)) *
                         inflate;
    return {value - error * inflate, value + error * inflate};
  }

  const ReducedMdp& m_;
  std::vector<TwoDouble> v_;
  std::vector<double> size_;
  double relative_;
};

class Sweeps {
 public:
  Sweeps(const ReducedMdp& m, Run& run)
      : m_(m), run_(run), way_(graph::way_out(m)), v_(at(m.n_states()), 0.0), rows_(way_.rows) {}

  AbsorbingAnswer operator()() {
    const bool stopped = !settle();
    AbsorbingAnswer a;
    if (!graph::exits_surely(m_, rows_)) return a;
    const RowFacts facts(m_, v_);
    a.value.assign(v_.begin(), v_.end());
    a.rows = rows_;
    a.above = above(facts);
    if (a.above.empty()) return a;
    a.below = below(facts);
    a.end = !a.below.empty() ? AbsorbingEnd::enclosed : stopped ? AbsorbingEnd::stopped : AbsorbingEnd::imprecise;
    if (a.below.empty()) a.below.assign(v_.size(), infinity);
    return a;
  }

 private:
  // Sweeps until only rounding moves; false if something stopped them.
  bool settle() {
    double least = infinity;
    int idle = 0;
    for (bool backward = false; idle < patience; backward = !backward) {
      if (!run_.may_sweep()) return false;
      const double change = graph::gauss_seidel(m_, {}, way_.order, backward, v_, rows_);
      run_.count_sweep({-change, change}, infinity);
      if (!std::isfinite(change)) return false;
      if (change == 0.0) return true;
      idle = change < 0.999 * least ? 0 : idle + 1;
      least = std::min(least, change);
      if (change > 1e-9 * max_abs(v_)) idle = 0;
    }
    return true;
  }

  // w with w - P w >= 1/2 on the rows of the task, empty if it does not come out.
  std::vector<double> time_until_exit(const graph::SweepTask& task) {
    std::vector<double> w(v_.size(), 0.0);
    std::vector<Offset> rows(v_.size());
    bool backward = false;
    for (int sweep = 0; sweep < time_sweeps; ++sweep, backward = !backward) {
      const double change = graph::gauss_seidel(m_, task, way_.order, backward, w, rows);
      if (!(max_abs(w) < 1e15)) return {};
      if (change <= 0.25) return w;  // a sweep in place changes no sum by more: checked row by row afterwards
    }
    return {};
  }

  std::vector<double> above(const RowFacts& facts) {
    std::vector<char> own(at(m_.n_rows()), 0);
    for (const Offset row : rows_) own[at(row)] = 1;
    const auto w = time_until_exit({.maximize = true, .unit_cost = true, .usable = own});
    if (w.empty()) return {};
    const RowFacts time(m_, w);
    double eps = 0.0;
    for (State s = 0; s < m_.n_states(); ++s) {
      const double loss = time.loss(s, rows_[at(s)]).low;
      if (!(loss > 0.0)) return {};
      eps = std::max(eps, facts.gap(s, rows_[at(s)]).high / loss * inflate);
    }
    return scaled(w, eps);
  }

  std::vector<double> below(const RowFacts& facts) {
    std::vector<char> keep(at(m_.n_rows()), 0);
    std::vector<double> least(at(m_.n_rows()));
    double worst = 0.0;
    for_rows([&](State s, Offset row) {
      least[at(row)] = facts.gap(s, row).low;
      worst = std::max(worst, -least[at(row)]);
    });
    for_rows([&](State s, Offset row) { keep[at(row)] = rows_[at(s)] == row || least[at(row)] <= worst ? 1 : 0; });
    for (int round = 0; round < patience; ++round) {
      const auto w = time_until_exit({.maximize = true, .unit_cost = true, .usable = keep});
      if (w.empty()) return {};
      const RowFacts time(m_, w);
      double eps = 0.0;
      for_rows([&](State s, Offset row) {
        if (keep[at(row)] == 0 || !(least[at(row)] < 0.0)) return;
        const double loss = time.loss(s, row).low;
        eps = std::max(eps, loss > 0.0 ? -least[at(row)] / loss * inflate : infinity);
      });
      bool holds = eps < infinity;
      for_rows([&](State s, Offset row) {
        const double gain = eps * time.loss(s, row).low;
        const double rounding = 0x1p-50 * (std::abs(least[at(row)]) + std::abs(gain));
        if ((least[at(row)] >= 0.0 && gain >= 0.0) || least[at(row)] + gain >= rounding) return;
        holds = false;
        keep[at(row)] = 1;
      });
      if (holds) return scaled(w, eps);
    }
    return {};
  }

  template <class F>
  void for_rows(F&& f) const {
    for (State s = 0; s < m_.n_states(); ++s) {
      for (Offset row = m_.state_rows[at(s)]; row < m_.state_rows[at(s) + 1]; ++row) f(s, row);
    }
  }
  static std::vector<double> scaled(std::vector<double> w, double factor) {
    for (double& x : w) x = x * factor * inflate;
    return w;
  }

  const ReducedMdp& m_;
  Run& run_;
  graph::WayOut way_;
  std::vector<double> v_;
  std::vector<Offset> rows_;
};

}  // namespace

std::vector<Offset> good_start(const ReducedMdp& m) {
  auto way = graph::way_out(m);
  if (way.order.size() != at(m.n_states())) return {};
  std::vector<double> v(at(m.n_states()), 0.0);
  std::vector<Offset> rows = way.rows;
  for (int sweep = 0; sweep < start_sweeps; ++sweep) {
    const double change = graph::gauss_seidel(m, {}, way.order, sweep % 2 != 0, v, rows);
    if (!(change > 1e-12 * max_abs(v))) break;
  }
  return graph::exits_surely(m, rows) ? rows : way.rows;
}

AbsorbingAnswer solve_by_sweeps(const ReducedMdp& m, Run& run) { return Sweeps(m, run)(); }

}  // namespace mdp::solvers
