#include "libmdp/graph/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mdp::graph {
namespace {

TwoDouble with_tail(std::span<const double> x, std::span<const double> tail, Offset i) {
  return tail.empty() ? TwoDouble(x[at(i)]) : quick_two_sum(x[at(i)], tail[at(i)]);
}

// The normalised entries of one row at a time.
class MeantRow {
 public:
  explicit MeantRow(const Mdp& mdp) : mdp_(mdp) {}

  // Calls entry(next state, probability) for each transition.
  template <class F>
  void visit(Offset row, F&& entry) const {
    const Offset first = mdp_.row_begin()[at(row)];
    const Offset last = mdp_.row_begin()[at(row) + 1];
    TwoDouble sum;
    for (Offset k = first; k < last; ++k) sum = sum + with_tail(mdp_.probability(), mdp_.probability_tail(), k);
    const bool unit = sum.hi == 1.0 && sum.lo == 0.0;
    for (Offset k = first; k < last; ++k) {
      const TwoDouble p = with_tail(mdp_.probability(), mdp_.probability_tail(), k);
      entry(mdp_.next_state()[at(k)], unit ? p : p / sum);
    }
  }

 private:
  const Mdp& mdp_;
};

class Reducer {
 public:
  Reducer(const Mdp& mdp, const Reduction& reduction) : mdp_(mdp), reduction_(reduction), meant_(mdp) {}

  ReducedMdp operator()() {
    // States of each reduced state, in order.
    std::vector<std::pair<State, State>> order;
    for (State s = 0; s < mdp_.n_states(); ++s) {
      if (reduction_.state_of[at(s)] >= 0) order.emplace_back(reduction_.state_of[at(s)], s);
    }
    std::sort(order.begin(), order.end());
    out_.row_begin.assign(1, 0);
    out_.state_rows.assign(1, 0);
    auto member = order.begin();
    for (State c = 0; c < reduction_.n_states; ++c) {
      for (; member != order.end() && member->first == c; ++member) add_state(member->second, c);
      if (!reduction_.may_stay.empty() && reduction_.may_stay[at(c)] != 0) add_stay(c);
      out_.state_rows.push_back(static_cast<Offset>(out_.cost.size()));
    }
    out_.entry_error = reduced_entry_error(mdp_) + reduction_.entry_error;
    out_.cost_error = reduction_.cost_error;
    if (reduction_.discount != nullptr) {
      out_.entry_error += 32.0 * unit_roundoff * unit_roundoff;
      const double largest = mdp_.max_abs_cost() / reduction_.discount->complement.hi;
      if (lost_ > 0.0) out_.cost_error += 2.0 * lost_ * largest * (1.0 + 0x1p-40) + 0x1p-1074;
    }
    return std::move(out_);
  }

 private:
  void add_state(State s, State own) {
    for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
      if (reduction_.usable.empty() || reduction_.usable[at(row)] != 0) add_row(row, own);
    }
  }

  void add_row(Offset row, State own) {
    entries_.clear();
    const Discount* discount = reduction_.discount;
    TwoDouble exit = discount == nullptr ? TwoDouble() : discount->complement;
    double lost = 0.0;
    meant_.visit(row, [&](State next, TwoDouble p) {
      const State to = reduction_.state_of[at(next)];
      if (discount != nullptr) {
        if (p.hi * discount->value.hi < least_product) {
          lost += std::min(least_product, discount->value.hi);
          return;
        }
        p = p * discount->value;
      }
      if (to < 0) {
        exit = exit + p;
      } else if (to != own) {
        entries_.emplace_back(to, p);
      }
    });
    lost_ = std::max(lost_, lost);
    if (entries_.empty() && exit.hi == 0.0 && !reduction_.keep_loops) return;
    std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t k = 0; k < entries_.size(); ++k) {
      TwoDouble p = entries_[k].second;
      for (; k + 1 < entries_.size() && entries_[k + 1].first == entries_[k].first; ++k) p = p + entries_[k + 1].second;
      out_.next_state.push_back(entries_[k].first);
      out_.probability.push_back(p);
    }
    end_row(exit, reduction_.cost.empty() ? with_tail(mdp_.cost(), mdp_.cost_tail(), row) : reduction_.cost[at(row)],
            row);
  }

  void add_stay(State own) {
    end_row(1.0, reduction_.stay_cost.empty() ? TwoDouble() : reduction_.stay_cost[at(own)], -1);
  }

  void end_row(TwoDouble exit, TwoDouble cost, Offset origin) {
    out_.row_begin.push_back(static_cast<Offset>(out_.next_state.size()));
    out_.exit.push_back(exit);
    out_.cost.push_back(cost);
    out_.origin.push_back(origin);
  }

  static constexpr double least_product = 0x1p-960;  // below, two doubles lose digits

  const Mdp& mdp_;
  const Reduction& reduction_;
  MeantRow meant_;
  double lost_ = 0.0;  // probability left out of a row, at most
  ReducedMdp out_;
  std::vector<std::pair<State, TwoDouble>> entries_;
};

}  // namespace

ReducedMdp reduce(const Mdp& mdp, const Reduction& reduction) { return Reducer(mdp, reduction)(); }

ReducedMdp restrict_to(const ReducedMdp& m, std::span<const char> keep, std::span<const TwoDouble> boundary) {
  std::vector<State> number(at(m.n_states()), -1);
  State count = 0;
  for (State s = 0; s < m.n_states(); ++s) {
    if (keep[at(s)] != 0) number[at(s)] = count++;
  }
  ReducedMdp part;
  part.state_rows.assign(1, 0);
  part.row_begin.assign(1, 0);
  part.entry_error = m.entry_error;
  part.cost_error = m.cost_error;
  for (State s = 0; s < m.n_states(); ++s) {
    if (keep[at(s)] == 0) continue;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      TwoDouble exit = m.exit[at(row)];
      TwoDouble cost = m.cost[at(row)];
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        const auto next = at(m.next_state[at(k)]);
        if (keep[next] != 0) {
          part.next_state.push_back(number[next]);
          part.probability.push_back(m.probability[at(k)]);
        } else {
          exit = exit + m.probability[at(k)];
          if (!boundary.empty()) cost = cost + boundary[next] * m.probability[at(k)];
        }
      }
      part.row_begin.push_back(static_cast<Offset>(part.next_state.size()));
      part.exit.push_back(exit);
      part.cost.push_back(cost);
      part.origin.push_back(row);
    }
    part.state_rows.push_back(static_cast<Offset>(part.cost.size()));
  }
  return part;
}

std::vector<ReducedMdp> split(const ReducedMdp& m, std::span<const State> part_of, State n_parts) {
  std::vector<ReducedMdp> parts(at(n_parts));
  std::vector<State> number(part_of.size());
  std::vector<State> count(parts.size(), 0);
  for (std::size_t s = 0; s < part_of.size(); ++s) number[s] = count[at(part_of[s])]++;
  for (ReducedMdp& part : parts) {
    part.state_rows.assign(1, 0);
    part.row_begin.assign(1, 0);
    part.entry_error = m.entry_error;
    part.cost_error = m.cost_error;
  }
  for (State s = 0; s < m.n_states(); ++s) {
    ReducedMdp& part = parts[at(part_of[at(s)])];
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        part.next_state.push_back(number[at(m.next_state[at(k)])]);
        part.probability.push_back(m.probability[at(k)]);
      }
      part.row_begin.push_back(static_cast<Offset>(part.next_state.size()));
      part.exit.push_back(m.exit[at(row)]);
      part.cost.push_back(m.cost[at(row)]);
      part.origin.push_back(m.origin[at(row)]);
    }
    part.state_rows.push_back(static_cast<Offset>(part.cost.size()));
  }
  return parts;
}

std::vector<TwoDouble> mass_into(const Mdp& mdp, std::span<const char> set) {
  const MeantRow meant(mdp);
  std::vector<TwoDouble> mass(at(mdp.n_rows()));
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    meant.visit(row, [&](State next, TwoDouble p) {
      if (set[at(next)] != 0) mass[at(row)] = mass[at(row)] + p;
    });
  }
  return mass;
}

ShapedCosts shaped_costs(const Mdp& mdp, std::span<const TwoDouble> h) {
  const MeantRow meant(mdp);
  ShapedCosts shaped;
  shaped.cost.resize(at(mdp.n_rows()));
  double largest = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (!(mdp.cost()[at(row)] < infinity)) continue;
      TwoDouble& cost = shaped.cost[at(row)];
      cost = with_tail(mdp.cost(), mdp.cost_tail(), row);
      double size = std::abs(cost.hi) + std::abs(h[at(s)].hi);
      meant.visit(row, [&](State next, TwoDouble p) {
        cost = cost + (h[at(next)] - h[at(s)]) * p;
        size += p.hi * std::abs(h[at(next)].hi);
      });
      largest = std::max(largest, size);
    }
  }
  // Differences, products and sums, as in reduced_gap_rounding(), and the entries' own errors.
  shaped.error = 2.0 * reduced_entry_error(mdp) * largest * (1.0 + 0x1p-30);
  return shaped;
}

double reduced_entry_error(const Mdp& mdp) {
  return (12.0 * static_cast<double>(mdp.max_row_length()) + 64.0) * unit_roundoff * unit_roundoff * (1.0 + 0x1p-40);
}

}  // namespace mdp::graph
