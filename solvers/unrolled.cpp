#include "solvers/unrolled.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

// g^-k for k = 0 .. N where the discount is 1, else 1.
std::vector<double> stage_scales(const Mdp& mdp, std::int64_t horizon) {
  if (horizon < 1) throw InvalidOption("horizon: " + std::to_string(horizon) + " is below 1");
  std::vector<double> scale(static_cast<std::size_t>(horizon) + 1, 1.0);
  if (mdp.exact_discount().complement.value() != 0.0) return scale;
  const double growth = std::log1p(1.0 / static_cast<double>(horizon));
  for (std::size_t k = 0; k < scale.size(); ++k) scale[k] = std::exp(growth * static_cast<double>(k));
  return scale;
}

Mdp unroll(const Mdp& mdp, std::int64_t horizon, std::span<const double> terminal, std::span<const double> scale) {
  if (!terminal.empty()) {
    require_size("terminal", terminal.size(), mdp.n_states());
    require_finite("terminal", terminal);
  }
  const State n = mdp.n_states();
  if (static_cast<std::int64_t>(n) * (horizon + 1) >= std::numeric_limits<State>::max()) {
    throw InvalidArgument("unrolled: " + std::to_string(horizon) + " stages have too many states");
  }
  const auto end = static_cast<State>(n * (horizon + 1));
  MdpArrays arrays;
  const auto open_row = [&](double cost) {
    arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
    arrays.cost.push_back(cost);
  };
  const auto to = [&](State next, double p) {
    arrays.next_state.push_back(next);
    arrays.probability.push_back(p);
  };
  for (std::int64_t k = 0; k < horizon; ++k) {
    for (State s = 0; s < n; ++s) {
      arrays.state_rows.push_back(static_cast<Offset>(arrays.cost.size()));
      for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
        open_row(scale[k] * mdp.cost()[row]);
        for (Offset t = mdp.row_begin()[row]; t < mdp.row_begin()[row + 1]; ++t) {
          to(static_cast<State>((k + 1) * n + mdp.next_state()[t]), mdp.probability()[t]);
        }
      }
    }
  }
  for (State s = 0; s <= n; ++s) {  // the terminal costs, and the end
    arrays.state_rows.push_back(static_cast<Offset>(arrays.cost.size()));
    open_row(s == n || terminal.empty() ? 0.0 : scale[horizon] * terminal[s]);
    to(end, 1.0);
  }
  arrays.state_rows.push_back(static_cast<Offset>(arrays.cost.size()));
  arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
  const bool undiscounted = mdp.exact_discount().complement.value() == 0.0;
  arrays.discount =
      undiscounted ? Discount(static_cast<double>(horizon) / static_cast<double>(horizon + 1)) : mdp.exact_discount();
  arrays.initial.assign(static_cast<std::size_t>(end) + 1, 0.0);
  std::copy(mdp.initial().begin(), mdp.initial().end(), arrays.initial.begin());
  return build(std::move(arrays)).with_objective(mdp.objective());
}

}  // namespace

Unrolled::Unrolled(const Mdp& mdp, std::int64_t horizon, std::span<const double> terminal)
    : original_(mdp),
      horizon_(horizon),
      stage_scale_(stage_scales(mdp, horizon)),
      unrolled_(unroll(mdp, horizon, terminal, stage_scale_)) {
  if (stage_scale_.back() == 1.0) return;
  for (const double stage : stage_scale_) scale_.insert(scale_.end(), mdp.n_states(), stage);
  scale_.push_back(stage_scale_.back());  // the end, where nothing is paid
}

// The scales stay where the discount moves: W_k = g^-k L + (gamma g) P W_{k+1}, d/dgamma = g d/d(discount).
double Unrolled::discount_factor() const noexcept { return scale_.empty() ? 1.0 : unrolled_.discount(); }

EntryDirection Unrolled::spread(const EntryDirection& direction) const {
  require_direction(original_, direction);
  EntryDirection all = zero_direction(unrolled_);
  for (std::int64_t k = 0; k < horizon_; ++k) {
    std::transform(direction.cost.begin(), direction.cost.end(), all.cost.begin() + k * original_.n_rows(),
                   [by = stage_scale_[k]](double x) { return by * x; });
    std::copy(direction.probability.begin(), direction.probability.end(),
              all.probability.begin() + k * original_.n_transitions());
  }
  all.discount = direction.discount * discount_factor();
  return all;
}

EntryGradient Unrolled::fold(const EntryGradient& gradient) const {
  require_direction(unrolled_, gradient);
  EntryGradient sum = zero_direction(original_);
  for (std::int64_t k = 0; k < horizon_; ++k) {
    for (std::size_t row = 0; row < sum.cost.size(); ++row) {
      sum.cost[row] += stage_scale_[k] * gradient.cost[k * sum.cost.size() + row];
    }
    for (std::size_t t = 0; t < sum.probability.size(); ++t) {
      sum.probability[t] += gradient.probability[k * sum.probability.size() + t];
    }
  }
  sum.discount = gradient.discount * discount_factor();
  return sum;
}

RowFeatures Unrolled::stationary(const RowFeatures& features) const {
  require_size("features.begin", features.begin.size(), original_.n_rows() + 1);
  RowFeatures all{features.n_parameters, {0}, {}, {}};
  for (std::int64_t k = 0; k < horizon_; ++k) {
    const Offset before = all.begin.back();
    for (std::size_t row = 1; row < features.begin.size(); ++row) all.begin.push_back(before + features.begin[row]);
    all.parameter.insert(all.parameter.end(), features.parameter.begin(), features.parameter.end());
    all.value.insert(all.value.end(), features.value.begin(), features.value.end());
  }
  all.begin.resize(static_cast<std::size_t>(unrolled_.n_rows()) + 1, all.begin.back());
  return all;
}

}  // namespace mdp::solvers
