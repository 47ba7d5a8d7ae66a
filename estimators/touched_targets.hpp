// estimators/touched_targets.hpp — which parameters a trajectory says something about, and their scores along it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/step.hpp"

namespace mdp::estimators {

/// Kept between trajectories by a worker.
class PathScratch : public Scratch {
 public:
  explicit PathScratch(const Mdp& mdp)
      : seen_state(static_cast<std::size_t>(mdp.n_states()), 0), seen_row(static_cast<std::size_t>(mdp.n_rows()), 0) {}

  std::vector<Step> steps;
  std::vector<std::size_t> first, second;           // targets touched
  std::vector<std::uint32_t> seen_state, seen_row;  // number of the last call that met it
  std::uint32_t call = 0;
};

/// A list of parameters, found by the state or row that they belong to.
class TargetScores {
 public:
  TargetScores(const Problem& problem, std::span<const Parameter> parameters);

  /// Positions of the parameters that some step of the path has a score of, in the order in which it meets them.
  void touched_by(const SampledPath& path, PathScratch& scratch, std::vector<std::size_t>& touched) const;

  [[nodiscard]] Scores scores(std::size_t i, const SampledPath& path, std::size_t t) const {
    return scores_[i].at(path.state[t], path.row[t], entry(path, t));
  }
  [[nodiscard]] Scores curvature(std::size_t i, const TargetScores& other, std::size_t j, const SampledPath& path,
                                 std::size_t t) const {
    return scores_[i].curvature(other.scores_[j], path.state[t], path.row[t], entry(path, t));
  }

 private:
  /// The successor of the last step is not part of the N-stage problem.
  [[nodiscard]] static Offset entry(const SampledPath& path, std::size_t t) {
    return t + 1 < path.row.size() ? path.entry[t] : Offset{-1};
  }

  std::vector<ParameterScores> scores_;
  std::vector<std::vector<std::size_t>> of_state_, of_row_;  // empty where no parameter is of that kind
};

}  // namespace mdp::estimators
