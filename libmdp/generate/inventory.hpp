// libmdp/generate/inventory.hpp — two products, random demand, lost sales.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

/// So many units are asked for with this probability.
struct Demand {
  std::int64_t units = 0;  ///< >= 0
  TwoDouble probability;   ///< > 0
};

struct InventoryOptions {
  /// Largest stock of each product; states (capacity+1)^2. >= 1.
  std::int64_t capacity = 49;
  /// Units that can be ordered of each product; actions (number of lots)^2. >= 0, at least one lot.
  std::vector<std::int64_t> lots = {0, 10, 20, 40};
  /// Demand of each product per period, independent; probabilities sum to 1 up to the row-sum tolerance.
  /// Default: three times a binomial(4, 1/2).
  std::vector<Demand> demand = {{0, 0.0625}, {3, 0.25}, {6, 0.375}, {9, 0.25}, {12, 0.0625}};
  double order_cost = 4.0;                 ///< per order of a product
  double unit_cost = 1.0;                  ///< per unit ordered
  double holding_cost = 0.02;              ///< per unit in stock after the order arrived
  std::vector<double> price = {3.0, 2.0};  ///< per unit sold: first product, second product
  Discount discount = 0.99;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// State (x1, x2), number x1 (capacity+1) + x2: the stock in the evening. Action (q1, q2): order lots, which arrive
/// at once, up to the capacity. Demand above the stock is lost. Cost with stock x, z = min(x + q, capacity):
///     order_cost (number of z_i > x_i) + unit_cost sum(z - x) + holding_cost sum(z) - sum price_i E min(z_i, demand),
/// in double, from left to right: that number is the cost meant.
/// \throws InvalidOption.  Source: Puterman (2005), section 3.2, for two products.
[[nodiscard]] Mdp inventory(const InventoryOptions& options = {});

/// A deterministic model of the same world: the same states, actions and costs L(s, a), but the demand is always its
/// mean, rounded to whole units.  \throws InvalidOption.
[[nodiscard]] Mdp inventory_mean_demand(const InventoryOptions& options = {});

}  // namespace mdp::generate
