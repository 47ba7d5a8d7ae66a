#include "libmdp/generate/inventory.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"

namespace mdp::generate {
namespace {

double mean_sales(std::int64_t stock, const std::vector<Demand>& demand) {
  TwoDouble sum;
  for (const Demand& d : demand) sum = sum + d.probability * static_cast<double>(std::min(stock, d.units));
  return sum.hi;
}

using Stock = std::array<std::int64_t, 2>;

/// \param x  stock before the orders  \param z  after them
double cost(const InventoryOptions& o, const Stock& x, const Stock& z) {
  const int orders = (z[0] > x[0] ? 1 : 0) + (z[1] > x[1] ? 1 : 0);
  const std::int64_t units = z[0] - x[0] + z[1] - x[1];
  const double sales = o.price[0] * mean_sales(z[0], o.demand) + o.price[1] * mean_sales(z[1], o.demand);
  return o.order_cost * orders + o.unit_cost * static_cast<double>(units) +
         o.holding_cost * static_cast<double>(z[0] + z[1]) - sales;
}

/// Costs from options.demand, transitions from `demand`.
Mdp build_inventory(const InventoryOptions& options, const std::vector<Demand>& demand) {
  const std::int64_t width = options.capacity + 1;
  const auto n_lots = static_cast<std::int64_t>(options.lots.size());
  const auto n_demands = static_cast<std::int64_t>(demand.size());
  MdpBuilder builder(width * width);
  builder.discount(options.discount);
  builder.reserve(width * width * n_lots * n_lots, width * width * n_lots * n_lots * n_demands * n_demands);
  for (std::int64_t s = 0; s < width * width; ++s) {
    const Stock x = {s / width, s % width};
    for (const std::int64_t q1 : options.lots) {
      for (const std::int64_t q2 : options.lots) {
        const Stock z = {std::min(x[0] + q1, options.capacity), std::min(x[1] + q2, options.capacity)};
        builder.row(s, cost(options, x, z), std::to_string(q1) + "+" + std::to_string(q2));
        for (const Demand& d1 : demand) {
          for (const Demand& d2 : demand) {
            builder.to(std::max<std::int64_t>(z[0] - d1.units, 0) * width + std::max<std::int64_t>(z[1] - d2.units, 0),
                       d1.probability * d2.probability);
          }
        }
      }
    }
  }
  return builder.build();
}

}  // namespace

std::string InventoryOptions::check() const {
  constexpr std::int64_t max_capacity = 46339;  // (capacity+1)^2 states fit
  if (capacity < 1 || capacity > max_capacity) {
    return "capacity = " + std::to_string(capacity) + ", required 1 to " + std::to_string(max_capacity);
  }
  if (lots.empty()) return "lots is empty, required at least one";
  if (demand.empty()) return "demand is empty, required at least one outcome";
  if (price.size() != 2) return "price has " + std::to_string(price.size()) + " entries, required 2";
  constexpr std::int64_t max_units = std::int64_t{1} << 40;
  for (const std::int64_t lot : lots) {
    if (lot < 0 || lot > max_units) return "lots has " + std::to_string(lot) + ", required 0 to 2^40";
  }
  double sum = 0.0;
  for (const Demand& d : demand) {
    if (d.units < 0 || d.units > max_units)
      return "demand has " + std::to_string(d.units) + " units, required 0 to 2^40";
    if (!(d.probability.hi > 0.0))
      return "demand has probability " + std::to_string(d.probability.hi) + ", required > 0";
    sum += d.probability.hi;
  }
  if (!(std::abs(sum - 1.0) <= 1e-9)) return "demand probabilities sum to " + std::to_string(sum) + ", required 1";
  return "";
}

Mdp inventory(const InventoryOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("inventory: " + broken);
  return build_inventory(options, options.demand);
}

Mdp inventory_mean_demand(const InventoryOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("inventory: " + broken);
  double mean = 0.0;
  for (const Demand& d : options.demand) mean += d.probability.hi * static_cast<double>(d.units);
  return build_inventory(options, {{std::llround(mean), 1.0}});
}

}  // namespace mdp::generate
