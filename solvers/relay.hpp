// solvers/relay.hpp — methods that take over from one another (internal).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// The first method, until it gives up; then the next, from where it left off. Correction problems go on with the last.
class Relay : public Improver {
 public:
  /// \param methods  at least one
  explicit Relay(std::vector<std::unique_ptr<Improver>> methods) : methods_(std::move(methods)) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override {
    for (;;) {
      const Outcome outcome = methods_[now_]->improve(mdp, it, run, goal);
      if (outcome != Outcome::stalled || !methods_[now_]->gave_up() || now_ + 1 == methods_.size()) return outcome;
      ++now_;
    }
  }
  [[nodiscard]] std::string name() const override { return methods_[now_]->name(); }

 private:
  std::vector<std::unique_ptr<Improver>> methods_;
  std::size_t now_ = 0;
};

}  // namespace mdp::solvers
