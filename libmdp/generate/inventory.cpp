#include "libmdp/generate/inventory.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"

namespace mdp::generate {
namespace {

TwoDouble mean_sales(std::int64_t stock, const std::vector<Demand>& demand) {
  TwoDouble sum;
  for (const Demand& d : demand) sum = sum + d.probability * static_cast<double>(std::min(stock, d.units));
  return sum;
}

/// Cost of one product: stock x before and z after the order.
TwoDouble product_cost(const InventoryOptions& o, std::size_t product, std::int64_t x, std::int64_t z) {
  TwoDouble cost = o.unit_cost * static_cast<double>(z - x) + o.holding_cost * static_cast<double>(z) -
                   o.price[product] * mean_sales(z, o.demand);
  if (z > x) cost = cost + o.order_cost;
  return cost;
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
    const std::int64_t x1 = s / width;
    const std::int64_t x2 = s % width;
    for (const std::int64_t q1 : options.lots) {
      for (const std::int64_t q2 : options.lots) {
        const std::int64_t z1 = std::min(x1 + q1, options.capacity);
        const std::int64_t z2 = std::min(x2 + q2, options.capacity);
        builder.row(s, product_cost(options, 0, x1, z1) + product_cost(options, 1, x2, z2),
                    std::to_string(q1) + "+" + std::to_string(q2));
        for (const Demand& d1 : demand) {
          for (const Demand& d2 : demand) {
            builder.to(std::max<std::int64_t>(z1 - d1.units, 0) * width + std::max<std::int64_t>(z2 - d2.units, 0),
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
