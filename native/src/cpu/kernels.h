// The loops over a chunk of one sample, compiled once a target; api.cpp cuts batches into chunks and adds up.
#pragma once
#include "core/policy_gradient.h"
#include "core/sum.h"

namespace etalon::cpu {
using core::Map;

/** Where a sample's chunk lies: pointers to its first element; uncond may be null. `element` counts within the sample, a multiple of four. */
struct Inputs {
  const float* x;
  const float* cond;
  const float* uncond;
  int count;
};

/** One target's kernels. Sums are of squares, over the chunk, in the order of core/sum.h. */
struct Kernels {
  const char* name;
  void (*normal)(uint64_t seed, uint32_t step, uint32_t sample, int64_t element, int count, float* out);
  /** Writes the next state; gives Σ residual², or 0 where std is 0. */
  double (*rollout)(const Map& map, uint64_t seed, uint32_t step, uint32_t sample, int64_t element, const Inputs& in, float* next);
  double (*squares)(const Map& map, const Inputs& in, const float* next);
  /** Σ (mean − reference mean)². */
  double (*differences)(const Map& map, const Inputs& in, const float* referenceCond, const float* referenceUncond);
  void (*gradient)(const Map& map, const core::Objective& objective, const Inputs& in, const float* next, const float* referenceCond, const float* referenceUncond, float* gradCond,
                   float* gradUncond);
};

const Kernels* scalar_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
}  // namespace etalon::cpu
