#include "estimators/hessian_source.hpp"

#include <algorithm>
#include <optional>

#include "estimators/hessian_product.hpp"
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

  [[nodiscard]] std::vector<std::vector<double>> product(std::span<const Parameter> logits,
                                                         std::span<const Direction> k, std::span<const Direction> w,
                                                         const Observer& observer) const override {
    constexpr std::size_t together = HessianProduct<Rule>::n_together;
    const HessianProduct<Rule> product_of(problem_, critic_, differentiated_.get(), logits, k);
    std::vector<std::vector<double>> result(w.size());
    const auto n_tasks = static_cast<std::ptrdiff_t>((w.size() + together - 1) / together);
    const bool done = kernels::parallel_tasks(n_tasks, problem_.options().threads, observer, [&](std::ptrdiff_t b) {
      const std::size_t first = static_cast<std::size_t>(b) * together;
      const auto some = w.subspan(first, std::min(together, w.size() - first));
      const std::vector<Eigen::VectorXd> products = product_of(some);
      for (std::size_t i = 0; i < some.size(); ++i) result[first + i].assign(products[i].begin(), products[i].end());
    });
    return done ? result : std::vector<std::vector<double>>{};
  }

  [[nodiscard]] double variance_products() const override {
    constexpr auto d = static_cast<double>(Rule::size);
    return 4.0 * d * d * steps();
  }
  [[nodiscard]] double product_products(std::size_t n_logits, std::size_t n_w) const override {
    const auto f = static_cast<double>(n_logits);
    return 16.0 * f * f * static_cast<double>(n_w) * steps();
  }

  [[nodiscard]] std::vector<double> bias(const Targets& targets) const override {
    if (differentiated_ == nullptr) return {};
    return critic_hessian_bias(problem_, targets, *differentiated_);
  }

 private:
  [[nodiscard]] std::optional<ValueDerivatives> along(const Direction& u) const {
    return differentiated_ == nullptr ? std::nullopt : std::optional(differentiated_->along(u));
  }
  static const ValueDerivatives* address(const std::optional<ValueDerivatives>& x) { return x ? &*x : nullptr; }
  [[nodiscard]] double steps() const {
    return static_cast<double>(problem_.horizon()) * static_cast<double>(problem_.mdp().n_transitions());
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
