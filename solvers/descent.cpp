#include "solvers/descent.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

using Vector = std::vector<double>;

Vector difference(const Vector& x, const Vector& y) {
  Vector d(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) d[i] = x[i] - y[i];
  return d;
}

class Descent {
 public:
  Descent(const DescentFunction& f, DescentState start, const DescentOptions& options) : f_(f), options_(options) {
    result_.state = std::move(start);
  }

  DescentResult run() {
    DescentState& state = result_.state;
    // Only at the very start: projecting twice need not give the same bits.
    if (state.iteration == 0) state.x = moved(state.x, Vector(state.x.size(), 0.0), 0.0);
    evaluate(state.x, result_.point);
    if (!std::isfinite(result_.point.value)) throw InvalidArgument("descent: the function is not finite at the start");
    const std::int64_t last = state.iteration + options_.max_iterations;
    while (result_.status == Status::not_run) {
      result_.gradient_norm = max_abs(negative_gradient());
      if (options_.observer && !options_.observer(state, result_.point)) {
        return end(Status::interrupted, "stopped on request");
      }
      if (result_.gradient_norm <= options_.gradient_tolerance) return end(Status::converged, "the gradient vanishes");
      if (state.iteration >= last) return end(Status::sweep_limit, "max_iterations reached");
      step();
    }
    return std::move(result_);
  }

 private:
  DescentResult end(Status status, std::string message) {
    result_.status = status;
    result_.message = std::move(message);
    return std::move(result_);
  }

  void evaluate(const Vector& x, DescentPoint& point) const {
    point = f_(x);
    if (!std::isfinite(point.value)) return;
    require_size("descent: gradient", point.gradient.size(), static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!options_.free.empty() && options_.free[i] == 0) point.gradient[i] = 0.0;
    }
  }

  // The gradient along the domain: what a short step against it loses by the projection is taken out, so that steps and
  // curvatures are those of the faces that x lies on.
  [[nodiscard]] Vector tangent_gradient(const Vector& x, const Vector& gradient) const {
    const double size = max_abs(gradient);
    if (!options_.project || size == 0.0) return gradient;
    const double tau = 1e-3 / size;
    Vector straight = x;
    for (std::size_t i = 0; i < x.size(); ++i) straight[i] -= tau * gradient[i];
    const Vector kept = options_.project(straight);
    Vector tangent = gradient;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (kept[i] != straight[i]) tangent[i] = (x[i] - kept[i]) / tau;
    }
    return tangent;
  }

  [[nodiscard]] Vector negative_gradient() const {
    Vector p = tangent_gradient(result_.state.x, result_.point.gradient);
    for (double& x : p) x = -x;
    return p;
  }

  // project(x + t p), entries that may not move left to the bit.
  [[nodiscard]] Vector moved(const Vector& x, const Vector& p, double t) const {
    Vector y = x;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += t * p[i];
    if (options_.project) y = options_.project(std::move(y));
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (!options_.free.empty() && options_.free[i] == 0) y[i] = x[i];
    }
    return y;
  }

  // A step of Gauss and Newton; factors grow where whole steps were taken and the model allows it.
  bool gauss_newton_step_taken() {
    const DescentState& state = result_.state;
    const LeastSquaresModel model = options_.linearise(state.x);
    const double size = max_abs(result_.point.gradient);
    Vector leaning = state.x;
    for (std::size_t i = 0; i < leaning.size(); ++i) leaning[i] -= 1e-3 / size * result_.point.gradient[i];
    const Vector p = gauss_newton_step(model, leaning, options_.project);
    return search(p, state.last_step >= 1.0 ? std::min(2.0 * state.last_step, model.longest) : 1.0);
  }

  // -H g by the two loops of L-BFGS.
  [[nodiscard]] Vector quasi_newton_direction() const {
    const auto& s = result_.state.moves;
    const auto& y = result_.state.responses;
    Vector p = negative_gradient();
    Vector weight(s.size());
    for (std::size_t i = s.size(); i-- > 0;) {
      weight[i] = inner(s[i], p) / inner(s[i], y[i]);
      for (std::size_t k = 0; k < p.size(); ++k) p[k] -= weight[i] * y[i][k];
    }
    const double scale = inner(s.back(), y.back()) / inner(y.back(), y.back());
    for (double& x : p) x *= scale;
    for (std::size_t i = 0; i < s.size(); ++i) {
      const double back = inner(y[i], p) / inner(s[i], y[i]);
      for (std::size_t k = 0; k < p.size(); ++k) p[k] += (weight[i] - back) * s[i][k];
    }
    return p;
  }

  void step() {
    DescentState& state = result_.state;
    if (options_.method == DescentMethod::gauss_newton && gauss_newton_step_taken()) return;
    if (options_.method == DescentMethod::quasi_newton && !state.moves.empty()) {
      if (search(quasi_newton_direction(), 1.0)) return;
      state.moves.clear();  // what it has learnt does not help here
      state.responses.clear();
    }
    const Vector p = negative_gradient();
    const double first = options_.first_step / max_abs(p);
    const bool again = options_.method == DescentMethod::gradient && state.last_step > 0.0;
    if (search(p, again ? 2.0 * state.last_step : first)) {
      if (options_.method == DescentMethod::gauss_newton) state.last_step = 0.0;  // no factor of its own steps
      return;
    }
    result_.status = Status::precision_limit;
    result_.message = "no step along the gradient lowers the function by more than rounding";
  }

  // Halves t until Armijo's rule holds; false if rounding ends the search.
  bool search(const Vector& p, double t) {
    DescentState& state = result_.state;
    const DescentPoint& at = result_.point;
    const double noise = 4.0 * unit_roundoff * std::abs(at.value);
    for (int halvings = 0; halvings < 60; ++halvings, t *= 0.5) {
      Vector x = moved(state.x, p, t);
      const Vector move = difference(x, state.x);
      const double slope = inner(at.gradient, move);
      if (!(slope < -noise)) return false;
      DescentPoint next;
      ++state.evaluations;
      evaluate(x, next);
      if (!(next.value <= at.value + 1e-4 * slope)) continue;
      remember(move, difference(tangent_gradient(x, next.gradient), tangent_gradient(state.x, at.gradient)));
      state.x = std::move(x);
      state.last_step = t;
      ++state.iteration;
      result_.point = std::move(next);
      return true;
    }
    return false;
  }

  void remember(Vector move, Vector response) {
    DescentState& state = result_.state;
    if (options_.method != DescentMethod::quasi_newton) return;
    if (!(inner(move, response) > 1e-10 * std::sqrt(inner(move, move) * inner(response, response)))) return;
    state.moves.push_back(std::move(move));
    state.responses.push_back(std::move(response));
    if (static_cast<std::int64_t>(state.moves.size()) <= options_.memory) return;
    state.moves.erase(state.moves.begin());
    state.responses.erase(state.responses.begin());
  }

  const DescentFunction& f_;
  const DescentOptions& options_;
  DescentResult result_;
};

}  // namespace

std::string DescentOptions::check() const {
  if (max_iterations < 0) return "max_iterations: " + std::to_string(max_iterations) + " is below 0";
  if (!(gradient_tolerance > 0.0)) return "gradient_tolerance: must be > 0";
  if (!(first_step > 0.0 && first_step < infinity)) return "first_step: must be > 0 and finite";
  if (method == DescentMethod::gauss_newton && !linearise) return "linearise: gauss_newton needs it";
  if (memory < 1) return "memory: " + std::to_string(memory) + " is below 1";
  return "";
}

DescentResult minimise(const DescentFunction& f, DescentState start, const DescentOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  if (start.x.empty()) throw InvalidArgument("descent: nothing to move");
  require_finite("descent: x", start.x);
  if (!options.free.empty()) require_size("free", options.free.size(), static_cast<std::int64_t>(start.x.size()));
  return Descent(f, std::move(start), options).run();
}

}  // namespace mdp::solvers
