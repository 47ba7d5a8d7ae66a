#include "equivalence/infinite_policies.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace mdp::equivalence {
namespace {

using States = std::vector<char>;

// Successors of the rows that are not hopeless; none where the future does not count.
struct Graph {
  std::vector<std::vector<std::int64_t>> to;

  Graph(const io::ExactModel& model, const HopelessPart& hopeless) : to(model.rows.size()) {
    for (std::size_t r = 0; r < to.size(); ++r) {
      if (hopeless.rows[r] != 0 || model.discount == 0) continue;
      for (const auto& [next, p] : model.rows[r].to) to[r].push_back(next);
    }
  }
};

// Looks for a policy that is infinite at a state of `path`, finite there in `closed`.
class Search {
 public:
  Search(const io::ExactModel& shape, const HopelessPart& hopeless, const Graph& path, const Graph& closed,
         std::chrono::steady_clock::time_point deadline)
      : shape_(shape), path_(path), closed_(closed), deadline_(deadline), n_(at(shape.n_states)), rows_(n_) {
    for (std::size_t s = 0; s < n_; ++s) {
      const bool live = hopeless.states[s] == 0;
      for (auto r = shape.state_rows[s]; live && r < shape.state_rows[s + 1]; ++r) {
        if (hopeless.rows[at(r)] == 0) {
          rows_[s].push_back(r);
        } else {
          bad_.resize(n_, -1);
          bad_[s] = r;
        }
      }
    }
    bad_.resize(n_, -1);
  }

  /// [n_states] rows of a policy that shows a difference at `state`, if there is one.
  std::optional<std::vector<std::int64_t>> operator()(std::int64_t& state) {
    for (state = 0; at(state) < n_ && !late_; ++state) {
      for (const auto r : rows_[at(state)]) {
        const auto& to = closed_.to[at(r)];
        const auto stays = [&](std::int64_t next) { return std::binary_search(to.begin(), to.end(), next); };
        if (std::all_of(path_.to[at(r)].begin(), path_.to[at(r)].end(), stays)) continue;
        from_ = r;
        Node root{States(n_, 0), States(n_, 0), std::vector<std::int64_t>(n_, -1)};
        root.needed[at(state)] = 1;
        root.row[at(state)] = r;
        if (auto found = explore(std::move(root))) return found;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] bool late() const { return late_; }

 private:
  struct Node {
    States needed;                  // C so far
    States forbidden;               // on every path that is left
    std::vector<std::int64_t> row;  // [n_states] decided, -1 = open
  };

  // The largest set without `outside` in which every state has a row (the decided one, if it is) that stays in the set.
  [[nodiscard]] States largest_closed(const Node& node, const States& outside) const {
    States inside(n_);
    for (std::size_t s = 0; s < n_; ++s) inside[s] = outside[s] == 0 && !rows_[s].empty() ? 1 : 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t s = 0; s < n_; ++s) {
        if (inside[s] == 0 || staying_row(node, s, inside) >= 0) continue;
        inside[s] = 0;
        changed = true;
      }
    }
    return inside;
  }

  [[nodiscard]] bool stays(std::int64_t r, const States& inside) const {
    const auto& to = closed_.to[at(r)];
    return std::all_of(to.begin(), to.end(), [&](std::int64_t next) { return inside[at(next)] != 0; });
  }

  [[nodiscard]] std::int64_t staying_row(const Node& node, std::size_t s, const States& inside) const {
    if (node.row[s] >= 0) return stays(node.row[s], inside) ? node.row[s] : -1;
    for (const auto r : rows_[s]) {
      if (stays(r, inside)) return r;
    }
    return -1;
  }

  // A shortest path from a successor of `from_` to a state with an inadmissible pair, outside `avoid`: [state, its row]…; or empty.
  [[nodiscard]] std::vector<std::pair<std::int64_t, std::int64_t>> path_outside(const States& avoid) const {
    std::vector<std::int64_t> before(n_, -1), by(n_, -1), queue;
    States seen = avoid;
    const auto visit = [&](std::int64_t next, std::int64_t from, std::int64_t row) {
      if (seen[at(next)] != 0) return;
      seen[at(next)] = 1;
      before[at(next)] = from;
      by[at(next)] = row;
      queue.push_back(next);
    };
    for (const auto next : path_.to[at(from_)]) visit(next, -1, -1);
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const auto s = queue[i];
      if (bad_[at(s)] >= 0) {
        std::vector<std::pair<std::int64_t, std::int64_t>> path;
        auto row = bad_[at(s)];
        for (auto here = s; here >= 0; here = before[at(here)]) {
          path.emplace_back(here, row);
          row = by[at(here)];
        }
        return path;
      }
      for (const auto r : rows_[at(s)]) {
        for (const auto next : path_.to[at(r)]) visit(next, s, r);
      }
    }
    return {};
  }

  void close(Node& node) const {
    std::vector<std::size_t> open;
    for (std::size_t s = 0; s < n_; ++s) {
      if (node.needed[s] != 0 && node.row[s] >= 0) open.push_back(s);
    }
    while (!open.empty()) {
      const std::size_t s = open.back();
      open.pop_back();
      for (const auto next : closed_.to[at(node.row[s])]) {
        if (node.needed[at(next)] != 0) continue;
        node.needed[at(next)] = 1;
        if (node.row[at(next)] >= 0) open.push_back(at(next));
      }
    }
  }

  static bool meet(const States& a, const States& b) {
    for (std::size_t s = 0; s < a.size(); ++s) {
      if (a[s] != 0 && b[s] != 0) return true;
    }
    return false;
  }

  std::optional<std::vector<std::int64_t>> explore(Node node) {
    if (std::chrono::steady_clock::now() > deadline_) late_ = true;
    if (late_) return std::nullopt;
    States possible;
    for (bool changed = true; changed;) {
      changed = false;
      close(node);
      if (meet(node.needed, node.forbidden)) return std::nullopt;
      possible = largest_closed(node, node.forbidden);
      for (std::size_t s = 0; s < n_; ++s) {
        if (node.needed[s] != 0 && possible[s] == 0) return std::nullopt;
      }
      const auto path = path_outside(node.needed);
      if (path.empty()) return std::nullopt;
      if (auto found = beside(node, path)) return found;
      changed = forbid_bottlenecks(node, path) || decide_forced(node, possible);
    }
    return branch(node, possible);
  }

  // The policy, if the largest closed set that leaves this path alone holds all that is needed.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> beside(
      const Node& node, const std::vector<std::pair<std::int64_t, std::int64_t>>& path) const {
    States outside(n_, 0);
    for (const auto& [s, r] : path) outside[at(s)] = 1;
    const States inside = largest_closed(node, outside);
    std::vector<std::int64_t> policy(n_);
    for (std::size_t s = 0; s < n_; ++s) {
      if (node.needed[s] != 0 && inside[s] == 0) return std::nullopt;
      policy[s] = inside[s] != 0 ? staying_row(node, s, inside) : shape_.state_rows[s];
    }
    for (const auto& [s, r] : path) policy[at(s)] = r;
    return policy;
  }

  // States of this path without which there is no path: those that no detour from a state before them gets past.
  [[nodiscard]] bool forbid_bottlenecks(Node& node,
                                        const std::vector<std::pair<std::int64_t, std::int64_t>>& path) const {
    const auto n_path = static_cast<std::int64_t>(path.size());
    std::vector<std::int64_t> place(n_, -1), open;  // place: on the path, from its start
    for (std::int64_t i = 0; i < n_path; ++i) place[at(path[at(n_path - 1 - i)].first)] = i;
    States seen = node.needed;
    std::int64_t furthest = -1;
    const auto visit = [&](std::int64_t next) {
      if (seen[at(next)] != 0) return;
      if (place[at(next)] >= 0) {
        furthest = std::max(furthest, place[at(next)]);
        return;
      }
      seen[at(next)] = 1;
      if (bad_[at(next)] >= 0) furthest = n_path;  // another end
      open.push_back(next);
    };
    const auto follow = [&](std::int64_t s) {
      for (open.push_back(s); !open.empty();) {
        const auto here = open.back();
        open.pop_back();
        for (const auto r : rows_[at(here)]) {
          for (const auto next : path_.to[at(r)]) visit(next);
        }
      }
    };
    for (const auto next : path_.to[at(from_)]) visit(next);
    if (!open.empty()) {
      const auto first = open.back();
      open.pop_back();
      follow(first);
    }
    bool changed = false;
    for (std::int64_t i = 0; i < n_path; ++i) {
      const auto s = path[at(n_path - 1 - i)].first;
      if (furthest <= i && node.forbidden[at(s)] == 0) node.forbidden[at(s)] = 1, changed = true;
      follow(s);
    }
    return changed;
  }

  [[nodiscard]] bool decide_forced(Node& node, const States& possible) const {
    bool changed = false;
    for (std::size_t s = 0; s < n_; ++s) {
      if (node.needed[s] == 0 || node.row[s] >= 0) continue;
      std::int64_t only = -1, n_left = 0;
      for (const auto r : rows_[s]) {
        if (stays(r, possible)) only = r, ++n_left;
      }
      if (n_left == 1) node.row[s] = only, changed = true;
    }
    return changed;
  }

  // Each row of the needed state that has fewest.
  std::optional<std::vector<std::int64_t>> branch(const Node& node, const States& possible) {
    std::vector<std::int64_t> fewest;
    std::size_t where = n_;
    for (std::size_t s = 0; s < n_; ++s) {
      if (node.needed[s] == 0 || node.row[s] >= 0) continue;
      std::vector<std::int64_t> left;
      for (const auto r : rows_[s]) {
        if (stays(r, possible)) left.push_back(r);
      }
      if (where == n_ || left.size() < fewest.size()) where = s, fewest = std::move(left);
    }
    for (const auto r : fewest) {
      Node next = node;
      next.row[where] = r;
      if (auto found = explore(std::move(next))) return found;
    }
    return std::nullopt;
  }

  const io::ExactModel& shape_;
  const Graph& path_;
  const Graph& closed_;
  std::chrono::steady_clock::time_point deadline_;
  std::size_t n_;
  std::vector<std::vector<std::int64_t>> rows_;  // [n_states] not hopeless
  std::vector<std::int64_t> bad_;                // [n_states] a hopeless row of a state that has others too, or -1
  std::int64_t from_ = -1;                       // the row by which the path leaves C
  bool late_ = false;
};

}  // namespace

InfinitePolicies compare_infinite_policies(const io::ExactModel& world, const io::ExactModel& model,
                                           const HopelessPart& hopeless, double time_limit_seconds) {
  using Clock = std::chrono::steady_clock;
  const auto limit = std::chrono::duration<double>(std::min(time_limit_seconds, 1e9));
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  const Graph in_world(world, hopeless), in_model(model, hopeless);
  InfinitePolicies result;
  for (const bool in_order : {true, false}) {
    Search search(world, hopeless, in_order ? in_world : in_model, in_order ? in_model : in_world, deadline);
    std::int64_t state = -1;
    if (auto rows = search(state)) return {Verdict::no, state, std::move(*rows)};
    if (search.late()) return result;
  }
  result.same = Verdict::yes;
  return result;
}

}  // namespace mdp::equivalence
