#include "equivalence/restricted_fit.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

// The counts of rows that are pooled: row -> group -> successor.
using Pool = std::map<State, double>;

std::vector<Pool> pooled(const TransitionCounts& counts, std::span<const Offset> group, std::size_t n_groups) {
  std::vector<Pool> pools(n_groups);
  for (std::size_t row = 0; row < group.size(); ++row) {
    const auto seen = counts.successors(static_cast<Offset>(row));
    const auto n = counts.counts(static_cast<Offset>(row));
    for (std::size_t i = 0; i < seen.size(); ++i) pools[static_cast<std::size_t>(group[row])][seen[i]] += n[i];
  }
  return pools;
}

// Every row gets the counts of its group.
TransitionCounts spread(const std::vector<Pool>& pools, std::span<const Offset> group) {
  TransitionCounts all;
  all.row_begin.push_back(0);
  for (const Offset g : group) {
    for (const auto& [next, n] : pools[static_cast<std::size_t>(g)]) {
      all.next_state.push_back(next);
      all.count.push_back(n);
    }
    all.row_begin.push_back(static_cast<Offset>(all.next_state.size()));
  }
  return all;
}

// Largest label + 1. \throws InvalidArgument for a wrong length or a label below 0.
template <class Label>
std::size_t n_labels(std::span<const Label> labels, Offset n, const char* what) {
  if (static_cast<Offset>(labels.size()) != n) {
    throw InvalidArgument(std::string(what) + " of " + std::to_string(labels.size()) + " entries, required " +
                          std::to_string(n));
  }
  Label most = -1;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) {
      throw InvalidArgument(std::string(what) + "[" + std::to_string(i) + "] = " + std::to_string(labels[i]) +
                            ", required >= 0");
    }
    most = std::max(most, labels[i]);
  }
  return static_cast<std::size_t>(most) + 1;
}

// Rows of a cluster with the same action position are one group.
std::vector<Offset> groups_of(const Mdp& world, std::span<const State> cluster, std::size_t n_clusters) {
  std::vector<State> first_of(n_clusters, -1);
  std::vector<Offset> begin(n_clusters, 0);
  Offset n_groups = 0;
  std::vector<Offset> group(static_cast<std::size_t>(world.n_rows()));
  for (State s = 0; s < world.n_states(); ++s) {
    const auto c = static_cast<std::size_t>(cluster[static_cast<std::size_t>(s)]);
    if (first_of[c] < 0) {
      first_of[c] = s;
      begin[c] = n_groups;
      n_groups += world.n_actions(s);
    } else if (world.n_actions(s) != world.n_actions(first_of[c])) {
      throw InvalidArgument("cluster " + std::to_string(c) + ": state " + world.state_name(s) + " has " +
                            std::to_string(world.n_actions(s)) + " actions, state " + world.state_name(first_of[c]) +
                            " has " + std::to_string(world.n_actions(first_of[c])));
    }
    for (Offset a = 0; a < world.n_actions(s); ++a) {
      group[static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(s)] + a)] = begin[c] + a;
    }
  }
  return group;
}

// The pool of each group with the mass of each cluster dealt out as w says.
std::vector<Pool> dealt_out(const std::vector<Pool>& pools, std::span<const State> cluster, std::size_t n_clusters) {
  std::vector<std::vector<State>> members(n_clusters);
  for (std::size_t s = 0; s < cluster.size(); ++s) {
    members[static_cast<std::size_t>(cluster[s])].push_back(static_cast<State>(s));
  }
  std::vector<double> arrivals(cluster.size(), 0.0), of_cluster(n_clusters, 0.0);
  for (const Pool& pool : pools) {
    for (const auto& [next, n] : pool) {
      arrivals[static_cast<std::size_t>(next)] += n;
      of_cluster[static_cast<std::size_t>(cluster[static_cast<std::size_t>(next)])] += n;
    }
  }
  std::vector<Pool> dealt(pools.size());
  for (std::size_t g = 0; g < pools.size(); ++g) {
    std::map<std::size_t, double> mass;
    for (const auto& [next, n] : pools[g]) {
      mass[static_cast<std::size_t>(cluster[static_cast<std::size_t>(next)])] += n;
    }
    for (const auto& [c, n] : mass) {
      for (const State s : members[c]) {
        const double share = n * arrivals[static_cast<std::size_t>(s)] / of_cluster[c];
        if (share > 0.0) dealt[g][s] = share;
      }
    }
  }
  return dealt;
}

}  // namespace

Mdp k_point_model(const Mdp& mdp, std::int64_t k) {
  if (k < 1) throw InvalidOption("k = " + std::to_string(k) + ", required >= 1");
  Transitions rows;
  rows.row_begin.push_back(0);
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < static_cast<std::size_t>(mdp.n_rows()); ++row) {
    const auto first = static_cast<std::size_t>(mdp.row_begin()[row]);
    const auto n = static_cast<std::size_t>(mdp.row_begin()[row + 1]) - first;
    order.resize(n);
    std::iota(order.begin(), order.end(), first);
    const auto kept = static_cast<std::ptrdiff_t>(std::min<std::size_t>(n, static_cast<std::size_t>(k)));
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::size_t i, std::size_t j) {
      return mdp.probability()[i] != mdp.probability()[j] ? mdp.probability()[i] > mdp.probability()[j] : i < j;
    });
    std::sort(order.begin(), order.begin() + kept);
    double sum = 0.0;
    for (auto i = order.begin(); i != order.begin() + kept; ++i) sum += mdp.probability()[*i];
    for (auto i = order.begin(); i != order.begin() + kept; ++i) {
      rows.next_state.push_back(mdp.next_state()[*i]);
      rows.probability.push_back(mdp.probability()[*i] / sum);
    }
    rows.row_begin.push_back(static_cast<Offset>(rows.next_state.size()));
  }
  return rebuild(mdp, std::move(rows), mdp.exact_discount());
}

Mdp fit_aggregated(const Mdp& world, const TransitionCounts& counts, std::span<const State> cluster,
                   const FitOptions& options) {
  const std::size_t n_clusters = n_labels(cluster, world.n_states(), "cluster");
  const std::vector<Offset> group = groups_of(world, cluster, n_clusters);
  const std::size_t n_groups = n_labels(std::span<const Offset>(group), world.n_rows(), "group");
  return fit_maximum_likelihood(world, spread(dealt_out(pooled(counts, group, n_groups), cluster, n_clusters), group),
                                options);
}

Mdp fit_shared_rows(const Mdp& world, const TransitionCounts& counts, std::span<const Offset> group,
                    const FitOptions& options) {
  const std::size_t n_groups = n_labels(group, world.n_rows(), "group");
  return fit_maximum_likelihood(world, spread(pooled(counts, group, n_groups), group), options);
}

}  // namespace mdp::equivalence
