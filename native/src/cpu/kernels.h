// The kernels of one target: each works on one chunk (at most core::kSumChunk elements) of one sample. kernels.inc is their body, compiled once a target.
#pragma once
#include <cstdint>

#include "etalon/etalon.h"

namespace etalon::cpu {
struct Step {
  double a, b, std, guidance;
};

/** The noise of a sample; `block` is the first of the chunk, elements 4·block …. */
struct Noise {
  uint64_t seed;
  uint32_t step, sample, block;
};

/** A chunk of a policy's arrays, as float32; uncond is null without guidance. */
struct Chunk {
  const float* x;
  const float* cond;
  const float* uncond;
  int count;
};

/** The reference model's outputs over the same chunk; cond is null without KL. */
struct Reference {
  const float* cond;
  const float* uncond;
};

struct PolicySums {
  double squares, shifts;
};

struct PolicyFactors {
  double onResidual, onShift;
};

struct Kernels {
  const char* name;
  void (*normal)(const Noise& noise, int count, float* out);
  /** @return Σ residual²; with std = 0: 0, or NaN where the result is not finite */
  double (*rollout)(const Step& step, const Noise& noise, const Chunk& chunk, float* next);
  double (*log_prob)(const Step& step, const Chunk& chunk, const float* next);
  PolicySums (*policy_sums)(const Step& step, const Chunk& chunk, const float* next, const Reference& reference);
  void (*policy_gradient)(const Step& step, const Chunk& chunk, const float* next, const Reference& reference, const PolicyFactors& factors, float* gradCond,
                          float* gradUncond);
  double (*sum)(const double* terms, int64_t count);
  /** To float32, exactly, and back, rounded to nearest; type is none of float32. */
  void (*widen)(etalon_dtype type, const void* from, int count, float* to);
  void (*round)(etalon_dtype type, const float* from, int count, void* to);
  /** Adds up what a piece of an array holds, as float32 numbers; `smallest` is the least magnitude of a normal number. Leaves the first indices alone. */
  void (*inspect)(const float* from, int count, float smallest, etalon_findings& findings);
};
}  // namespace etalon::cpu
