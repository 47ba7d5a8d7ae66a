#include "libmdp/generate/linear_quadratic.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/error.hpp"

namespace mdp::generate {
namespace {

// "" or the rule that a length has to be a number of grid steps.
std::string check_length(const char* name, double length, double steps, double least) {
  const double n = length * steps;
  if (n >= least && n <= 1e6 && n == std::floor(n)) return {};
  return std::string(name) + " = " + std::to_string(length) + ", required: " + name + " * steps an integer from " +
         std::to_string(static_cast<int>(least)) + " to 10^6";
}

}  // namespace

std::string LinearQuadraticOptions::check() const {
  if (steps < 1 || steps > 1000) return "steps = " + std::to_string(steps) + ", required from 1 to 1000";
  const auto n = static_cast<double>(steps);
  for (const std::string& rule : {check_length("extent", extent, n, 1.0), check_length("reach", reach, n, 1.0),
                                  check_length("noise", noise, n, 0.0)}) {
    if (!rule.empty()) return rule;
  }
  if (!(control_cost >= 0.0 && control_cost < infinity)) {
    return "control_cost = " + std::to_string(control_cost) + ", required finite and >= 0";
  }
  return {};
}

Mdp linear_quadratic(const LinearQuadraticOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  const auto n = static_cast<double>(options.steps);
  const auto end = static_cast<std::int64_t>(options.extent * n);
  const auto reach = static_cast<std::int64_t>(options.reach * n);
  const auto noise = options.mean_only ? 0 : static_cast<std::int64_t>(options.noise * n);
  MdpArrays arrays;
  arrays.discount = options.discount;
  arrays.state_rows.push_back(0);
  arrays.row_begin.push_back(0);
  const auto state = [end](std::int64_t x) { return static_cast<State>(std::clamp(x, -end, end) + end); };
  for (std::int64_t x = -end; x <= end; ++x) {
    for (std::int64_t u = -reach; u <= reach; ++u) {
      const double at = static_cast<double>(x) / n, control = static_cast<double>(u) / n;
      arrays.cost.push_back(at * at + options.control_cost * control * control);
      const State low = state(x + u - noise), high = state(x + u + noise);
      arrays.next_state.push_back(low);
      arrays.probability.push_back(low == high ? 1.0 : 0.5);
      if (low != high) {
        arrays.next_state.push_back(high);
        arrays.probability.push_back(0.5);
      }
      arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
    }
    arrays.state_rows.push_back(static_cast<Offset>(arrays.row_begin.size()) - 1);
  }
  return build(std::move(arrays));
}

double riccati_root(const LinearQuadraticOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  // gamma Pi^2 + (r - gamma - gamma r) Pi - r = 0.
  const double gamma = options.discount.value.hi, r = options.control_cost;
  if (gamma == 0.0) return 1.0;
  const double b = r - gamma - gamma * r;
  const double root = std::sqrt(b * b + 4.0 * gamma * r);
  return b > 0.0 ? 2.0 * r / (b + root) : (root - b) / (2.0 * gamma);
}

}  // namespace mdp::generate
