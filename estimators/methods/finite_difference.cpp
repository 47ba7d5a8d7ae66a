#include "estimators/methods/finite_difference.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/parallel_tasks.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

constexpr State most_states_of_pairs = 400;

/// p with logit b moved by h: p_i exp(h [i = b]), normalised.
std::vector<double> moved(std::span<const double> p, std::size_t b, double h) {
  std::vector<double> result(p.begin(), p.end());
  const double factor = std::exp(h);
  const double sum = 1.0 + p[b] * (factor - 1.0);
  result[b] *= factor;
  for (double& x : result) x /= sum;
  return result;
}

/// The problem with one parameter moved by h.
class Neighbour {
 public:
  Neighbour(const Problem& problem, const Parameter& parameter, Offset owner, double h)
      : problem_(problem), mdp_(problem.mdp()), parameter_(parameter), owner_(owner), h_(h) {
    if (parameter.kind == ParameterKind::policy_logit) {
      law_ = moved(actions_of_model(static_cast<State>(owner)), at(parameter.index - mdp_.state_rows()[at(owner)]), h);
    } else if (parameter.kind == ParameterKind::probability_logit) {
      law_ = moved(successors_of_model(owner), at(parameter.index - mdp_.row_begin()[at(owner)]), h);
    }
  }

  [[nodiscard]] std::span<const double> actions(State s) const {
    return parameter_.kind == ParameterKind::policy_logit && s == owner_ ? law_ : actions_of_model(s);
  }
  [[nodiscard]] std::span<const double> successors(Offset row) const {
    return parameter_.kind == ParameterKind::probability_logit && row == owner_ ? law_ : successors_of_model(row);
  }
  [[nodiscard]] double cost(State s, Offset row) const {
    double cost = problem_.cost()[at(row)];
    if (parameter_.kind == ParameterKind::cost && row == owner_) cost += h_;
    if (problem_.temperature() > 0.0 && parameter_.kind == ParameterKind::policy_logit && s == owner_) {
      const Offset first = mdp_.state_rows()[at(s)];
      cost += problem_.temperature() * std::log(law_[at(row - first)] / problem_.policy()[at(row)]);
    }
    return cost;
  }

  /// J_N.
  [[nodiscard]] double performance() const {
    std::vector<double> next(at(mdp_.n_states()), 0.0), now(next.size());
    for (std::int64_t t = 0; t < problem_.horizon(); ++t) {
      for (State s = 0; s < mdp_.n_states(); ++s) {
        now[at(s)] = 0.0;
        const auto pi = actions(s);
        for (std::size_t a = 0; a < pi.size(); ++a) {
          const Offset row = mdp_.state_rows()[at(s)] + static_cast<Offset>(a);
          if (pi[a] > 0.0) now[at(s)] += pi[a] * (cost(s, row) + mdp_.discount() * expectation(row, next));
        }
      }
      now.swap(next);
    }
    double j = 0.0;
    for (State s = 0; s < mdp_.n_states(); ++s) j += mdp_.initial()[at(s)] * next[at(s)];
    return j;
  }

 private:
  [[nodiscard]] std::span<const double> actions_of_model(State s) const {
    return std::span(problem_.policy()).subspan(at(mdp_.state_rows()[at(s)]), at(mdp_.n_actions(s)));
  }
  [[nodiscard]] std::span<const double> successors_of_model(Offset row) const {
    const Offset first = mdp_.row_begin()[at(row)];
    return mdp_.probability().subspan(at(first), at(mdp_.row_begin()[at(row) + 1] - first));
  }
  [[nodiscard]] double expectation(Offset row, const std::vector<double>& x) const {
    double sum = 0.0;
    if (parameter_.kind == ParameterKind::probability_logit && row == owner_) {
      for (std::size_t k = 0; k < law_.size(); ++k) {
        sum += law_[k] * x[at(mdp_.next_state()[at(mdp_.row_begin()[at(row)]) + k])];
      }
      return sum;
    }
    kernels::row_expectation(mdp_, row, x.data(), 1, &sum);
    return sum;
  }

  const Problem& problem_;
  const Mdp& mdp_;
  Parameter parameter_;
  Offset owner_;
  double h_;
  std::vector<double> law_;
};

/// Position where the running sum of p first exceeds u; the last positive one if none does.
std::size_t invert(std::span<const double> p, double u) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0.0) continue;
    if (u < p[i]) return i;
    u -= p[i];
    last = i;
  }
  return last;
}

/// f(i, j, probability) for the pairs that one uniform number selects from two laws by inversion.
template <class F>
void for_common_draws(std::span<const double> p, std::span<const double> q, const F& f) {
  std::size_t i = 0;
  std::size_t j = 0;
  double left_p = p[0];
  double left_q = q[0];
  for (;;) {
    const double mass = std::min(left_p, left_q);
    if (mass > 0.0) f(i, j, mass);
    left_p -= mass;
    left_q -= mass;
    if (left_p <= left_q) {
      if (++i == p.size()) return;
      left_p = p[i];
    } else {
      if (++j == q.size()) return;
      left_q = q[j];
    }
  }
}

struct Uniforms : Scratch {
  double initial = 0.0;
  std::vector<double> action, successor;
  std::vector<char> seen_state, seen_row;
};

class FiniteDifference : public Statistic {
 public:
  FiniteDifference(const Problem& problem, const Targets& targets)
      : problem_(problem), mdp_(problem.mdp()), targets_(targets) {
    const double h = problem.options().difference_step;
    for (const Parameter& p : targets.rows) {
      owner_.push_back(ParameterScores(mdp_, problem.policy(), p, 0.0).owner());
      up_.emplace_back(problem, p, owner_.back(), h);
      down_.emplace_back(problem, p, owner_.back(), -h);
    }
  }

  [[nodiscard]] std::size_t n_tallied() const override { return targets_.size(); }
  [[nodiscard]] bool needs_path() const override { return false; }
  [[nodiscard]] std::unique_ptr<Scratch> scratch() const override { return std::make_unique<Uniforms>(); }
  [[nodiscard]] const StochasticPolicy& drawn_by() const override { return problem_.policy(); }
  [[nodiscard]] double exact_products(bool variance) const override {
    const auto n = static_cast<double>(mdp_.n_transitions());
    const bool pairs = variance && mdp_.n_states() <= most_states_of_pairs;
    return static_cast<double>(targets_.size() * at(problem_.horizon())) * (pairs ? 8.0 * n * n : 4.0 * n);
  }

  /// A parameter whose state or row the undisturbed trajectory does not meet changes nothing.
  void add(const SampledPath& path, Scratch& scratch, Tally& tally) const override {
    auto& u = static_cast<Uniforms&>(scratch);
    draw(path, u);
    const Neighbour undisturbed(problem_, {ParameterKind::cost, 0}, 0, 0.0);
    u.seen_state.assign(at(mdp_.n_states()), 0);
    u.seen_row.assign(at(mdp_.n_rows()), 0);
    run(undisturbed, u, [&](State s, Offset row) { u.seen_state[at(s)] = u.seen_row[at(row)] = 1; });
    tally.transitions += problem_.horizon();
    for (std::size_t i = 0; i < owner_.size(); ++i) {
      const bool by_state = targets_.rows[i].kind == ParameterKind::policy_logit;
      if ((by_state ? u.seen_state[at(owner_[i])] : u.seen_row[at(owner_[i])]) == 0) continue;
      const auto nothing = [](State, Offset) {};
      const double difference = run(up_[i], u, nothing) - run(down_[i], u, nothing);
      tally.transitions += 2 * problem_.horizon();
      tally.add(i, difference / (2.0 * problem_.options().difference_step));
    }
  }

  [[nodiscard]] ExactMoments exact(bool variance, const Observer& observer) const override {
    const bool pairs = variance && mdp_.n_states() <= most_states_of_pairs;
    const double h = problem_.options().difference_step;
    ExactMoments result{.mean = std::vector<double>(targets_.size()),
                        .variance = std::vector<double>(pairs ? targets_.size() : 0),
                        .bias_times_n = {},
                        .meaning = "recursion"};
    const bool done = kernels::parallel_tasks(
        static_cast<std::ptrdiff_t>(targets_.size()), problem_.options().threads, observer, [&](std::ptrdiff_t block) {
          const auto i = static_cast<std::size_t>(block);
          result.mean[i] = (up_[i].performance() - down_[i].performance()) / (2.0 * h);
          if (!pairs) return;
          const double second = second_moment(i) / (4.0 * h * h);
          result.variance[i] = std::max(0.0, second - result.mean[i] * result.mean[i]);
        });
    return done ? result : ExactMoments{};
  }

 private:
  void draw(const SampledPath& path, Uniforms& u) const {
    RandomSequence random(path.seed, RandomStream::trajectory, branch_index + path.index);
    u.initial = random.uniform();
    u.action.resize(at(problem_.horizon()));
    u.successor.resize(u.action.size());
    for (std::size_t t = 0; t < u.action.size(); ++t) {
      u.action[t] = random.uniform();
      u.successor[t] = random.uniform();
    }
  }

  /// The return of a neighbour under these numbers.
  template <class Visit>
  double run(const Neighbour& neighbour, const Uniforms& u, const Visit& visit) const {
    auto s = static_cast<State>(invert(mdp_.initial(), u.initial));
    double g = 0.0;
    double power = 1.0;
    for (std::size_t t = 0; t < u.action.size(); ++t, power *= mdp_.discount()) {
      const Offset row = mdp_.state_rows()[at(s)] + static_cast<Offset>(invert(neighbour.actions(s), u.action[t]));
      visit(s, row);
      g += power * neighbour.cost(s, row);
      const std::size_t k = at(mdp_.row_begin()[at(row)]) + invert(neighbour.successors(row), u.successor[t]);
      s = mdp_.next_state()[k];
    }
    return g;
  }

  /// E (G(up) - G(down))^2: first and second moments of D_t = L - L' + gamma D_{t+1} on pairs of states.
  [[nodiscard]] double second_moment(std::size_t i) const {
    const std::size_t n = at(mdp_.n_states());
    const double gamma = mdp_.discount();
    std::vector<double> next(n * n * 2, 0.0), now(next.size());
    for (std::int64_t t = 0; t < problem_.horizon(); ++t) {
      for (std::size_t pair = 0; pair < n * n; ++pair) {
        double m1 = 0.0;
        double m2 = 0.0;
        const auto s = static_cast<State>(pair / n);
        const auto z = static_cast<State>(pair % n);
        for_common_draws(up_[i].actions(s), down_[i].actions(z), [&](std::size_t a, std::size_t b, double pi) {
          const Offset r = mdp_.state_rows()[at(s)] + static_cast<Offset>(a);
          const Offset q = mdp_.state_rows()[at(z)] + static_cast<Offset>(b);
          const double c = up_[i].cost(s, r) - down_[i].cost(z, q);
          double e1 = 0.0;
          double e2 = 0.0;
          for_common_draws(up_[i].successors(r), down_[i].successors(q), [&](std::size_t k, std::size_t l, double p) {
            const std::size_t to = at(mdp_.next_state()[at(mdp_.row_begin()[at(r)]) + k]) * n +
                                   at(mdp_.next_state()[at(mdp_.row_begin()[at(q)]) + l]);
            e1 += p * next[2 * to];
            e2 += p * next[2 * to + 1];
          });
          m1 += pi * (c + gamma * e1);
          m2 += pi * (c * c + 2.0 * gamma * c * e1 + gamma * gamma * e2);
        });
        now[2 * pair] = m1;
        now[2 * pair + 1] = m2;
      }
      now.swap(next);
    }
    double second = 0.0;
    for (std::size_t s = 0; s < n; ++s) second += mdp_.initial()[s] * next[2 * (s * n + s) + 1];
    return second;
  }

  const Problem& problem_;
  const Mdp& mdp_;
  Targets targets_;
  std::vector<Offset> owner_;
  std::vector<Neighbour> up_, down_;
};

}  // namespace

std::unique_ptr<Statistic> finite_difference_statistic(const Problem& problem, const Targets& targets) {
  return std::make_unique<FiniteDifference>(problem, targets);
}

}  // namespace mdp::estimators
