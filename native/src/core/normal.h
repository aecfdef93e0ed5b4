// Standard normals of Philox words, by Box and Muller: r = √(−2 ln u), z = (r cos 2πt, r sin 2πt).
// Everything here is + − × √ on float32 and bits of integers, each rounded once: all CPU targets, CUDA with -fmad=false and the portable TypeScript form
// (Math.fround) give the same bits. Where a product is exact it may be fused with its sum: that rounds no differently.
// A number F is a float and a word U a uint32_t, or many of them at once (cpu/lanes.h). Polynomials: Cephes logf, sinf, cosf (S. L. Moshier, netlib).
#pragma once
#include "core/number.h"
#include "core/philox.h"

namespace etalon::core {
template <typename F>
struct PairOf {
  F first, second;
};
using Pair = PairOf<float>;

/** −2 ln u of a word w: u ∈ [2^−33, 1] is the middle of the word's interval of 2^−32.  Relative error of the logarithm below 1.4 · 2^−24; −0 at u = 1. */
template <typename U>
ETALON_HD inline auto minus_two_log(const U& w) {
  const auto u = add_exact_product(float_of_word(w), 0x1p-32f, 0x1p-33f);
  const auto shifted = bits_of_float(u) - 0x3F3504F3u;   // √½: the mantissa comes to lie in [√½, √2)
  const auto e = float_of_int(as_int(shifted) >> 23);
  const auto m = float_of_bits((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  const auto mm = m * m;
  // Cephes' logf with all coefficients doubled, which moves no bit; the sign turns with the last sum.
  auto p = m * (2 * 7.0376836292e-2f) - 2 * 1.1514610310e-1f;
  p = p * m + 2 * 1.1676998740e-1f;
  p = p * m - 2 * 1.2420140846e-1f;
  p = p * m + 2 * 1.4249322787e-1f;
  p = p * m - 2 * 1.6668057665e-1f;
  p = p * m + 2 * 2.0000714765e-1f;
  p = p * m - 2 * 2.4999993993e-1f;
  p = p * m + 2 * 3.3333331174e-1f;
  const auto tail = m * mm * p + e * (2 * -2.12194440e-4f) - mm;
  return add_exact_product(e, -2 * 0.693359375f, -add_exact_product(m, 2.0f, tail));
}

/** (cos 2πt, sin 2πt) of a word: t ∈ [−½, ½] is the word as a signed number, over 2^32.  Error below 1e-7; the reduction to an eighth of a turn is exact. */
template <typename U>
ETALON_HD inline auto cos_sin_turn(const U& w) {
  const auto a = float_of_int(as_int(w));
  const auto q = int_of_float(add_exact_product(a, 0x1p-30f, 2.5f));   // 2 + the nearest quarter turn: the truncation is of a number > 0
  const auto f = add_exact_product(float_of_int(q - 2), -0x1p30f, a) * (6.28318530718f * 0x1p-32f);
  const auto ff = f * f;
  const auto sine = ((ff * -1.9515295891e-4f + 8.3321608736e-3f) * ff - 1.6666654611e-1f) * ff * f + f;
  const auto cosine = add_exact_product(ff, -0.5f, ((ff * 2.443315711809948e-5f - 1.388731625493765e-3f) * ff + 4.166664568298827e-2f) * ff * ff) + 1.0f;
  const auto s = bits_of_float(sine), c = bits_of_float(cosine);
  using F = decltype(f * f);
  return PairOf<F>{float_of_bits(choose_odd(q, s, c) ^ (((as_word(q) - 1u) & 2u) << 30)), float_of_bits(choose_odd(q, c, s) ^ (((as_word(q) - 2u) & 2u) << 30))};
}

/** Two independent normals of two words; |z| ≤ 6.77. */
template <typename U>
ETALON_HD inline auto normal_pair(const U& radius, const U& angle) {
  const auto r = root(minus_two_log(radius));
  const auto turn = cos_sin_turn(angle);
  using F = decltype(r * r);
  return PairOf<F>{r * turn.first, r * turn.second};
}

/** The noise of elements 4·block … 4·block + 3 of a sample at a step. */
ETALON_HD inline void normal4(uint64_t seed, uint32_t step, uint32_t sample, uint32_t block, float z[4]) {
  const Words words = noise_words(seed, step, sample, block);
  const Pair even = normal_pair(words.w[0], words.w[1]), odd = normal_pair(words.w[2], words.w[3]);
  z[0] = even.first;
  z[1] = even.second;
  z[2] = odd.first;
  z[3] = odd.second;
}
}  // namespace etalon::core
