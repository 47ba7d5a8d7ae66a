#include "equivalence/fit.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>

#include "equivalence/dirichlet.hpp"
#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"
#include "libmdp/random.hpp"

namespace mdp::equivalence {
namespace {

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
    case UnseenPair::world: {
      const auto r = static_cast<std::size_t>(row);
      for (auto k = static_cast<std::size_t>(world.row_begin()[r]);
           k < static_cast<std::size_t>(world.row_begin()[r + 1]); ++k) {
        writer.to(world.next_state()[k], world.probability()[k]);
      }
      return;
    }
    case UnseenPair::refuse: throw InvalidArgument(place(world, row) + " has no samples");
  }
}

// The successors that a row of the fit may have, ascending, with smoothing > 0.
std::vector<State> smoothed_support(const Mdp& world, Offset row, std::span<const State> seen, FitSupport support) {
  if (support == FitSupport::all_states) {
    std::vector<State> all(static_cast<std::size_t>(world.n_states()));
    std::iota(all.begin(), all.end(), State{0});
    return all;
  }
  if (support == FitSupport::observed) return {seen.begin(), seen.end()};
  const auto begin = world.next_state().begin();
  const auto r = static_cast<std::size_t>(row);
  std::vector<State> both;
  std::set_union(seen.begin(), seen.end(), begin + world.row_begin()[r], begin + world.row_begin()[r + 1],
                 std::back_inserter(both));
  return both;
}

// Calls weigh(next, n + alpha) for the successors of a row of the fit, ascending; \returns whether there was one.
template <class Weigh>
bool each_weight(const Mdp& world, const TransitionCounts& counts, Offset row, const FitOptions& options,
                 Weigh&& weigh) {
  const auto seen = counts.successors(row);
  const auto n = counts.counts(row);
  if (options.smoothing == 0.0) {
    for (std::size_t i = 0; i < seen.size(); ++i) weigh(seen[i], n[i]);
    return !seen.empty();
  }
  std::size_t i = 0;
  const auto support = smoothed_support(world, row, seen, options.support);
  for (const State next : support) {
    const bool is_seen = i < seen.size() && seen[i] == next;
    weigh(next, (is_seen ? n[i] : 0.0) + options.smoothing);
    i += is_seen ? 1 : 0;
  }
  return !support.empty();
}

// Fits every row of the world: `draw(row, weights)` turns the weights n + alpha of a row into probabilities, in place.
template <class Draw>
Mdp fit_rows(const Mdp& world, const TransitionCounts& counts, const FitOptions& options, Draw&& draw) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (static_cast<Offset>(counts.row_begin.size()) != world.n_rows() + 1) {
    throw InvalidArgument("counts of " + std::to_string(counts.row_begin.size()) + " - 1 rows, required " +
                          std::to_string(world.n_rows()));
  }
  RowWriter writer(world.n_rows(), options.max_transitions);
  std::vector<State> support;
  std::vector<double> weight;
  for (State s = 0; s < world.n_states(); ++s) {
    const bool is_goal = std::binary_search(world.goal().begin(), world.goal().end(), s);
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + world.n_actions(s); ++row) {
      support.clear();
      weight.clear();
      if (is_goal) {
        writer.to(s, 1.0);
      } else if (!each_weight(world, counts, row, options, [&](State next, double w) {
                   support.push_back(next);
                   weight.push_back(w);
                 })) {
        write_unseen(world, s, row, options.unseen, writer);
      } else {
        draw(row, std::span(weight));
        for (std::size_t i = 0; i < support.size(); ++i) writer.to(support[i], weight[i]);
      }
      writer.end_row();
    }
  }
  return rebuild(world, writer.take(), world.exact_discount());
}

void divide_by_sum(std::span<double> weight) {
  double total = 0.0;
  for (const double w : weight) total += w;
  for (double& w : weight) w /= total;
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

Mdp fit_maximum_likelihood(const Mdp& world, const TransitionCounts& counts, const FitOptions& options) {
  return fit_rows(world, counts, options, [](Offset, std::span<double> weight) { divide_by_sum(weight); });
}

Mdp fit_maximum_likelihood(const Mdp& world, const TransitionData& data, const FitOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  return fit_maximum_likelihood(world, count_transitions(world, data), options);
}

Mdp sample_posterior(const Mdp& world, const TransitionCounts& counts, const FitOptions& options, std::uint64_t seed) {
  return fit_rows(world, counts, options, [seed](Offset row, std::span<double> weight) {
    RandomSequence random(seed, RandomStream::posterior, static_cast<std::uint64_t>(row));
    draw_dirichlet(random, weight);
  });
}

std::vector<Offset> stored_at(const Mdp& model, const TransitionCounts& counts) {
  std::vector<Offset> at;
  at.reserve(counts.count.size());
  for (Offset row = 0; row < model.n_rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    const auto first = model.next_state().begin() + model.row_begin()[r];
    const auto last = model.next_state().begin() + model.row_begin()[r + 1];
    for (const State seen : counts.successors(row)) {
      const auto found = std::lower_bound(first, last, seen);
      at.push_back(found == last || *found != seen ? -1 : found - model.next_state().begin());
    }
  }
  return at;
}

double log_likelihood(const Mdp& model, const TransitionCounts& counts) {
  const std::vector<Offset> at = stored_at(model, counts);
  double sum = 0.0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] < 0) return -infinity;
    sum += counts.count[i] * std::log(model.probability()[static_cast<std::size_t>(at[i])]);
  }
  return sum;
}

Mdp most_likely_model(const Mdp& mdp) {
  return deterministic_model(mdp, [&mdp](Offset row) {
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
  return deterministic_model(mdp, [&](Offset row) {
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
