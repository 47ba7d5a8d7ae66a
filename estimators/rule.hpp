// estimators/rule.hpp — what a rule is: one definition of an estimator, for a path, its mean and its second moments.
//
// A rule is a struct with
//     static constexpr std::size_t size;                    numbers of its record x
//     static void step(const Step& step, double* x);        x_{t+1} -> x_t, linear in x, x[0] = 1 kept
// and, where it needs them,
//     static void start(double* x);                         x_N in place of (1, 0, …, 0)
//     static constexpr bool off_policy = true;              trajectories are drawn by Problem::behaviour()
//     static Critic critic(const Problem&);                 in place of the exact one
//     static std::unique_ptr<const DifferentiatedCritic> differentiated_critic(const Problem&);   critic, Step::d_q, d_value
//     static constexpr const char* meaning;                 of the exact moments, in place of "recursion"
//     static std::vector<double> constants(const Problem&, std::span<const Parameter>);   Step::constant, one per row target
// The estimate of a trajectory is the last entry of x_0. Since the map is linear in x, E x_t and E x_t x_t^T given s_t
// obey backward recursions of their own (X2), for any rule.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "estimators/critic.hpp"
#include "estimators/differentiated_critic.hpp"
#include "estimators/estimator.hpp"
#include "estimators/step.hpp"

namespace mdp::estimators {

template <class Rule>
[[nodiscard]] constexpr bool is_off_policy() {
  if constexpr (requires { Rule::off_policy; }) return Rule::off_policy;
  return false;
}

/// Null for rules without derivatives of a critic.
template <class Rule>
[[nodiscard]] std::unique_ptr<const DifferentiatedCritic> differentiated_critic_of(const Problem& problem) {
  if constexpr (requires { Rule::differentiated_critic(problem); }) return Rule::differentiated_critic(problem);
  return nullptr;
}

/// \param differentiated  of the same rule
template <class Rule>
[[nodiscard]] Critic critic_of(const Problem& problem, const DifferentiatedCritic* differentiated) {
  if (differentiated != nullptr) return differentiated->critic();
  if constexpr (requires { Rule::critic(problem); }) {
    return Rule::critic(problem);
  } else {
    return Critic(problem);
  }
}

template <class Rule>
[[nodiscard]] std::vector<double> constants_of(const Problem& problem, const Targets& targets) {
  if constexpr (requires { Rule::constants(problem, std::span<const Parameter>(targets.rows)); }) {
    return Rule::constants(problem, targets.rows);
  } else {
    return std::vector<double>(targets.rows.size(), 0.0);
  }
}

/// x_N.
template <class Rule>
[[nodiscard]] std::array<double, Rule::size> start_record() {
  std::array<double, Rule::size> x{};
  x[0] = 1.0;
  if constexpr (requires { Rule::start(x.data()); }) Rule::start(x.data());
  return x;
}

/// What a step is to every parameter alike. \param entry  -1: no successor
[[nodiscard]] Step common_step(const Problem& problem, const Critic& critic, bool off_policy, std::int64_t t, State s,
                               Offset row, Offset entry);

/// x_0 of the steps of a trajectory.
template <class Rule>
[[nodiscard]] std::array<double, Rule::size> record(std::span<const Step> steps) {
  std::array<double, Rule::size> x = start_record<Rule>();
  for (std::size_t t = steps.size(); t-- > 0;) Rule::step(steps[t], x.data());
  return x;
}

}  // namespace mdp::estimators
