#include "estimators/discrete_law.hpp"

#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Offset;
using mdp::RandomSequence;
using mdp::RandomStream;
__extension__ using Wide = unsigned __int128;

/// Distributions of every kind: thirds, tiny entries, zeros at both ends, one certain, many.
std::vector<std::vector<double>> examples() {
  std::vector<std::vector<double>> laws = {{1.0},
                                           {0.25, 0.75},
                                           {1.0 / 3, 1.0 / 3, 1.0 / 3},
                                           {0.0, 1.0, 0.0},
                                           {1e-30, 1.0 - 1e-15, 1e-15},
                                           {0.1, 0.2, 0.7, 0.0}};
  for (const std::size_t n : {2U, 8U, 9U, 10U, 100U}) {
    RandomSequence random(n, RandomStream::test, 0);
    std::vector<double> p(n);
    double sum = 0.0;
    for (double& x : p) sum += x = random.below(4) == 0 ? 0.0 : random.uniform() * random.uniform();
    sum += p[0] = 1.0;
    for (double& x : p) x /= sum;
    laws.push_back(p);
    laws.emplace_back(n, 1.0 / static_cast<double>(n));
  }
  return laws;
}

TEST_CASE("integer masses sum to one, are within 2^-62 of the probabilities, and keep zeros") {
  for (const auto& p : examples()) {
    const auto mass = integer_masses(p);
    CHECK(std::accumulate(mass.begin(), mass.end(), std::uint64_t{0}) == unit_mass);
    const double defect = std::abs(std::accumulate(p.begin(), p.end(), 0.0) - 1.0);
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] == 0.0) CHECK(mass[i] == 0);
      // floor, the rest of all floors, the row's own rounding, and that of this line
      const double allowed = static_cast<double>(p.size()) * (0x1p-62 + 0x1p-53) + defect;
      CHECK(std::abs(static_cast<double>(mass[i]) * 0x1p-62 - p[i]) <= allowed);
    }
  }
}

TEST_CASE("an alias table has exactly the law of the integer masses") {
  for (const auto& p : examples()) {
    std::vector<AliasCell> table(p.size());
    fill_alias_table(p, table);
    std::vector<Wide> drawn(p.size(), 0);
    for (std::size_t i = 0; i < table.size(); ++i) {
      CHECK(table[i].threshold <= unit_mass);
      drawn[i] += table[i].threshold;
      drawn[static_cast<std::size_t>(table[i].alias)] += unit_mass - table[i].threshold;
    }
    const auto mass = integer_masses(p);
    for (std::size_t i = 0; i < p.size(); ++i) CHECK((drawn[i] == static_cast<Wide>(mass[i]) * p.size()));
  }
}

TEST_CASE("a scan has exactly the law of the integer masses") {
  for (const auto& p : examples()) {
    std::vector<std::uint64_t> drawn(p.size(), 0);  // from where the scan changes its answer
    std::uint64_t from = 0;
    for (const double x : p) {
      const auto mass = std::min(static_cast<std::uint64_t>(x * 0x1p62), unit_mass - from);
      if (mass == 0) continue;
      CHECK(scan(from, p) == scan(from + mass - 1, p));
      drawn[static_cast<std::size_t>(scan(from, p))] += mass;
      from += mass;
    }
    if (from < unit_mass) {
      CHECK(scan(from, p) == scan(unit_mass - 1, p));
      drawn[static_cast<std::size_t>(scan(from, p))] += unit_mass - from;
    }
    CHECK(drawn == integer_masses(p));
  }
}

TEST_CASE("drawing follows the law: chi-square") {
  for (const std::size_t n : {5U, 20U}) {  // scanned, by alias table
    std::vector<double> p(n);
    for (std::size_t i = 0; i < n; ++i) p[i] = static_cast<double>(i + 1) / (0.5 * static_cast<double>(n * (n + 1)));
    const std::vector<Offset> begin = {0, static_cast<Offset>(n)};
    const DiscreteLaws laws(begin, p);
    RandomSequence random(3, RandomStream::test, n);
    const double draws = 100000.0;
    std::vector<double> counts(n);
    for (int i = 0; i < 100000; ++i) counts[static_cast<std::size_t>(laws.draw(random, 0))] += 1.0;
    double chi_square = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      chi_square += (counts[i] - draws * p[i]) * (counts[i] - draws * p[i]) / (draws * p[i]);
    }
    CHECK(chi_square < mdp::tests::chi_square_threshold(n - 1));
  }
}

}  // namespace
