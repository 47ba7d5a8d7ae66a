#include "solvers/elimination.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace mdp::solvers {
namespace {

// Products of factors above this have an exact error term.
constexpr double smallest_product = 0x1p-960;

}  // namespace

void Elimination::require_exact(TwoDouble x) const {
  if (x.hi != 0.0 && !(x.hi >= smallest_product)) underflow_ = true;  // NaN too
}

TwoDouble Elimination::product(TwoDouble a, TwoDouble b) const {
  if (a.hi == 0.0 || b.hi == 0.0) return 0.0;
  const TwoDouble r = a * b;
  if (!(r.hi >= smallest_product)) underflow_ = true;  // NaN too
  return r;
}

// The chain of the states left.
class Elimination::Work {
 public:
  Work(const graph::ReducedMdp& m, std::span<const Offset> rows, Elimination& out)
      : out_(out),
        next_(rows.size()),
        into_(rows.size()),
        exit_(rows.size()),
        in_degree_(rows.size(), 0),
        gone_(rows.size(), 0),
        place_(rows.size(), -1) {
    for (std::size_t s = 0; s < rows.size(); ++s) {
      exit_[s] = m.exit[at(rows[s])];
      out.require_exact(exit_[s]);
      for (Offset k = m.row_begin[at(rows[s])]; k < m.row_begin[at(rows[s]) + 1]; ++k) {
        add_edge(s, {m.next_state[at(k)], m.probability[at(k)]});
        out.require_exact(m.probability[at(k)]);
      }
    }
  }

  void run(double max_entries, const std::function<bool()>& keep_going) {
    constexpr std::size_t work_between = 1'000'000;  // products, milliseconds
    constexpr double most_work = 1e10;               // a minute or two
    std::size_t since = work_between;                // the first question comes at once
    double all_work = 0.0;
    for (std::size_t s = 0; s < next_.size(); ++s) push(s);
    double left = static_cast<double>(next_.size());
    double entries = 0.0;
    out_.steps_.reserve(next_.size());
    while (!queue_.empty()) {
      const auto [work, s] = queue_.top();
      queue_.pop();
      if (gone_[s] != 0 || work != fill(s)) continue;
      const double successors = static_cast<double>(next_[s].size());
      const double eta = (4.0 * successors + 64.0) * unit_roundoff * unit_roundoff;
      out_.relative_error_ += (2.0 * left + 1.0) * eta;
      const double own = successors + static_cast<double>(in_degree_[s]);
      since += work + 1;
      all_work += static_cast<double>(work);
      const bool asks = keep_going && since > work_between;
      if (asks) since = 0;
      // What is left will be factors too.
      if (entries + entries_left_ > max_entries || all_work > most_work || (asks && !keep_going())) {
        out_.too_large_ = true;
        return;
      }
      entries += own;
      eliminate(s);
      left -= 1.0;
    }
  }

 private:
  [[nodiscard]] std::size_t fill(std::size_t s) const { return next_[s].size() * in_degree_[s]; }
  void push(std::size_t s) { queue_.emplace(fill(s), s); }

  void add_edge(std::size_t from, Entry entry) {
    next_[from].push_back(entry);
    into_[at(entry.state)].push_back(from);
    ++in_degree_[at(entry.state)];
    entries_left_ += 1.0;
  }

  void eliminate(std::size_t s) {
    Step step;
    step.state = static_cast<State>(s);
    step.next = std::move(next_[s]);
    entries_left_ -= static_cast<double>(step.next.size());
    step.leaving = exit_[s];
    for (const Entry& e : step.next) step.leaving = step.leaving + e.p;
    gone_[s] = 1;
    for (const Entry& e : step.next) --in_degree_[at(e.state)];
    for (const std::size_t i : into_[s]) {
      if (gone_[i] == 0) replace(i, step);
    }
    for (const Entry& e : step.next) push(at(e.state));
    into_[s] = {};
    out_.steps_.push_back(std::move(step));
  }

  // In row i, what follows step.state takes its place.
  void replace(std::size_t i, Step& step) {
    auto& row = next_[i];
    TwoDouble weight;
    for (std::size_t k = 0; k < row.size(); ++k) {
      if (row[k].state == step.state) {
        weight = row[k].p / step.leaving;
        row[k] = row.back();
        row.pop_back();
        entries_left_ -= 1.0;
        break;
      }
    }
    for (std::size_t k = 0; k < row.size(); ++k) place_[at(row[k].state)] = static_cast<Offset>(k);
    if (exit_[at(step.state)].hi > 0.0) exit_[i] = exit_[i] + out_.product(weight, exit_[at(step.state)]);
    for (const Entry& e : step.next) {
      if (at(e.state) == i) continue;  // back to itself: the diagonal, which is not stored
      const TwoDouble p = out_.product(weight, e.p);
      if (const Offset k = place_[at(e.state)]; k >= 0) {
        row[at(k)].p = row[at(k)].p + p;
      } else {
        add_edge(i, {e.state, p});
        place_[at(e.state)] = static_cast<Offset>(row.size()) - 1;
      }
    }
    for (const Entry& e : row) place_[at(e.state)] = -1;
    step.predecessor.push_back({static_cast<State>(i), weight});
    push(i);
  }

  Elimination& out_;
  double entries_left_ = 0.0;  // of the chain of the states left
  std::vector<std::vector<Entry>> next_;
  std::vector<std::vector<std::size_t>> into_;  // states once known to lead here; those that are gone are skipped
  std::vector<TwoDouble> exit_;
  std::vector<std::size_t> in_degree_;
  std::vector<char> gone_;
  std::vector<Offset> place_;
  std::priority_queue<std::pair<std::size_t, std::size_t>, std::vector<std::pair<std::size_t, std::size_t>>,
                      std::greater<>>
      queue_;  // least fill first; a stale entry is skipped
};

Elimination::Elimination(const graph::ReducedMdp& m, std::span<const Offset> rows, double max_entries,
                         const std::function<bool()>& keep_going) {
  Work(m, rows, *this).run(max_entries, keep_going);
  relative_error_ += 2.0 * static_cast<double>(rows.size()) * m.entry_error;
  relative_error_ *= 1.0 + 0x1p-20;  // second-order terms, and the rounding of this sum
  if (!(relative_error_ < 0x1p-30)) relative_error_ = infinity;
}

std::vector<TwoDouble> Elimination::solve(std::span<const TwoDouble> b) const {
  std::vector<TwoDouble> x(b.begin(), b.end());
  for (const TwoDouble c : b) require_exact(c);
  for (const Step& step : steps_) {
    const TwoDouble cost = x[at(step.state)];
    if (cost.hi == 0.0) continue;
    for (const Entry& e : step.predecessor) x[at(e.state)] = x[at(e.state)] + product(e.p, cost);
  }
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    TwoDouble sum = x[at(step->state)];
    for (const Entry& e : step->next) sum = sum + product(e.p, x[at(e.state)]);
    x[at(step->state)] = sum / step->leaving;
    if (!(sum.hi < infinity && x[at(step->state)].hi < infinity)) underflow_ = true;
  }
  return x;
}

}  // namespace mdp::solvers
