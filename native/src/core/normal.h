// Standard normals of Philox words, by Box and Muller: r = √(−2 ln u), z = (r cos 2πt, r sin 2πt).
// Everything here is + − × √ on float32 and bits of integers, each rounded once, without fma: all CPU targets, CUDA with -fmad=false and the portable
// TypeScript form (Math.fround) give the same bits. Polynomials: Cephes logf, sinf, cosf (S. L. Moshier, netlib).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/philox.h"

namespace etalon::core {
struct Pair {
  float first, second;
};

ETALON_HD inline float float_of_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
ETALON_HD inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/** A word as float32 in [0, 2^32], rounded to nearest: both halves convert exactly, so the one sum rounds. (AVX2 converts no unsigned words.) */
ETALON_HD inline float float_of_word(uint32_t w) {
  return static_cast<float>(static_cast<int32_t>(w >> 16)) * 65536.0f + static_cast<float>(static_cast<int32_t>(w & 0xFFFFu));
}

/** u ∈ [2^−33, 1] of a word: the middle of its interval of 2^−32. */
ETALON_HD inline float unit_interval(uint32_t w) { return float_of_word(w) * 0x1p-32f + 0x1p-33f; }

/** ln u, u ∈ [2^−33, 1].  Relative error below 1.4 · 2^−24; 0 at 1. */
ETALON_HD inline float log_unit(float u) {
  const uint32_t shifted = bits_of_float(u) - 0x3F3504F3u;   // √½: the mantissa comes to lie in [√½, √2)
  const float e = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const float m = float_of_bits((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f, mm = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float tail = m * mm * p + e * -2.12194440e-4f - 0.5f * mm;
  return m + tail + e * 0.693359375f;
}

/** (cos 2πt, sin 2πt), t ∈ [−½, ½].  Error below 1e-7; the reduction to an eighth of a turn is exact. */
ETALON_HD inline Pair cos_sin_turn(float t) {
  const int32_t quadrant = static_cast<int32_t>(t * 4.0f + 2.5f) - 2;   // nearest quarter turn: the truncation is of a number > 0
  const float f = (t - static_cast<float>(quadrant) * 0.25f) * 6.28318530718f, ff = f * f;
  const float sine = ((-1.9515295891e-4f * ff + 8.3321608736e-3f) * ff - 1.6666654611e-1f) * ff * f + f;
  const float cosine = ((2.443315711809948e-5f * ff - 1.388731625493765e-3f) * ff + 4.166664568298827e-2f) * ff * ff - 0.5f * ff + 1.0f;
  const uint32_t odd = 0u - (static_cast<uint32_t>(quadrant) & 1u);
  const uint32_t s = bits_of_float(sine), c = bits_of_float(cosine);
  const uint32_t cosSign = (static_cast<uint32_t>(quadrant + 1) & 2u) << 30, sinSign = (static_cast<uint32_t>(quadrant) & 2u) << 30;
  return {float_of_bits(((c & ~odd) | (s & odd)) ^ cosSign), float_of_bits(((s & ~odd) | (c & odd)) ^ sinSign)};
}

/** Two independent normals of two words; |z| ≤ 6.77. */
ETALON_HD inline Pair normal_pair(uint32_t radius, uint32_t angle) {
  const float r = sqrtf(-2.0f * log_unit(unit_interval(radius)));
  const Pair turn = cos_sin_turn(static_cast<float>(static_cast<int32_t>(angle)) * 0x1p-32f);
  return {r * turn.first, r * turn.second};
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
