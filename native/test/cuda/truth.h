// docs/math.md §1 to §4 in float64, as plainly as it can be put, for one sample of a batch. Includes nothing of src/, so that a fault in core shows.
#pragma once
#include <cmath>
#include <vector>

#include "fixture.h"

namespace truth {
inline double output(const Batch& b, size_t sample, const Array<float>& cond, const Array<float>& uncond, size_t k) {
  const double c = cond[k], u = uncond[k];
  return b.c.guided ? u + b.steps[sample].guidance * (c - u) : c;
}
inline double mean(const Batch& b, size_t sample, size_t k) {
  return b.steps[sample].a * static_cast<double>(b.x[k]) + b.steps[sample].b * output(b, sample, b.cond, b.uncond, k);
}
inline double next(const Batch& b, size_t sample, size_t k, double z) { return mean(b, sample, k) + b.steps[sample].std * z; }

inline double logProb(const Batch& b, size_t sample, const float* next) {
  const size_t dim = static_cast<size_t>(b.c.dim);
  const double std = b.steps[sample].std;
  double logp = 0;
  for (size_t k = sample * dim; k < (sample + 1) * dim; ++k) {
    const double z = (next[k] - mean(b, sample, k)) / std;
    logp += -0.5 * z * z - std::log(b.steps[sample].std) - 0.5 * std::log(2 * M_PI);
  }
  return logp;
}

struct Policy {
  double ratio, clipped, kl;
  std::vector<double> gradCond, gradUncond;
};
inline Policy policyGradient(const Batch& b, size_t sample, const float* next, const etalon_objective& goal) {
  const size_t dim = static_cast<size_t>(b.c.dim);
  const etalon_step& step = b.steps[sample];
  const double variance = step.std * step.std, n = goal.mean ? static_cast<double>(dim) : 1.0, advantage = b.advantage[sample];
  Policy p{std::exp((logProb(b, sample, next) - goal.old_logp[sample]) / n), 0, 0, {}, {}};
  const double bounded = std::fmin(std::fmax(p.ratio, 1 - goal.clip), 1 + goal.clip);
  p.clipped = bounded != p.ratio;
  const bool flows = -advantage * p.ratio >= -advantage * bounded;
  for (size_t k = sample * dim; k < (sample + 1) * dim; ++k) {
    const double shift = b.c.kl ? step.b * (output(b, sample, b.cond, b.uncond, k) - output(b, sample, b.referenceCond, b.referenceUncond, k)) : 0;
    p.kl += shift * shift / (2 * variance) / n;
    double g = flows ? -advantage * p.ratio * (next[k] - mean(b, sample, k)) / variance * step.b / n : 0;
    g += goal.kl_weight * shift * step.b / variance / n;
    p.gradCond.push_back(b.c.guided ? step.guidance * g : g);
    p.gradUncond.push_back((1 - step.guidance) * g);
  }
  return p;
}
}  // namespace truth
