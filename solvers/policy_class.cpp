#include "solvers/policy_class.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

// f(first row, last row) for every state.
template <class F>
void for_states(std::span<const Offset> state_rows, F&& f) {
  for (std::size_t s = 0; s + 1 < state_rows.size(); ++s) f(state_rows[s], state_rows[s + 1]);
}

void require_features(const Mdp& mdp, const RowFeatures& features) {
  if (features.n_parameters < 1) throw InvalidArgument("features: no parameters");
  require_size("features.begin", features.begin.size(), mdp.n_rows() + 1);
  require_size("features.parameter", features.parameter.size(), features.begin.back());
  require_size("features.value", features.value.size(), features.begin.back());
  require_finite("features.value", features.value);
  if (features.begin.front() != 0 || !std::is_sorted(features.begin.begin(), features.begin.end())) {
    throw InvalidArgument("features.begin must ascend from 0");
  }
  for (const std::int64_t i : features.parameter) {
    if (i >= 0 && i < features.n_parameters) continue;
    throw InvalidArgument("features: parameter " + std::to_string(i) + " is not among 0 .. " +
                          std::to_string(features.n_parameters - 1));
  }
}

bool is_identity(const RowFeatures& features) {
  const auto n = static_cast<std::int64_t>(features.begin.size()) - 1;
  if (features.n_parameters != n || features.begin.back() != n) return false;
  for (std::int64_t row = 0; row < n; ++row) {
    if (features.begin[row] != row || features.parameter[row] != row || features.value[row] != 1.0) return false;
  }
  return true;
}

}  // namespace

std::vector<double> RowFeatures::times(std::span<const double> w) const {
  require_size("parameters", w.size(), n_parameters);
  std::vector<double> y(begin.size() - 1, 0.0);
  for (std::size_t row = 0; row < y.size(); ++row) {
    for (Offset k = begin[row]; k < begin[row + 1]; ++k) y[row] += value[k] * w[parameter[k]];
  }
  return y;
}

std::vector<double> RowFeatures::transposed_times(std::span<const double> y) const {
  require_size("row numbers", y.size(), static_cast<std::int64_t>(begin.size()) - 1);
  std::vector<double> w(n_parameters, 0.0);
  for (std::size_t row = 0; row < y.size(); ++row) {
    for (Offset k = begin[row]; k < begin[row + 1]; ++k) w[parameter[k]] += value[k] * y[row];
  }
  return w;
}

RowFeatures RowFeatures::identity(const Mdp& mdp) {
  RowFeatures f{mdp.n_rows(), {}, {}, std::vector<double>(mdp.n_rows(), 1.0)};
  for (Offset row = 0; row <= mdp.n_rows(); ++row) f.begin.push_back(row);
  f.parameter.assign(f.begin.begin(), f.begin.end() - 1);
  return f;
}

RowFeatures RowFeatures::shared(const Mdp& mdp, std::span<const std::int64_t> group) {
  require_size("group", group.size(), mdp.n_states());
  std::int64_t n_groups = 0;
  Offset most = 0;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (group[s] < 0) throw InvalidArgument("group[" + std::to_string(s) + "] is below 0");
    n_groups = std::max(n_groups, group[s] + 1);
    most = std::max(most, mdp.n_actions(s));
  }
  RowFeatures f{n_groups * most, {}, {}, std::vector<double>(mdp.n_rows(), 1.0)};
  for (Offset row = 0; row <= mdp.n_rows(); ++row) f.begin.push_back(row);
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset a = 0; a < mdp.n_actions(s); ++a) f.parameter.push_back(group[s] * most + a);
  }
  return f;
}

PolicyClass::PolicyClass(const Mdp& mdp, RowFeatures features, double exploration, std::vector<double> offset)
    : state_rows_(mdp.state_rows().begin(), mdp.state_rows().end()),
      features_(std::move(features)),
      exploration_(exploration),
      offset_(std::move(offset)) {
  require_features(mdp, features_);
  if (!(exploration_ >= 0.0 && exploration_ < 1.0)) {
    throw InvalidArgument("exploration: " + std::to_string(exploration_) + " is not in [0, 1)");
  }
  if (offset_.empty()) offset_.assign(mdp.n_rows(), 0.0);
  require_size("offset", offset_.size(), mdp.n_rows());
  require_finite("offset", offset_);
  tabular_ = is_identity(features_);
}

PolicyClass::Point PolicyClass::at(std::span<const double> w) const {
  require_finite("parameters", w);
  std::vector<double> logits = features_.times(w);
  for (std::size_t row = 0; row < logits.size(); ++row) logits[row] += offset_[row];
  Point point;
  point.of_ = this;
  point.softmax_.resize(logits.size());
  point.share_.assign(logits.size(), 1.0);
  point.log_policy_.resize(logits.size());
  for_states(state_rows_, [&](Offset first, Offset last) {
    const double top = *std::max_element(logits.begin() + first, logits.begin() + last);
    double sum = 0.0;
    for (Offset row = first; row < last; ++row) sum += std::exp(logits[row] - top);
    const double floor = exploration_ / static_cast<double>(last - first);
    for (Offset row = first; row < last; ++row) {
      point.log_policy_[row] = logits[row] - top - std::log(sum);
      point.softmax_[row] = std::exp(point.log_policy_[row]);
      if (exploration_ == 0.0) continue;
      const double pi = (1.0 - exploration_) * point.softmax_[row] + floor;
      point.share_[row] = (1.0 - exploration_) * point.softmax_[row] / pi;
      point.log_policy_[row] = std::log(pi);
    }
  });
  return point;
}

// F u - E_p F u.
std::vector<double> PolicyClass::Point::centred_logits(std::span<const double> direction) const {
  std::vector<double> moved = of_->features_.times(direction);
  for_states(of_->state_rows_, [&](Offset first, Offset last) {
    double mean = 0.0;
    for (Offset row = first; row < last; ++row) mean += softmax_[row] * moved[row];
    for (Offset row = first; row < last; ++row) moved[row] -= mean;
  });
  return moved;
}

std::vector<double> PolicyClass::Point::along(std::span<const double> direction) const {
  std::vector<double> score = centred_logits(direction);
  for (std::size_t row = 0; row < score.size(); ++row) score[row] *= share_[row];
  return score;
}

// s_i = share (F_i - E_p F_i): F^T of share g - p sum share g.
std::vector<double> PolicyClass::Point::pull_back(std::span<const double> g) const {
  require_size("g", g.size(), static_cast<std::int64_t>(softmax_.size()));
  std::vector<double> y(g.size());
  for_states(of_->state_rows_, [&](Offset first, Offset last) {
    double sum = 0.0;
    for (Offset row = first; row < last; ++row) sum += share_[row] * g[row];
    for (Offset row = first; row < last; ++row) y[row] = share_[row] * g[row] - softmax_[row] * sum;
  });
  return of_->features_.transposed_times(y);
}

// d^2 p = p (c_i c_u - Cov_p(F_i, F_u)) with c = F - E_p F, and Cov_p = sum p F_i c_u: with k = share g it is F^T of
// k c_u - p sum k c_u - p c_u sum k.
std::vector<double> PolicyClass::Point::curvature(std::span<const double> direction, std::span<const double> g) const {
  require_size("g", g.size(), static_cast<std::int64_t>(softmax_.size()));
  const std::vector<double> c = centred_logits(direction);
  std::vector<double> y(g.size());
  for_states(of_->state_rows_, [&](Offset first, Offset last) {
    double sum = 0.0, moved = 0.0;
    for (Offset row = first; row < last; ++row) {
      sum += share_[row] * g[row];
      moved += share_[row] * g[row] * c[row];
    }
    for (Offset row = first; row < last; ++row) {
      y[row] = share_[row] * g[row] * c[row] - softmax_[row] * (moved + c[row] * sum);
    }
  });
  return of_->features_.transposed_times(y);
}

double PolicyClass::effect(std::span<const double> u, std::span<const char> of) const {
  const std::vector<double> moved = features_.times(u);
  double largest = 0.0;
  std::size_t s = 0;
  for_states(state_rows_, [&](Offset first, Offset last) {
    const bool counts = of.empty() || of[s] != 0;
    ++s;
    if (!counts) return;
    double mean = 0.0;
    for (Offset row = first; row < last; ++row) mean += moved[row];
    mean /= static_cast<double>(last - first);
    for (Offset row = first; row < last; ++row) largest = std::max(largest, std::abs(moved[row] - mean));
  });
  return largest;
}

}  // namespace mdp::solvers
