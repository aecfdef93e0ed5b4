// How a batch of samples is cut for the device: a block takes a chunk of one sample, a thread eight neighbouring elements of it, which is 16 bytes of a 16-bit array
// and twice 16 of a float32 one.
#pragma once
#include <cstdint>

#include "core/float16.h"
#include "cuda/device.h"
#include "etalon/etalon.h"

namespace etalon::cuda {
constexpr int kThreads = 128;
constexpr int kWide = 8;   // elements of a thread

struct Octet { float v[kWide]; };

__device__ inline bool aligned16(const void* at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; }

/** Eight elements of an array from `at` on, as float32: in accesses of 16 bytes where they lie so and `count` holds all eight; 0 stands for what lies past `count`. */
__device__ inline Octet load_octet(const void* array, etalon_dtype type, int64_t at, int count) {
  Octet q{};
  if (type == ETALON_FLOAT32) {
    const float* const from = static_cast<const float*>(array) + at;
    if (count >= kWide && aligned16(from)) {
      const float4 low = reinterpret_cast<const float4*>(from)[0], high = reinterpret_cast<const float4*>(from)[1];
      q = {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
    } else {
      for (int i = 0; i < kWide; ++i)
        if (i < count) q.v[i] = from[i];
    }
    return q;
  }
  const bool brain = type == ETALON_BFLOAT16;
  const uint16_t* const from = static_cast<const uint16_t*>(array) + at;
  if (count >= kWide && aligned16(from)) {
    const uint4 whole = *reinterpret_cast<const uint4*>(from);
    const unsigned pairs[4] = {whole.x, whole.y, whole.z, whole.w};
    for (int i = 0; i < kWide; ++i) q.v[i] = core::float_of_half(brain, static_cast<uint16_t>(pairs[i / 2] >> (16 * (i % 2))));
  } else {
    for (int i = 0; i < kWide; ++i)
      if (i < count) q.v[i] = core::float_of_half(brain, from[i]);
  }
  return q;
}

/** What an element becomes when it is stored. */
__device__ inline float as_stored(etalon_dtype type, float value) {
  const bool brain = type == ETALON_BFLOAT16;
  return type == ETALON_FLOAT32 ? value : core::float_of_half(brain, core::half_of_float(brain, value));
}

__device__ inline void store_octet(void* array, etalon_dtype type, int64_t at, int count, const Octet& q) {
  if (type == ETALON_FLOAT32) {
    float* const to = static_cast<float*>(array) + at;
    if (count >= kWide && aligned16(to)) {
      reinterpret_cast<float4*>(to)[0] = {q.v[0], q.v[1], q.v[2], q.v[3]};
      reinterpret_cast<float4*>(to)[1] = {q.v[4], q.v[5], q.v[6], q.v[7]};
    } else {
      for (int i = 0; i < kWide; ++i)
        if (i < count) to[i] = q.v[i];
    }
    return;
  }
  uint16_t* const to = static_cast<uint16_t*>(array) + at;
  const auto word = [&](int i) -> unsigned { return core::half_of_float(type == ETALON_BFLOAT16, q.v[i]); };
  if (count >= kWide && aligned16(to)) {
    *reinterpret_cast<uint4*>(to) = {word(0) | word(1) << 16, word(2) | word(3) << 16, word(4) | word(5) << 16, word(6) | word(7) << 16};
  } else {
    for (int i = 0; i < kWide; ++i)
      if (i < count) to[i] = static_cast<uint16_t>(word(i));
  }
}
}  // namespace etalon::cuda
