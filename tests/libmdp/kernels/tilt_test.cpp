// The batched information projection (T6): its exponential and logarithm, its rows, what it leaves unsolved.
#include "libmdp/kernels/tilt.hpp"

#include <cmath>
#include <memory>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/types.hpp"

using namespace mdp;
using namespace mdp::kernels;

namespace {

constexpr std::size_t lanes = TiltBatch::lanes;

// Rows of length n: V = base + spread U, world and reference of random weights.
std::unique_ptr<TiltBatch> random_batch(std::mt19937_64& random, std::size_t n, double base, double spread) {
  auto batch = std::make_unique<TiltBatch>();
  std::uniform_real_distribution<double> uniform(0.01, 1.0);
  batch->length = batch->world_length = n;
  for (std::size_t l = 0; l < lanes; ++l) {
    double r = 0.0, w = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = i * lanes + l;
      r += batch->r[k] = uniform(random);
      w += batch->world[k] = uniform(random);
      batch->value[k] = base + spread * uniform(random);
      batch->world_value[k] = base + spread * (0.4 + 0.2 * uniform(random));
    }
    for (std::size_t i = 0; i < n; ++i) batch->r[i * lanes + l] /= r, batch->world[i * lanes + l] /= w;
    batch->own[l] = base;
  }
  return batch;
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
    const auto batch = random_batch(random, n, trial % 3 == 0 ? 100.0 * spread : 0.0, spread);
    const auto other = random_batch(random, 5, 1.0, 2.0);  // whatever stands beside it, on either side
    trial % 2 == 0 ? tilt(*batch, *other) : tilt(*other, *batch);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (batch->end[l] != TiltBatch::End::solved) continue;
      ++n_solved;
      long double tau = 0, world = 0, mean = 0, mass = 0, kl = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t k = i * lanes + l;
        tau += static_cast<long double>(batch->world[k]) * batch->world_value[k];
        world += batch->world[k];
        mean += static_cast<long double>(batch->p[k]) * batch->value[k];
        mass += batch->p[k];
        kl += batch->p[k] * std::log(static_cast<long double>(batch->p[k]) / batch->r[k]);
      }
      REQUIRE(std::abs(static_cast<double>(mean / mass - tau / world)) <= 8.0 * unit_roundoff * spread);
      REQUIRE(std::abs(static_cast<double>(mass - 1)) <= 32.0 * unit_roundoff);
      REQUIRE(batch->divergence[l] == Approx(static_cast<double>(kl)).epsilon(1e-11).margin(1e-15));
      REQUIRE(std::abs(batch->gap[l]) <= 1e-14 * (1.0 + batch->divergence[l]));
      const auto log_ratio = [&](std::size_t i) { return std::log(batch->p[i * lanes + l] / batch->r[i * lanes + l]); };
      for (std::size_t i = 1; i < n; ++i) {  // log(p/r) is affine in x with slope lambda
        const double rise = batch->multiplier[l] * (batch->x[i * lanes + l] - batch->x[l]);
        REQUIRE(log_ratio(i) - log_ratio(0) == Approx(rise).epsilon(1e-11).margin(1e-12));
      }
    }
  }
  REQUIRE(n_solved > 2500);
}

TEST_CASE("T6: a batch keeps what balances, and leaves what it cannot bracket") {
  std::mt19937_64 random(3);
  const auto batch = random_batch(random, 4, 1.0, 2.0);
  for (std::size_t i = 0; i < 4; ++i) {  // row 0: the world's own; row 1: every V above tau; row 2: constant V
    batch->world[i * lanes] = batch->r[i * lanes];
    batch->world_value[i * lanes] = batch->value[i * lanes];
    batch->world_value[i * lanes + 1] = -5.0;
    batch->value[i * lanes + 2] = 2.0;
  }
  const auto empty = std::make_unique<TiltBatch>();
  tilt(*batch, *empty);
  REQUIRE(batch->end[0] == TiltBatch::End::kept);
  REQUIRE(batch->divergence[0] == 0.0);
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(batch->p[i * lanes] == batch->r[i * lanes]);
  REQUIRE(batch->end[1] == TiltBatch::End::unsolved);
  REQUIRE(batch->end[2] == TiltBatch::End::unsolved);
}
