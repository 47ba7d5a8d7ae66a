#include "libmdp/generate/planted.hpp"

#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"

namespace mdp::generate {
namespace {

constexpr double grid_step = 0x1p-8;             // of values and advantages
constexpr std::uint64_t n_values = 1U << 12;     // 0, step, …, 16 - step
constexpr std::uint64_t n_advantages = 1U << 9;  // step, …, 2
constexpr int probability_bits = 20;

/// W(s), and the position of the action whose advantage is zero.
std::pair<std::vector<double>, Policy> draw_solution(const PlantedOptions& options) {
  std::vector<double> values;
  Policy policy;
  for (std::int64_t s = 0; s < options.shape.states; ++s) {
    RandomSequence random(options.seed, RandomStream::planted_state, static_cast<std::uint64_t>(s));
    values.push_back(static_cast<double>(random.below(n_values)) * grid_step);
    policy.push_back(static_cast<Action>(random.below(static_cast<std::uint64_t>(options.shape.actions))));
  }
  return {std::move(values), std::move(policy)};
}

/// sum p W of a row, exact: multiples of 2^-28 below 16.
double expectation(std::span<const State> next, std::span<const double> p, const std::vector<double>& w) {
  double sum = 0.0;
  for (std::size_t k = 0; k < next.size(); ++k) sum += p[k] * w[static_cast<std::size_t>(next[k])];
  return sum;
}

/// T9: |Q*(stored L) - Q*| <= max |stored L - L| / (1 - gamma). With gamma a multiple of 2^-20, L is a multiple
/// of 2^-48 below 32: a double. Else rounding it costs at most 2^-49; twice that covers the arithmetic.
double truth_error(const Discount& discount) {
  const double scaled = discount.value.hi * 0x1p20;
  if (discount.value.lo == 0.0 && scaled == std::floor(scaled)) return 0.0;
  return bounds::round_up(0x1p-48 / discount.complement.hi);
}

}  // namespace

std::string PlantedOptions::check() const {
  if (!(discount.complement.hi > 0.0)) return "discount = 1, required < 1";
  if (shape.successors > std::int64_t{1} << (probability_bits - 1)) {
    return "successors = " + std::to_string(shape.successors) + ", required <= 2^19";
  }
  return shape.check();
}

Planted planted(const PlantedOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("planted: " + broken);
  auto [w, policy] = draw_solution(options);
  std::vector<double> q(static_cast<std::size_t>(options.shape.n_rows()));
  MdpArrays arrays = sized_arrays(options.shape, options.threads);
  arrays.discount = options.discount;
  fill_rows(options.shape, arrays, options.threads,
            [&, &w = w, &policy = policy](Offset r, std::span<State> next, std::span<double> p) {
              const auto row = static_cast<std::size_t>(r);
              const auto s = static_cast<std::size_t>(r / options.shape.actions);
              RandomSequence random(options.seed, RandomStream::planted_row, row);
              draw_successors(random, options.shape.states, next);
              draw_probabilities(random, probability_bits, p);
              const double advantage = static_cast<double>(1 + random.below(n_advantages)) * grid_step;
              q[row] = policy[s] == r % options.shape.actions ? w[s] : w[s] + advantage;
              arrays.cost[row] = (TwoDouble(q[row]) - options.discount.value * expectation(next, p, w)).hi;
            });
  return {build(std::move(arrays), {.threads = options.threads}), std::move(w), std::move(q), std::move(policy),
          truth_error(options.discount)};
}

}  // namespace mdp::generate
