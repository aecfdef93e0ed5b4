// The log-probability of a step, of which rollout and update take the same bits: an element's residual in float64, a sample's density from the sum of their squares.
// docs/math.md §3
#pragma once
#include "core/rollout.h"

namespace etalon::core {
ETALON_HD inline double guide64(double cond, double uncond, double guidance) { return fma64(guidance, cond - uncond, uncond); }

/** next − mean. Inputs are the float32 tensors' values, exact; the arithmetic is float64, so that 10^6 elements sum to 1e-9. */
ETALON_HD inline double residual(const Map& map, double x, double o, double next) { return next - fma64(map.b, o, map.a * x); }

/** log p of a sample, summed over its dim elements. @param squares  Σ residual² */
ETALON_HD inline double log_prob(double squares, double std, int64_t dim) {
  const double half_log_two_pi = 0.91893853320467274178;
  return -0.5 * squares / (std * std) - static_cast<double>(dim) * (log(std) + half_log_two_pi);
}
}  // namespace etalon::core
