// docs/math.md §1, §3, §4 in float64, as plainly as it can be put: the truth for every target. Includes nothing of src/, so that a fault in core shows.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace reference {
struct Step {
  double a, b, std, guidance;
};

inline double output(const Step& step, const float* cond, const float* uncond, int64_t i) {
  if (!uncond) return cond[i];
  return double(uncond[i]) + step.guidance * (double(cond[i]) - double(uncond[i]));
}

inline double mean(const Step& step, const float* x, const float* cond, const float* uncond, int64_t i) {
  return step.a * x[i] + step.b * output(step, cond, uncond, i);
}

/** log p of one sample; `next` as stored. The sum is compensated (Neumaier), so that it is no judge's fault. */
inline double log_prob(const Step& step, const float* x, const float* cond, const float* uncond, const float* next, int64_t dim) {
  double sum = 0, lost = 0;
  for (int64_t i = 0; i < dim; ++i) {
    const double z = (next[i] - mean(step, x, cond, uncond, i)) / step.std, term = -0.5 * z * z, more = sum + term;
    lost += std::fabs(sum) >= std::fabs(term) ? (sum - more) + term : (term - more) + sum;
    sum = more;
  }
  const double pi = std::acos(-1.0);
  return sum + lost - dim * std::log(step.std) - 0.5 * dim * std::log(2 * pi);
}

struct Outcome {
  double loss, ratio, kl;
  std::vector<double> gradCond, gradUncond;
};

/** One sample of the objective and its gradient. reference outputs may be null: no KL. */
inline Outcome policy_gradient(const Step& step, const float* x, const float* cond, const float* uncond, const float* next, const float* refCond,
                               const float* refUncond, int64_t dim, double oldLogp, double advantage, double clip, bool perElement, double weight) {
  const double scale = perElement ? 1.0 / dim : 1.0, variance = step.std * step.std;
  Outcome result;
  result.ratio = std::exp(scale * (log_prob(step, x, cond, uncond, next, dim) - oldLogp));
  const double unclipped = -advantage * result.ratio, clipped = -advantage * std::clamp(result.ratio, 1 - clip, 1 + clip);
  result.kl = 0;
  for (int64_t i = 0; i < dim; ++i) {
    const double o = output(step, cond, uncond, i), shift = refCond ? step.b * (o - output(step, refCond, refUncond, i)) : 0;
    result.kl += scale * shift * shift / (2 * variance);
    const double residual = next[i] - step.a * x[i] - step.b * o;
    double gradient = unclipped >= clipped ? -advantage * result.ratio * residual / variance * step.b * scale : 0;
    gradient += weight * shift * step.b / variance * scale;
    result.gradCond.push_back(uncond ? step.guidance * gradient : gradient);
    result.gradUncond.push_back((1 - step.guidance) * gradient);
  }
  result.loss = std::max(unclipped, clipped) + weight * result.kl;
  return result;
}

/** Philox4x32-10 by 128-bit products, and a normal of a float32 uniform by the C library's float64 functions. */
inline void philox(uint32_t c[4], uint64_t key) {
  uint32_t k[2] = {uint32_t(key), uint32_t(key >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p = uint64_t{0xD2511F53} * c[0], q = uint64_t{0xCD9E8D57} * c[2];
    const uint32_t next[4] = {uint32_t(q >> 32) ^ c[1] ^ k[0], uint32_t(q), uint32_t(p >> 32) ^ c[3] ^ k[1], uint32_t(p)};
    std::copy(next, next + 4, c);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
}

inline double normal(uint64_t seed, uint32_t step, uint32_t sample, int64_t element) {
  uint32_t words[4] = {uint32_t(element / 4), sample, step, 0};
  philox(words, seed);
  const uint32_t* pair = words + (element % 4) / 2 * 2;
  const float rounded = static_cast<float>(pair[0]);   // the uniform number is a float32 by definition: near 1 that decides r
  const float u = static_cast<float>((rounded + 0.5) / 4294967296.0);
  const double angle = 2 * std::acos(-1.0) * (int32_t(pair[1]) / 4294967296.0);
  return std::sqrt(-2 * std::log(double(u))) * (element % 2 ? std::sin(angle) : std::cos(angle));
}
}  // namespace reference
