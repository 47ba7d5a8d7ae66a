#include "solvers/exact/refine.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "solvers/exact/decimal.hpp"
#include "solvers/exact/exact_answer.hpp"
#include "solvers/exact/exact_context.hpp"
#include "solvers/exact/fixed_point.hpp"
#include "solvers/policy_system.hpp"
#include "solvers/run.hpp"
#include "solvers/solve.hpp"

namespace mdp::solvers {
namespace {

double to_double(const mpz_class& x, long shift) {
  long exponent = 0;
  const double mantissa = mpz_get_d_2exp(&exponent, x.get_mpz_t());
  return std::ldexp(mantissa, static_cast<int>(std::clamp(exponent + shift, -2000L, 2000L)));
}

mpz_class from_double(double x, long shift) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  mpz_class digits(std::ldexp(mantissa, 60));
  const long total = exponent - 60 + shift;
  if (total >= 0) return digits << static_cast<mp_bitcnt_t>(total);
  mpz_class rounded;
  mpz_fdiv_q_2exp(rounded.get_mpz_t(), digits.get_mpz_t(), static_cast<mp_bitcnt_t>(-total));
  return rounded;
}

class Refinement {
 public:
  Refinement(const io::ExactModel& model, int n_digits, const SolveOptions& options)
      : model_(model), mdp_(io::nearest_mdp(model)), n_digits_(n_digits), run_(options) {
    finite_ = graph::finite_value_states(mdp_);
    const graph::RowMask admissible = graph::admissible_rows(mdp_);
    usable_ = model.discount == 0 ? rows_of(mdp_, finite_, admissible) : rows_inside(mdp_, finite_, admissible);
  }

  RefinedResult operator()(const SolveOptions& options) {
    SolveOptions start = options;
    start.level = Level::certified;
    const SolveResult certified = mdp::solvers::solve(mdp_, start);
    result_.policy = certified.policy;
    if (!prepare(certified.values)) {
      result_.status = certified.status;
      result_.message = "stopped before the refinement began";
      return finish();
    }
    const FixedPoint fixed(model_, mdp_, usable_, bits_);
    for (std::size_t s = 0; s < v_.size(); ++s) {
      if (finite_[s] != 0) v_[s] = from_double(certified.values[s], bits_);
    }
    refine(fixed);
    return finish();
  }

 private:
  // Bits for the digits, the division by 1 - gamma and the sums. False without finite values to start from.
  bool prepare(const std::vector<double>& values) {
    v_.resize(at(mdp_.n_states()));
    double largest = 0.0;
    if (values.size() != v_.size()) return false;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if (finite_[s] != 0 && !std::isfinite(values[s])) return false;
      if (finite_[s] != 0) largest = std::max(largest, std::abs(values[s]));
    }
    const double complement = mpq_class(1 - model_.discount).get_d();
    const double size = largest > 0.0 ? std::log2(largest) : 0.0;
    const double needed = 3.33 * n_digits_ + std::log2(1.0 / complement) - size + 40.0 +
                          std::log2(static_cast<double>(mdp_.max_row_length()));
    bits_ = static_cast<unsigned>(std::max(64.0, std::ceil(needed + std::abs(size))));
    return true;
  }

  void refine(const FixedPoint& fixed) {
    PolicySystem system(mdp_, result_.policy, {.tolerance = 1e-10, .threads = run_.threads()});
    mpz_class previous = -1;
    while (true) {
      if (run_.out_of_time() || !watch()) return;
      std::vector<mpz_class> residual(v_.size());
      mpz_class largest;
      for (std::size_t s = 0; s < v_.size(); ++s) {
        if (finite_[s] == 0) continue;
        residual[s] = fixed.q(mdp_.state_rows()[s] + result_.policy[s], v_) - v_[s];
        if (abs(residual[s]) > largest) largest = abs(residual[s]);
      }
      // As small as the rounding of its sums: no smaller residual can be had.
      const bool done = largest <= 8 || (previous >= 0 && 2 * largest > previous);
      if (done) {
        if (!improve(fixed)) return;
        system = PolicySystem(mdp_, result_.policy, {.tolerance = 1e-10, .threads = run_.threads()});
        previous = -1;
        continue;
      }
      previous = largest;
      correct(system, residual, largest);
      ++result_.iterations;
    }
  }

  void correct(const PolicySystem& system, const std::vector<mpz_class>& residual, const mpz_class& largest) {
    const auto shift = static_cast<long>(mpz_sizeinbase(largest.get_mpz_t(), 2));
    std::vector<double> b(residual.size());
    for (std::size_t s = 0; s < b.size(); ++s) b[s] = to_double(residual[s], -shift);
    const LinearSolution correction = system.solve(b);
    for (std::size_t s = 0; s < b.size(); ++s) {
      if (finite_[s] != 0) v_[s] += from_double(correction.x[s], shift);
    }
  }

  // The residual over all actions: the enclosure, or a better policy (true).
  bool improve(const FixedPoint& fixed) {
    mpz_class least, largest, tallest;
    bool first = true, better = false;
    for (std::size_t s = 0; s < v_.size(); ++s) {
      if (finite_[s] == 0) continue;
      if (abs(v_[s]) > tallest) tallest = abs(v_[s]);
      const Offset own_row = mdp_.state_rows()[s] + result_.policy[s];
      const mpz_class own = fixed.q(own_row, v_) - v_[s];
      mpz_class best = own;
      for (Offset row = mdp_.state_rows()[s]; row < mdp_.state_rows()[s + 1]; ++row) {
        if (!fixed.usable(row) || row == own_row) continue;
        mpz_class gap = fixed.q(row, v_) - v_[s];
        if (gap >= best) continue;
        best = gap;
        if (own - gap > 64) {  // more than the rounding of both
          result_.policy[s] = static_cast<Action>(row - mdp_.state_rows()[s]);
          better = true;
        }
      }
      if (first || best < least) least = best;
      if (first || best > largest) largest = best;
      first = false;
    }
    if (!better) enclose(fixed, least, largest, tallest);
    return better;
  }

  void enclose(const FixedPoint& fixed, mpz_class least, mpz_class largest, const mpz_class& tallest) {
    const mpz_class slack = 2 + 1 + ((mdp_.max_row_length() * tallest) >> fixed.bits());
    least -= slack;
    largest += slack;
    const mpq_class unit(1, mpz_class(1) << fixed.bits());
    const mpq_class low = mpq_class(least) * unit / (1 - model_.discount);
    const mpq_class high = mpq_class(largest) * unit / (1 - model_.discount);
    const mpq_class middle = (low + high) / 2, half = (high - low) / 2;
    std::vector<Extended> value;
    for (std::size_t s = 0; s < v_.size(); ++s) {
      value.push_back(finite_[s] != 0 ? Extended(mpq_class(mpq_class(v_[s]) * unit + middle)) : Extended::infinity(1));
    }
    write_digits(result_, model_.objective, value, half, n_digits_);
    if (!result_.message.empty()) result_.message = "the corrections in double precision do not reach so many digits";
  }

  bool watch() {
    const auto& observer = run_.options().observer;
    if (observer && !observer({0, result_.iterations, not_computed, not_computed, not_computed, run_.seconds()})) {
      result_.status = Status::interrupted;
      return false;
    }
    return true;
  }

  RefinedResult finish() {
    if (result_.status == Status::not_run) result_.status = Status::time_limit;
    result_.seconds = run_.seconds();
    return std::move(result_);
  }

  const io::ExactModel& model_;
  Mdp mdp_;
  int n_digits_;
  Run run_;
  graph::StateSet finite_;
  graph::RowMask usable_;
  unsigned bits_ = 0;
  std::vector<mpz_class> v_;
  RefinedResult result_;
};

}  // namespace

RefinedResult refine_discounted(const ExactMdp& mdp, int n_digits, const SolveOptions& options) {
  if (n_digits < 1) throw InvalidOption(fmt::format("digits = {}, required >= 1", n_digits));
  if (mdp.model().discount >= 1) throw InvalidArgument("N digits of a discounted value need a discount below 1");
  return Refinement(mdp.model(), n_digits, options)(options);
}

}  // namespace mdp::solvers
