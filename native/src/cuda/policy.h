// A policy's output and residuals at the elements of a thread, read from device memory.
#pragma once
#include "core/log_prob.h"
#include "core/rollout.h"
#include "cuda/launch.h"
#include "cuda/tile.h"

namespace etalon::cuda {
__device__ inline Map map_of(const Policy& policy, int64_t sample) {
  if (!policy.each) return policy.shared;
  const etalon_step& step = policy.each[sample];
  return {step.a, step.b, step.std, step.guidance};
}

/** Model outputs under guidance. */
struct Outputs { double v[kWide]; };
template <bool kGuided>
__device__ inline Outputs load_outputs(const void* cond, const void* uncond, etalon_dtype type, double guidance, int64_t at, int count) {
  const Octet c = load_octet(cond, type, at, count), u = kGuided ? load_octet(uncond, type, at, count) : Octet{};
  Outputs o;
  for (int k = 0; k < kWide; ++k) o.v[k] = kGuided ? core::guide<double>(c.v[k], u.v[k], guidance) : c.v[k];
  return o;
}
}  // namespace etalon::cuda
