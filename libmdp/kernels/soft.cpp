#include "libmdp/kernels/soft.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::kernels {
namespace {

struct SoftMinimum {
  const Offset* rows;
  const double* v;
  double beta;
  const double* log_reference;  // may be null, as the two policies
  double* tv;
  double* q;
  double* policy;
  double* log_policy;
  ResidualRange range = {};
  double smallest = infinity;  // m

  // x = q - beta log mu
  [[nodiscard]] double shifted(Offset row) const {
    return log_reference == nullptr ? q[row] : q[row] - beta * log_reference[row];
  }

  void start(State) { smallest = infinity; }
  void row(Action, Offset row, double value) {
    q[row] = value;
    smallest = std::min(smallest, shifted(row));
  }
  void finish(State s) {
    if (smallest < infinity) {
      finish_finite(s);
    } else {
      finish_infinite(s);
    }
  }

  void finish_finite(State s) {
    double sum = 0.0;
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      const double weight = std::exp(-(shifted(row) - smallest) / beta);
      if (policy != nullptr) policy[row] = weight;
      sum += weight;
    }
    const double log_sum = std::log(sum);
    tv[s] = smallest - beta * log_sum;
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      if (policy != nullptr) policy[row] /= sum;
      if (log_policy != nullptr) log_policy[row] = -(shifted(row) - smallest) / beta - log_sum;
    }
    if (v[s] < infinity) {
      const double d = tv[s] - v[s];
      range.min = std::min(range.min, d);
      range.max = std::max(range.max, d);
    }
  }

  void finish_infinite(State s) {
    tv[s] = infinity;
    const double n = static_cast<double>(rows[s + 1] - rows[s]);
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      if (policy != nullptr) policy[row] = 1.0 / n;
      if (log_policy != nullptr) log_policy[row] = -infinity;
    }
  }
};

}  // namespace

ResidualRange soft_sweep(const Mdp& mdp, std::span<const double> v, double beta, std::span<const double> log_reference,
                         std::span<double> tv, const SoftOutput& output, int threads) {
  const auto or_null = [](auto span) { return span.empty() ? nullptr : span.data(); };
  return reduce_states(
      mdp.blocks(), threads, ResidualRange{},
      [&](State first, State last) {
        SoftMinimum minimum{mdp.state_rows().data(),
                            v.data(),
                            beta,
                            or_null(log_reference),
                            tv.data(),
                            output.q.data(),
                            or_null(output.policy),
                            or_null(output.log_policy)};
        visit_rows(mdp, v, first, last, minimum);
        return minimum.range;
      },
      [](const ResidualRange& x, const ResidualRange& y) {
        return ResidualRange{std::min(x.min, y.min), std::max(x.max, y.max)};
      });
}

}  // namespace mdp::kernels
