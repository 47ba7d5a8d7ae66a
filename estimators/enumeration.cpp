#include "estimators/enumeration.hpp"

#include <algorithm>
#include <string>

#include "libmdp/error.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::estimators {
namespace {

/// Depth-first walk over all paths.
class Walk {
 public:
  Walk(const Mdp& mdp, std::span<const double> policy, std::int64_t horizon, const std::function<void(const Path&)>& f)
      : mdp_(mdp), policy_(policy), f_(f), state_(at(horizon)), row_(at(horizon)), entry_(at(horizon)) {}

  void from_initial() {
    for (State s = 0; s < mdp_.n_states(); ++s) {
      if (mdp_.initial()[at(s)] > 0.0) visit(0, s, mdp_.initial()[at(s)]);
    }
  }

 private:
  void visit(std::size_t k, State s, double probability) {
    state_[k] = s;
    for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
      if (policy_[at(row)] == 0.0) continue;
      row_[k] = row;
      entry_[k] = mdp_.row_begin()[at(row)];
      const double p = probability * policy_[at(row)];
      if (k + 1 == row_.size()) {
        f_({state_, row_, p, entry_});
        continue;
      }
      for (Offset i = mdp_.row_begin()[at(row)]; i < mdp_.row_begin()[at(row) + 1]; ++i) {
        entry_[k] = i;
        visit(k + 1, mdp_.next_state()[at(i)], p * mdp_.probability()[at(i)]);
      }
    }
  }

  const Mdp& mdp_;
  std::span<const double> policy_;
  const std::function<void(const Path&)>& f_;
  std::vector<State> state_;
  std::vector<Offset> row_, entry_;
};

}  // namespace

double count_paths(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon) {
  require_valid(mdp, stochastic_policy);
  if (horizon < 1) throw InvalidArgument("horizon = " + std::to_string(horizon) + ", required >= 1");
  std::vector<double> count(at(mdp.n_states()), 0.0);
  std::vector<double> next;
  for (std::int64_t k = horizon; k-- > 0;) {
    next.swap(count);
    count.assign(at(mdp.n_states()), 0.0);
    for (State s = 0; s < mdp.n_states(); ++s) {
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        if (stochastic_policy[at(row)] == 0.0) continue;
        if (k + 1 == horizon) {
          count[at(s)] += 1.0;
          continue;
        }
        for (Offset i = mdp.row_begin()[at(row)]; i < mdp.row_begin()[at(row) + 1]; ++i) {
          count[at(s)] += next[at(mdp.next_state()[at(i)])];
        }
      }
    }
  }
  double total = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) total += mdp.initial()[at(s)] > 0.0 ? count[at(s)] : 0.0;
  return total;
}

void for_each_path(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon,
                   const std::function<void(const Path&)>& f, std::int64_t max_paths) {
  const double n_paths = count_paths(mdp, stochastic_policy, horizon);
  if (n_paths > static_cast<double>(max_paths)) {
    throw InvalidArgument("there are " + std::to_string(n_paths) + " trajectories of " + std::to_string(horizon) +
                          " steps, more than max_paths = " + std::to_string(max_paths));
  }
  Walk(mdp, stochastic_policy, horizon, f).from_initial();
}

EnumeratedMoments enumerate_moments(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon,
                                    std::size_t dimension,
                                    const std::function<void(const Path&, std::span<double>)>& statistic,
                                    std::int64_t max_paths) {
  EnumeratedMoments result;
  TwoDouble total;
  std::vector<TwoDouble> first(dimension), second(dimension * dimension);
  std::vector<double> x(dimension);
  const auto add = [&](const Path& path) {
    std::fill(x.begin(), x.end(), 0.0);
    statistic(path, x);
    ++result.n_paths;
    total = total + path.probability;
    for (std::size_t i = 0; i < dimension; ++i) {
      first[i] = first[i] + two_product(path.probability, x[i]);
      for (std::size_t j = 0; j < dimension; ++j) {
        second[i * dimension + j] = second[i * dimension + j] + two_product(x[i], x[j]) * path.probability;
      }
    }
  };
  for_each_path(mdp, stochastic_policy, horizon, add, max_paths);
  result.total_probability = total.value();
  for (std::size_t i = 0; i < dimension; ++i) {
    result.mean.push_back(first[i].value());
    for (std::size_t j = 0; j < dimension; ++j) {
      result.covariance.push_back((second[i * dimension + j] - first[i] * first[j]).value());
    }
  }
  return result;
}

}  // namespace mdp::estimators
