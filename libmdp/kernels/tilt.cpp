#include "libmdp/kernels/tilt.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "libmdp/types.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(MDP_NO_TARGET_CLONES)
#define MDP_TILT_CLONES
// Vectors wider than the default's go by reference, into functions that are inlined.
#pragma GCC diagnostic ignored "-Wpsabi"
#include <immintrin.h>
#endif

#define MDP_INLINE __attribute__((always_inline)) inline

namespace mdp::kernels {
namespace {

// Bits of doubles and other numbers by name, so that nothing is called for them where a pass is compiled for another target.
constexpr std::int64_t all_but_sign = std::numeric_limits<std::int64_t>::max();
constexpr auto bits_of_1 = std::bit_cast<std::int64_t>(1.0);
constexpr auto bits_of_2_52 = std::bit_cast<std::int64_t>(0x1p52);
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr auto kept_code = static_cast<std::int64_t>(TiltBatch::End::kept);
constexpr auto solved_code = static_cast<std::int64_t>(TiltBatch::End::solved);

// Adding and subtracting 1.5 2^52 rounds to an integer, whose low bits are then those of the sum.
constexpr double to_integer = 0x1.8p52;
constexpr double ln2_high = 0x1.62e42feep-1;  // 33 bits
constexpr double ln2_low = 0x1.a39ef35793c76p-33;

constexpr double exponential[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
                                  1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
                                  1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};
// e^y - 1 - y over y^2: to 2^-56 of e^y for |y| <= 2^-8, to 3e-6 for |y| <= 0.35
constexpr double short_exponential[] = {1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5};
constexpr double logarithm[] = {2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0,
                                2.0 / 11.0, 2.0 / 9.0,  2.0 / 7.0,  2.0 / 5.0,  2.0 / 3.0};
// log m on [1, 2) to 8e-5 (Chebyshev's interpolation)
constexpr double rough_logarithm[] = {-0.05437093, 0.43393244, -1.44059216, 2.79283652, -1.73172644};
constexpr double entropy[] = {8.0 / 362880.0, 7.0 / 40320.0, 6.0 / 5040.0, 5.0 / 720.0,
                              4.0 / 120.0,    3.0 / 24.0,    2.0 / 6.0,    0.5};

constexpr double furthest = 600.0;    // |lambda x|: e to it is far inside the doubles
constexpr double smallest = 0x1p-26;  // |eta x| of what is left
constexpr double small = 0x1p-17;     // KL whose series is summed
constexpr double closest = 0x1p-8;    // |eta x| of the last step

// The passes over a batch, once for each width of vectors. Not by target_clones: g++ cuts vectors for the default target before it
// makes clones, and the pieces do not grow together again.
#define MDP_TILT_WIDTH 2
namespace by_two {
#include "libmdp/kernels/tilt_lanes.inc"
}
#undef MDP_TILT_WIDTH

#ifdef MDP_TILT_CLONES
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define MDP_TILT_WIDTH 4
namespace by_four {
#include "libmdp/kernels/tilt_lanes.inc"
}
#undef MDP_TILT_WIDTH
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define MDP_TILT_WIDTH 8
namespace by_eight {
#include "libmdp/kernels/tilt_lanes.inc"
}
#undef MDP_TILT_WIDTH
#pragma GCC pop_options
#endif

}  // namespace

double portable_exp(double y) noexcept {
  by_two::Lanes v;
  by_two::fill(y, v);
  by_two::exponentiate(v, exponential);
  return v[0];
}

double portable_log(double y) noexcept {
  by_two::Lanes number, v;
  by_two::fill(y, number);
  by_two::log_of(number, v);
  return v[0];
}

std::size_t lanes_at_once() noexcept {
#ifdef MDP_TILT_CLONES
  if (__builtin_cpu_supports("x86-64-v4")) return 8;
  if (__builtin_cpu_supports("x86-64-v3")) return 4;
#endif
  return 2;
}

void tilt(std::span<TiltBatch> batches, std::size_t at_once) {
#ifdef MDP_TILT_CLONES
  if (at_once == 8) return by_eight::run(batches.data(), batches.size());
  if (at_once == 4) return by_four::run(batches.data(), batches.size());
#endif
  static_cast<void>(at_once);
  by_two::run(batches.data(), batches.size());
}

}  // namespace mdp::kernels
