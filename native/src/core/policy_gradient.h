// Clipped objective, KL to a reference and the gradient with respect to the model output.   docs/math.md §4
// Two passes: the first sums squared residuals and squared mean shifts of a sample; the scalars below follow; the second writes the gradient.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/hd.h"

namespace etalon::core {
/** A sample's results and the two factors of its gradient: ∂(loss + weight·kl)/∂o = residual·onResidual + shift·onShift. */
struct PolicyScalars {
  double loss, ratio, clipped, kl;
  double onResidual, onShift;
};

/**
 * @param logp, oldLogp  summed over dim    @param shifts  Σ (mean − mean_ref)²; 0 without KL    @param perElement  reduction 'mean': divides by dim
 * clipped is 1 where |ratio − 1| > clip, also where the objective keeps the unclipped branch (as ddpo-pytorch counts).
 */
ETALON_HD inline PolicyScalars policy_scalars(double logp, double oldLogp, double advantage, double clip, double b, double std, double shifts, double klWeight,
                                              int64_t dim, bool perElement) {
  const double scale = perElement ? 1.0 / static_cast<double>(dim) : 1.0, perVariance = scale / (std * std);
  PolicyScalars s;
  s.ratio = exp((logp - oldLogp) * scale);
  const double low = 1.0 - clip, high = 1.0 + clip;
  const double clippedRatio = s.ratio < low ? low : s.ratio > high ? high : s.ratio;
  const double plain = -advantage * s.ratio, bounded = -advantage * clippedRatio;
  const bool flows = plain >= bounded;
  s.kl = 0.5 * shifts * perVariance;
  s.loss = (flows ? plain : bounded) + klWeight * s.kl;
  s.clipped = s.ratio < low || s.ratio > high ? 1.0 : 0.0;
  s.onResidual = flows ? plain * b * perVariance : 0.0;
  s.onShift = klWeight * b * perVariance;
  return s;
}

/** mean − mean_ref = b (o − o_ref). */
template <typename D>
ETALON_HD inline D mean_shift(double b, const D& o, const D& reference) {
  return b * (o - reference);
}

/** ∂/∂o of one element, before guidance: o_c takes w of it, o_u 1 − w. */
template <typename D>
ETALON_HD inline D output_gradient(const D& residual, double onResidual, const D& shift, double onShift) {
  return residual * onResidual + shift * onShift;
}
}  // namespace etalon::core
