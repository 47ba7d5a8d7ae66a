#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <Eigen/Dense>

#include "estimators/composed.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel_tasks.hpp"

namespace mdp::estimators {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<const Matrix>;

/// Row-major matrices of a Sensitivity.
Map square(const Sensitivity& s, const std::vector<double>& x) {
  return {x.data(), static_cast<Eigen::Index>(s.n_free()), static_cast<Eigen::Index>(s.n_free())};
}
Map wide(const Sensitivity& s, const std::vector<double>& x) {
  return {x.data(), static_cast<Eigen::Index>(s.n_free()), static_cast<Eigen::Index>(s.n_theta())};
}

/// A combination of free logits.
template <class Weights>
Direction logits(const Sensitivity& s, const Weights& weights) {
  Direction u{std::vector<double>(static_cast<std::size_t>(s.model().mdp().n_rows()), 0.0), {}, {}};
  for (std::size_t i = 0; i < s.n_free(); ++i)
    u.policy_logit[static_cast<std::size_t>(s.free()[i].index)] = weights[static_cast<Eigen::Index>(i)];
  return u;
}

/// The rows a^T of the outputs: -H^-1, or the adjoint.
Matrix left_of(const Sensitivity& s) {
  if (s.world() == nullptr) return -square(s, s.inverse());
  return Eigen::Map<const Eigen::RowVectorXd>(s.adjoint().data(), static_cast<Eigen::Index>(s.n_free()));
}

}  // namespace

std::unique_ptr<const HessianSource> hessian_source(const Problem& problem, ComposedForm form) {
  if (form == ComposedForm::critic_exact) return exact_critic_hessians(problem);
  if (form == ComposedForm::critic_lstd) return lstd_critic_hessians(problem);
  return causal_hessians(problem);
}

Sensitivity limit_of(const Sensitivity& s, const HessianSource& source, ComposedForm form) {
  if (form != ComposedForm::critic_exact && form != ComposedForm::critic_lstd) return s;
  const auto mean = [&](const std::vector<Parameter>& columns) {
    return source.statistic({s.free(), columns, false})->exact(false).mean;
  };
  try {
    return s.with_hessians(mean(s.free()), mean(s.theta()));
  } catch (const InvalidArgument&) {
    throw InvalidArgument(composed_names()[static_cast<std::size_t>(form)] +
                          ": the expected Hessian is singular, as where the critics' batch missed a state that the "
                          "policy reaches; take more critic trajectories");
  }
}

DeltaMethod::DeltaMethod(const Sensitivity& limit, const HessianSource& source, double max_products, Observer observer)
    : s_(limit), source_(source), max_products_(max_products), observer_(std::move(observer)) {}

std::size_t DeltaMethod::n_outputs() const { return s_.world() != nullptr ? s_.n_theta() : s_.n_free() * s_.n_theta(); }

Direction DeltaMethod::along(Along part, std::size_t j) const {
  Direction w = axis(s_.model().mdp(), s_.theta()[j]);
  if (part == model) return w;
  Direction s_j = logits(s_, wide(s_, s_.policy_derivative()).col(static_cast<Eigen::Index>(j)));
  if (part == policy) return s_j;
  w.policy_logit = s_j.policy_logit;
  return w;
}

Observer DeltaMethod::next_observer() {
  constexpr std::size_t n_most = 7;  // noise, three variances, that of the world, two biases
  return of_piece(observer_, std::min(n_observed_++, n_most - 1), n_most);
}

template <class F>
void DeltaMethod::run(std::size_t n_tasks, const F& f) {
  if (stopped_) return;
  stopped_ = !kernels::parallel_tasks(static_cast<std::ptrdiff_t>(n_tasks), s_.model().options().threads,
                                      next_observer(), [&](std::ptrdiff_t task) { f(static_cast<std::size_t>(task)); });
}

const std::vector<double>& DeltaMethod::variance(Along part) {
  std::vector<double>& result = variance_[part];
  const auto outputs = static_cast<double>(n_outputs());
  if (!result.empty() || outputs * source_.variance_products() > max_products_) return result;
  const std::size_t p = s_.n_theta();
  const Matrix left = left_of(s_);
  std::vector<Direction> a;
  for (Eigen::Index i = 0; i < left.rows(); ++i) a.push_back(logits(s_, left.row(i)));
  std::vector<double> computed(n_outputs());
  run(computed.size(), [&](std::size_t k) { computed[k] = source_.variance(a[k / p], along(part, k % p)); });
  if (!stopped_) result = std::move(computed);
  return result;
}

const std::vector<double>& DeltaMethod::world_variance() {
  if (!world_variance_.empty()) return world_variance_;
  std::vector<double> computed(s_.n_theta());
  const Critic critic(*s_.world());
  run(computed.size(), [&](std::size_t j) {
    const Direction s_j = along(policy, j);
    computed[j] = MomentRecursion<Causal>(*s_.world(), critic, {s_j}).variance(1);
  });
  if (!stopped_) world_variance_ = std::move(computed);
  return world_variance_;
}

const std::vector<double>& DeltaMethod::bias(Along part) {
  std::vector<double>& result = bias_[part];
  const std::size_t p = s_.n_theta();
  if (!result.empty() || stopped_ || source_.product_products(s_.n_free(), p) > max_products_) return result;
  const Matrix inverse = square(s_, s_.inverse());
  std::vector<Direction> k, w;
  for (Eigen::Index i = 0; i < inverse.cols(); ++i) k.push_back(logits(s_, inverse.col(i)));
  for (std::size_t j = 0; j < p; ++j) w.push_back(along(part, j));
  const std::vector<std::vector<double>> product = source_.product(s_.free(), k, w, next_observer());
  stopped_ = product.empty();
  if (stopped_) return result;
  Matrix mean(s_.n_free(), p);  // E[h K h w]
  for (std::size_t j = 0; j < p; ++j) {
    mean.col(static_cast<Eigen::Index>(j)) =
        Eigen::Map<const Eigen::VectorXd>(product[j].data(), static_cast<Eigen::Index>(product[j].size()));
  }
  // E h H^-1 E[h w] = E[h w]: H S_j = -M_j, and 0 along w_j.
  if (part == policy) mean += wide(s_, s_.mixed());
  const Matrix bias = -(left_of(s_) * mean);
  result.assign(bias.data(), bias.data() + bias.size());
  return result;
}

std::vector<double> DeltaMethod::split_variance() {
  std::vector<double> sum = variance(policy);
  const std::vector<double>& of_model = variance(model);
  if (of_model.empty()) return {};
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = 2.0 * (sum[i] + of_model[i]);
  return sum;
}

/// -|H|_F^2 (H^-2 S)_ij, contracted with the world's gradient where there is one: = |H|_F^2 a^T H^-1 S_j.
std::vector<double> DeltaMethod::ridge_bias() const {
  const Matrix bias = square(s_, s_.hessian()).squaredNorm() *
                      (left_of(s_) * square(s_, s_.inverse()) * wide(s_, s_.policy_derivative()));
  return {bias.data(), bias.data() + bias.size()};
}

ExactMoments DeltaMethod::moments(ComposedForm form) {
  const bool split = form == ComposedForm::split;
  ExactMoments result;
  result.meaning = form == ComposedForm::critic_lstd ? "delta method, conditional on the critic" : "delta method";
  result.mean = s_.world() != nullptr ? s_.total() : s_.policy_derivative();
  result.variance = split ? split_variance() : variance(both);
  if (s_.world() != nullptr && !result.variance.empty()) {
    const std::vector<double>& of_world = world_variance();
    if (of_world.empty()) result.variance.clear();
    for (std::size_t j = 0; j < result.variance.size(); ++j) result.variance[j] += of_world[j];
  }
  if (form == ComposedForm::jackknife) {
    result.bias_times_n.assign(n_outputs(), 0.0);
    return result;
  }
  result.bias_times_n = bias(split ? policy : both);
  if (split) {
    for (double& x : result.bias_times_n) x *= 2.0;  // halves of the trajectories
  }
  if (form != ComposedForm::ridge || result.bias_times_n.empty()) return result;
  const std::vector<double> of_ridge = ridge_bias();
  for (std::size_t i = 0; i < of_ridge.size(); ++i) result.bias_times_n[i] += of_ridge[i];
  return result;
}

double DeltaMethod::relative_noise() {
  const std::size_t f = s_.n_free();
  if (static_cast<double>(f * f) * source_.variance_products() > max_products_) return not_computed;
  const Matrix inverse = square(s_, s_.inverse());
  std::vector<double> variances(f * f);
  run(variances.size(), [&](std::size_t k) {
    const Direction unit = axis(s_.model().mdp(), s_.free()[k % f]);
    variances[k] = source_.variance(logits(s_, inverse.row(static_cast<Eigen::Index>(k / f))), unit);
  });
  return stopped_ ? not_computed : std::sqrt(std::accumulate(variances.begin(), variances.end(), 0.0));
}

}  // namespace mdp::estimators
