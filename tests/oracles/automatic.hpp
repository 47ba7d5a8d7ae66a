// tests/oracles/automatic.hpp — automatic differentiation, independent of every formula of the library: Eigen's
// forward-mode scalars of long doubles (64 bits), nested for second order.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include <Eigen/Core>
#include <unsupported/Eigen/AutoDiff>

#include "libmdp/mdp.hpp"
#include "tests/oracles/raw_mdp.hpp"

namespace mdp::oracles {

/// A number and its derivatives by any number of variables.
using Auto = Eigen::AutoDiffScalar<Eigen::Matrix<long double, Eigen::Dynamic, 1>>;
/// A number, its derivatives by x and y, and the mixed one: along two directions.
using AutoOne = Eigen::AutoDiffScalar<Eigen::Matrix<long double, 1, 1>>;
using AutoTwo = Eigen::AutoDiffScalar<Eigen::Matrix<AutoOne, 1, 1>>;

inline Auto variable(double at, Eigen::Index n, Eigen::Index i) {
  Auto x(at);
  x.derivatives() = Eigen::Matrix<long double, Eigen::Dynamic, 1>::Unit(n, i);
  return x;
}
/// d/d variable i.
inline double derivative(const Auto& f, Eigen::Index i) {
  return f.derivatives().size() == 0 ? 0.0 : static_cast<double>(f.derivatives()(i));
}

/// at + x u + y v as a function of x and y at 0.
inline AutoTwo along(double at, double u, double v) {
  AutoTwo number(at);
  number.value().derivatives()(0) = u;
  number.derivatives()(0) = AutoOne(v);
  return number;
}
inline double by_x(const AutoTwo& f) { return static_cast<double>(f.value().derivatives()(0)); }
inline double by_y(const AutoTwo& f) { return static_cast<double>(f.derivatives()(0).value()); }
inline double by_x_and_y(const AutoTwo& f) { return static_cast<double>(f.derivatives()(0).derivatives()(0)); }

/// log pi of logits: softmax mixed with `exploration` of the uniform policy.
template <class Number>
std::vector<Number> log_policy_of(const RawMdp<Number>& r, const std::vector<Number>& logits,
                                  double exploration = 0.0) {
  using std::exp;
  using std::log;
  std::vector<Number> policy(logits.size(), Number(0.0));
  for (State s = 0; s < r.n_states(); ++s) {
    Number top = logits[r.state_rows[s]], sum(0.0);
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) top = top < logits[row] ? logits[row] : top;
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) sum += Number(exp(Number(logits[row] - top)));
    const auto n = static_cast<double>(r.state_rows[s + 1] - r.state_rows[s]);
    const Number log_sum(log(sum));
    for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
      policy[row] = Number(logits[row] - top - log_sum);
      if (exploration == 0.0) continue;
      const Number p(exp(Number(logits[row] - top)) / sum);
      policy[row] = Number(log(Number(Number(1.0 - exploration) * p + Number(exploration / n))));
    }
  }
  return policy;
}

template <class Number>
std::vector<Number> exponentials(const std::vector<Number>& x) {
  using std::exp;
  std::vector<Number> y;
  for (const Number& xi : x) y.push_back(Number(exp(xi)));
  return y;
}

/// rho0^T V of a policy with an entropy term of weight beta.
template <class Number>
Number performance(RawMdp<Number> r, std::span<const double> initial, const std::vector<Number>& log_policy,
                   const Number& beta) {
  for (std::size_t row = 0; row < log_policy.size(); ++row) r.cost[row] += Number(beta * log_policy[row]);
  const std::vector<Number> v = policy_values(r, exponentials(log_policy));
  Number j(0.0);
  for (std::size_t s = 0; s < v.size(); ++s) j += Number(Number(initial[s]) * v[s]);
  return j;
}

/// V_beta, Q and log pi by n steps of soft policy iteration from the uniform policy: quadratic for values and derivatives.
template <class Number>
Soft<Number> soft_policy_iteration(const RawMdp<Number>& r, const Number& beta, int n) {
  Soft<Number> soft;
  soft.log_policy = log_policy_of(r, std::vector<Number>(r.n_rows(), Number(0.0)));
  for (int i = 0; i < n; ++i) {
    RawMdp<Number> charged = r;
    for (Offset row = 0; row < r.n_rows(); ++row) charged.cost[row] += Number(beta * soft.log_policy[row]);
    soft.values = policy_values(charged, exponentials(soft.log_policy));
    soft.q.clear();
    std::vector<Number> logits;
    for (State s = 0; s < r.n_states(); ++s) {
      for (Offset row = r.state_rows[s]; row < r.state_rows[s + 1]; ++row) {
        soft.q.push_back(q_value(r, row, soft.values));
        logits.push_back(Number((soft.values[s] - soft.q.back()) / beta));
      }
    }
    soft.log_policy = log_policy_of(r, logits);
  }
  return soft;
}

/// Every entry a variable: costs, probabilities, discount.
inline RawMdp<Auto> every_entry(const Mdp& mdp) {
  RawMdp<Auto> r = raw<Auto>(mdp);
  const auto n = static_cast<Eigen::Index>(n_entries(r));
  for (Eigen::Index e = 0; e < n; ++e) {
    entry(r, static_cast<std::size_t>(e)).derivatives() = Eigen::Matrix<long double, Eigen::Dynamic, 1>::Unit(n, e);
  }
  return r;
}

/// Entries moving along two directions given as lists.
inline RawMdp<AutoTwo> moved_along(const Mdp& mdp, std::span<const double> u, std::span<const double> v) {
  RawMdp<AutoTwo> r = raw<AutoTwo>(mdp);
  for (std::size_t e = 0; e < n_entries(r); ++e) {
    entry(r, e) = along(static_cast<double>(entry(r, e).value().value()), u[e], v[e]);
  }
  return r;
}

}  // namespace mdp::oracles
