// The launchers: one function a kernel form. Each takes the caller's stream, allocates nothing, waits for nothing and returns what the launch said.
// Arguments are taken as checked (api.cu does that). Pointers are device memory; arrays are contiguous, [batch, dim].
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/device.h"
#include "etalon/etalon.h"

namespace etalon::cuda {
/** A step's coefficients, as the kernels take them. */
struct Map {
  double a, b, std, guidance;
};

/** Where a launch runs. `workspace`: workspace_size(batch, dim) bytes, 16-byte aligned, not used by another launch at the same time. */
struct Place {
  void* stream;
  void* workspace;
  unsigned maxBlocks;   // 0: default. No result depends on it.
};

/** The state, the model's output with and without condition (uncond is null where there is no guidance), and the step that makes a mean of them. */
struct Policy {
  const void* x;
  const void* cond;
  const void* uncond;
  etalon_dtype stateType, outputType;
  Map shared;                // one step for all samples, or
  const etalon_step* each;   // [batch]: one a sample; null otherwise
};

struct NoiseKey {
  uint64_t seed;
  uint32_t step;
  const uint32_t* samples;   // [batch]
};

struct Goal {
  const double* oldLogp;     // [batch], summed over dim
  const double* advantage;   // [batch]
  double clip;
  bool mean;                 // reduction: log-probabilities, KL and gradient are divided by dim
  double klWeight;
  const void* referenceCond;   // null: no KL
  const void* referenceUncond;
};
struct Outcome {
  double* loss;              // [batch] each
  double* ratio;
  double* clipped;
  double* kl;
  void* gradCond;            // [batch, dim]
  void* gradUncond;          // null without guidance
  etalon_dtype gradType;
};

/** Bytes that any launch needs; the same for all, so that one workspace serves a whole training step. */
size_t workspace_size(int64_t batch, int64_t dim);
cudaError_t launch_normal(const Place& place, const NoiseKey& key, int64_t batch, int64_t dim, float* out);
cudaError_t launch_rollout(const Place& place, const Policy& policy, const NoiseKey& key, int64_t batch, int64_t dim, void* next, double* logp /* or null */);
cudaError_t launch_log_prob(const Place& place, const Policy& policy, const void* next, int64_t batch, int64_t dim, double* logp);
cudaError_t launch_policy_gradient(const Place& place, const Policy& policy, const void* next, const Goal& goal, int64_t batch, int64_t dim, const Outcome& outcome);

/** Second stage of rollout and log-prob: [batch] log-probabilities from the chunk sums that lie at the head of the workspace. */
cudaError_t launch_density(const Place& place, const Policy& policy, int64_t batch, int64_t dim, bool drawn, double* logp);
}  // namespace etalon::cuda
