#include "estimators/hessian_source.hpp"

#include <optional>

#include "estimators/methods/critic_hessian.hpp"
#include "estimators/methods/hessians.hpp"
#include "estimators/predicted_bias.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

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
    return MomentRecursion<Rule>(problem_, critic_, {a, &w, 0.0, address(derivatives)}).variance(1);
  }

  [[nodiscard]] double covariance(const Direction& a, const Direction& b, const Direction& c,
                                  const Direction& e) const override {
    const auto first = along(b);
    const auto second = along(e);
    return PairRecursion<Rule>(problem_, critic_, {a, &b, 0.0, address(first)}, {c, &e, 0.0, address(second)})
        .covariance();
  }

  [[nodiscard]] double variance_products() const override { return products(Rule::size); }
  [[nodiscard]] double covariance_products() const override { return products(PairRecursion<Rule>::d); }

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
