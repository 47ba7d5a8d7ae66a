#include "equivalence/few_point_shift.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "equivalence/shift_weight.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

constexpr std::size_t most_hits = 50'000'000;

struct Hit {
  double shift;
  double doubt;  // rounding and ties: the row is hit anywhere this close
};

// What a row, or one of its hits, adds from `shift` on.
struct Event {
  double shift;
  double change;
  Offset row;
};

// Calls row_has(row, hits) for every row that has an equation, its hits ascending.
template <class F>
void each_row(const MomentEquations& eq, F&& row_has) {
  MomentRows rows(eq);
  const double step = (shift_weight(eq.discount) / eq.discount.value).hi;  // dtau/dc
  std::vector<Hit> hits;
  for (State s = 0; s < eq.world.n_states(); ++s) {
    const Offset begin = eq.world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = begin; row < begin + eq.world.n_actions(s); ++row) {
      rows.set(s, row);
      hits.clear();
      for (const double x : rows.gaps()) {
        if (x < infinity) hits.push_back({x / step, rows.tie() / step});
      }
      std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.shift < b.shift; });
      if (!hits.empty()) row_has(row, hits);
    }
  }
}

void require_few(std::size_t n_hits, Divergence divergence) {
  if (n_hits <= most_hits) return;
  throw InvalidOption("the best shift of " + std::string(to_string(divergence)) +
                      " looks at every successor allowed, " + std::to_string(most_hits) +
                      " at most: give the shift, or a smaller support");
}

void sort(std::vector<Event>& events) {  // what begins at a shift comes before what ends there
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.shift != b.shift ? a.shift < b.shift : a.change != b.change ? a.change > b.change : a.row < b.row;
  });
}

// Rows are hit on intervals: where most of them meet.
BestShift most_hit(const MomentEquations& eq, const bounds::Interval& range) {
  std::vector<Event> events;
  each_row(eq, [&](Offset row, const std::vector<Hit>& hits) {
    for (const Hit& hit : hits) {
      const double from = std::max(range.lower, hit.shift - hit.doubt);
      const double to = std::min(range.upper, hit.shift + hit.doubt);
      if (!(from <= to)) continue;
      events.push_back({from, 1.0, row});
      events.push_back({to, -1.0, row});
    }
    require_few(events.size() / 2, eq.divergence);
  });
  sort(events);
  std::vector<int> open(static_cast<std::size_t>(eq.world.n_rows()), 0);  // hits of one row may overlap
  Offset here = 0, most = 0;
  double best = std::clamp(0.0, range.lower, range.upper);
  for (std::size_t k = 0; k < events.size(); ++k) {
    int& own = open[static_cast<std::size_t>(events[k].row)];
    if (events[k].change < 0.0) {
      here -= --own == 0 ? 1 : 0;
      continue;
    }
    here += own++ == 0 ? 1 : 0;
    // All that are open stay so until the next event.
    const double middle = 0.5 * events[k].shift + 0.5 * (k + 1 < events.size() ? events[k + 1].shift : range.upper);
    if (here > most || (here == most && std::abs(middle) < std::abs(best))) {
      most = here;
      best = middle;
    }
  }
  return {best, 0.0};
}

// F from left to right.
BestShift least_missed(const MomentEquations& eq, const bounds::Interval& range) {
  std::vector<Event> events;
  double sum = 0.0, slope = 0.0;  // of the distances to the nearest hits, at the lower end
  each_row(eq, [&](Offset row, const std::vector<Hit>& hits) {
    double nearest = infinity;
    slope -= 1.0;
    const auto turns = [&](double shift, double change) {
      if (shift <= range.lower)
        slope += change;
      else if (shift < range.upper)
        events.push_back({shift, change, row});
    };
    for (std::size_t i = 0; i < hits.size(); ++i) {
      nearest = std::min(nearest, std::abs(hits[i].shift - range.lower));
      turns(hits[i].shift, 2.0);
      if (i + 1 < hits.size()) turns(0.5 * hits[i].shift + 0.5 * hits[i + 1].shift, -2.0);
    }
    sum += nearest;
    require_few(events.size() / 2, eq.divergence);
  });
  sort(events);
  BestShift best{range.lower, 0.0};
  double least = sum, largest = sum, here = range.lower;
  events.push_back({range.upper, 0.0, -1});
  for (const Event& event : events) {
    sum += slope * (event.shift - here);
    here = event.shift;
    slope += event.change;
    largest = std::max(largest, sum);
    if (sum < least) {
      least = sum;
      best.shift = here;
    }
  }
  const double step = (shift_weight(eq.discount) / eq.discount.value).hi;
  best.suboptimality = 4.0 * unit_roundoff * static_cast<double>(events.size()) * largest * step;
  return best;
}

}  // namespace

BestShift few_point_shift(const MomentEquations& eq, const ShiftInterval& interval) {
  return eq.divergence == Divergence::sparsest ? most_hit(eq, interval.range) : least_missed(eq, interval.range);
}

}  // namespace mdp::equivalence
