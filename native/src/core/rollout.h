// One element of a step: guidance, mean, next state.   docs/math.md §1, §2
// The noise is float32; the arithmetic is float64, each operation rounded once, no fma: the result is the float32 nearest to the formula, on every backend the same.
// A number D is a double, or many of them at once (cpu/lanes.h).
#pragma once
#include "core/number.h"

namespace etalon::core {
/** Classifier-free guidance: o = o_u + w (o_c − o_u). */
template <typename D>
ETALON_HD inline D guide(const D& cond, const D& uncond, double guidance) {
  static_assert(sizeof(D) >= sizeof(double), "float64 only: widen first");
  return uncond + guidance * (cond - uncond);
}

/** The policy's mean, a·x + b·o. */
template <typename D>
ETALON_HD inline D mean(double a, const D& x, double b, const D& o) {
  static_assert(sizeof(D) >= sizeof(double), "float64 only: widen first");
  return a * x + b * o;
}

/** The next state, mean + std·z. */
template <typename D, typename F>
ETALON_HD inline F rollout_sample(const D& mean, double std, const F& z) {
  return narrowed(mean + std * widened(z));
}
}  // namespace etalon::core
