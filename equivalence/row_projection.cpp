#include "equivalence/row_projection.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/lower_hull.hpp"
#include "equivalence/relative_entropy.hpp"
#include "equivalence/row_polytope.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {
namespace {

// Position of the largest r among those that `keep` names; the lowest of equals, n if there is none.
template <class Keep>
std::size_t largest(std::span<const double> r, Keep&& keep) {
  std::size_t best = r.size();
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (keep(i) && (best == r.size() || r[i] > r[best])) best = i;
  }
  return best;
}

// p = r restricted to the entries that `keep` names, divided by their sum; without mass there, the first of them.
template <class Keep>
void condition(std::span<const double> r, std::span<double> p, Keep&& keep) {
  TwoDouble mass;
  bool whole = true;
  for (std::size_t i = 0; i < r.size(); ++i) {
    p[i] = keep(i) ? r[i] : 0.0;
    whole = whole && p[i] == r[i];
    mass = mass + TwoDouble(p[i]);
  }
  if (whole) return;  // r to the bit
  if (mass.hi > 0.0) {
    for (double& value : p) value /= mass.hi;
  } else {
    p[largest(r, keep)] = 1.0;
  }
}

double chi_squared(std::span<const double> p, std::span<const double> r) {
  double sum = 0.0;
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (r[i] > 0.0) sum += (p[i] - r[i]) * ((p[i] - r[i]) / r[i]);
  }
  return sum;
}

}  // namespace

std::string_view to_string(Divergence divergence) noexcept {
  switch (divergence) {
    case Divergence::kl: return "kl";
    case Divergence::reverse_kl: return "reverse-kl";
    case Divergence::likelihood: return "likelihood";
    case Divergence::chi2: return "chi2";
    case Divergence::l2: return "l2";
    case Divergence::l1: return "l1";
    case Divergence::wasserstein: return "wasserstein";
    case Divergence::sparsest: return "sparsest";
    case Divergence::deterministic: return "deterministic";
    case Divergence::linear: return "linear";
    case Divergence::uniform: return "uniform";
  }
  return "kl";
}

std::string_view to_string(RowOutcome outcome) noexcept {
  switch (outcome) {
    case RowOutcome::kept: return "kept";
    case RowOutcome::projected: return "projected";
    case RowOutcome::boundary: return "boundary";
    case RowOutcome::infeasible: return "infeasible";
    case RowOutcome::unbounded: return "unbounded";
    case RowOutcome::unsupported: return "unsupported";
  }
  return "kept";
}

// What the entries of x in D look like.
struct RowProjection::Range {
  double low = infinity;
  double high = -infinity;
  TwoDouble moment;             // sum r x
  double absolute_moment = 0;   // sum r |x|
  bool holds_reference = true;  // supp r in D
};

RowProjection::RowProjection(Divergence divergence, const GroundDistance* ground, std::span<const double> direction,
                             std::uint64_t seed)
    : divergence_(divergence),
      direction_(direction),
      seed_(seed),
      transport_(divergence == Divergence::wasserstein ? ground : nullptr) {}

RowProjection::Range RowProjection::range_of(const RowProblem& row) const {
  Range range;
  for (std::size_t i = 0; i < row.x.size(); ++i) {
    if (!allows(row, i)) {
      if (row.reference[i] > 0.0) range.holds_reference = false;
      continue;
    }
    range.low = std::min(range.low, row.x[i]);
    range.high = std::max(range.high, row.x[i]);
    range.moment = range.moment + two_product(row.reference[i], row.x[i]);
    range.absolute_moment += row.reference[i] * std::abs(row.x[i]);
  }
  return range;
}

Projection RowProjection::operator()(const RowProblem& row, std::span<double> p) {
  const Range range = range_of(row);
  if (range.low > range.high) {  // D is empty
    std::copy(row.reference.begin(), row.reference.end(), p.begin());
    return {RowOutcome::infeasible, not_computed, infinity, 0.0};
  }
  if (divergence_ == Divergence::linear) return extreme(row, p);
  if (divergence_ == Divergence::uniform) return drawn(row, p);
  if (!measures_from_reference(divergence_)) return few_points(row, p);
  const bool is_likelihood = divergence_ == Divergence::reverse_kl || divergence_ == Divergence::likelihood;
  if (is_likelihood && !range.holds_reference) {
    std::copy(row.reference.begin(), row.reference.end(), p.begin());
    return {RowOutcome::unsupported, not_computed, infinity, 0.0};
  }
  Projection result;
  const bool is_constant = range.high - range.low <= row.tie;
  // Entries of r carry a rounding of u each, and so does their sum: a moment below that is none.
  const bool is_met = std::abs(range.moment.hi) <= 4.0 * unit_roundoff * range.absolute_moment;
  if ((is_met && (range.holds_reference || stays_in_reference(divergence_))) ||
      (is_constant && std::min(std::abs(range.low), std::abs(range.high)) <= row.slack)) {
    solve_without_moment(row, 0.0, infinity, p, result);
    result.outcome = RowOutcome::kept;
  } else if (range.low < -row.tie && range.high > row.tie) {
    solve(row, range, p, result);
  } else {
    const bool at_upper_end = range.high <= row.tie;
    const double end = at_upper_end ? range.high : range.low;
    solve_without_moment(row, end, row.tie, p, result);
    const bool is_met_there = std::abs(end) <= row.slack;
    result.outcome = is_met_there ? RowOutcome::boundary : RowOutcome::infeasible;
    result.multiplier = !is_met_there ? not_computed : at_upper_end ? infinity : -infinity;
    if (!is_met_there) result.divergence = infinity, result.duality_gap = 0.0;
  }
  return result;
}

RowSolution RowProjection::solve_scaled(const RowProblem& row, bool has_moment, std::span<double> p) {
  const std::span<const double> r = row.reference;
  switch (divergence_) {
    case Divergence::kl: return information_(r, x_, p);
    case Divergence::reverse_kl:
    case Divergence::likelihood: return likelihood_(r, x_, p);
    case Divergence::chi2: return chi_squared_(r, x_, p);
    case Divergence::l2: return euclidean_(r, x_, has_moment, p);
    case Divergence::l1: {
      const RowSolution solution = transport_(row.states, r, x_, p);
      return {2.0 * solution.multiplier, 2.0 * solution.divergence, 2.0 * solution.gap};
    }
    case Divergence::wasserstein: return transport_(row.states, r, x_, p);
    case Divergence::sparsest:
    case Divergence::deterministic:
    case Divergence::linear:
    case Divergence::uniform: break;
  }
  return {};
}

void RowProjection::solve(const RowProblem& row, const Range& range, std::span<double> p, Projection& result) {
  const int exponent = std::ilogb(std::max(-range.low, range.high)) + 1;
  x_.resize(row.x.size());
  for (std::size_t i = 0; i < row.x.size(); ++i) x_[i] = allows(row, i) ? std::ldexp(row.x[i], -exponent) : infinity;
  const RowSolution solution = solve_scaled(row, true, p);
  result = {RowOutcome::projected, std::ldexp(solution.multiplier, -exponent), solution.divergence, solution.gap};
}

void RowProjection::solve_without_moment(const RowProblem& row, double end, double tie, std::span<double> p,
                                         Projection& result) {
  const auto inside = [&](std::size_t i) { return allows(row, i) && std::abs(row.x[i] - end) <= tie; };
  const bool is_likelihood = divergence_ == Divergence::reverse_kl || divergence_ == Divergence::likelihood;
  if (stays_in_reference(divergence_) || is_likelihood) {
    condition(row.reference, p, inside);
    result.divergence = divergence_ == Divergence::kl     ? relative_entropy(p, row.reference)
                        : divergence_ == Divergence::chi2 ? chi_squared(p, row.reference)
                                                          : relative_entropy(row.reference, p);
    return;
  }
  bool whole = true;
  x_.resize(row.x.size());
  for (std::size_t i = 0; i < row.x.size(); ++i) {
    x_[i] = inside(i) ? 0.0 : infinity;
    whole = whole && (inside(i) || row.reference[i] == 0.0);
  }
  if (whole) {
    std::copy(row.reference.begin(), row.reference.end(), p.begin());
    return;
  }
  const RowSolution solution = solve_scaled(row, false, p);
  result.divergence = solution.divergence;
  result.duality_gap = solution.gap;
}

Projection RowProjection::few_points(const RowProblem& row, std::span<double> p) const {
  constexpr auto none = static_cast<std::size_t>(-1);
  const std::span<const double> r = row.reference;
  std::size_t below = none, above = none;  // nearest to tau on either side; the likelier, then the lower of equals
  const auto nearer = [&](std::size_t i, std::size_t j) {
    if (j == none) return true;
    const double a = std::abs(row.x[i]), b = std::abs(row.x[j]);
    return a != b ? a < b : r[i] > r[j];
  };
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (!allows(row, i)) continue;
    std::size_t& side = row.x[i] <= 0.0 ? below : above;
    if (nearer(i, side)) side = i;
  }
  std::fill(p.begin(), p.end(), 0.0);
  const std::size_t nearest = above == none || (below != none && !nearer(above, below)) ? below : above;
  const double miss = std::abs(row.x[nearest]);
  const bool outside = below == none || above == none;
  const double allowed = outside ? row.slack : row.tie;
  if (divergence_ == Divergence::deterministic || miss <= allowed || outside) {
    p[nearest] = 1.0;
    const bool is_met = miss <= std::max(allowed, row.tie);
    const double measure = divergence_ == Divergence::deterministic ? miss : is_met ? 1.0 : infinity;
    return {is_met ? RowOutcome::projected : RowOutcome::infeasible, not_computed, measure, 0.0};
  }
  const double width = row.x[above] - row.x[below];
  p[below] = row.x[above] / width;
  p[above] = -row.x[below] / width;
  return {RowOutcome::projected, not_computed, 2.0, 0.0};
}

// The least E_p[g] is the lower convex hull of the points (x, g) at x = 0: by linear programming duality
// max_m min_j (g_j - m x_j), m the slope of the hull there.
Projection RowProjection::extreme(const RowProblem& row, std::span<double> p) {
  const Range range = range_of(row);
  const bool is_interior = range.low < -row.tie && range.high > row.tie;
  const bool is_constant = range.high - range.low <= row.tie;
  const double end = range.high <= row.tie ? range.high : range.low;
  const double miss = is_constant ? std::min(std::abs(range.low), std::abs(range.high)) : std::abs(end);
  direction_here_.resize(row.x.size());
  order_.clear();
  for (std::size_t i = 0; i < row.x.size(); ++i) {
    direction_here_[i] = direction_[static_cast<std::size_t>(row.states[i])];
    if (!allows(row, i)) continue;
    if (is_interior || is_constant || std::abs(row.x[i] - end) <= row.tie) order_.push_back(i);
  }
  std::fill(p.begin(), p.end(), 0.0);
  const std::vector<double>& g = direction_here_;
  if (!is_interior) {
    const std::size_t best =
        *std::min_element(order_.begin(), order_.end(), [&g](std::size_t i, std::size_t j) { return g[i] < g[j]; });
    p[best] = 1.0;
    if (miss > row.slack) return {RowOutcome::infeasible, not_computed, infinity, 0.0};
    const double slope = is_constant ? 0.0 : range.high <= row.tie ? infinity : -infinity;
    return {is_constant ? RowOutcome::projected : RowOutcome::boundary, slope, g[best], 0.0};
  }
  std::sort(order_.begin(), order_.end(),
            [&row](std::size_t i, std::size_t j) { return row.x[i] != row.x[j] ? row.x[i] < row.x[j] : i < j; });
  lower_hull(order_, row.x, g, hull_);
  std::size_t k = 1;
  while (row.x[hull_[k]] < 0.0) ++k;
  const std::size_t left = hull_[k - 1], right = hull_[k];
  const double width = row.x[right] - row.x[left];
  const double slope = (g[right] - g[left]) / width;
  p[left] = row.x[right] / width;
  p[right] = -row.x[left] / width;
  const double value = p[left] * g[left] + p[right] * g[right];
  double least = infinity;
  for (const std::size_t j : order_) least = std::min(least, g[j] - slope * row.x[j]);
  return {RowOutcome::projected, slope, value, value - least};
}

Projection RowProjection::drawn(const RowProblem& row, std::span<double> p) const {
  const RowPolytope polytope(row.x, row.tie, row.slack);
  if (polytope.dimension() < 0) {
    Projection nearest = few_points(row, p);
    nearest.outcome = RowOutcome::infeasible;
    nearest.divergence = infinity;
    return nearest;
  }
  RandomSequence random(seed_, RandomStream::polytope, static_cast<std::uint64_t>(row.row));
  polytope.sample(random, p);
  return {RowOutcome::projected, not_computed, 0.0, 0.0};
}

}  // namespace mdp::equivalence
