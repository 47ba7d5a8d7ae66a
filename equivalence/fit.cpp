#include "equivalence/fit.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>

#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

// Samples sorted by (row, successor): successors of row r are entries begin[r] .. begin[r+1]-1, with repetitions.
struct SortedSamples {
  std::vector<Offset> begin;      // [n_rows+1]
  std::vector<State> next_state;  // [n]
};

SortedSamples sort(const Mdp& world, const TransitionData& data) {
  const auto row_of = [&](std::size_t i) {
    return static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(data.state[i])] + data.action[i]);
  };
  SortedSamples sorted;
  sorted.begin.assign(static_cast<std::size_t>(world.n_rows()) + 1, 0);
  for (std::size_t i = 0; i < data.state.size(); ++i) ++sorted.begin[row_of(i) + 1];
  std::partial_sum(sorted.begin.begin(), sorted.begin.end(), sorted.begin.begin());
  std::vector<Offset> place(sorted.begin.begin(), sorted.begin.end() - 1);
  sorted.next_state.resize(data.state.size());
  for (std::size_t i = 0; i < data.state.size(); ++i) {
    sorted.next_state[static_cast<std::size_t>(place[row_of(i)]++)] = data.next_state[i];
  }
  for (std::size_t row = 0; row + 1 < sorted.begin.size(); ++row) {
    std::sort(sorted.next_state.begin() + sorted.begin[row], sorted.next_state.begin() + sorted.begin[row + 1]);
  }
  return sorted;
}

// Rows of a model under construction, one after the other.
class RowWriter {
 public:
  explicit RowWriter(Offset n_rows, std::int64_t max_transitions) : max_transitions_(max_transitions) {
    rows_.row_begin.reserve(static_cast<std::size_t>(n_rows) + 1);
    rows_.row_begin.push_back(0);
  }
  void to(State next, double probability) {
    if (static_cast<std::int64_t>(rows_.next_state.size()) >= max_transitions_) {
      throw InvalidOption("the fit needs more than max_transitions = " + std::to_string(max_transitions_) +
                          " transitions");
    }
    rows_.next_state.push_back(next);
    rows_.probability.push_back(probability);
  }
  void end_row() { rows_.row_begin.push_back(static_cast<Offset>(rows_.next_state.size())); }
  Transitions take() { return std::move(rows_); }

 private:
  Transitions rows_;
  std::int64_t max_transitions_;
};

std::string place(const Mdp& mdp, Offset row) {
  return "state " + mdp.state_name(mdp.state_of(row)) + ", action " + mdp.action_name(row);
}

// A row without samples or pseudo-counts.
void write_unseen(const Mdp& world, State s, Offset row, UnseenPair unseen, RowWriter& writer) {
  switch (unseen) {
    case UnseenPair::self_loop: writer.to(s, 1.0); return;
    case UnseenPair::uniform:
      for (State next = 0; next < world.n_states(); ++next) writer.to(next, 1.0 / world.n_states());
      return;
    case UnseenPair::refuse: throw InvalidArgument(place(world, row) + " has no samples");
  }
}

// The successors that a row of the fit may have, ascending; `seen` is sorted, with repetitions.
std::vector<State> support_of(const Mdp& world, Offset row, std::span<const State> seen, const FitOptions& options) {
  std::vector<State> support;
  if (options.support == FitSupport::all_states && options.smoothing > 0.0) {
    support.resize(static_cast<std::size_t>(world.n_states()));
    std::iota(support.begin(), support.end(), State{0});
    return support;
  }
  std::unique_copy(seen.begin(), seen.end(), std::back_inserter(support));
  if (options.support == FitSupport::world && options.smoothing > 0.0) {
    const auto begin = world.next_state().begin();
    const auto r = static_cast<std::size_t>(row);
    std::vector<State> both;
    std::set_union(support.begin(), support.end(), begin + world.row_begin()[r], begin + world.row_begin()[r + 1],
                   std::back_inserter(both));
    return both;
  }
  return support;
}

// Counts plus pseudo-counts over their sum.
void write_frequencies(std::span<const State> seen, std::span<const State> support, double smoothing,
                       RowWriter& writer) {
  const double total = static_cast<double>(seen.size()) + smoothing * static_cast<double>(support.size());
  for (const State next : support) {
    const auto [first, last] = std::equal_range(seen.begin(), seen.end(), next);
    writer.to(next, (static_cast<double>(last - first) + smoothing) / total);
  }
}

// The model in which each row of `mdp` leads to one state.
template <class Successor>
Mdp deterministic(const Mdp& mdp, Successor&& successor) {
  Transitions rows;
  const auto n = static_cast<std::size_t>(mdp.n_rows());
  rows.row_begin.resize(n + 1);
  rows.next_state.resize(n);
  rows.probability.assign(n, 1.0);
  std::iota(rows.row_begin.begin(), rows.row_begin.end(), Offset{0});
  for (std::size_t row = 0; row < n; ++row) rows.next_state[row] = successor(static_cast<Offset>(row));
  return rebuild(mdp, std::move(rows), mdp.exact_discount());
}

State nearest_by_search(const Embedding& embedding, std::size_t n_states, std::span<const double> point) {
  double best = infinity;
  State nearest = 0;
  for (std::size_t s = 0; s < n_states; ++s) {
    double square = 0.0;
    for (std::size_t d = 0; d < point.size(); ++d) {
      const double gap = embedding.coordinates[s * point.size() + d] - point[d];
      square += gap * gap;
    }
    if (square < best) {
      best = square;
      nearest = static_cast<State>(s);
    }
  }
  return nearest;
}

}  // namespace

std::string FitOptions::check() const {
  if (!(smoothing >= 0.0 && smoothing < infinity)) {
    return "smoothing = " + std::to_string(smoothing) + ", required finite and >= 0";
  }
  if (max_transitions < 1) return "max_transitions = " + std::to_string(max_transitions) + ", required >= 1";
  return {};
}

Mdp fit_maximum_likelihood(const Mdp& world, const TransitionData& data, const FitOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_valid(world, data);
  const SortedSamples samples = sort(world, data);
  RowWriter writer(world.n_rows(), options.max_transitions);
  for (State s = 0; s < world.n_states(); ++s) {
    const bool is_goal = std::binary_search(world.goal().begin(), world.goal().end(), s);
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + world.n_actions(s); ++row) {
      const auto r = static_cast<std::size_t>(row);
      const auto begin = static_cast<std::size_t>(samples.begin[r]);
      const auto end = static_cast<std::size_t>(samples.begin[r + 1]);
      const auto seen = std::span(samples.next_state).subspan(begin, end - begin);
      const auto support = support_of(world, row, seen, options);
      if (is_goal) {
        writer.to(s, 1.0);
      } else if (support.empty()) {
        write_unseen(world, s, row, options.unseen, writer);
      } else {
        write_frequencies(seen, support, options.smoothing, writer);
      }
      writer.end_row();
    }
  }
  return rebuild(world, writer.take(), world.exact_discount());
}

Mdp most_likely_model(const Mdp& mdp) {
  return deterministic(mdp, [&mdp](Offset row) {
    const auto r = static_cast<std::size_t>(row);
    const auto p = mdp.probability();
    const auto first = p.begin() + mdp.row_begin()[r];
    const auto best = std::max_element(first, p.begin() + mdp.row_begin()[r + 1]);  // the first of several
    return mdp.next_state()[static_cast<std::size_t>(best - p.begin())];
  });
}

Mdp mean_model(const Mdp& mdp, const Embedding& embedding) {
  const auto n_states = static_cast<std::size_t>(mdp.n_states());
  if (embedding.dimension < 1 ||
      embedding.coordinates.size() != n_states * static_cast<std::size_t>(embedding.dimension)) {
    throw InvalidArgument("embedding of " + std::to_string(embedding.coordinates.size()) +
                          " coordinates in dimension " + std::to_string(embedding.dimension) +
                          ", required n_states * dimension, dimension >= 1");
  }
  const auto dimension = static_cast<std::size_t>(embedding.dimension);
  std::vector<double> mean(dimension);
  return deterministic(mdp, [&](Offset row) {
    const auto r = static_cast<std::size_t>(row);
    std::fill(mean.begin(), mean.end(), 0.0);
    for (Offset k = mdp.row_begin()[r]; k < mdp.row_begin()[r + 1]; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double* x = embedding.coordinates.data() + static_cast<std::size_t>(mdp.next_state()[i]) * dimension;
      for (std::size_t d = 0; d < dimension; ++d) mean[d] += mdp.probability()[i] * x[d];
    }
    const State nearest = embedding.nearest ? embedding.nearest(mean) : nearest_by_search(embedding, n_states, mean);
    if (nearest < 0 || nearest >= mdp.n_states()) {
      throw InvalidArgument("embedding: nearest() returned state " + std::to_string(nearest) +
                            ", which does not exist");
    }
    return nearest;
  });
}

}  // namespace mdp::equivalence
