#include <algorithm>
#include <cmath>

#include "estimators/composed.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

/// The directions of the delta method.
class Directions {
 public:
  explicit Directions(const Sensitivity& s) : s_(s) {}

  /// A combination of free logits.
  [[nodiscard]] Direction logits(std::span<const double> weights) const {
    Direction u{std::vector<double>(static_cast<std::size_t>(s_.model().mdp().n_rows()), 0.0), {}, {}};
    for (std::size_t i = 0; i < weights.size(); ++i)
      u.policy_logit[static_cast<std::size_t>(s_.free()[i].index)] = weights[i];
    return u;
  }
  /// The left direction of output i: -H^-1 e_i, or the adjoint.
  [[nodiscard]] Direction left(std::size_t i) const {
    if (s_.world() != nullptr) return logits(s_.adjoint());
    std::vector<double> a(s_.n_free());
    for (std::size_t k = 0; k < a.size(); ++k) a[k] = -s_.inverse()[k * s_.n_free() + i];
    return logits(a);
  }
  /// (S_j, 0).
  [[nodiscard]] Direction policy_part(std::size_t j) const {
    std::vector<double> column(s_.n_free());
    for (std::size_t k = 0; k < column.size(); ++k) column[k] = s_.policy_derivative()[k * s_.n_theta() + j];
    return logits(column);
  }
  /// (0, e_j).
  [[nodiscard]] Direction model_part(std::size_t j) const { return axis(s_.model().mdp(), s_.theta()[j]); }
  /// w_j.
  [[nodiscard]] Direction both(std::size_t j) const {
    Direction w = model_part(j);
    w.policy_logit = policy_part(j).policy_logit;
    return w;
  }
  /// H^-1 e_k.
  [[nodiscard]] Direction inverse_column(std::size_t k) const {
    std::vector<double> column(s_.n_free());
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = s_.inverse()[i * s_.n_free() + k];
    return logits(column);
  }
  [[nodiscard]] Direction unit(std::size_t k) const { return axis(s_.model().mdp(), s_.free()[k]); }

 private:
  const Sensitivity& s_;
};

/// What the world's gradient adds: the variance of the causal gradient along S_j.
double world_variance(const Problem& world, const Direction& s_j) {
  const Critic critic(world);
  return MomentRecursion<Causal>(world, critic, {s_j}).variance(1);
}

/// -sum_k Cov(h[a, e_k], h[H^-1 e_k, w]).
double delta_bias(const Sensitivity& s, const HessianSource& source, const Directions& directions, const Direction& a,
                  const Direction& w) {
  double sum = 0.0;
  for (std::size_t k = 0; k < s.n_free(); ++k)
    sum -= source.covariance(a, directions.unit(k), directions.inverse_column(k), w);
  return sum;
}

/// -|H|_F^2 (H^-2 S)_ij, contracted with the world's gradient where there is one: = |H|_F^2 a^T H^-1 S_j.
double ridge_bias(const Sensitivity& s, const Direction& a, std::size_t j) {
  const std::size_t f = s.n_free();
  double square = 0.0;
  for (const double x : s.hessian()) square += x * x;
  double sum = 0.0;
  for (std::size_t i = 0; i < f; ++i) {
    for (std::size_t k = 0; k < f; ++k) {
      sum += a.policy_logit[static_cast<std::size_t>(s.free()[i].index)] * s.inverse()[i * f + k] *
             s.policy_derivative()[k * s.n_theta() + j];
    }
  }
  return square * sum;
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

ExactMoments delta_moments(const Sensitivity& sensitivity, ComposedForm form, double max_products) {
  const auto source = hessian_source(sensitivity.model(), form);
  const Sensitivity s = limit_of(sensitivity, *source, form);
  const std::size_t p = s.n_theta();
  const std::size_t n_outputs = s.world() != nullptr ? p : s.n_free() * p;
  ExactMoments result;
  result.meaning = form == ComposedForm::critic_lstd ? "delta method, conditional on the critic" : "delta method";
  result.mean = s.world() != nullptr ? s.total() : s.policy_derivative();
  const auto outputs = static_cast<double>(n_outputs);
  const bool with_variance = outputs * source->variance_products() <= max_products;
  const bool with_bias = outputs * static_cast<double>(s.n_free()) * source->covariance_products() <= max_products;
  if (with_variance) result.variance.assign(n_outputs, 0.0);
  if (with_bias || form == ComposedForm::jackknife) result.bias_times_n.assign(n_outputs, 0.0);
  const Directions directions(s);
  kernels::parallel_blocks(
      static_cast<std::ptrdiff_t>(n_outputs), s.model().options().threads, [&](std::ptrdiff_t block) {
        const auto output = static_cast<std::size_t>(block);
        const std::size_t j = output % p;
        const Direction a = directions.left(output / p);
        const Direction w = directions.both(j);
        const Direction s_j = directions.policy_part(j);
        const bool split = form == ComposedForm::split;
        if (with_variance) {
          const double of_model = split
                                      ? 2.0 * (source->variance(a, s_j) + source->variance(a, directions.model_part(j)))
                                      : source->variance(a, w);
          result.variance[output] = of_model + (s.world() != nullptr ? world_variance(*s.world(), s_j) : 0.0);
        }
        if (!with_bias || form == ComposedForm::jackknife) return;
        result.bias_times_n[output] = (split ? 2.0 : 1.0) * delta_bias(s, *source, directions, a, split ? s_j : w);
        if (form == ComposedForm::ridge) result.bias_times_n[output] += ridge_bias(s, a, j);
      });
  return result;
}

double relative_noise(const Sensitivity& limit, const HessianSource& source) {
  const Directions directions(limit);
  const std::size_t f = limit.n_free();
  std::vector<double> square(f * f);
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(square.size()), limit.model().options().threads,
                           [&](std::ptrdiff_t block) {
                             const auto k = static_cast<std::size_t>(block);
                             square[k] = source.variance(directions.inverse_column(k / f), directions.unit(k % f));
                           });
  double sum = 0.0;
  for (const double x : square) sum += x;
  return std::sqrt(sum);
}

}  // namespace mdp::estimators
