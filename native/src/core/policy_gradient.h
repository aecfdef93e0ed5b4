// The clipped objective of a sample and its gradient with respect to an element of the model's output.   docs/math.md §4
#pragma once
#include "core/log_prob.h"

namespace etalon::core {
/** A sample's objective, and the factors that take its elements' residuals to gradients. */
struct Objective {
  double loss, ratio, clipped, kl;
  double onResidual;    // ∂loss/∂o = onResidual · residual …
  double onDifference;  // … + onDifference · (mean − reference mean)
};

/**
 * loss = max(−A ρ, −A clip(ρ, 1 − c, 1 + c)); the KL is given beside it, and its gradient is in the factors.
 * clipped counts |ρ − 1| > c as ddpo-pytorch does, also where the clip does not stop the gradient.
 * @param logp, oldLogp  summed over dim    @param differences  Σ (mean − reference mean)²    @param share  1/dim for 'mean', 1 for 'sum'
 */
ETALON_HD inline Objective clipped_objective(const Map& map, double logp, double oldLogp, double advantage, double clip, double share, double klWeight, double differences) {
  const double ratio = exp((logp - oldLogp) * share);
  const double low = 1 - clip, high = 1 + clip;
  const double inside = ratio < low ? low : ratio > high ? high : ratio;
  const double free = -advantage * ratio, held = -advantage * inside;
  const double variance = map.std * map.std;
  const double gradient = free >= held ? free : 0.0;
  Objective out;
  out.loss = free >= held ? free : held;
  out.ratio = ratio;
  out.clipped = fabs(ratio - 1) > clip ? 1.0 : 0.0;
  out.kl = 0.5 * differences / variance * share;
  out.onResidual = gradient * map.b / variance * share;
  out.onDifference = klWeight * map.b / variance * share;
  return out;
}

/** ∂loss/∂o of an element. */
ETALON_HD inline double output_gradient(const Objective& objective, double residual, double difference) {
  return fma64(objective.onDifference, difference, objective.onResidual * residual);
}
}  // namespace etalon::core
