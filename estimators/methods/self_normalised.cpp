#include "estimators/methods/self_normalised.hpp"

#include "estimators/methods/importance.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

class SelfNormalised : public RecursionStatistic<Importance> {
 public:
  SelfNormalised(const Problem& problem, const Targets& targets)
      : RecursionStatistic(problem, targets), problem_(problem), targets_(targets) {}

  [[nodiscard]] std::size_t n_tallied() const override { return targets_.size() + 1; }
  [[nodiscard]] std::ptrdiff_t weight_target() const override { return static_cast<std::ptrdiff_t>(targets_.size()); }

  void add(const SampledPath& path, Scratch& scratch, Tally& tally) const override {
    RecursionStatistic::add(path, scratch, tally);
    double weight = 1.0;
    for (const Offset row : path.row) {
      weight *= problem_.policy()[static_cast<std::size_t>(row)] / problem_.behaviour()[static_cast<std::size_t>(row)];
    }
    tally.add(targets_.size(), weight);
  }

  /// Those of W Gamma are not those of the ratio.
  [[nodiscard]] std::vector<double> covariance(const Observer&) const override { return {}; }
  [[nodiscard]] ExactMoments exact(bool variance, const Observer& observer) const override {
    ExactMoments result{.mean = std::vector<double>(targets_.size()),
                        .variance = std::vector<double>(variance ? targets_.size() : 0),
                        .bias_times_n = std::vector<double>(targets_.size()),
                        .meaning = "delta method"};
    const Critic critic(problem_);
    const bool done = kernels::parallel_tasks(
        static_cast<std::ptrdiff_t>(targets_.size()), problem_.options().threads, observer, [&](std::ptrdiff_t block) {
          const auto i = static_cast<std::size_t>(block);
          const Direction u = axis(problem_.mdp(), targets_.rows[i]);
          const auto m = MomentRecursion<Importance>(problem_, critic, {u}).second_moments(1);
          const auto second = [&](std::size_t a, std::size_t b) { return m[4 * a + b]; };
          const double y = second(0, 3);
          const double weight_variance = second(1, 1) - 1.0;  // E W = 1
          const double covariance = second(3, 1) - y;
          result.mean[i] = y;
          result.bias_times_n[i] = y * weight_variance - covariance;
          if (!variance) return;
          const double v = second(3, 3) - y * y - 2.0 * y * covariance + y * y * weight_variance;
          result.variance[i] = std::max(0.0, v);
        });
    return done ? result : ExactMoments{};
  }

 private:
  const Problem& problem_;
  Targets targets_;
};

}  // namespace

std::unique_ptr<Statistic> self_normalised_statistic(const Problem& problem, const Targets& targets) {
  return std::make_unique<SelfNormalised>(problem, targets);
}

}  // namespace mdp::estimators
