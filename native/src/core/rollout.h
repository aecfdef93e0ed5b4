// One element of a step: guidance, mean, next state.   docs/math.md §1, §2
// The noise is float32; the arithmetic is float64, each operation rounded once, no fma: the result is the float32 nearest to the formula, on every backend the same.
#pragma once
#include "core/hd.h"

namespace etalon::core {
/** Classifier-free guidance: o = o_u + w (o_c − o_u). */
ETALON_HD inline double guide(double cond, double uncond, double guidance) { return uncond + guidance * (cond - uncond); }

/** The policy's mean, a·x + b·o. */
ETALON_HD inline double mean(double a, double x, double b, double o) { return a * x + b * o; }

/** The next state, mean + std·z. */
ETALON_HD inline float rollout_sample(double mean, double std, float z) { return static_cast<float>(mean + std * static_cast<double>(z)); }
}  // namespace etalon::core
