#include "libmdp/generate/limits.hpp"

namespace mdp::generate {

std::string check_count(const std::string& what, std::int64_t n, std::int64_t most) {
  if (n >= 1 && n <= most) return "";
  return what + " = " + std::to_string(n) + ", required 1 to " + std::to_string(most);
}

std::string check_amount(const std::string& what, double x, double most) {
  if (x >= 0.0 && x <= most) return "";
  return what + " = " + std::to_string(x) + ", required 0 to " + std::to_string(most);
}

std::int64_t bounded_power(std::int64_t base, std::int64_t exponent, std::int64_t most) {
  std::int64_t power = 1;
  for (std::int64_t k = 0; k < exponent; ++k) {
    if (power > most / base) return -1;
    power *= base;
  }
  return power;
}

}  // namespace mdp::generate
