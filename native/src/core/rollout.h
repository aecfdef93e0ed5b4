// One element of a step: guidance, mean, sample.   docs/math.md §2
#pragma once
#include "core/hd.h"

namespace etalon::core {
/** A step's coefficients. */
struct Map {
  double a, b, std, guidance;
};

/** Classifier-free guidance: uncond + guidance (cond − uncond). */
ETALON_HD inline float guide(float cond, float uncond, float guidance) { return fma32(guidance, cond - uncond, uncond); }

ETALON_HD inline float rollout_sample(float a, float x, float b, float o, float std, float z) { return fma32(std, z, fma32(b, o, a * x)); }
}  // namespace etalon::core
