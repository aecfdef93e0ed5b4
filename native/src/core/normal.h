// Standard normals from Philox words by Box–Muller, with logarithm and sine of our own, so that every target rounds alike.
#pragma once
#include "core/philox.h"

namespace etalon::core {
/** A word's upper 24 bits as the middle of their interval: in [2^-25, 1 − 2^-25], exact. */
ETALON_HD inline float unit_open(uint32_t word) { return fma32(static_cast<float>(static_cast<int32_t>(word >> 8)), 0x1p-24f, 0x1p-25f); }

/** Natural logarithm of a normal number in (0, 1]; Cephes' logf. At most 1 ulp off over unit_open's range, by test over all 2^24 values. */
ETALON_HD inline float log_unit(float u) {
  const uint32_t bits = bits_of(u);
  const uint32_t shifted = bits - 0x3F3504F3u;   // exponent such that the mantissa lies in [√½, √2)
  const float exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const float m = float_of((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  float p = 7.0376836292e-2f;
  p = fma32(p, m, -1.1514610310e-1f);
  p = fma32(p, m, 1.1676998740e-1f);
  p = fma32(p, m, -1.2420140846e-1f);
  p = fma32(p, m, 1.4249322787e-1f);
  p = fma32(p, m, -1.6668057665e-1f);
  p = fma32(p, m, 2.0000714765e-1f);
  p = fma32(p, m, -2.4999993993e-1f);
  p = fma32(p, m, 3.3333331174e-1f);
  const float square = m * m;
  float y = p * m * square;
  y = fma32(exponent, -2.12194440e-4f, y);
  y = fma32(square, -0.5f, y);
  return fma32(exponent, 0.693359375f, m + y);
}

/** Sine and cosine of 2π times a word's upper 24 bits over 2^24: the reduction is exact, the polynomials (Cephes) are at most 1 ulp of 1 off. */
ETALON_HD inline void sincos_turn(uint32_t word, float* sine, float* cosine) {
  const int32_t turn = static_cast<int32_t>(word >> 8);
  const int32_t quadrant = (turn + (1 << 21)) >> 22;   // nearest quarter turn, 0 … 4
  const float x = static_cast<float>(turn - (quadrant << 22)) * 3.7450704e-7f;   // · 2π / 2^24: in [−π/4, π/4]
  const float s2 = x * x;
  const float s = fma32(fma32(fma32(fma32(-1.9515295891e-4f, s2, 8.3321608736e-3f), s2, -1.6666654611e-1f), s2, 0.0f) * x, 1.0f, x);
  const float c = fma32(fma32(fma32(fma32(2.443315711809948e-5f, s2, -1.388731625493765e-3f), s2, 4.166664568298827e-2f), s2, -0.5f), s2, 1.0f);
  const bool swap = (quadrant & 1) != 0;
  const float first = swap ? c : s, second = swap ? s : c;
  *sine = (quadrant & 2) != 0 ? -first : first;
  *cosine = ((quadrant + 1) & 2) != 0 ? -second : second;
}

/** Two standard normals from two words: at most √(50 ln 2) ≈ 5.9 in size. */
ETALON_HD inline void box_muller(uint32_t radius, uint32_t angle, float* z0, float* z1) {
  const float r = sqrtf(-2.0f * log_unit(unit_open(radius)));
  float sine, cosine;
  sincos_turn(angle, &sine, &cosine);
  *z0 = r * cosine;
  *z1 = r * sine;
}

/** The noise of elements 4·quad … 4·quad + 3. */
ETALON_HD inline void normal4(uint64_t seed, uint32_t step, uint32_t sample, uint64_t quad, float z[4]) {
  const Words w = noise_words(seed, step, sample, quad);
  box_muller(w.v[0], w.v[1], &z[0], &z[1]);
  box_muller(w.v[2], w.v[3], &z[2], &z[3]);
}
}  // namespace etalon::core
