// solvers/iterate.hpp — working values of a method in doubles, and when they are good enough (internal).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/options.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// V up to a constant, TV and a greedy policy. V is +inf exactly where V* is.
struct Iterate {
  std::vector<double> v;
  std::vector<double> tv;           ///< of the last sweep
  Policy policy;                    ///< greedy for v at the last sweep; empty before
  kernels::ResidualRange residual;  ///< of tv - v
  double size = 0.0;                ///< at least max |v|
  std::optional<double> offset;     ///< V itself is v + offset, as a method that gave up knows for the next

  /// V of +inf where finite[s] == 0, `start` (or zero) elsewhere, centred.
  static Iterate from(const Mdp& mdp, std::span<const char> finite, std::span<const double> start, int threads);
};

enum class Outcome {
  accurate,  ///< the goal is reached
  stalled,   ///< rounding hides further progress
  stopped    ///< a limit, or the observer: see Run::stopped()
};

/// What a method aims at: the half-width of C1 allowed at each value.
class Goal {
 public:
  /// \param rounding  count rounding and entry errors into the half-width (level certified)
  Goal(Accuracy accuracy, bool rounding) : accuracy_(accuracy), rounding_(rounding) {}
  /// A correction in the middle of a refinement: records keep showing the half-width proved so far.
  Goal(double half_width, double proved_so_far)
      : accuracy_{half_width, 0.0}, rounding_(false), shown_half_width_(proved_so_far) {}

  /// Bounds on V* - TV at every state, from the residual: C1, rounding included at level certified.
  [[nodiscard]] bounds::Interval increment(const Mdp& mdp, const Iterate& it) const;
  /// Half-width of the bounds on V* that a sweep gave. The largest over states, for values near `it`.
  [[nodiscard]] double half_width(const Mdp& mdp, const Iterate& it) const;
  /// The half-width that an observer is shown.
  [[nodiscard]] double shown(double half_width) const {
    return shown_half_width_ > 0.0 ? shown_half_width_ : half_width;
  }
  /// A half-width that should do at every state: the one allowed at 0, or, relative to values, at the middle of them.
  [[nodiscard]] double aim(const Mdp& mdp, const Iterate& it) const;
  /// Whether it is allowed at every state of finite value.
  [[nodiscard]] bool reached(const Mdp& mdp, const Iterate& it, double half_width) const;

 private:
  Accuracy accuracy_;
  bool rounding_;
  double shown_half_width_ = 0.0;
  mutable std::size_t last_failure_ = 0;  // where reached() failed last: the first to look at again
};

/// The values that an iterate stands for: TV plus the middle of the MacQueen bounds.
[[nodiscard]] std::vector<double> extrapolated(const Mdp& mdp, const Iterate& it);

/// A way to improve an iterate until the goal is reached, in doubles. Called again on correction problems with the
/// same transitions and other costs, so that it may keep a factorisation.
class Improver {
 public:
  virtual ~Improver() = default;
  [[nodiscard]] virtual Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) = 0;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Whether the last call stalled because the method saw no point in going on, not for rounding: another may take over.
  [[nodiscard]] virtual bool gave_up() const { return false; }
  /// Work so far, of all calls: entries of rows read, or what takes as long.
  [[nodiscard]] virtual double work() const { return 0.0; }
  /// More work for a method whose turn is over, by what half-width it has reached; 0 = give up.
  using Grant = std::function<double(double half_width)>;
  /// From now on the method asks `more` after so much work. Methods that never give up do not.
  virtual void begin_turn(double most, Grant more) {
    turn_ends_ = work() + most;
    more_ = std::move(more);
  }
  /// Why this method was taken; empty if the caller asked for it.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  void set_reason(std::string reason) { reason_ = std::move(reason); }
  /// Whether corrections are so cheap that the answer is refined to the last bit even beyond the goal.
  [[nodiscard]] virtual bool refines_always() const { return false; }

 protected:
  [[nodiscard]] double left_in_turn() const { return turn_ends_ - work(); }
  [[nodiscard]] bool turn_over(const Mdp& mdp, const Iterate& it, const Goal& goal) {
    if (left_in_turn() >= 0.0) return false;
    const double granted = more_ ? more_(goal.half_width(mdp, it)) : 0.0;
    turn_ends_ = work() + granted;
    return !(granted > 0.0);
  }

 private:
  std::string reason_;
  double turn_ends_ = infinity;
  Grant more_;
};

}  // namespace mdp::solvers
