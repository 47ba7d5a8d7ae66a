// estimators/hessian_product.hpp — E[h K h w] of the second derivatives h of one trajectory, by recursion (X2, E4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include "estimators/moment_recursion.hpp"
#include "estimators/rule.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {

/// A direction and what a step at a place is to it.
class ProductDirection {
 public:
  ProductDirection(const Problem& problem, const DifferentiatedCritic* critic, const Direction& u)
      : scores_(problem.mdp(), problem.policy(), u, problem.temperature()) {
    if (critic != nullptr) derivatives_ = std::make_unique<const ValueDerivatives>(critic->along(u));
  }
  [[nodiscard]] Scores scores(Offset row, Offset entry) const { return scores_.at(row, entry); }
  [[nodiscard]] double policy(Offset row) const { return scores_.policy()[static_cast<std::size_t>(row)]; }

  void set(Step& step, std::int64_t t, State s, Offset row, Offset entry) const {
    step.j = scores(row, entry);
    if (derivatives_ == nullptr) return;
    step.d_q = derivatives_->q_of(t, row);
    step.d_value = derivatives_->value_of(t, s);
  }

 private:
  DirectionScores scores_;
  std::unique_ptr<const ValueDerivatives> derivatives_;
};

/// One step of a rule as an affine map of Z = [[g, Gamma_j^T], [Gamma_i, h]], i the free logits, j some directions:
///     g      <- discount g      + cost
///     Gamma  <- discount Gamma  + u g + c                      (u, c: rows of the logits of s only)
///     Gamma' <- discount Gamma' + v g + r
///     h      <- discount h + u Gamma'^T + Gamma v^T + M g + B  (M, B: likewise)
/// read off from the rule itself, so that there is one definition of it. Rules of second derivatives are such maps.
template <class Rule>
class ProductStep {
 public:
  /// \param logits  those of the state of `row` that are free
  ProductStep(const Problem& problem, const Step& common, std::span<const Offset> logits,
              std::span<const ProductDirection> directions, std::int64_t t, State s, Offset row, Offset entry)
      : u(Eigen::VectorXd::Zero(size(logits))),
        c(u),
        v(Eigen::VectorXd::Zero(size(directions))),
        r(v),
        m(Eigen::MatrixXd::Zero(size(logits), size(directions))),
        b(m) {
    Step step = common;
    discount = entry_of(step, Rule::h, Rule::h);
    if constexpr (requires { Rule::g; }) cost = entry_of(step, Rule::g, Rule::one);
    for (Eigen::Index j = 0; j < v.size(); ++j) {
      const ProductDirection& direction = directions[static_cast<std::size_t>(j)];
      step.i = step.ij = {};
      direction.set(step, t, s, row, entry);
      v(j) = entry_of(step, Rule::h, Rule::gamma_i);
      if constexpr (requires { Rule::gamma_j; }) r(j) = entry_of(step, Rule::gamma_j, Rule::one);
      for (Eigen::Index i = 0; i < u.size(); ++i) {
        const Offset logit = logits[static_cast<std::size_t>(i)];
        set_logit(problem, step, logit, row, direction.policy(logit));
        if constexpr (requires { Rule::g; }) m(i, j) = entry_of(step, Rule::h, Rule::g);
        b(i, j) = entry_of(step, Rule::h, Rule::one);
      }
    }
    for (Eigen::Index i = 0; i < u.size(); ++i) {
      set_logit(problem, step, logits[static_cast<std::size_t>(i)], row, 0.0);
      if constexpr (requires { Rule::g; }) u(i) = entry_of(step, Rule::gamma_i, Rule::g);
      c(i) = entry_of(step, Rule::gamma_i, Rule::one);
    }
  }

  double discount = 1.0, cost = 0.0;
  Eigen::VectorXd u, c, v, r;
  Eigen::MatrixXd m, b;

 private:
  template <class Range>
  static Eigen::Index size(const Range& x) {
    return static_cast<Eigen::Index>(x.size());
  }
  static double entry_of(const Step& step, std::size_t to, std::size_t from) {
    std::array<double, Rule::size> x{};
    x[from] = 1.0;
    Rule::step(step, x.data());
    return x[to];
  }
  /// The scores of a logit of this state, and its second derivatives with a direction of that policy score there.
  static void set_logit(const Problem& problem, Step& step, Offset logit, Offset row, double policy_score) {
    const double pi = problem.policy()[at(logit)];
    const double sigma = (row == logit ? 1.0 : 0.0) - pi;
    step.i = {sigma, 0.0, problem.temperature() * sigma};
    step.ij = {-pi * policy_score, 0.0, -problem.temperature() * pi * policy_score};
  }
};

/// Moments of X = (1, Z K) and Y = (1, Z w) of one trajectory for several w, where Z w = (Gamma' w, h w) =: (q, y), and for
/// w = 0 as it were (q, y) = (g, Gamma). Contracted over the index of K that Y has, wherever both have it: what E[h K h w]
/// needs of the products of X and Y obeys a recursion of its own, (1 + f)^2 numbers per w and state.
class ProductMoments {
 public:
  struct Of {                  ///< one w
    double q = 0.0;            ///< E q
    Eigen::VectorXd y;         ///< E y
    Eigen::MatrixXd with_q;    ///< E[Z K q]
    Eigen::MatrixXd left_y;    ///< E[(g, Gamma) y^T]
    Eigen::VectorXd matrix_y;  ///< E[(Gamma' K y, h K y)]
  };

  ProductMoments(Eigen::Index n_logits, std::size_t n_w)
      : z_(Eigen::MatrixXd::Zero(n_logits + 1, n_logits + 1)),
        of_(n_w + 1, {0.0, Eigen::VectorXd::Zero(n_logits), z_, Eigen::MatrixXd::Zero(n_logits + 1, n_logits),
                      Eigen::VectorXd::Zero(n_logits + 1)}) {}

  [[nodiscard]] const Of& of(std::size_t w) const { return of_[w + 1]; }

  void set_zero() {
    z_.setZero();
    for (Of& x : of_) {
      x.q = 0.0;
      for (auto* vector : {&x.y, &x.matrix_y}) vector->setZero();
      for (auto* matrix : {&x.with_q, &x.left_y}) matrix->setZero();
    }
  }

  /// X <- the step's map of X. \param place  of the logits of s among the free ones
  template <class Rule>
  void map_left(const ProductStep<Rule>& step, std::span<const Eigen::Index> place) {
    map_matrix(step, place, 1.0, z_);
    for (Of& x : of_) {
      map_matrix(step, place, x.q, x.with_q);
      const Eigen::RowVectorXd g_y = x.left_y.row(0);
      const double contracted = x.matrix_y(0);
      x.matrix_y *= step.discount;
      x.matrix_y += x.left_y * step.v;
      x.matrix_y(0) += step.r.dot(x.y);
      x.left_y *= step.discount;
      x.left_y.row(0) += step.cost * x.y.transpose();
      for (Eigen::Index i = 0; i < step.u.size(); ++i) {
        const Eigen::Index row = place[static_cast<std::size_t>(i)] + 1;
        x.matrix_y(row) += step.u(i) * contracted + step.m.row(i).dot(g_y) + step.b.row(i).dot(x.y);
        x.left_y.row(row) += step.u(i) * g_y + step.c(i) * x.y.transpose();
      }
    }
  }

  /// *this += weight * `from` with Y <- the step's map of Y. \param step  its directions are the w
  template <class Rule>
  void add_right(const ProductStep<Rule>& step, std::span<const Eigen::Index> place, double weight,
                 const ProductMoments& from) {
    const Of& left = from.of_[0];
    z_ += weight * from.z_;
    for (std::size_t k = 0; k < of_.size(); ++k) {
      const bool is_w = k > 0;
      const auto j = static_cast<Eigen::Index>(k) - 1;
      const Of& x = from.of_[k];
      Of& out = of_[k];
      const double kept = weight * step.discount;
      const double v = is_w ? weight * step.v(j) : 0.0;
      const double r = weight * (is_w ? step.r(j) : step.cost);
      out.q += kept * x.q + v * left.q + r;
      out.with_q += kept * x.with_q + v * left.with_q + r * from.z_;
      out.y += kept * x.y + v * left.y;
      out.left_y += kept * x.left_y + v * left.left_y;
      out.matrix_y += kept * x.matrix_y + v * left.matrix_y;
      for (Eigen::Index i = 0; i < step.u.size(); ++i) {
        const Eigen::Index l = place[static_cast<std::size_t>(i)];
        const double u = weight * step.u(i);
        const double m = is_w ? weight * step.m(i, j) : 0.0;
        const double b = weight * (is_w ? step.b(i, j) : step.c(i));
        out.y(l) += u * x.q + m * left.q + b;
        out.left_y.col(l) += u * x.with_q.col(0) + m * left.with_q.col(0) + b * from.z_.col(0);
        out.matrix_y += u * x.with_q.col(l + 1) + m * left.with_q.col(l + 1) + b * from.z_.col(l + 1);
      }
    }
  }

 private:
  /// E[Z K e] of the next stage to that of this one, `one` = E e.
  template <class Rule>
  static void map_matrix(const ProductStep<Rule>& step, std::span<const Eigen::Index> place, double one,
                         Eigen::MatrixXd& z) {
    const Eigen::Index f = z.rows() - 1;
    const double g = z(0, 0);
    const Eigen::RowVectorXd right = z.row(0).tail(f);
    const Eigen::VectorXd left = z.col(0);
    z *= step.discount;
    z.rightCols(f).noalias() += left * step.v.transpose();
    z.row(0).tail(f) += one * step.r.transpose();
    z(0, 0) += one * step.cost;
    for (Eigen::Index i = 0; i < step.u.size(); ++i) {
      const Eigen::Index row = place[static_cast<std::size_t>(i)] + 1;
      z.row(row).tail(f) += step.u(i) * right + g * step.m.row(i) + one * step.b.row(i);
      z(row, 0) += step.u(i) * g + one * step.c(i);
    }
  }

  Eigen::MatrixXd z_;  // E[Z K]
  std::vector<Of> of_;
};

/// E[h K h w]. Problem, critic and its derivatives must outlive the object.
template <class Rule>
class HessianProduct {
 public:
  static constexpr std::size_t n_together = 8;  ///< w that share what does not depend on them

  /// \param logits  the f policy logits on the left of h   \param k  [f] the columns of K, combinations of them
  HessianProduct(const Problem& problem, const Critic& critic, const DifferentiatedCritic* differentiated,
                 std::span<const Parameter> logits, std::span<const Direction> k)
      : problem_(problem),
        critic_(critic),
        differentiated_(differentiated),
        n_logits_(static_cast<Eigen::Index>(logits.size())),
        place_(static_cast<std::size_t>(problem.mdp().n_states())),
        logits_(place_.size()) {
    for (const Direction& column : k) columns_.emplace_back(problem, differentiated, column);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const auto s = static_cast<std::size_t>(problem.mdp().state_of(logits[i].index));
      place_[s].push_back(static_cast<Eigen::Index>(i));
      logits_[s].push_back(logits[i].index);
    }
  }

  /// \param w  at most n_together. Returns [f] for each. O(N n_transitions w.size() f^2).
  [[nodiscard]] std::vector<Eigen::VectorXd> operator()(std::span<const Direction> w) const {
    const Mdp& mdp = problem_.mdp();
    std::vector<ProductDirection> directions;
    for (const Direction& x : w) directions.emplace_back(problem_, differentiated_, x);
    ProductMoments scratch(n_logits_, w.size());
    std::vector<ProductMoments> next(place_.size(), scratch), now = next;
    for (std::int64_t t = problem_.horizon(); t-- > 0;) {
      for (State s = 0; s < mdp.n_states(); ++s)
        stage(t, s, directions, next, scratch, now[static_cast<std::size_t>(s)]);
      now.swap(next);
    }
    std::vector<Eigen::VectorXd> result(w.size(), Eigen::VectorXd::Zero(n_logits_));
    for (std::size_t s = 0; s < next.size(); ++s) {
      for (std::size_t k = 0; k < w.size(); ++k) result[k] += mdp.initial()[s] * next[s].of(k).matrix_y.tail(n_logits_);
    }
    return result;
  }

 private:
  void stage(std::int64_t t, State s, std::span<const ProductDirection> w, std::span<const ProductMoments> next,
             ProductMoments& scratch, ProductMoments& now) const {
    const Mdp& mdp = problem_.mdp();
    now.set_zero();
    const auto add = [&](Offset row, Offset entry, const ProductMoments& from, double weight) {
      const Step common = common_step(problem_, critic_, false, t, s, row, entry);
      const auto i = static_cast<std::size_t>(s);
      scratch = from;
      scratch.map_left(ProductStep<Rule>(problem_, common, logits_[i], columns_, t, s, row, entry), place_[i]);
      now.add_right(ProductStep<Rule>(problem_, common, logits_[i], w, t, s, row, entry), place_[i], weight, scratch);
    };
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      const double pi = problem_.policy()[at(row)];
      if (pi == 0.0) continue;
      if (t + 1 == problem_.horizon()) {
        add(row, -1, next[0], pi);
        continue;
      }
      for (Offset e = mdp.row_begin()[at(row)]; e < mdp.row_begin()[at(row) + 1]; ++e)
        add(row, e, next[at(mdp.next_state()[at(e)])], pi * mdp.probability()[at(e)]);
    }
  }

  const Problem& problem_;
  const Critic& critic_;
  const DifferentiatedCritic* differentiated_;
  Eigen::Index n_logits_;
  std::vector<ProductDirection> columns_;
  std::vector<std::vector<Eigen::Index>> place_;  // per state, of its logits among the free ones
  std::vector<std::vector<Offset>> logits_;       // per state, their rows
};

}  // namespace mdp::estimators
