// How a batch of samples is cut for the device: a block takes a chunk of one sample, a thread four neighbouring elements of it.
#pragma once
#include <cstdint>

#include "core/float16.h"
#include "cuda/device.h"
#include "etalon/etalon.h"

namespace etalon::cuda {
constexpr int kThreads = 256;

struct Quad { float v[4]; };

/** Four elements of an array from `at` on, as float32: in one access of 16 bytes (16-bit types: 8) where they lie so and `count` holds all four; 0 stands for what
 *  lies past `count`. */
__device__ inline Quad load_quad(const void* array, etalon_dtype type, int64_t at, int count) {
  Quad q{};
  if (type == ETALON_FLOAT32) {
    const float* const from = static_cast<const float*>(array) + at;
    if (count >= 4 && reinterpret_cast<uintptr_t>(from) % 16 == 0) {
      const float4 whole = *reinterpret_cast<const float4*>(from);
      q = {{whole.x, whole.y, whole.z, whole.w}};
    } else {
      for (int i = 0; i < 4; ++i)
        if (i < count) q.v[i] = from[i];
    }
    return q;
  }
  const uint16_t* const from = static_cast<const uint16_t*>(array) + at;
  uint64_t words = 0;
  if (count >= 4 && reinterpret_cast<uintptr_t>(from) % 8 == 0) {
    words = *reinterpret_cast<const uint64_t*>(from);
  } else {
    for (int i = 0; i < 4; ++i)
      if (i < count) words |= static_cast<uint64_t>(from[i]) << (16 * i);
  }
  for (int i = 0; i < 4; ++i) q.v[i] = core::float_of_half(type == ETALON_BFLOAT16, static_cast<uint16_t>(words >> (16 * i)));
  return q;
}

/** What an element becomes when it is stored. */
__device__ inline float as_stored(etalon_dtype type, float value) {
  const bool brain = type == ETALON_BFLOAT16;
  return type == ETALON_FLOAT32 ? value : core::float_of_half(brain, core::half_of_float(brain, value));
}

__device__ inline void store_quad(void* array, etalon_dtype type, int64_t at, int count, const Quad& q) {
  if (type == ETALON_FLOAT32) {
    float* const to = static_cast<float*>(array) + at;
    if (count >= 4 && reinterpret_cast<uintptr_t>(to) % 16 == 0) {
      *reinterpret_cast<float4*>(to) = {q.v[0], q.v[1], q.v[2], q.v[3]};
    } else {
      for (int i = 0; i < 4; ++i)
        if (i < count) to[i] = q.v[i];
    }
    return;
  }
  uint16_t* const to = static_cast<uint16_t*>(array) + at;
  uint64_t words = 0;
  for (int i = 0; i < 4; ++i) words |= static_cast<uint64_t>(core::half_of_float(type == ETALON_BFLOAT16, q.v[i])) << (16 * i);
  if (count >= 4 && reinterpret_cast<uintptr_t>(to) % 8 == 0) {
    *reinterpret_cast<uint64_t*>(to) = words;
  } else {
    for (int i = 0; i < 4; ++i)
      if (i < count) to[i] = static_cast<uint16_t>(words >> (16 * i));
  }
}
}  // namespace etalon::cuda
