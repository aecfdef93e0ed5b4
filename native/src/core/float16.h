// bfloat16 and float16, to float32 and back: what models on a GPU emit. To float32 is exact; back rounds to nearest, ties to even, as hardware does.
// Bits and float32 operations that are exact only: the same bits on every target, with or without conversion instructions.
#pragma once
#include "core/number.h"

namespace etalon::core {
ETALON_HD inline float float_of_bfloat16(uint16_t word) { return float_of_bits(static_cast<uint32_t>(word) << 16); }

/** NaN stays NaN (made quiet); what is too large becomes infinite. */
ETALON_HD inline uint16_t bfloat16_of_float(float value) {
  const uint32_t bits = bits_of_float(value), rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
  return static_cast<uint16_t>(nan ? (bits >> 16) | 0x40u : rounded);
}

ETALON_HD inline float float_of_float16(uint16_t word) {
  const uint32_t sign = static_cast<uint32_t>(word & 0x8000u) << 16, magnitude = word & 0x7FFFu;
  const uint32_t finite = bits_of_float(float_of_bits(magnitude << 13) * 0x1p112f);   // the exponent moved: exact, subnormal numbers too
  const uint32_t special = (magnitude << 13) | 0x7F800000u;
  return float_of_bits(sign | (magnitude >= 0x7C00u ? special : finite));
}

/** From 65520 on infinite; below 2^−25 zero, with the sign. */
ETALON_HD inline uint16_t float16_of_float(float value) {
  const uint32_t bits = bits_of_float(value), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  const uint32_t normal = (magnitude - 0x38000000u + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
  const uint32_t subnormal = bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3F000000u;   // the sum's last bit is 2^−24: it rounds as wanted
  const uint32_t large = magnitude > 0x7F800000u ? 0x7E00u | ((magnitude >> 13) & 0x1FFu) : 0x7C00u;
  return static_cast<uint16_t>(sign | (magnitude >= 0x477FF000u ? large : magnitude < 0x38800000u ? subnormal : normal));
}

/** Either of the two, by name. */
ETALON_HD inline float float_of_half(bool brain, uint16_t word) { return brain ? float_of_bfloat16(word) : float_of_float16(word); }
ETALON_HD inline uint16_t half_of_float(bool brain, float value) { return brain ? bfloat16_of_float(value) : float16_of_float(value); }
}  // namespace etalon::core
