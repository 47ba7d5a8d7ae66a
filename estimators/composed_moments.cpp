#include <algorithm>
#include <cmath>

#include "estimators/composed.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/methods/hessians.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

/// Two causal Hessians of one trajectory, along (a, b) and (c, d). The record: 1, G, Gamma_a, Gamma_b, H_ab, Gamma_c,
/// Gamma_d, H_cd.
class TwoHessians {
 public:
  static constexpr std::size_t d = 8;

  TwoHessians(const Problem& problem, const Direction& a, const Direction& b, const Direction& c, const Direction& e)
      : problem_(problem),
        critic_(problem),
        score_{scores(a), scores(b), scores(c), scores(e)},
        curvature_{curvature(a, b), curvature(c, e)} {}

  /// Cov(H_ab, H_cd).
  [[nodiscard]] double covariance() const {
    const Mdp& mdp = problem_.mdp();
    kernels::SecondMoments<d> last{};
    last[0] = 1.0;
    std::vector<kernels::SecondMoments<d>> next(static_cast<std::size_t>(mdp.n_states()), last), now(next.size());
    for (std::int64_t t = problem_.horizon(); t-- > 0;) {
      kernels::second_moments_back<d>(
          mdp, problem_.policy(), t + 1 == problem_.horizon(),
          [&](State s, Offset row, Offset entry, double* x) { step(t, s, row, entry, x); }, next, now, 1);
      now.swap(next);
    }
    kernels::SecondMoments<d> root{};
    for (std::size_t s = 0; s < next.size(); ++s) {
      for (std::size_t k = 0; k < root.size(); ++k) root[k] += mdp.initial()[s] * next[s][k];
    }
    return root[4 * d + 7] - root[4] * root[7];
  }

 private:
  [[nodiscard]] DirectionScores scores(const Direction& u) const {
    return {problem_.mdp(), problem_.policy(), u, problem_.temperature()};
  }
  [[nodiscard]] DirectionCurvature curvature(const Direction& u, const Direction& w) const {
    return {problem_.mdp(), problem_.policy(), u, w, problem_.temperature()};
  }
  void step(std::int64_t t, State s, Offset row, Offset entry, double* x) const {
    Step at = common_step(problem_, critic_, false, t, s, row, entry);
    double other[CausalHessian::size] = {x[0], x[1], x[5], x[6], x[7]};
    for (std::size_t pair = 0; pair < 2; ++pair) {
      at.i = score_[2 * pair].at(row, entry);
      at.j = score_[2 * pair + 1].at(row, entry);
      at.ij = curvature_[pair].at(row, entry);
      CausalHessian::step(at, pair == 0 ? x : other);
    }
    std::copy(other + 2, other + 5, x + 5);
  }

  const Problem& problem_;
  Critic critic_;
  DirectionScores score_[4];
  DirectionCurvature curvature_[2];
};

double products_of(const Problem& problem, double d) {
  return 4.0 * d * d * static_cast<double>(problem.horizon()) * static_cast<double>(problem.mdp().n_transitions());
}

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

double variance(const Problem& problem, const Critic& critic, const Direction& a, const Direction& w) {
  const auto m = MomentRecursion<CausalHessian>(problem, critic, a, &w, 0.0).second_moments(1);
  const double mean = m[CausalHessian::size - 1];
  return std::max(0.0, m.back() - mean * mean);
}

/// What the world's gradient adds: the variance of the causal gradient along S_j.
double world_variance(const Problem& world, const Direction& s_j) {
  const Critic critic(world);
  const auto m = MomentRecursion<Causal>(world, critic, s_j, nullptr, 0.0).second_moments(1);
  return std::max(0.0, m.back() - m[Causal::size - 1] * m[Causal::size - 1]);
}

/// -sum_k Cov(h[a, e_k], h[H^-1 e_k, w]).
double delta_bias(const Sensitivity& s, const Directions& directions, const Direction& a, const Direction& w) {
  double sum = 0.0;
  for (std::size_t k = 0; k < s.n_free(); ++k)
    sum -= TwoHessians(s.model(), a, directions.unit(k), directions.inverse_column(k), w).covariance();
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

ExactMoments delta_moments(const Sensitivity& s, ComposedForm form, double max_products) {
  const std::size_t p = s.n_theta();
  const std::size_t n_outputs = s.world() != nullptr ? p : s.n_free() * p;
  ExactMoments result;
  result.meaning = "delta method";
  result.mean = s.world() != nullptr ? s.total() : s.policy_derivative();
  const auto outputs = static_cast<double>(n_outputs);
  const bool with_variance = outputs * products_of(s.model(), 5.0) <= max_products;
  const bool with_bias = outputs * static_cast<double>(s.n_free()) * products_of(s.model(), 8.0) <= max_products;
  if (with_variance) result.variance.assign(n_outputs, 0.0);
  if (with_bias || form == ComposedForm::jackknife) result.bias_times_n.assign(n_outputs, 0.0);
  const Directions directions(s);
  const Critic critic(s.model());
  kernels::parallel_blocks(
      static_cast<std::ptrdiff_t>(n_outputs), s.model().options().threads, [&](std::ptrdiff_t block) {
        const auto output = static_cast<std::size_t>(block);
        const std::size_t j = output % p;
        const Direction a = directions.left(output / p);
        const Direction w = directions.both(j);
        const Direction s_j = directions.policy_part(j);
        const bool split = form == ComposedForm::split;
        if (with_variance) {
          const double of_model = split ? 2.0 * (variance(s.model(), critic, a, s_j) +
                                                 variance(s.model(), critic, a, directions.model_part(j)))
                                        : variance(s.model(), critic, a, w);
          result.variance[output] = of_model + (s.world() != nullptr ? world_variance(*s.world(), s_j) : 0.0);
        }
        if (!with_bias || form == ComposedForm::jackknife) return;
        result.bias_times_n[output] = (split ? 2.0 : 1.0) * delta_bias(s, directions, a, split ? s_j : w);
        if (form == ComposedForm::ridge) result.bias_times_n[output] += ridge_bias(s, a, j);
      });
  return result;
}

double relative_noise(const Sensitivity& s) {
  const Directions directions(s);
  const Critic critic(s.model());
  const std::size_t f = s.n_free();
  std::vector<double> square(f * f);
  kernels::parallel_blocks(
      static_cast<std::ptrdiff_t>(square.size()), s.model().options().threads, [&](std::ptrdiff_t block) {
        const auto k = static_cast<std::size_t>(block);
        square[k] = variance(s.model(), critic, directions.inverse_column(k / f), directions.unit(k % f));
      });
  double sum = 0.0;
  for (const double x : square) sum += x;
  return std::sqrt(sum);
}

}  // namespace mdp::estimators
