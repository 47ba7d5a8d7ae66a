// estimators/simulator.hpp — trajectories of an MDP under a policy, reproducible one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "estimators/discrete_law.hpp"
#include "estimators/packed_steps.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/transition_data.hpp"

namespace mdp::estimators {

/// Which trajectories: numbers 0 … n_trajectories-1 of a seed, N steps each.
struct SimulationOptions {
  std::int64_t n_trajectories = 1000;  ///< >= 1
  std::int64_t horizon = 1000;         ///< N, stages 0 … N-1; >= 1
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0 = all; no result depends on it

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// s_0 ~ initial, a_k ~ policy(.|s_k), s_{k+1} ~ P(.|s_k, a_k). Trajectory `index` of `seed` is the same on every
/// machine, for any number of threads and in any order: it reads the sequence (seed, trajectory, index) only.
class Simulator {
 public:
  /// \param mdp  shared, not copied. The policy is copied. O(n_transitions) if some row is long.
  /// \throws InvalidArgument if the policy is not one of the MDP.
  Simulator(const Mdp& mdp, std::span<const double> stochastic_policy, int threads = 0);
  Simulator(const Mdp& mdp, std::span<const Action> policy, int threads = 0);
  Simulator(Simulator&&) = default;

  [[nodiscard]] const Mdp& mdp() const noexcept { return mdp_; }
  [[nodiscard]] const StochasticPolicy& policy() const noexcept { return policy_; }
  /// Whether all rows of a state are cost-free self-loops: nothing happens from here on.
  [[nodiscard]] bool is_final(State s) const { return final_[static_cast<std::size_t>(s)] != 0; }

  /// The row of an action drawn in s.
  [[nodiscard]] Offset draw_row(RandomSequence& random, State s) const {
    return mdp_.state_rows()[static_cast<std::size_t>(s)] + actions_.draw(random, s);
  }
  /// The transition drawn from a row.
  [[nodiscard]] Offset draw_entry(RandomSequence& random, Offset row) const {
    return mdp_.row_begin()[static_cast<std::size_t>(row)] + successors_.draw(random, row);
  }

  /// Draws up to row.size() steps and stops earlier where `is_stop` holds.
  /// \param row    written: the row (s_k, a_k) of step k
  /// \param state  [row.size()+1], written: s_k, and the state after the last step
  /// \param entry  as long as `row`, written: the transition of step k; or empty
  /// \returns number of steps taken
  template <class Stop>
  std::int64_t draw(std::uint64_t seed, std::uint64_t index, std::span<Offset> row, std::span<State> state,
                    Stop&& is_stop, std::span<Offset> entry = {}) const {
    RandomSequence random(seed, RandomStream::trajectory, index);
    State s = static_cast<State>(initial_.draw(random, 0));
    state[0] = s;
    std::size_t k = 0;
    for (; k < row.size() && !is_stop(s); ++k) {
      row[k] = draw_row(random, s);
      const Offset i = draw_entry(random, row[k]);
      if (!entry.empty()) entry[k] = i;
      s = mdp_.next_state()[static_cast<std::size_t>(i)];
      state[k + 1] = s;
    }
    return static_cast<std::int64_t>(k);
  }

  /// Lays the laws out anew (PackedSteps) if `n_steps` to be drawn by draw_side_by_side() are worth it: at least two a row.
  /// The trajectories stay the same. \returns whether it was done
  bool pack_for(std::int64_t n_steps, int threads = 0);

  /// Trajectories first … first+n-1, n_steps each, the same as draw()'s, 32 side by side: each one waits for memory
  /// at every step, but together they wait once. visit(i, k, s, row, next) for trajectory first + i, step k; the steps of a
  /// trajectory come in order. expect(row) comes earlier: a chance to ask for memory that the visit reads.
  /// Per step, of a model that does not fit in cache: a line each of state_rows, policy, row_begin, probability
  /// (often two) and next_state; after pack_for() one of a state and one of a row.
  template <class Visit, class Expect>
  void draw_side_by_side(std::uint64_t seed, std::uint64_t first, std::int64_t n, std::int64_t n_steps, Visit&& visit,
                         Expect&& expect) const {
    std::vector<Lane> lanes;
    lanes.reserve(n_lanes);
    for (std::int64_t base = 0; base < n; base += static_cast<std::int64_t>(n_lanes)) {
      lanes.clear();
      for (std::int64_t i = base; i < n && lanes.size() < n_lanes; ++i) {
        lanes.push_back({RandomSequence(seed, RandomStream::trajectory, first + static_cast<std::uint64_t>(i)), 0, 0});
        lanes.back().s = static_cast<State>(initial_.draw(lanes.back().random, 0));
      }
      for (std::int64_t k = 0; k < n_steps; ++k) {
        draw_rows(lanes, expect);
        for (std::size_t l = 0; l < lanes.size(); ++l) {
          Lane& lane = lanes[l];
          const State s = lane.s;
          lane.s = packed_ ? packed_->draw_next(lane.random, lane.row)
                           : mdp_.next_state()[static_cast<std::size_t>(draw_entry(lane.random, lane.row))];
          packed_ ? packed_->prefetch_state(lane.s) : actions_.prefetch_range(lane.s);
          visit(base + static_cast<std::int64_t>(l), k, s, lane.row, lane.s);
        }
      }
    }
  }
  template <class Visit>
  void draw_side_by_side(std::uint64_t seed, std::uint64_t first, std::int64_t n, std::int64_t n_steps,
                         Visit&& visit) const {
    draw_side_by_side(seed, first, n, n_steps, visit, [](Offset) {});
  }

 private:
  static constexpr std::size_t n_lanes = 32;
  struct Lane {
    RandomSequence random;
    State s;
    Offset row;
  };

  /// The rows of the next step of all lanes, and the memory of their successors on its way.
  template <class Expect>
  void draw_rows(std::vector<Lane>& lanes, Expect& expect) const {
    if (packed_) {
      for (Lane& lane : lanes) {
        lane.row = packed_->draw_row(lane.random, lane.s);
        packed_->prefetch_row(lane.row);
        expect(lane.row);
      }
      return;
    }
    for (const Lane& lane : lanes) actions_.prefetch_law(lane.s);
    for (Lane& lane : lanes) {
      lane.row = draw_row(lane.random, lane.s);
      successors_.prefetch_range(lane.row);
      expect(lane.row);
    }
    for (const Lane& lane : lanes) {
      successors_.prefetch_law(lane.row);
      const Offset* begin = mdp_.row_begin().data() + lane.row;
      __builtin_prefetch(mdp_.next_state().data() + begin[0]);
      __builtin_prefetch(mdp_.next_state().data() + begin[1] - 1);
    }
  }

  Mdp mdp_;
  StochasticPolicy policy_;
  Buffer<double> action_law_;  // the policy again, in huge pages where it is large
  std::vector<char> final_;
  std::vector<Offset> initial_range_;  // {0, n_states}
  DiscreteLaws initial_, actions_, successors_;
  std::optional<PackedSteps> packed_;
};

/// Trajectories in flat arrays, one after another.
struct Trajectories {
  std::int64_t n_trajectories = 0;
  std::int64_t horizon = 0;
  std::vector<State> state;    ///< [n_trajectories * (horizon+1)]
  std::vector<Action> action;  ///< [n_trajectories * horizon] position within the state
  std::vector<double> cost;    ///< [n_trajectories * horizon] L(s_k, a_k), minimised sense
};

/// All N steps of every trajectory, through final states too. Parallel.
/// \throws InvalidArgument, InvalidOption.
[[nodiscard]] Trajectories simulate(const Mdp& mdp, std::span<const double> stochastic_policy,
                                    const SimulationOptions& options = {});
[[nodiscard]] Trajectories simulate(const Mdp& mdp, std::span<const Action> policy,
                                    const SimulationOptions& options = {});

/// The transitions (s_k, a_k, s_{k+1}) of trajectories, in their order.
[[nodiscard]] TransitionData transitions_of(const Trajectories& trajectories);

/// `samples_per_row` successors of every row, rows in order: what a generative model gives. Sample j of a row depends
/// on (seed, row) and j only.  \throws InvalidOption if samples_per_row < 1.
[[nodiscard]] TransitionData sample_transitions(const Mdp& mdp, std::int64_t samples_per_row, std::uint64_t seed = 1,
                                                int threads = 0);

}  // namespace mdp::estimators
