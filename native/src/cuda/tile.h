// How a batch of samples is cut for the device: a block takes a chunk of one sample, a thread four neighbouring elements of it.
#pragma once
#include <cstdint>

#include "cuda/device.h"

namespace etalon::cuda {
constexpr int kThreads = 256;

struct Quad { float v[4]; };

/** Four elements from `at`, in one 16-byte access where they lie so and `count` holds all four; 0 stands for what lies past `count`. */
__device__ inline Quad load_quad(const float* at, int count) {
  Quad q{};
  if (count >= 4 && reinterpret_cast<uintptr_t>(at) % 16 == 0) {
    const float4 whole = *reinterpret_cast<const float4*>(at);
    q = {{whole.x, whole.y, whole.z, whole.w}};
  } else {
    for (int i = 0; i < 4; ++i)
      if (i < count) q.v[i] = at[i];
  }
  return q;
}

__device__ inline void store_quad(float* at, int count, const Quad& q) {
  if (count >= 4 && reinterpret_cast<uintptr_t>(at) % 16 == 0) {
    *reinterpret_cast<float4*>(at) = {q.v[0], q.v[1], q.v[2], q.v[3]};
  } else {
    for (int i = 0; i < 4; ++i)
      if (i < count) at[i] = q.v[i];
  }
}
}  // namespace etalon::cuda
