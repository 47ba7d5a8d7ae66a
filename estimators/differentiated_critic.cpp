#include "estimators/differentiated_critic.hpp"

#include <string>
#include <utility>

#include <Eigen/Dense>

#include "estimators/critic_batch.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

constexpr Offset most_pairs = 3000;
constexpr double most_trace_numbers = 2e7;

class Exact final : public DifferentiatedCritic {
 public:
  explicit Exact(const Problem& problem) : problem_(problem) {}
  [[nodiscard]] Critic critic() const override { return Critic(problem_); }
  [[nodiscard]] ValueDerivatives along(const Direction& u) const override {
    return stage_value_derivatives(problem_, u);
  }

 private:
  const Problem& problem_;
};

class Lstd final : public DifferentiatedCritic {
 public:
  Lstd(const Problem& problem, bool with_derivatives) : problem_(problem) {
    const Offset n = problem.mdp().n_rows();
    if (n > most_pairs) {
      throw InvalidArgument("LSTD solves a dense system of n_rows = " + std::to_string(n) + ", at most " +
                            std::to_string(most_pairs));
    }
    if (with_derivatives) {
      const Offset m = problem.mdp().n_transitions();
      if (static_cast<double>(n) * static_cast<double>(m) > most_trace_numbers) {
        throw InvalidArgument("LSTD of derivatives keeps n_rows * n_transitions = " + std::to_string(n * m) +
                              " numbers, at most 20000000");
      }
      of_entry_ = Eigen::MatrixXd::Zero(n, m);
    }
    learn();
  }

  [[nodiscard]] Critic critic() const override {
    return {problem_, std::vector<double>(q_.data(), q_.data() + q_.size())};
  }

  [[nodiscard]] ValueDerivatives along(const Direction& u) const override {
    const Mdp& mdp = problem_.mdp();
    const DirectionScores scores(mdp, problem_.policy(), u, problem_.temperature());
    const auto mean = [&](State s, const auto& of_row) {
      double sum = 0.0;
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row)
        sum += problem_.policy()[at(row)] * of_row(row);
      return sum;
    };
    Eigen::VectorXd value(mdp.n_states()), moved(mdp.n_states());  // V, sum pi sigma^pi Q
    for (State s = 0; s < mdp.n_states(); ++s) {
      value(s) = mean(s, [&](Offset row) { return q_(row); });
      moved(s) = mean(s, [&](Offset row) { return scores.policy()[at(row)] * q_(row); });
    }
    Eigen::VectorXd cost(mdp.n_rows()), successor(mdp.n_transitions());
    for (Offset row = 0; row < mdp.n_rows(); ++row) cost(row) = scores.cost()[at(row)];
    for (Offset i = 0; i < mdp.n_transitions(); ++i) {
      const State to = mdp.next_state()[at(i)];
      successor(i) = mdp.discount() * (scores.transition()[at(i)] * value(to) + moved(to));
    }
    const Eigen::VectorXd d_q = lu_.solve(of_row_ * cost + of_entry_ * successor);
    ValueDerivatives result{{d_q.data(), d_q.data() + d_q.size()}, {}};
    for (State s = 0; s < mdp.n_states(); ++s)
      result.value.push_back(moved(s) + mean(s, [&](Offset row) { return d_q(row); }));
    return result;
  }

 private:
  /// Sums of the traces: by the pair and the transition of the step, the latter if derivatives are wanted.
  void learn() {
    const Mdp& mdp = problem_.mdp();
    const Offset n = mdp.n_rows();
    const double gamma = mdp.discount();
    of_row_ = Eigen::MatrixXd::Zero(n, n);
    Eigen::MatrixXd of_next = Eigen::MatrixXd::Zero(n, n);
    Eigen::VectorXd cost = Eigen::VectorXd::Zero(n), z(n);
    CriticBatch(problem_).for_trajectories([&](std::span<const Offset> rows, std::span<const Offset> entries) {
      z.setZero();
      for (std::size_t t = 0; t < rows.size(); ++t) {
        z *= gamma * problem_.options().critic_lambda;
        z(rows[t]) += 1.0;
        of_row_.col(rows[t]) += z;
        cost += problem_.cost()[at(rows[t])] * z;
        if (t + 1 == rows.size()) continue;
        of_next.col(rows[t + 1]) += z;
        if (of_entry_.size() > 0) of_entry_.col(entries[t]) += z;
      }
    });
    Eigen::MatrixXd system = of_row_ - gamma * of_next;
    for (Offset row = 0; row < n; ++row) {
      if (of_row_.row(row).isZero(0.0)) system(row, row) = 1.0;  // never met
    }
    lu_.compute(system);
    q_ = lu_.solve(cost);
  }

  const Problem& problem_;
  Eigen::MatrixXd of_row_, of_entry_;  // [n_rows, n_rows], [n_rows, n_transitions]
  Eigen::PartialPivLU<Eigen::MatrixXd> lu_;
  Eigen::VectorXd q_;
};

}  // namespace

std::unique_ptr<const DifferentiatedCritic> exact_differentiated_critic(const Problem& problem) {
  return std::make_unique<Exact>(problem);
}

std::unique_ptr<const DifferentiatedCritic> lstd_critic(const Problem& problem, bool with_derivatives) {
  return std::make_unique<Lstd>(problem, with_derivatives);
}

}  // namespace mdp::estimators
