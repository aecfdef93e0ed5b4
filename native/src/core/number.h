// What core asks of a number, for one element: bits, conversions, a root. cpu/lanes.h gives the same names for many elements at once, so that a formula is written once.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/hd.h"

namespace etalon::core {
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

ETALON_HD inline int32_t as_int(uint32_t word) { return static_cast<int32_t>(word); }
ETALON_HD inline uint32_t as_word(int32_t value) { return static_cast<uint32_t>(value); }
ETALON_HD inline float float_of_int(int32_t value) { return static_cast<float>(value); }
/** Towards 0. */
ETALON_HD inline int32_t int_of_float(float value) { return static_cast<int32_t>(value); }
ETALON_HD inline float root(float value) { return sqrtf(value); }
/** bit 0 of q set: a, else b. */
ETALON_HD inline uint32_t choose_odd(int32_t q, uint32_t a, uint32_t b) { return (q & 1) != 0 ? a : b; }

/** a·b + c of which a·b is exact in float32: fused or not, the same bits. The only place where a fused multiply-add may stand. */
ETALON_HD inline float add_exact_product(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

/** A word as float32, rounded to nearest. SSE2 and AVX2 convert no unsigned words: there both halves convert exactly, and the one sum rounds. */
ETALON_HD inline float float_of_word(uint32_t w) {
#if defined(__SSE2__) && !defined(__AVX512F__)
  return add_exact_product(static_cast<float>(static_cast<int32_t>(w >> 16)), 65536.0f, static_cast<float>(static_cast<int32_t>(w & 0xFFFFu)));
#else
  return static_cast<float>(w);
#endif
}

/** The 64-bit product of two words, and its halves as words. */
ETALON_HD inline uint64_t product(uint32_t a, uint32_t b) { return static_cast<uint64_t>(a) * b; }
ETALON_HD inline uint32_t high_word(uint64_t p) { return static_cast<uint32_t>(p >> 32); }
ETALON_HD inline uint32_t low_word(uint64_t p) { return static_cast<uint32_t>(p); }
ETALON_HD inline uint32_t mixed(uint32_t a, uint32_t b, uint32_t key) { return a ^ b ^ key; }

ETALON_HD inline double widened(float value) { return value; }
ETALON_HD inline float narrowed(double value) { return static_cast<float>(value); }
}  // namespace etalon::core
