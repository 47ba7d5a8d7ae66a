#include "estimators/hessian_source.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "estimators/methods/critic_hessian.hpp"
#include "estimators/methods/hessians.hpp"
#include "estimators/predicted_bias.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

/// Two estimates of one trajectory, along (a, b) and (c, e). The record: 1, the others of the first, those of the second.
template <class Rule>
class TwoHessians {
 public:
  static constexpr std::size_t one_size = Rule::size;
  static constexpr std::size_t d = 2 * one_size - 1;

  TwoHessians(const Problem& problem, const Critic& critic, const std::array<const Direction*, 4>& u,
              const std::array<const ValueDerivatives*, 2>& derivatives)
      : problem_(problem),
        critic_(critic),
        score_{scores(*u[0]), scores(*u[1]), scores(*u[2]), scores(*u[3])},
        curvature_{curvature(*u[0], *u[1]), curvature(*u[2], *u[3])},
        derivatives_(derivatives) {}

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
    const std::size_t first = one_size - 1;
    return root[first * d + d - 1] - root[first] * root[d - 1];
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
    std::array<double, one_size> second{x[0]};
    std::copy(x + one_size, x + d, second.begin() + 1);
    for (std::size_t pair = 0; pair < 2; ++pair) {
      at.i = score_[2 * pair].at(row, entry);
      at.j = score_[2 * pair + 1].at(row, entry);
      at.ij = curvature_[pair].at(row, entry);
      if (derivatives_[pair] != nullptr) {
        at.d_q = derivatives_[pair]->q_of(t, row);
        at.d_value = derivatives_[pair]->value_of(t, s);
      }
      Rule::step(at, pair == 0 ? x : second.data());
    }
    std::copy(second.begin() + 1, second.end(), x + one_size);
  }

  const Problem& problem_;
  const Critic& critic_;
  DirectionScores score_[4];
  DirectionCurvature curvature_[2];
  std::array<const ValueDerivatives*, 2> derivatives_;
};

template <class Rule>
class HessiansOf final : public HessianSource {
 public:
  explicit HessiansOf(const Problem& problem)
      : problem_(problem),
        differentiated_(differentiated_critic_of<Rule>(problem)),
        critic_(critic_of<Rule>(problem, differentiated_.get())) {}

  [[nodiscard]] std::unique_ptr<Statistic> statistic(const Targets& targets) const override {
    return std::make_unique<RecursionStatistic<Rule>>(problem_, targets);
  }

  [[nodiscard]] double variance(const Direction& a, const Direction& w) const override {
    const auto derivatives = along(w);
    const MomentRecursion<Rule> recursion(problem_, critic_, a, &w, 0.0, address(derivatives));
    const auto m = recursion.second_moments(1);
    const double mean = m[Rule::size - 1];
    return std::max(0.0, m.back() - mean * mean);
  }

  [[nodiscard]] double covariance(const Direction& a, const Direction& b, const Direction& c,
                                  const Direction& e) const override {
    const auto first = along(b);
    const auto second = along(e);
    return TwoHessians<Rule>(problem_, critic_, {&a, &b, &c, &e}, {address(first), address(second)}).covariance();
  }

  [[nodiscard]] double variance_products() const override { return products(Rule::size); }
  [[nodiscard]] double covariance_products() const override { return products(TwoHessians<Rule>::d); }

  [[nodiscard]] std::vector<double> bias(const Targets& targets) const override {
    if (differentiated_ == nullptr) return {};
    return critic_hessian_bias(problem_, targets, *differentiated_);
  }

 private:
  [[nodiscard]] std::optional<ValueDerivatives> along(const Direction& u) const {
    return differentiated_ == nullptr ? std::nullopt : std::optional(differentiated_->along(u));
  }
  static const ValueDerivatives* address(const std::optional<ValueDerivatives>& x) { return x ? &*x : nullptr; }
  [[nodiscard]] double products(std::size_t d) const {
    return 4.0 * static_cast<double>(d * d) * static_cast<double>(problem_.horizon()) *
           static_cast<double>(problem_.mdp().n_transitions());
  }

  const Problem& problem_;
  std::unique_ptr<const DifferentiatedCritic> differentiated_;
  Critic critic_;
};

}  // namespace

std::unique_ptr<const HessianSource> causal_hessians(const Problem& problem) {
  return std::make_unique<HessiansOf<CausalHessian>>(problem);
}
std::unique_ptr<const HessianSource> exact_critic_hessians(const Problem& problem) {
  return std::make_unique<HessiansOf<CriticHessian>>(problem);
}
std::unique_ptr<const HessianSource> lstd_critic_hessians(const Problem& problem) {
  return std::make_unique<HessiansOf<LstdCriticHessian>>(problem);
}

}  // namespace mdp::estimators
