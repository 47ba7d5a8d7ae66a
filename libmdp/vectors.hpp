// libmdp/vectors.hpp — sizes and products of flat vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "libmdp/two_double.hpp"

namespace mdp {

/// max |x_i|; 0 of nothing. O(n).
[[nodiscard]] inline double max_abs(std::span<const double> x) {
  double largest = 0.0;
  for (const double entry : x) largest = std::max(largest, std::abs(entry));
  return largest;
}

/// max |x_i| of the leading parts: less than the true maximum by a relative 2^-53 at most. O(n).
[[nodiscard]] inline double max_abs(std::span<const TwoDouble> x) {
  double largest = 0.0;
  for (const TwoDouble entry : x) largest = std::max(largest, std::abs(entry.hi));
  return largest;
}

/// max |x_i| of the finite entries; 0 if there is none. O(n).
[[nodiscard]] inline double max_abs_finite(std::span<const double> x) {
  double largest = 0.0;
  for (const double entry : x) largest = std::isfinite(entry) ? std::max(largest, std::abs(entry)) : largest;
  return largest;
}

/// max |x_i - y_i|, both of one length. O(n).
[[nodiscard]] inline double max_gap(std::span<const double> x, std::span<const double> y) {
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

/// Sum of x_i y_i in this order, in doubles. O(n).
[[nodiscard]] inline double inner(std::span<const double> x, std::span<const double> y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Sum of x_i y_i in about 106 bits, rounded once; entries with x_i = 0 do not count, whatever y_i is. O(n).
[[nodiscard]] inline double accurate_inner(std::span<const double> x, std::span<const double> y) {
  TwoDouble sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != 0.0) sum = sum + two_product(x[i], y[i]);
  }
  return sum.value();
}

}  // namespace mdp
