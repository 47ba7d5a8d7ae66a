#include "solvers/relay.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::solvers {
namespace {

constexpr double patience = 2.0;

}  // namespace

Outcome Relay::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  first_ = {};
  start_ = mdp.max_abs_cost() / mdp.exact_discount().complement.value();
  turn_ = {methods_[now_]->work(), start_};
  for (;;) {
    Improver& method = *methods_[now_];
    const Outcome outcome = method.improve(mdp, it, run, goal);
    if (outcome != Outcome::stalled || !method.gave_up() || methods_.size() == 1) return outcome;
    end_turn(mdp, it, goal);
    next_turn();
  }
}

// As much again, while that is better than the first method.
double Relay::grant(const Improver& method, double half_width) {
  const double work = method.work() - turn_.work;
  turn_.over = !(std::log(turn_.width / half_width) > first_.rate * work);
  return turn_.over ? 0.0 : patience * work;
}

void Relay::end_turn(const Mdp& mdp, Iterate& it, const Goal& goal) {
  const Improver& method = *methods_[now_];
  double width = goal.half_width(mdp, it);
  if (now_ == 0) {
    first_.work += method.work() - turn_.work;
    if (width < first_.width) {
      first_.width = width;
      first_.v = it.v;
      first_.size = it.size;
    }
    first_.rate = std::max(0.0, std::log(start_ / first_.width) / first_.work);
    it.offset.reset();
    now_ = other_;
  } else if (!turn_.over && other_ + 1 < methods_.size()) {
    now_ = ++other_;
  } else {
    if (first_.width < width) {
      width = first_.width;
      it.v = first_.v;
      it.size = first_.size;
    }
    now_ = 0;
  }
  work_ += method.work() - turn_.work;
  turn_.width = width;
}

void Relay::next_turn() {
  Improver& method = *methods_[now_];
  turn_.work = method.work();
  turn_.over = false;
  method.begin_turn((now_ == 0 ? 1.0 : patience) * work_,
                    [this, &method](double width) { return grant(method, width); });
}

}  // namespace mdp::solvers
