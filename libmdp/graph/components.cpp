#include "libmdp/graph/components.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/graph/graph_traits.hpp>
#include <boost/graph/properties.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/iterator/counting_iterator.hpp>
#include <boost/iterator/iterator_facade.hpp>

#include "libmdp/graph/closure.hpp"

namespace mdp::graph {
namespace {

// The transitions of usable rows as a Boost graph, without a copy of them.
struct TransitionGraph {
  const Mdp& mdp;
  std::span<const char> usable;
};

struct Edge {
  State from;
  Offset transition;

  bool operator==(const Edge&) const = default;
};

class EdgeIterator : public boost::iterator_facade<EdgeIterator, Edge, boost::forward_traversal_tag, Edge> {
 public:
  EdgeIterator() = default;
  EdgeIterator(const TransitionGraph& g, State from, Offset row, Offset last_row)
      : graph_(&g), from_(from), row_(row), last_row_(last_row), transition_(g.mdp.row_begin()[at(row)]) {
    skip();
  }

 private:
  friend class boost::iterator_core_access;

  // Moves on to a transition of a usable row, or to the end.
  void skip() {
    const auto begin = graph_->mdp.row_begin();
    while (row_ < last_row_ && (transition_ == begin[at(row_) + 1] || graph_->usable[at(row_)] == 0)) {
      ++row_;
      transition_ = begin[at(row_)];
    }
  }
  void increment() {
    ++transition_;
    skip();
  }
  [[nodiscard]] bool equal(const EdgeIterator& other) const {
    return row_ == other.row_ && transition_ == other.transition_;
  }
  [[nodiscard]] Edge dereference() const { return {from_, transition_}; }

  const TransitionGraph* graph_ = nullptr;
  State from_ = 0;
  Offset row_ = 0;
  Offset last_row_ = 0;
  Offset transition_ = 0;
};

}  // namespace
}  // namespace mdp::graph

namespace boost {

template <>
struct graph_traits<mdp::graph::TransitionGraph> {
  using vertex_descriptor = mdp::State;
  using edge_descriptor = mdp::graph::Edge;
  using directed_category = directed_tag;
  using edge_parallel_category = allow_parallel_edge_tag;
  struct traversal_category : incidence_graph_tag, vertex_list_graph_tag {};
  using out_edge_iterator = mdp::graph::EdgeIterator;
  using degree_size_type = mdp::Offset;
  using vertex_iterator = counting_iterator<mdp::State>;
  using vertices_size_type = std::size_t;
  static vertex_descriptor null_vertex() { return -1; }
};

}  // namespace boost

namespace mdp::graph {
namespace {

// What boost::strong_components asks of a graph; found by argument-dependent lookup.
State source(const Edge& e, const TransitionGraph&) { return e.from; }
State target(const Edge& e, const TransitionGraph& g) { return g.mdp.next_state()[at(e.transition)]; }

std::pair<EdgeIterator, EdgeIterator> out_edges(State s, const TransitionGraph& g) {
  const Offset first = g.mdp.state_rows()[at(s)];
  const Offset last = g.mdp.state_rows()[at(s) + 1];
  return {EdgeIterator(g, s, first, last), EdgeIterator(g, s, last, last)};
}

std::pair<boost::counting_iterator<State>, boost::counting_iterator<State>> vertices(const TransitionGraph& g) {
  return {boost::counting_iterator<State>(0), boost::counting_iterator<State>(g.mdp.n_states())};
}

Offset out_degree(State s, const TransitionGraph& g) {
  const auto [first, last] = out_edges(s, g);
  return std::distance(first, last);
}

template <class T>
auto by_state(std::vector<T>& values) {
  return boost::make_iterator_property_map(values.begin(), boost::typed_identity_property_map<State>());
}

}  // namespace

RowMask admissible_rows(const Mdp& mdp) {
  RowMask usable(at(mdp.n_rows()));
  for (std::size_t row = 0; row < usable.size(); ++row) usable[row] = mdp.cost()[row] < infinity ? 1 : 0;
  return usable;
}

bool ban_leaving_rows(const Mdp& mdp, const Components& components, RowMask& usable) {
  bool any = false;
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (usable[at(row)] == 0) continue;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
        if (components.of_state[at(mdp.next_state()[at(k)])] != components.of_state[at(s)]) {
          usable[at(row)] = 0;
          any = true;
          break;
        }
      }
    }
  }
  return any;
}

Components strongly_connected_components(const Mdp& mdp, std::span<const char> usable) {
  RowMask admissible;
  if (usable.empty()) usable = admissible = admissible_rows(mdp);
  const TransitionGraph graph{mdp, usable};
  const std::size_t n = at(mdp.n_states());
  Components result;
  result.of_state.assign(n, -1);
  std::vector<State> root(n);
  std::vector<State> time(n);
  std::vector<boost::default_color_type> color(n, boost::white_color);
  result.count = static_cast<State>(boost::strong_components(
      graph, by_state(result.of_state),
      boost::root_map(by_state(root)).discover_time_map(by_state(time)).color_map(by_state(color))));
  return result;
}

namespace {

// Bans rows that lead to a state without usable rows, until none does.
void ban_rows_to_dead_ends(const Mdp& mdp, const Predecessors& into, RowMask& usable) {
  StateSet dead(at(mdp.n_states()), 0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = usable.begin() + mdp.state_rows()[at(s)];
    const auto last = usable.begin() + mdp.state_rows()[at(s) + 1];
    dead[at(s)] = std::find(first, last, char{1}) == last ? 1 : 0;
  }
  dead = backward_closure(mdp, into, std::move(dead), usable, Needs::all, Needs::any);
  keep_rows_inside(mdp, complement(std::move(dead)), usable);
}

}  // namespace

Components maximal_end_components(const Mdp& mdp, std::span<const char> usable) {
  RowMask rows = usable.empty() ? admissible_rows(mdp) : RowMask(usable.begin(), usable.end());
  Components components = strongly_connected_components(mdp, rows);
  if (ban_leaving_rows(mdp, components, rows)) {
    const Predecessors into(mdp);
    do {
      ban_rows_to_dead_ends(mdp, into, rows);
      components = strongly_connected_components(mdp, rows);
    } while (ban_leaving_rows(mdp, components, rows));
  }
  // What has a row left has it inside its component; states without one are alone and in none.
  std::vector<State> number(at(components.count), -1);
  Components result;
  result.of_state.assign(at(mdp.n_states()), -1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = rows.begin() + mdp.state_rows()[at(s)];
    const auto last = rows.begin() + mdp.state_rows()[at(s) + 1];
    if (std::find(first, last, char{1}) == last) continue;
    State& id = number[at(components.of_state[at(s)])];
    if (id < 0) id = result.count++;
    result.of_state[at(s)] = id;
  }
  return result;
}

}  // namespace mdp::graph
