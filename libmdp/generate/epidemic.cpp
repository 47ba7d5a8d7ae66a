#include "libmdp/generate/epidemic.hpp"

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/dyadic.hpp"
#include "libmdp/generate/limits.hpp"

namespace mdp::generate {
namespace {

constexpr double negligible = 0x1p-60;  // all of a row's terms below it sum to less than half a grid step

/// States before those with s susceptible people.
std::int64_t first_state(std::int64_t s, std::int64_t population) { return s * (population + 1) - s * (s - 1) / 2; }

/// x^n by repeated multiplication: the same bits everywhere, unlike std::pow.
double power(double x, std::int64_t n) {
  double result = 1.0;
  for (; n > 0; n /= 2, x *= x) {
    if (n % 2 == 1) result *= x;
  }
  return result;
}

class Row {
 public:
  explicit Row(std::int64_t population) : population_(population) {}

  /// From (s, i): k of s fall ill with mass ill[k], r of i recover with mass well[r].
  void add_to(MdpBuilder& builder, std::int64_t s, std::int64_t i, const std::vector<double>& ill,
              const std::vector<double>& well) {
    next_.clear();
    p_.clear();
    for (std::int64_t k = 0; k <= s; ++k) {
      for (std::int64_t r = 0; r <= i; ++r) {
        const double p = ill[static_cast<std::size_t>(k)] * well[static_cast<std::size_t>(r)];
        if (p < negligible) continue;
        next_.push_back(first_state(s - k, population_) + i + k - r);
        p_.push_back(p);
      }
    }
    add_rounded(builder, next_, p_);
  }

 private:
  std::int64_t population_;
  std::vector<std::int64_t> next_;
  std::vector<double> p_;
};

}  // namespace

std::string EpidemicOptions::check() const {
  if (auto broken = check_count("population", population, 2000); !broken.empty()) return broken;
  if (auto broken = check_amount("contact", contact, 1.0); !broken.empty()) return broken;
  if (!(recovery >= 0x1p-20)) return "recovery = " + std::to_string(recovery) + ", required 2^-20 to 1";
  if (auto broken = check_amount("recovery", recovery, 1.0); !broken.empty()) return broken;
  if (interventions.empty()) return "interventions is empty, required at least one factor";
  for (const double factor : interventions) {
    if (auto broken = check_amount("interventions: factor", factor, 1.0); !broken.empty()) return broken;
  }
  if (auto broken = check_amount("infection_cost", infection_cost, max_amount); !broken.empty()) return broken;
  return check_amount("intervention_cost", intervention_cost, max_amount);
}

Mdp epidemic(const EpidemicOptions& o) {
  if (const auto broken = o.check(); !broken.empty()) throw InvalidOption("epidemic: " + broken);
  const std::int64_t n = o.population;
  const auto people = static_cast<double>(n);
  MdpBuilder builder(first_state(n + 1, n));
  builder.discount(o.discount).initial(first_state(n - 1, n) + 1, 1.0);
  Row row(n);
  for (std::int64_t s = 0; s <= n; ++s) {
    for (std::int64_t i = 0; i <= n - s; ++i) {
      const std::int64_t state = first_state(s, n) + i;
      if (i == 0) {
        builder.goal(state);
        continue;
      }
      const std::vector<double> well = binomial(i, o.recovery);
      for (int action = 0; const double factor : o.interventions) {
        const double ill = 1.0 - power(1.0 - factor * o.contact / people, i);
        builder.row(state, o.infection_cost * static_cast<double>(i) + o.intervention_cost * (1.0 - factor) * people,
                    "intervention " + std::to_string(action++));
        row.add_to(builder, s, i, binomial(s, ill), well);
      }
    }
  }
  return builder.build();
}

}  // namespace mdp::generate
