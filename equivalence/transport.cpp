#include "equivalence/transport.hpp"

#include <algorithm>
#include <limits>

namespace mdp::equivalence {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// Nodes 0 .. n-1 supply, n .. n+m-1 demand; arcs forward at cost c, backward at -c where there is flow.
class Transport {
 public:
  Transport(std::span<const double> supply, std::span<const double> demand,
            const std::function<double(std::size_t, std::size_t)>& cost)
      : n_(supply.size()),
        m_(demand.size()),
        supply_(supply.begin(), supply.end()),
        demand_(demand.begin(), demand.end()),
        cost_(n_ * m_),
        flow_(n_ * m_, 0.0),
        potential_(n_ + m_, 0.0) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < m_; ++j) cost_[i * m_ + j] = cost(i, j);
    }
  }

  double solve() {
    constexpr double negligible = 1e-17;  // of a total of 1
    for (std::size_t i = 0; i < n_; ++i) {
      while (supply_[i] > negligible) {
        const std::size_t sink = shortest_path(i);
        if (sink == n_ + m_) break;  // no demand is left, or none that may be reached
        augment(i, sink);
      }
    }
    double total = 0.0;
    for (std::size_t k = 0; k < flow_.size(); ++k) {
      if (flow_[k] > 0.0) total += flow_[k] * cost_[k];
    }
    // What is left for want of demand is rounding; what is left beside demand had no arc.
    const double rest = *std::ranges::max_element(supply_), open = *std::ranges::max_element(demand_);
    return std::min(rest, open) > 1e-12 ? inf : total;
  }

 private:
  // Dijkstra on reduced costs from supply node i; the open demand node at the least distance, or n + m.
  std::size_t shortest_path(std::size_t source) {
    distance_.assign(n_ + m_, inf);
    before_.assign(n_ + m_, n_ + m_);
    std::vector<char> done(n_ + m_, 0);
    distance_[source] = 0.0;
    std::size_t sink = n_ + m_;
    for (;;) {
      std::size_t u = n_ + m_;
      for (std::size_t v = 0; v < n_ + m_; ++v) {
        if (done[v] == 0 && distance_[v] < inf && (u == n_ + m_ || distance_[v] < distance_[u])) u = v;
      }
      if (u == n_ + m_) break;
      done[u] = 1;
      if (u >= n_ && demand_[u - n_] > 0.0) {
        sink = u;
        break;
      }
      relax(u, done);
    }
    if (sink == n_ + m_) return sink;
    const double reached = distance_[sink];
    for (std::size_t v = 0; v < n_ + m_; ++v) potential_[v] += std::min(distance_[v], reached);
    return sink;
  }

  void relax(std::size_t u, const std::vector<char>& done) {
    const auto offer = [&](std::size_t v, double cost) {
      if (done[v] != 0 || cost == inf) return;
      const double through = distance_[u] + std::max(0.0, cost + potential_[u] - potential_[v]);
      if (through < distance_[v]) {
        distance_[v] = through;
        before_[v] = u;
      }
    };
    if (u < n_) {
      for (std::size_t j = 0; j < m_; ++j) offer(n_ + j, cost_[u * m_ + j]);
    } else {
      for (std::size_t i = 0; i < n_; ++i) {
        if (flow_[i * m_ + (u - n_)] > 0.0) offer(i, -cost_[i * m_ + (u - n_)]);
      }
    }
  }

  void augment(std::size_t source, std::size_t sink) {
    double amount = std::min(supply_[source], demand_[sink - n_]);
    for (std::size_t v = sink; v != source; v = before_[v]) {
      if (v < n_) amount = std::min(amount, flow_[v * m_ + (before_[v] - n_)]);
    }
    for (std::size_t v = sink; v != source; v = before_[v]) {
      const std::size_t u = before_[v];
      if (v >= n_) {
        flow_[u * m_ + (v - n_)] += amount;
      } else {
        flow_[v * m_ + (u - n_)] -= amount;
      }
    }
    supply_[source] -= amount;
    demand_[sink - n_] -= amount;
  }

  std::size_t n_, m_;
  std::vector<double> supply_, demand_, cost_, flow_, potential_, distance_;
  std::vector<std::size_t> before_;
};

}  // namespace

double transport_cost(std::span<const double> supply, std::span<const double> demand,
                      const std::function<double(std::size_t, std::size_t)>& cost) {
  return Transport(supply, demand, cost).solve();
}

}  // namespace mdp::equivalence
