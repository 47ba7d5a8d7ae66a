#include "equivalence/mass_transport.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "equivalence/lower_hull.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {

MassTransport::MassTransport(const GroundDistance* ground) {
  if (ground != nullptr) ground_.push_back(*ground);
}

// Staying is free, every other state costs 1: from the lowest state of D over the atom itself to the highest.
void MassTransport::discrete_hull(std::size_t position, std::span<const double> x) {
  const double low = x[order_.front()];
  const double high = x[order_.back()];
  const bool stays = x[position] < infinity;
  const auto add = [this](std::size_t vertex, double cost) {
    vertex_.push_back(vertex);
    vertex_cost_.push_back(cost);
  };
  if (!stays || x[position] > low) add(order_.front(), 1.0);
  if (stays) add(position, 0.0);
  if (stays ? x[position] < high : high > low) add(order_.back(), 1.0);
}

void MassTransport::add_hull(std::size_t position, std::span<const State> states, std::span<const double> x) {
  Atom atom{position, vertex_.size(), 0, vertex_.size(), false};
  if (ground_.empty()) {
    discrete_hull(position, x);
  } else {
    ground_.front()(states[position], targets_, target_distance_);
    for (std::size_t j = 0; j < order_.size(); ++j) cost_[order_[j]] = target_distance_[j];
    lower_hull(order_, x, cost_, hull_);
    for (const std::size_t j : hull_) {
      vertex_.push_back(j);
      vertex_cost_.push_back(cost_[j]);
    }
  }
  atom.n_vertices = vertex_.size() - atom.first_vertex;
  double last = -infinity;  // slopes of a hull ascend; rounding shall not turn two of them round
  for (std::size_t v = atom.first_vertex; v + 1 < vertex_.size(); ++v) {
    const double rise = vertex_cost_[v + 1] - vertex_cost_[v];
    last = std::max(last, rise / (x[vertex_[v + 1]] - x[vertex_[v]]));
    edges_.push_back({last, atoms_.size(), v});
  }
  atoms_.push_back(atom);
}

RowSolution MassTransport::operator()(std::span<const State> states, std::span<const double> r,
                                      std::span<const double> x, std::span<double> p) {
  order_.clear();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] < infinity) order_.push_back(i);
  }
  std::sort(order_.begin(), order_.end(),
            [x](std::size_t i, std::size_t j) { return std::tuple(x[i], i) < std::tuple(x[j], j); });
  targets_.clear();
  for (const std::size_t i : order_) targets_.push_back(states[i]);
  target_distance_.resize(targets_.size());
  cost_.resize(x.size());
  atoms_.clear(), vertex_.clear(), vertex_cost_.clear(), edges_.clear();
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (r[i] > 0.0) add_hull(i, states, x);
  }
  std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
    return std::tuple(a.slope, a.atom, a.vertex) < std::tuple(b.slope, b.atom, b.vertex);
  });

  TwoDouble moment, cost;
  for (const Atom& atom : atoms_) {
    moment = moment + two_product(r[atom.position], x[vertex_[atom.vertex]]);
    cost = cost + two_product(r[atom.position], vertex_cost_[atom.vertex]);
  }
  std::fill(p.begin(), p.end(), 0.0);
  double slope = edges_.empty() ? 0.0 : edges_.front().slope;
  for (const Edge& edge : edges_) {
    if (moment.hi >= 0.0) break;
    Atom& atom = atoms_[edge.atom];
    const std::size_t from = vertex_[edge.vertex];
    const std::size_t to = vertex_[edge.vertex + 1];
    const double moved = std::min(r[atom.position], -moment.hi / (x[to] - x[from]));
    slope = edge.slope;
    moment = moment + (TwoDouble(x[to]) - TwoDouble(x[from])) * moved;
    cost = cost + (TwoDouble(vertex_cost_[edge.vertex + 1]) - TwoDouble(vertex_cost_[edge.vertex])) * moved;
    atom.vertex = edge.vertex + 1;
    if (moved < r[atom.position]) {  // the one that is split
      p[from] += r[atom.position] - moved;
      p[to] += moved;
      atom.is_split = true;
      break;
    }
  }
  for (const Atom& atom : atoms_) {
    if (!atom.is_split) p[vertex_[atom.vertex]] += r[atom.position];
  }

  TwoDouble dual;
  for (const Atom& atom : atoms_) {
    double least = infinity;
    for (std::size_t v = atom.first_vertex; v < atom.first_vertex + atom.n_vertices; ++v) {
      least = std::min(least, vertex_cost_[v] - slope * x[vertex_[v]]);
    }
    dual = dual + two_product(r[atom.position], least);
  }
  return {slope, cost.hi, (cost - dual).hi};
}

}  // namespace mdp::equivalence
