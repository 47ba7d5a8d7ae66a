#include "solvers/exact/refine_gain.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/SparseLU>

#include "libmdp/vectors.hpp"
#include "solvers/exact/dyadic.hpp"

namespace mdp::solvers {
namespace {

constexpr int away_exponent = -30;  // of 1 - beta
constexpr int most_policies = 200;
constexpr int slack_bits = 70;  // kept of a correction below the size of what it corrects

class GainRefinement {
 public:
  GainRefinement(const io::ExactModel& model, std::span<const State> states, std::span<const char> inside,
                 const Policy& start, std::span<const double> h, int n_digits, const ExactRun& run)
      : model_(model),
        states_(states),
        inside_(inside),
        n_digits_(n_digits),
        run_(run),
        h_(at(model.n_states)),
        place_(h_.size(), -1) {
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto s = at(states[i]);
      place_[s] = static_cast<int>(i);
      Offset row = model.state_rows[s] + start[s];
      if (inside[at(row)] == 0) row = std::find(inside.begin() + model.state_rows[s], inside.end(), 1) - inside.begin();
      rows_.push_back(row);
      if (!h.empty() && std::isfinite(h[s])) h_[s] = h[s];
    }
    own_.resize(rows_.size());
    for (const State state : states) {
      for (Offset row = model.state_rows[at(state)]; row < model.state_rows[at(state) + 1]; ++row) {
        if (inside[at(row)] != 0) negligible_ = std::max(negligible_, mpq_class(abs(model.rows[at(row)].cost)));
      }
    }
    negligible_ /= mpq_class(power_of_ten(n_digits_ + 30));
  }

  RefinedGain operator()() {
    RefinedGain result;
    for (int k = 0; k < most_policies; ++k) {
      if (!factorise()) break;
      if (!settle()) return result;  // stopped
      if (improve(result.lower)) continue;
      result.upper = greatest_;
      result.end = narrow(result.lower, result.upper) ? ExactEnd::solved : ExactEnd::too_large;
      return result;
    }
    result.end = ExactEnd::too_large;
    return result;
  }

 private:
  [[nodiscard]] mpq_class gap(Offset row, std::size_t s) const {
    const auto& r = model_.rows[at(row)];
    return expectation(r.cost, r.to, h_) - h_[s];
  }

  bool factorise() {
    const double beta = 1.0 - std::ldexp(1.0, away_exponent);
    std::vector<Eigen::Triplet<double>> entries;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const auto own = static_cast<int>(i);
      // 1 - beta p of a loop, p near 1, from what leaves.
      mpq_class leaves = 1;
      for (const auto& [next, p] : model_.rows[at(rows_[i])].to) {
        const int to = place_[at(next)];
        if (to == own)
          leaves -= p;
        else
          entries.emplace_back(own, to, -beta * p.get_d());
      }
      const double loop = 1.0 - leaves.get_d();
      entries.emplace_back(own, own, leaves.get_d() + (1.0 - beta) * loop);
    }
    Eigen::SparseMatrix<double> a(static_cast<int>(rows_.size()), static_cast<int>(rows_.size()));
    a.setFromTriplets(entries.begin(), entries.end());
    lu_.compute(a);
    return lu_.info() == Eigen::Success;
  }

  // The gaps of the policy, least_ and greatest_ of them.
  void look() {
    for (std::size_t i = 0; i < rows_.size(); ++i) own_[i] = gap(rows_[i], at(states_[i]));
    const auto [least, greatest] = std::minmax_element(own_.begin(), own_.end());
    least_ = *least;
    greatest_ = *greatest;
  }

  [[nodiscard]] static mpz_class power_of_ten(int n) {
    mpz_class power;
    mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(n));
    return power;
  }
  // Beside a gain of exactly 0 nothing is narrow but what is negligible beside the costs.
  [[nodiscard]] bool narrow(const mpq_class& lower, const mpq_class& upper) const {
    const mpq_class width = upper - lower;
    return width <= negligible_ ||
           width * power_of_ten(n_digits_) <= std::max(mpq_class(abs(lower)), mpq_class(abs(upper)));
  }

  // Corrections until the policy's gaps are as close as the digits ask, or come no closer. False: stopped.
  bool settle() {
    mpq_class before = -1;
    for (;;) {
      if (run_.keep_going && !run_.keep_going()) return false;
      look();
      const mpq_class width = greatest_ - least_;
      // Twice closer than asked: the other half is for rows that tie.
      if (width == 0 || narrow(least_ - width, greatest_ + width) || (before >= 0 && 2 * width > before)) return true;
      before = width;
      correct(width);
    }
  }

  void correct(const mpq_class& width) {
    const long e = exponent_of(width);
    const mpq_class middle = (least_ + greatest_) / 2;
    Eigen::VectorXd b(static_cast<Eigen::Index>(rows_.size()));
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      b[static_cast<Eigen::Index>(i)] = shifted(own_[i] - middle, -e).get_d();
    }
    const Eigen::VectorXd x = lu_.solve(b);
    if (!x.allFinite()) return;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      h_[at(states_[i])] += to_grid(shifted(mpq_class(x[static_cast<Eigen::Index>(i)]), e), slack_bits - e);
    }
  }

  // Takes rows that are better by more than the policy's gaps differ; lower: the least gap of all rows.
  bool improve(mpq_class& lower) {
    const mpq_class doubt = greatest_ - least_;
    bool better = false;
    lower = least_;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const auto s = at(states_[i]);
      mpq_class best = own_[i] - doubt;
      for (Offset row = model_.state_rows[s]; row < model_.state_rows[s + 1]; ++row) {
        if (inside_[at(row)] == 0 || row == rows_[i]) continue;
        const mpq_class g = gap(row, s);
        lower = std::min(lower, g);
        if (!(g < best)) continue;
        best = g;
        rows_[i] = row;
        better = true;
      }
    }
    return better;
  }

  const io::ExactModel& model_;
  std::span<const State> states_;
  std::span<const char> inside_;
  int n_digits_;
  const ExactRun& run_;
  std::vector<mpq_class> h_;    // [n_states of the model]
  std::vector<int> place_;      // [n_states of the model] -1 = not in it
  std::vector<Offset> rows_;    // [states]
  std::vector<mpq_class> own_;  // [states] gaps of rows_
  mpq_class least_, greatest_;
  mpq_class negligible_;
  Eigen::SparseLU<Eigen::SparseMatrix<double>> lu_;
};

}  // namespace

RefinedGain refine_gain(const io::ExactModel& model, std::span<const State> states, std::span<const char> inside,
                        const Policy& start, std::span<const double> h, int n_digits, const ExactRun& run) {
  return GainRefinement(model, states, inside, start, h, n_digits, run)();
}

}  // namespace mdp::solvers
