#include "equivalence/plausible_model.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

// Half the largest gap between neighbours in the sorted values of a row.
double half_largest_gap(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  double largest = 0.0;
  for (std::size_t i = 1; i < v.size(); ++i) largest = std::max(largest, v[i] - v[i - 1]);
  return bounds::round_up(0.5 * largest);
}

// J over the edges inside a set of states, ascending.
double largest_jump(const graph::NeighbourGraph& graph, std::span<const State> states, std::span<const double> v) {
  double largest = 0.0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    for (std::size_t j = i + 1; j < states.size(); ++j) {
      if (!graph.adjacent(states[i], states[j])) continue;
      largest =
          std::max(largest, std::abs(v[static_cast<std::size_t>(states[i])] - v[static_cast<std::size_t>(states[j])]));
    }
  }
  return largest;
}

class Rows {
 public:
  Rows(const Mdp& world, std::span<const double> values, const graph::NeighbourGraph& graph)
      : world_(world), values_(values), graph_(graph), rows_(world) {}

  PlausibleRow operator()(State s, Offset row) {
    PlausibleRow result;
    const double own = values_[static_cast<std::size_t>(s)];
    if (own == infinity || world_.cost()[static_cast<std::size_t>(row)] == infinity ||
        rows_.reaches_infinity(row, values_)) {
      return result;
    }
    const auto first = static_cast<std::size_t>(rows_.first(row));
    const auto states = world_.next_state().subspan(first, static_cast<std::size_t>(rows_.last(row)) - first);
    const TwoDouble drift = rows_.expectation(row, values_, TwoDouble(own));
    result.error = infinity;
    std::vector<double> v;
    for (const State next : states) {
      v.push_back(values_[static_cast<std::size_t>(next)]);
      const double miss = std::abs(((TwoDouble(v.back()) - TwoDouble(own)) - drift).hi);
      if (miss < result.error) result.error = miss, result.successor = next;
    }
    result.n_components = graph::induced_components(graph_, states, label_);
    if (result.n_components == 1) {
      result.bound = bounds::round_up(0.5 * largest_jump(graph_, states, values_));
    } else {
      result.bound = half_largest_gap(v);
      result.separated[0] = states.front();
      result.separated[1] = states[static_cast<std::size_t>(
          std::find_if(label_.begin(), label_.end(), [](int label) { return label != 0; }) - label_.begin())];
    }
    return result;
  }

 private:
  const Mdp& world_;
  std::span<const double> values_;
  const graph::NeighbourGraph& graph_;
  kernels::AccurateRow rows_;
  std::vector<int> label_;
};

Mdp deterministic(const Mdp& world, const std::vector<PlausibleRow>& rows) {
  Transitions one;
  one.row_begin.push_back(0);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].successor >= 0) {
      one.next_state.push_back(rows[row].successor);
      one.probability.push_back(1.0);
    } else {
      for (Offset k = world.row_begin()[row]; k < world.row_begin()[row + 1]; ++k) {
        one.next_state.push_back(world.next_state()[static_cast<std::size_t>(k)]);
        one.probability.push_back(world.probability()[static_cast<std::size_t>(k)]);
      }
    }
    one.row_begin.push_back(static_cast<Offset>(one.next_state.size()));
  }
  return rebuild(world, std::move(one), world.exact_discount());
}

}  // namespace

PlausibleModelResult plausible_model(const Mdp& world, const KnownValues& world_values,
                                     const graph::NeighbourGraph* graph, int threads) {
  require_valid(world, world_values, "world");
  std::optional<graph::NeighbourGraph> own_graph;
  if (graph == nullptr) own_graph = graph::neighbour_graph(world);
  const graph::NeighbourGraph& neighbours = graph != nullptr ? *graph : *own_graph;
  if (neighbours.n_states() != world.n_states()) {
    throw InvalidArgument("the neighbour graph has " + std::to_string(neighbours.n_states()) + " states, the world " +
                          std::to_string(world.n_states()));
  }
  const std::vector<double> values = with_goal_values(world, world_values.values);
  PlausibleModelResult result;
  result.rows.resize(static_cast<std::size_t>(world.n_rows()));
  kernels::for_states(world.blocks(), threads, [&](State first, State last) {
    Rows rows(world, values, neighbours);
    for (State s = first; s < last; ++s) {
      const Offset begin = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = begin; row < begin + world.n_actions(s); ++row) {
        result.rows[static_cast<std::size_t>(row)] = rows(s, row);
      }
    }
  });
  result.model = deterministic(world, result.rows);
  result.defect = model_defect(world, world_values, *result.model, threads);
  result.epsilon = result.defect.epsilon;
  double largest = 0.0;
  for (const PlausibleRow& row : result.rows) {
    largest = std::max(largest, row.bound);
    if (row.n_components > 1) ++result.n_disconnected;
  }
  if (!world_values.certified()) return result;
  // At the true V* each |V(s') - E V| is off by at most twice the radius; rounding of the differences beside it.
  double size = 0.0;
  for (const double v : values) size = v < infinity ? std::max(size, std::abs(v)) : size;
  const double open = largest + 2.0 * world_values.radius() + 8.0 * unit_roundoff * size;
  result.bound = bounds::round_up(world.discount() * open * (1.0 + 8.0 * unit_roundoff));
  return result;
}

}  // namespace mdp::equivalence
