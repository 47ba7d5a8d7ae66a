// solvers/relay.hpp — methods that take over from one another (internal).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// The first method, until it gives up; then the others, each from where the one before left off. None of these has more than
/// twice the work of all before it, unless the bounds shrink faster for it, per work, than they last did for the first: else
/// that has another try, from its own V if that was better, since what its rates promised early on may have been wrong; and so on with
/// more patience each time. So the whole takes a few times as long as the best method alone, whatever the first rates said.
/// A method in the middle that gives up before its time is not asked again. Correction problems go on with the last.
class Relay : public Improver {
 public:
  /// \param methods  at least one; the last gives up only after its turn
  explicit Relay(std::vector<std::unique_ptr<Improver>> methods) : methods_(std::move(methods)) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return methods_[now_]->name(); }

 private:
  [[nodiscard]] double grant(const Improver& method, double half_width);
  void end_turn(const Mdp& mdp, Iterate& it, const Goal& goal);
  void next_turn();

  std::vector<std::unique_ptr<Improver>> methods_;
  std::size_t now_ = 0;
  double start_ = 0.0;     // half-width where nothing is known
  std::size_t other_ = 1;  // of the methods but the first, the one whose turn it is or will be
  double work_ = 0.0;      // of all turns that are over
  struct {
    double work = 0.0;   // of the method, at the start
    double width = 0.0;  // half-width then
    bool over = false;   // as opposed to given up
  } turn_;
  struct {
    double work = 0.0;        // in all its turns
    double rate = 0.0;        // e-folds of the half-width for a unit of that
    double width = infinity;  // half-width
    std::vector<double> v;
    double size = 0.0;
  } first_;  // where the first method left off at its best
};

}  // namespace mdp::solvers
