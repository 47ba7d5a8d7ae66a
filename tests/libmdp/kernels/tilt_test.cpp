// The batched information projection (T6): its exponential and logarithm, its rows, what it leaves unsolved.
#include "libmdp/kernels/tilt.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/types.hpp"

using namespace mdp;
using namespace mdp::kernels;

namespace {

constexpr std::size_t lanes = TiltBatch::lanes;

// Rows of length n: V = base + spread U, world and reference of random weights U^power.
void fill_at_random(TiltBatch& batch, std::mt19937_64& random, std::size_t n, double base, double spread,
                    double power = 1.0) {
  std::uniform_real_distribution<double> uniform(0.01, 1.0);
  batch.length = batch.world_length = n;
  for (std::size_t l = 0; l < lanes; ++l) {
    double r = 0.0, w = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      TiltBatch::Entry& entry = batch.entry[i];
      r += entry.r[l] = std::pow(uniform(random), power);
      w += entry.world[l] = uniform(random);
      entry.value[l] = base + spread * uniform(random);
      entry.world_value[l] = base + spread * (0.4 + 0.2 * uniform(random));
    }
    for (std::size_t i = 0; i < n; ++i) batch.entry[i].r[l] /= r, batch.entry[i].world[l] /= w;
    batch.own[l] = base;
  }
}

}  // namespace

TEST_CASE("portable_exp and portable_log: within three units of roundoff") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int i = 0; i < 100000; ++i) {
    const double y = uniform(random) * (i % 2 == 0 ? 700.0 : 1.0);
    const long double e = std::exp(static_cast<long double>(y));
    REQUIRE(std::abs(static_cast<double>((portable_exp(y) - e) / e)) <= 3.0 * unit_roundoff);
    const double z = std::exp(uniform(random) * (i % 3 == 0 ? 1e-3 : 300.0));
    const long double l = std::log(static_cast<long double>(z));
    REQUIRE(std::abs(static_cast<double>(portable_log(z) - l)) <=
            3.0 * unit_roundoff * std::abs(static_cast<double>(l)));
  }
  REQUIRE(portable_exp(0.0) == 1.0);
  REQUIRE(portable_exp(-800.0) == 0.0);
  REQUIRE(portable_log(1.0) == 0.0);
}

TEST_CASE("T6: rows of a batch meet their equation, the KKT conditions and the dual value") {
  std::mt19937_64 random(2);
  int n_solved = 0;
  for (int trial = 0; trial < 400; ++trial) {
    CAPTURE(trial);
    const std::size_t n = 3 + static_cast<std::size_t>(trial) % 20;
    const double spread = std::ldexp(1.0, trial % 60 - 30);
    // Whatever stands beside it, on either side.
    std::vector<TiltBatch> batches(1 + static_cast<std::size_t>(trial) % TiltBatch::side_by_side);
    for (TiltBatch& other : batches) fill_at_random(other, random, 5, 1.0, 2.0);
    TiltBatch& batch = trial % 2 == 0 ? batches.front() : batches.back();
    fill_at_random(batch, random, n, trial % 3 == 0 ? 100.0 * spread : 0.0, spread);
    tilt(batches);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (batch.end[l] != TiltBatch::End::solved) continue;
      ++n_solved;
      long double tau = 0, world = 0, mean = 0, mass = 0, kl = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const TiltBatch::Entry& entry = batch.entry[i];
        tau += static_cast<long double>(entry.world[l]) * entry.world_value[l];
        world += entry.world[l];
        mean += static_cast<long double>(entry.p[l]) * entry.value[l];
        mass += entry.p[l];
        kl += entry.p[l] * std::log(static_cast<long double>(entry.p[l]) / entry.r[l]);
      }
      REQUIRE(std::abs(static_cast<double>(mean / mass - tau / world)) <= 8.0 * unit_roundoff * spread);
      REQUIRE(std::abs(static_cast<double>(mass - 1)) <= 32.0 * unit_roundoff);
      REQUIRE(batch.divergence[l] == Approx(static_cast<double>(kl)).epsilon(1e-11).margin(1e-15));
      REQUIRE(std::abs(batch.gap[l]) <= 1e-14 * (1.0 + batch.divergence[l]));
      const auto log_ratio = [&](std::size_t i) { return std::log(batch.entry[i].p[l] / batch.entry[i].r[l]); };
      for (std::size_t i = 1; i < n; ++i) {  // log(p/r) is affine in x with slope lambda
        const double rise = batch.multiplier[l] * (batch.entry[i].x[l] - batch.entry[0].x[l]);
        REQUIRE(log_ratio(i) - log_ratio(0) == Approx(rise).epsilon(1e-11).margin(1e-12));
      }
    }
  }
  REQUIRE(n_solved > 2500);
}

TEST_CASE("T6: a batch keeps what balances, and leaves what it cannot bracket") {
  std::mt19937_64 random(3);
  std::vector<TiltBatch> batches(2);  // the second is empty
  TiltBatch& batch = batches.front();
  fill_at_random(batch, random, 4, 1.0, 2.0);
  for (std::size_t i = 0; i < 4; ++i) {  // row 0: the world's own; row 1: every V above tau; row 2: constant V
    TiltBatch::Entry& entry = batch.entry[i];
    entry.world[0] = entry.r[0];
    entry.world_value[0] = entry.value[0];
    entry.world_value[1] = -5.0;
    entry.value[2] = 2.0;
  }
  tilt(batches);
  REQUIRE(batch.end[0] == TiltBatch::End::kept);
  REQUIRE(batch.divergence[0] == 0.0);
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(batch.entry[i].p[0] == batch.entry[i].r[0]);
  REQUIRE(batch.end[1] == TiltBatch::End::unsolved);
  REQUIRE(batch.end[2] == TiltBatch::End::unsolved);
}

TEST_CASE("T6: the same bits for any number of lanes at once, and next to no row is left unsolved") {
  std::mt19937_64 random(4);
  int n_rows = 0, n_unsolved = 0;
  for (int trial = 0; trial < 600; ++trial) {
    CAPTURE(trial);
    std::vector<TiltBatch> one(TiltBatch::side_by_side);
    for (TiltBatch& batch : one) {
      const double power = trial % 4 == 0 ? 6.0 : 1.0;  // down to 1e-12
      fill_at_random(batch, random, 2 + random() % 12, trial % 3 == 0 ? 50.0 : 0.0, std::ldexp(1.0, trial % 40 - 20),
                     power);
    }
    std::vector<TiltBatch> more = one;
    tilt(one, 2);
    for (const std::size_t at_once : {std::size_t{4}, std::size_t{8}}) {
      if (at_once > lanes_at_once()) continue;
      tilt(more, at_once);
      for (std::size_t b = 0; b < one.size(); ++b) {
        for (std::size_t l = 0; l < lanes; ++l) {
          REQUIRE(one[b].end[l] == more[b].end[l]);
          if (one[b].end[l] == TiltBatch::End::unsolved) continue;
          for (auto column : {&TiltBatch::multiplier, &TiltBatch::divergence, &TiltBatch::gap, &TiltBatch::residual}) {
            REQUIRE((one[b].*column)[l] == (more[b].*column)[l]);
          }
          for (std::size_t i = 0; i < one[b].length; ++i) REQUIRE(one[b].entry[i].p[l] == more[b].entry[i].p[l]);
        }
      }
    }
    for (const TiltBatch& batch : one) {
      for (std::size_t l = 0; l < lanes; ++l) {
        // Without an entry on both sides of tau there is nothing to solve.
        if (!(batch.low[l] < 0.0 && batch.high[l] > 0.0)) continue;
        ++n_rows;
        if (batch.end[l] == TiltBatch::End::unsolved) ++n_unsolved;
      }
    }
  }
  CAPTURE(n_rows, n_unsolved);
  REQUIRE(n_rows > 10000);
  REQUIRE(n_unsolved * 1000 < n_rows);
}
