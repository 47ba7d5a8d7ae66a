#include "libmdp/generate/replacement.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/dyadic.hpp"
#include "libmdp/generate/limits.hpp"

namespace mdp::generate {
namespace {

/// Wear of each machine, the first one first.
std::vector<std::int64_t> wear_of(std::int64_t state, const ReplacementOptions& o) {
  std::vector<std::int64_t> wear(static_cast<std::size_t>(o.machines));
  for (auto w = wear.rbegin(); w != wear.rend(); ++w, state /= o.levels) *w = state % o.levels;
  return wear;
}

/// The product over the machines of where each goes. \param replaced  a machine, or -1
std::vector<std::pair<std::int64_t, double>> successors(const std::vector<std::int64_t>& wear, std::int64_t replaced,
                                                        const std::vector<double>& loss, const ReplacementOptions& o) {
  std::vector<std::pair<std::int64_t, double>> next = {{0, 1.0}};
  for (std::size_t m = 0; m < wear.size(); ++m) {
    std::vector<std::pair<std::int64_t, double>> longer;
    for (const auto& [state, p] : next) {
      if (static_cast<std::int64_t>(m) == replaced) {
        longer.emplace_back(state * o.levels, p);
        continue;
      }
      for (std::size_t k = 0; k < loss.size(); ++k) {
        const std::int64_t worn = std::min(wear[m] + static_cast<std::int64_t>(k), o.levels - 1);
        longer.emplace_back(state * o.levels + worn, p * loss[k]);
      }
    }
    next = std::move(longer);
  }
  return next;
}

}  // namespace

std::string ReplacementOptions::check() const {
  if (auto broken = check_count("machines", machines, 8); !broken.empty()) return broken;
  if (levels < 2) return "levels = " + std::to_string(levels) + ", required at least 2";
  if (levels > max_n_states || bounded_power(levels, machines, max_n_states) < 0) {
    return "levels^machines exceeds 2^31 - 2 states";
  }
  if (auto broken = check_count("max_wear", max_wear, 12); !broken.empty()) return broken;
  if (machines * max_wear > 48) return "machines * max_wear exceeds 48: probabilities would lose bits";
  if (auto broken = check_amount("operating_cost", operating_cost, max_amount); !broken.empty()) return broken;
  if (auto broken = check_amount("replacement_cost", replacement_cost, max_amount); !broken.empty()) return broken;
  return check_amount("breakdown_cost", breakdown_cost, max_amount);
}

Mdp replacement(const ReplacementOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("replacement: " + broken);
  const std::int64_t n_states = bounded_power(options.levels, options.machines, max_n_states);
  const std::vector<double> loss = binomial(options.max_wear, 0.5);  // exact: integers, divided by a power of 2
  MdpBuilder builder(n_states);
  builder.discount(options.discount);
  for (std::int64_t state = 0; state < n_states; ++state) {
    const std::vector<std::int64_t> wear = wear_of(state, options);
    double cost = 0.0;
    for (const std::int64_t w : wear) {
      cost += options.operating_cost * static_cast<double>(w * w);
      if (w == options.levels - 1) cost += options.breakdown_cost;
    }
    for (std::int64_t replaced = -1; replaced < options.machines; ++replaced) {
      builder.row(state, replaced < 0 ? cost : cost + options.replacement_cost,
                  replaced < 0 ? "keep" : "replace " + std::to_string(replaced));
      for (const auto& [next, p] : successors(wear, replaced, loss, options)) builder.to(next, p);
    }
  }
  return builder.build();
}

}  // namespace mdp::generate
