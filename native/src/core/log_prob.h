// Log-probability of a Gaussian step: log p = −½ Σ ((x_s − mean)/std)² − D log std − ½ D log 2π.   docs/math.md §3
#pragma once
#include <cmath>
#include <cstdint>

#include "core/number.h"

namespace etalon::core {
/** x_s − mean, of the state as stored: so that rollout and log_prob, asked about the same state, give the same bits. */
template <typename D, typename F>
ETALON_HD inline D residual(const F& next, const D& mean) {
  return widened(next) - mean;
}

/** The log-probability of a sample of its sum of squared residuals; std > 0. */
ETALON_HD inline double log_prob_of(double squares, double std, int64_t dim) {
  const double kHalfLogTwoPi = 0.91893853320467274178;
  return -0.5 * (squares / (std * std)) - static_cast<double>(dim) * (log(std) + kHalfLogTwoPi);
}
}  // namespace etalon::core
