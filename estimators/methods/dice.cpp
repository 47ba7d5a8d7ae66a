#include "estimators/methods/dice.hpp"

#include "estimators/methods/hessians.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

/// Value, the two first derivatives and the mixed second one.
struct Jet {
  double value = 0.0, i = 0.0, j = 0.0, ij = 0.0;
};

Jet operator*(const Jet& a, const Jet& b) {
  return {a.value * b.value, a.i * b.value + a.value * b.i, a.j * b.value + a.value * b.j,
          a.ij * b.value + a.i * b.j + a.j * b.i + a.value * b.ij};
}

/// exp(tau - stop(tau)).
Jet magic_box(const Jet& tau) { return {1.0, tau.i, tau.j, tau.ij + tau.i * tau.j}; }

class Dice : public RecursionStatistic<CausalHessian> {
 public:
  using RecursionStatistic::RecursionStatistic;

 private:
  [[nodiscard]] double value(std::span<const Step> steps) const override {
    Jet tau;
    double power = 1.0;
    double second = 0.0;
    for (const Step& at : steps) {
      tau = {0.0, tau.i + at.i.policy, tau.j + at.j.policy, tau.ij + at.ij.policy};
      second += power * (magic_box(tau) * Jet{at.cost, at.i.cost, at.j.cost, at.ij.cost}).ij;
      tau = {0.0, tau.i + at.i.transition, tau.j + at.j.transition, tau.ij + at.ij.transition};
      power *= at.discount;
    }
    return second;
  }
};

}  // namespace

std::unique_ptr<Statistic> dice_statistic(const Problem& problem, const Targets& targets) {
  return std::make_unique<Dice>(problem, targets);
}

}  // namespace mdp::estimators
