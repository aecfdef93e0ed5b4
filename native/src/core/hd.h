// What every target compiles alike. No header of src/core loads, loops over elements, or branches on data; each is the maths of one element or of one scalar.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define ETALON_HD __host__ __device__
#else
#define ETALON_HD
#endif

namespace etalon::core {
// A written-out fma rounds once on every target; the compilers are told not to contract anything else (-ffp-contract=off, nvcc -fmad=false).
ETALON_HD inline float fma32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
ETALON_HD inline double fma64(double a, double b, double c) { return __builtin_fma(a, b, c); }

ETALON_HD inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}
ETALON_HD inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
}  // namespace etalon::core
