// The noise of a thread's elements.   docs/math.md §3
#pragma once
#include "core/normal.h"
#include "cuda/launch.h"
#include "cuda/tile.h"

namespace etalon::cuda {
/** Standard normals of the elements from `element` on, a multiple of eight: two Philox calls. */
__device__ inline void normal8(const NoiseKey& key, uint32_t sample, int64_t element, float z[kWide]) {
  const uint32_t block = static_cast<uint32_t>(element / 4);
  core::normal4(key.seed, key.step, sample, block, z);
  core::normal4(key.seed, key.step, sample, block + 1, z + 4);
}
}  // namespace etalon::cuda
