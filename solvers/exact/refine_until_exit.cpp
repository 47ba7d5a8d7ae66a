#include "solvers/exact/refine_until_exit.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/SparseLU>

#include "solvers/exact/dyadic.hpp"

namespace mdp::solvers {
namespace {

using Matrix = Eigen::SparseMatrix<double>;

constexpr int most_policies = 200;
constexpr int most_longer = 50;  // rounds of taking rows that last longer

// (I - P)^-1 of a policy's rows, in doubles.
class Inverse {
 public:
  Inverse(const ExitProblem& problem, const std::vector<Offset>& rows) {
    std::vector<Eigen::Triplet<double>> entries;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      const auto own = static_cast<int>(s);
      entries.emplace_back(own, own, 1.0);
      for (const auto& [next, p] : problem.rows[at(rows[s])].to) {
        entries.emplace_back(own, static_cast<int>(next), -p.get_d());
      }
    }
    Matrix a(static_cast<int>(rows.size()), static_cast<int>(rows.size()));
    a.setFromTriplets(entries.begin(), entries.end());
    lu_.compute(a);
  }
  [[nodiscard]] bool good() const { return lu_.info() == Eigen::Success; }
  [[nodiscard]] std::vector<double> operator()(const std::vector<double>& b) const {
    const Eigen::VectorXd x =
        lu_.solve(Eigen::Map<const Eigen::VectorXd>(b.data(), static_cast<Eigen::Index>(b.size())));
    return {x.begin(), x.end()};
  }

 private:
  Eigen::SparseLU<Matrix> lu_;
};

bool all_finite(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [](double y) { return std::isfinite(y); });
}

class Refinement {
 public:
  Refinement(const ExitProblem& problem, std::vector<Offset> start, int n_digits, const ExactRun& run)
      : problem_(problem), rows_(std::move(start)), n_digits_(n_digits), run_(run), v_(problem.n_states()) {}

  RefinedExit operator()() {
    RefinedExit result;
    for (int k = 0; k < most_policies; ++k) {
      const Inverse inverse(problem_, rows_);
      if (!inverse.good()) break;
      w_ = inverse(std::vector<double>(v_.size(), 1.0));
      if (!all_finite(w_)) break;
      if (!correct(inverse)) return result;  // stopped
      if (improve()) continue;
      result.end = enclose(result.error) ? ExactEnd::solved : ExactEnd::too_large;
      result.value = std::move(v_);
      return result;
    }
    result.end = ExactEnd::too_large;
    return result;
  }

 private:
  [[nodiscard]] mpq_class gap(Offset row, std::size_t s) const {
    const ExitProblem::Row& r = problem_.rows[at(row)];
    return expectation(r.cost, r.to, v_) - v_[s];
  }
  [[nodiscard]] mpq_class drift(Offset row, std::size_t s) const {  // w - P w
    mpq_class sum(w_[s]);
    for (const auto& [next, p] : problem_.rows[at(row)].to) sum -= p * mpq_class(w_[static_cast<std::size_t>(next)]);
    return sum;
  }
  [[nodiscard]] double longest() const { return *std::max_element(w_.begin(), w_.end()); }
  [[nodiscard]] mpq_class tallest() const {
    mpq_class largest;
    for (const mpq_class& v : v_) largest = std::max(largest, mpq_class(abs(v)));
    return largest;
  }

  // v <- v + (I - P_mu)^-1 r until r is as small as the digits ask, or falls no longer. False: stopped.
  bool correct(const Inverse& inverse) {
    largest_gap_ = -1;
    std::vector<mpq_class> r(v_.size());
    for (;;) {
      if (run_.keep_going && !run_.keep_going()) return false;
      mpq_class largest;
      for (std::size_t s = 0; s < v_.size(); ++s) {
        r[s] = gap(rows_[s], s);
        largest = std::max(largest, mpq_class(abs(r[s])));
      }
      const bool falls = largest_gap_ < 0 || 2 * largest < largest_gap_;
      largest_gap_ = largest;
      // An error of about the residual times the time, with digits to spare for the proof.
      const mpq_class asked = tallest() / mpq_class(longest());
      const long bits = static_cast<long>(3.33 * n_digits_) + 16;
      if (largest == 0 || !falls || (asked > 0 && largest <= shifted(asked, -bits))) return true;
      const long e = exponent_of(largest);
      std::vector<double> b(r.size());
      for (std::size_t s = 0; s < b.size(); ++s) b[s] = shifted(r[s], -e).get_d();
      const std::vector<double> x = inverse(b);
      if (!all_finite(x)) return true;
      const long grid = std::max(0L, bits + 60 - e);
      for (std::size_t s = 0; s < b.size(); ++s) v_[s] += to_grid(shifted(mpq_class(x[s]), e), grid);
    }
  }

  // Takes rows that are better whatever the rest of the error is.
  bool improve() {
    const mpq_class doubt = 2 * largest_gap_ * mpq_class(longest() * 1.001);
    bool better = false;
    for (std::size_t s = 0; s < v_.size(); ++s) {
      mpq_class best = -doubt;
      for (Offset row = problem_.state_rows[s]; row < problem_.state_rows[s + 1]; ++row) {
        const mpq_class g = row == rows_[s] ? mpq_class(0) : gap(row, s);
        if (!(g < best)) continue;
        best = g;
        rows_[s] = row;
        better = true;
      }
    }
    return better;
  }

  // The proof; tied rows that last longer lengthen w first.
  bool enclose(mpq_class& error) {
    for (int k = 0; k < most_longer; ++k) {
      if (check(error)) return error * mpq_class(power_of_ten()) <= tallest();
      if (!lengthen()) return false;
    }
    return false;
  }
  [[nodiscard]] mpz_class power_of_ten() const {
    mpz_class x;
    mpz_ui_pow_ui(x.get_mpz_t(), 10, static_cast<unsigned long>(n_digits_));
    return x;
  }

  bool check(mpq_class& error) const {
    mpq_class least = 0;            // e has to be at least this
    std::optional<mpq_class> most;  // and at most this
    for (std::size_t s = 0; s < v_.size(); ++s) {
      for (Offset row = problem_.state_rows[s]; row < problem_.state_rows[s + 1]; ++row) {
        const mpq_class g = gap(row, s), d = drift(row, s);
        const bool own = row == rows_[s];
        if (own && d <= 0) return false;
        if (own) least = std::max(least, mpq_class(abs(g) / d));
        if (own || (g >= 0 && d >= 0)) continue;
        if (g < 0 && d <= 0) return false;
        if (g < 0)
          least = std::max(least, mpq_class(-g / d));
        else if (const mpq_class bound = g / -d; !most || bound < *most)
          most = bound;
      }
    }
    if (most && *most < least) return false;
    error = least * mpq_class(longest());
    return true;
  }

  // w of the rows that last longest among those tied but for the error. False if none lasts longer.
  bool lengthen() {
    const mpq_class doubt = 4 * largest_gap_ * mpq_class(longest() * 1.001);
    std::vector<Offset> slow = rows_;
    bool longer = false;
    for (std::size_t s = 0; s < v_.size(); ++s) {
      double best = w_[s] * (1.0 + 1e-9);
      for (Offset row = problem_.state_rows[s]; row < problem_.state_rows[s + 1]; ++row) {
        if (gap(row, s) > doubt) continue;
        double time = 1.0;
        for (const auto& [next, p] : problem_.rows[at(row)].to) time += p.get_d() * w_[static_cast<std::size_t>(next)];
        if (!(time > best)) continue;
        best = time;
        slow[s] = row;
        longer = true;
      }
    }
    if (!longer) return false;
    const Inverse inverse(problem_, slow);
    if (!inverse.good()) return false;
    std::vector<double> w = inverse(std::vector<double>(v_.size(), 1.0));
    if (!all_finite(w) || *std::min_element(w.begin(), w.end()) < 0.5) return false;  // rows that never exit
    w_ = std::move(w);
    return true;
  }

  const ExitProblem& problem_;
  std::vector<Offset> rows_;
  int n_digits_;
  const ExactRun& run_;
  std::vector<mpq_class> v_;
  std::vector<double> w_;
  mpq_class largest_gap_ = -1;
};

}  // namespace

RefinedExit refine_until_exit(const ExitProblem& problem, std::vector<Offset> start, int n_digits,
                              const ExactRun& run) {
  return Refinement(problem, std::move(start), n_digits, run)();
}

}  // namespace mdp::solvers
