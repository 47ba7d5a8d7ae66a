// N certified digits of every stage of a finite horizon.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/graph/closure.hpp"
#include "solvers/exact/decimal.hpp"
#include "solvers/exact/exact_criteria.hpp"
#include "solvers/exact/fixed_point.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {
namespace {

constexpr unsigned most_bits = 1U << 15U;

double bits_of(const mpz_class& x) { return static_cast<double>(mpz_sizeinbase(x.get_mpz_t(), 2)); }

// Values of a stage in units of 2^-bits, each within `error` units; +inf apart.
struct Stage {
  std::vector<mpz_class> value;
  std::vector<char> infinite;
  mpz_class error;
  Policy policy;

  [[nodiscard]] mpz_class tallest() const {
    mpz_class largest;
    for (const mpz_class& v : value) {
      if (abs(v) > largest) largest = abs(v);
    }
    return largest;
  }
};

class FiniteRefinement {
 public:
  FiniteRefinement(const io::ExactModel& model, int n_digits, const ExactOptions& options)
      : model_(model),
        mdp_(io::nearest_mdp(model)),
        n_digits_(n_digits),
        horizon_(options.criterion.horizon),
        terminal_(exact_terminal(options, at(model.n_states))),
        usable_(graph::admissible_rows(mdp_)),
        run_(options.criterion.solve) {}

  RefinedResult operator()() {
    // For the digits, the sums, and numbers below 1.
    const double needed = 3.33 * n_digits_ + std::log2(static_cast<double>(horizon_ + 2)) + 40.0 + smallness();
    unsigned bits = static_cast<unsigned>(std::clamp(std::ceil(needed), 64.0, 1.0 * most_bits));
    for (;;) {
      missing_ = 0.0;
      result_ = {};
      if (!induct(bits)) {
        result_ = {};
        result_.status = run_.stopped();
        result_.message = "stopped before every stage had its digits";
        break;
      }
      ++iterations_;
      if (missing_ == 0.0 || bits == most_bits) break;
      bits = std::min(most_bits, bits + static_cast<unsigned>(std::ceil(missing_)) + 8);
    }
    result_.iterations = iterations_;
    result_.seconds = run_.seconds();
    return std::move(result_);
  }

 private:
  // Bits behind the point before the largest number begins.
  [[nodiscard]] double smallness() const {
    double largest = mdp_.max_abs_cost();
    for (const Extended& x : terminal_) {
      if (x.is_finite()) largest = std::max(largest, std::abs(x.finite.get_d()));
    }
    return largest > 0.0 && largest < 1.0 ? -std::log2(largest) : 0.0;
  }

  // False if a limit or the observer stopped it.
  bool induct(unsigned bits) {
    const FixedPoint fixed(model_, mdp_, usable_, bits);
    Stage stage = last_stage(fixed);
    write(fixed, stage);
    for (std::int64_t k = horizon_; k > 0; --k) {
      if (!run_.may_sweep()) return false;
      stage = before(fixed, stage);
      run_.count_sweep({}, not_computed);
      write(fixed, stage);
    }
    std::reverse(result_.stages.begin(), result_.stages.end());
    result_.value = result_.stages.front().value;
    result_.value_error_bound = result_.stages.front().value_error_bound;
    result_.policy = result_.stages.front().policy;
    result_.status = missing_ == 0.0 ? Status::converged : Status::precision_limit;
    if (missing_ > 0.0) {
      result_.message =
          fmt::format("the values of some stage are too small for so many digits in units of 2^-{}", bits);
    }
    return true;
  }

  [[nodiscard]] Stage last_stage(const FixedPoint& fixed) const {
    Stage stage;
    for (const Extended& x : terminal_) {
      stage.infinite.push_back(x.is_finite() ? 0 : 1);
      stage.value.push_back(x.is_finite() ? fixed.floor_of(x.finite) : mpz_class(0));
      if (x.is_finite() && x.finite != 0) stage.error = 1;
    }
    return stage;
  }

  [[nodiscard]] Stage before(const FixedPoint& fixed, const Stage& next) const {
    Stage stage;
    const mpz_class tallest = next.tallest();
    if (tallest != 0 || next.error != 0 || mdp_.max_abs_cost() != 0.0) {
      const mpq_class passed = model_.discount * next.error;
      mpz_cdiv_q(stage.error.get_mpz_t(), passed.get_num_mpz_t(), passed.get_den_mpz_t());
      stage.error += 3 + ((mdp_.max_row_length() * tallest) >> fixed.bits());
    }
    std::vector<mpz_class> q;
    for (State s = 0; s < mdp_.n_states(); ++s) {
      q.clear();
      std::vector<char> open;
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        open.push_back(fixed.usable(row) && !meets_infinity(row, next) ? 1 : 0);
        q.push_back(open.back() != 0 ? fixed.q(row, next.value) : mpz_class(0));
      }
      take_best(q, open, stage);
    }
    return stage;
  }

  [[nodiscard]] bool meets_infinity(Offset row, const Stage& next) const {
    if (model_.discount == 0) return false;
    for (Offset k = mdp_.row_begin()[at(row)]; k < mdp_.row_begin()[at(row) + 1]; ++k) {
      if (next.infinite[at(mdp_.next_state()[at(k)])] != 0) return true;
    }
    return false;
  }

  static void take_best(const std::vector<mpz_class>& q, const std::vector<char>& open, Stage& stage) {
    const mpz_class* best = nullptr;
    for (std::size_t a = 0; a < q.size(); ++a) {
      if (open[a] != 0 && (best == nullptr || q[a] < *best)) best = &q[a];
    }
    stage.infinite.push_back(best == nullptr ? 1 : 0);
    stage.value.push_back(best == nullptr ? mpz_class(0) : *best);
    std::size_t action = 0;
    while (best != nullptr && !(open[action] != 0 && q[action] <= *best + 2 * stage.error)) ++action;
    stage.policy.push_back(static_cast<Action>(action));
  }

  // The decimals of a stage, or how many bits it lacks.
  void write(const FixedPoint& fixed, const Stage& stage) {
    const mpz_class tallest = stage.tallest();
    const double short_of = bits_of(stage.error) + 3.33 * n_digits_ + 4.0 - bits_of(tallest);
    if (stage.error != 0 && short_of > 0.0) missing_ = std::max(missing_, short_of);
    if (missing_ > 0.0 && fixed.bits() < most_bits) {  // it will be done again
      result_.stages.emplace_back();
      return;
    }
    const mpq_class unit(1, mpz_class(1) << fixed.bits());
    std::vector<Extended> value;
    for (std::size_t s = 0; s < stage.value.size(); ++s) {
      value.push_back(stage.infinite[s] != 0 ? Extended::infinity(1) : Extended(mpq_class(stage.value[s] * unit)));
    }
    RefinedResult decimals;
    write_digits(decimals, model_.objective, value, stage.error * unit, n_digits_);
    result_.stages.push_back({std::move(decimals.value), std::move(decimals.value_error_bound), stage.policy});
  }

  const io::ExactModel& model_;
  Mdp mdp_;
  int n_digits_;
  std::int64_t horizon_;
  std::vector<Extended> terminal_;
  graph::RowMask usable_;
  Run run_;
  double missing_ = 0.0;  // bits that some stage lacks
  std::int64_t iterations_ = 0;
  RefinedResult result_;
};

}  // namespace

RefinedResult refine_finite(const ExactMdp& mdp, int n_digits, const ExactLevelOptions& options) {
  if (n_digits < 1) throw InvalidOption(fmt::format("digits = {}, required >= 1", n_digits));
  if (options.criterion.horizon < 0) throw InvalidOption("criterion finite needs a horizon >= 0");
  return FiniteRefinement(mdp.model(), n_digits, exact_options(mdp, options))();
}

}  // namespace mdp::solvers
