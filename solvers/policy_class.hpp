// solvers/policy_class.hpp — randomised policies of parameters w (theory.md, D6).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::solvers {

/// Numbers per row and parameter, compressed by rows. (Of stored transitions where it is said so: read item for row.)
struct RowFeatures {
  std::int64_t n_parameters = 0;
  std::vector<Offset> begin;            ///< [n_rows+1]
  std::vector<std::int64_t> parameter;  ///< [begin.back()] 0 .. n_parameters-1
  std::vector<double> value;            ///< [begin.back()]

  /// y = F w, [n_rows].
  [[nodiscard]] std::vector<double> times(std::span<const double> w) const;
  /// F^T y, [n_parameters].
  [[nodiscard]] std::vector<double> transposed_times(std::span<const double> y) const;

  /// The identity: one parameter for every row.
  [[nodiscard]] static RowFeatures identity(const Mdp& mdp);
  /// One parameter for every (group of the state, action position): logits shared by the states of a group.
  /// \param group  [n_states] >= 0 \throws InvalidArgument
  [[nodiscard]] static RowFeatures shared(const Mdp& mdp, std::span<const std::int64_t> group);
};

/// pi = (1 - e) p + e/n,  p(a|s) ∝ exp(offset(s,a) + (F w)(s,a)),  n the number of actions of s.
/// Tabular softmax: F = 1 and e = 0; log-linear: any F; restricted: an F that shares logits; e-soft: e > 0.
class PolicyClass {
 public:
  /// \param offset  [n_rows] finite, or empty = 0
  /// \param exploration  e in [0, 1)
  /// \throws InvalidArgument for shapes that do not fit the MDP or numbers that are not finite
  PolicyClass(const Mdp& mdp, RowFeatures features, double exploration = 0.0, std::vector<double> offset = {});
  [[nodiscard]] static PolicyClass tabular(const Mdp& mdp) { return {mdp, RowFeatures::identity(mdp)}; }

  [[nodiscard]] std::int64_t n_parameters() const noexcept { return features_.n_parameters; }
  /// F = 1 and e = 0: each state's policy is free.
  [[nodiscard]] bool is_tabular_softmax() const noexcept { return tabular_ && exploration_ == 0.0; }
  /// F = 1.
  [[nodiscard]] bool is_tabular() const noexcept { return tabular_; }
  [[nodiscard]] double exploration() const noexcept { return exploration_; }
  [[nodiscard]] const RowFeatures& features() const noexcept { return features_; }
  [[nodiscard]] std::span<const Offset> state_rows() const noexcept { return state_rows_; }
  [[nodiscard]] std::span<const double> offset() const noexcept { return offset_; }  ///< [n_rows]

  /// The class at one w: log pi and its derivatives. Scores s_i = d log pi/dw_i have mean 0 under pi in every state.
  class Point {
   public:
    [[nodiscard]] const std::vector<double>& log_policy() const noexcept { return log_policy_; }
    /// d log pi along `direction` [n_parameters].
    [[nodiscard]] std::vector<double> along(std::span<const double> direction) const;
    /// sum over rows of s_i g, g [n_rows]: the gradient by w of what has derivative g by log pi.
    [[nodiscard]] std::vector<double> pull_back(std::span<const double> g) const;
    /// sum over rows of (s_i s_u + d s_i/du) g  =  sum (d^2 pi/dw_i du) g/pi,  u = `direction`.
    [[nodiscard]] std::vector<double> curvature(std::span<const double> direction, std::span<const double> g) const;

   private:
    friend class PolicyClass;
    const PolicyClass* of_ = nullptr;
    std::vector<double> softmax_;     // p
    std::vector<double> share_;       // (1 - e) p/pi
    std::vector<double> log_policy_;  // log pi
    [[nodiscard]] std::vector<double> centred_logits(std::span<const double> direction) const;
  };
  /// \param w  [n_parameters], finite. \throws InvalidArgument. The class must outlive the point.
  [[nodiscard]] Point at(std::span<const double> w) const;

  /// Largest |(F u)(s,a) - mean over a| over the states of `of` (empty = all): 0 = u is a gauge direction that moves no
  /// policy there.
  [[nodiscard]] double effect(std::span<const double> u, std::span<const char> of = {}) const;

 private:
  std::vector<Offset> state_rows_;
  RowFeatures features_;
  double exploration_ = 0.0;
  std::vector<double> offset_;
  bool tabular_ = false;
};

}  // namespace mdp::solvers
