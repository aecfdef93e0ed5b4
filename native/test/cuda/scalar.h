// What the CPU's scalar form computes, as plain loops over src/core in the order of core/sum.h: the bits that the CUDA launchers are held to.
#pragma once
#include <vector>

#include "core/log_prob.h"
#include "core/normal.h"
#include "core/policy_gradient.h"
#include "core/rollout.h"
#include "core/sum.h"
#include "etalon/etalon.h"

namespace scalar {
using namespace etalon::core;

/** Σ of n terms by one level of the tree: lanes in turn, then folded. */
template <typename Term>
double lanes(int64_t n, Term term) {
  double sums[kSumLanes] = {};
  for (int64_t i = 0; i < n; ++i) sums[i % kSumLanes] += term(i);
  return fold_lanes(sums);
}
/** Σ term(i)² over a sample: a sum a chunk, then the sum of those. */
template <typename Term>
double squares(int64_t dim, Term term) {
  std::vector<double> chunks;
  for (int64_t first = 0; first < dim; first += kSumChunk)
    chunks.push_back(lanes(dim - first < kSumChunk ? dim - first : kSumChunk, [&](int64_t i) { return term(first + i) * term(first + i); }));
  return lanes(sum_chunks(dim), [&](int64_t i) { return chunks[static_cast<size_t>(i)]; });
}

/** One sample's policy: rows of the batch. */
struct Row {
  const float *x, *cond, *uncond;
  etalon_step step;
  int64_t dim;
  double output(const float* c, const float* u, int64_t i) const { return u ? guide<double>(c[i], u[i], step.guidance) : static_cast<double>(c[i]); }
  double meanAt(int64_t i) const { return mean<double>(step.a, x[i], step.b, output(cond, uncond, i)); }
};

inline void normal(const etalon_noise_key& key, int64_t sample, int64_t dim, float* out) {
  for (int64_t i = 0; i < dim; ++i) {
    float z[4];
    normal4(key.seed, key.step, key.samples[sample], static_cast<uint32_t>(i / 4), z);
    out[i] = z[i % 4];
  }
}

inline double logProb(const Row& row, const float* next) {
  return log_prob_of(squares(row.dim, [&](int64_t i) { return residual(next[i], row.meanAt(i)); }), row.step.std, row.dim);
}

inline double rollout(const Row& row, const etalon_noise_key& key, int64_t sample, float* next) {
  std::vector<float> z(static_cast<size_t>(row.dim));
  normal(key, sample, row.dim, z.data());
  for (int64_t i = 0; i < row.dim; ++i) next[i] = rollout_sample(row.meanAt(i), row.step.std, z[static_cast<size_t>(i)]);
  return logProb(row, next);
}

inline PolicyScalars policyGradient(const Row& row, const float* next, const etalon_objective& goal, int64_t sample, const float* referenceCond,
                                    const float* referenceUncond, float* gradCond, float* gradUncond) {
  const auto shift = [&](int64_t i) { return referenceCond ? mean_shift(row.step.b, row.output(row.cond, row.uncond, i), row.output(referenceCond, referenceUncond, i)) : 0.0; };
  const PolicyScalars s = policy_scalars(logProb(row, next), goal.old_logp[sample], goal.advantage[sample], goal.clip, row.step.b, row.step.std,
                                         squares(row.dim, shift), goal.kl_weight, row.dim, goal.mean != 0);
  for (int64_t i = 0; i < row.dim; ++i) {
    const double g = output_gradient(residual(next[i], row.meanAt(i)), s.onResidual, shift(i), s.onShift);
    gradCond[i] = static_cast<float>(gradUncond ? row.step.guidance * g : g);
    if (gradUncond) gradUncond[i] = static_cast<float>((1 - row.step.guidance) * g);
  }
  return s;
}
}  // namespace scalar
