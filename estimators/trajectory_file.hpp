// estimators/trajectory_file.hpp — trajectories in files: recorded elsewhere, or for use elsewhere.
#pragma once

#include <string>
#include <vector>

#include "estimators/simulator.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// Writes trajectories, whole or not at all. .npz: `state` int32 [n, N+1], `action` int32 [n, N]. .csv: the header
/// `trajectory,step,state,action,next_state` and a line per step, positions from 0, trajectories one after another.
/// \throws OutputError; InvalidArgument for another ending.
void write_trajectories(const std::string& path, const Trajectories& trajectories);

/// Reads what write_trajectories() writes. All trajectories are as long as the first; costs are those of the model.
/// \throws InputError naming line or array and the rule: a state or action that the model does not have, a step out of order, a
///         transition that is not stored in it (probability 0), trajectories of different lengths.
[[nodiscard]] Trajectories read_trajectories(const std::string& path, const Mdp& mdp);

/// Trajectories with their rows and transitions looked up, as estimators read them.
struct RecordedPaths {
  std::int64_t n_trajectories = 0;
  std::int64_t horizon = 0;
  std::vector<State> state;        ///< [n * (N+1)]
  std::vector<Offset> row, entry;  ///< [n * N]
};

/// \throws InvalidArgument naming trajectory and step of a state, action or transition that the MDP does not have.
[[nodiscard]] RecordedPaths recorded_paths(const Mdp& mdp, const Trajectories& trajectories);

}  // namespace mdp::estimators
