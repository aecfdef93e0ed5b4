// Compiled once a target, with -DETALON_KERNELS=name and that target's flags. Plain loops over core that the compiler vectorises; nothing here knows a vector's width.
#include "cpu/kernels.h"

#include "core/normal.h"

#define ETALON_TEXT_(name) #name
#define ETALON_TEXT(name) ETALON_TEXT_(name)

namespace etalon::cpu {
namespace {
using core::kSumChunk;
using core::kSumLanes;

/** Noise of whole quads from `element` on; writes up to three past `count`, so `out` has room for kSumChunk. */
void noise(uint64_t seed, uint32_t step, uint32_t sample, int64_t element, int count, float* out) {
  constexpr int kTile = 64;   // quads: their words stay in the first-level cache
  uint32_t w0[kTile], w1[kTile], w2[kTile], w3[kTile];
  float z0[kTile], z1[kTile], z2[kTile], z3[kTile];
  const uint64_t first = static_cast<uint64_t>(element) / 4;
  const int quads = (count + 3) / 4;
  for (int begin = 0; begin < quads; begin += kTile) {
    const int n = quads - begin < kTile ? quads - begin : kTile;
    for (int i = 0; i < kTile; ++i) {   // always a whole tile: a fixed count vectorises without a tail
      const core::Words w = core::noise_words(seed, step, sample, first + static_cast<uint64_t>(begin + i));
      w0[i] = w.v[0];
      w1[i] = w.v[1];
      w2[i] = w.v[2];
      w3[i] = w.v[3];
    }
    for (int i = 0; i < kTile; ++i) core::box_muller(w0[i], w1[i], &z0[i], &z1[i]);
    for (int i = 0; i < kTile; ++i) core::box_muller(w2[i], w3[i], &z2[i], &z3[i]);
    float* to = out + 4 * begin;
    for (int i = 0; i < n; ++i) {
      to[4 * i] = z0[i];
      to[4 * i + 1] = z1[i];
      to[4 * i + 2] = z2[i];
      to[4 * i + 3] = z3[i];
    }
  }
}

/** Σ value(i)² in the order of core/sum.h. */
template <typename Value>
inline double sum_squares(int count, Value value) {
  double lanes[kSumLanes] = {};
  int i = 0;
  for (; i + kSumLanes <= count; i += kSumLanes)
    for (int lane = 0; lane < kSumLanes; ++lane) {
      const double v = value(i + lane);
      lanes[lane] += v * v;
    }
  for (int lane = 0; i + lane < count; ++lane) {
    const double v = value(i + lane);
    lanes[lane] += v * v;
  }
  return core::fold_lanes(lanes);
}

void normal(uint64_t seed, uint32_t step, uint32_t sample, int64_t element, int count, float* out) {
  float z[kSumChunk];
  noise(seed, step, sample, element, count, z);
  memcpy(out, z, sizeof(float) * static_cast<size_t>(count));
}

/** The model's output under guidance, float64. */
template <bool kGuided>
inline double output(const Map& map, const float* cond, const float* uncond, int i) {
  return kGuided ? core::guide64(cond[i], uncond[i], map.guidance) : static_cast<double>(cond[i]);
}

template <bool kGuided>
double rollout_chunk(const Map& map, uint64_t seed, uint32_t step, uint32_t sample, int64_t element, const Inputs& in, float* next) {
  float z[kSumChunk] = {};
  if (map.std > 0) noise(seed, step, sample, element, in.count, z);
  const float a = static_cast<float>(map.a), b = static_cast<float>(map.b), std = static_cast<float>(map.std), guidance = static_cast<float>(map.guidance);
  float y[kSumChunk];
  for (int i = 0; i < in.count; ++i) {
    const float o = kGuided ? core::guide(in.cond[i], in.uncond[i], guidance) : in.cond[i];
    y[i] = core::rollout_sample(a, in.x[i], b, o, std, z[i]);
  }
  const double squares =
      map.std > 0 ? sum_squares(in.count, [&](int i) { return core::residual(map, in.x[i], output<kGuided>(map, in.cond, in.uncond, i), y[i]); }) : 0;
  memcpy(next, y, sizeof(float) * static_cast<size_t>(in.count));   // last: next may be x
  return squares;
}

double rollout(const Map& map, uint64_t seed, uint32_t step, uint32_t sample, int64_t element, const Inputs& in, float* next) {
  return (in.uncond ? rollout_chunk<true> : rollout_chunk<false>)(map, seed, step, sample, element, in, next);
}

template <bool kGuided>
double squares_chunk(const Map& map, const Inputs& in, const float* next) {
  return sum_squares(in.count, [&](int i) { return core::residual(map, in.x[i], output<kGuided>(map, in.cond, in.uncond, i), next[i]); });
}

double squares(const Map& map, const Inputs& in, const float* next) { return (in.uncond ? squares_chunk<true> : squares_chunk<false>)(map, in, next); }

/** mean − reference mean: the states cancel. */
template <bool kGuided>
inline double difference(const Map& map, const Inputs& in, const float* referenceCond, const float* referenceUncond, int i) {
  return map.b * (output<kGuided>(map, in.cond, in.uncond, i) - output<kGuided>(map, referenceCond, referenceUncond, i));
}

double differences(const Map& map, const Inputs& in, const float* referenceCond, const float* referenceUncond) {
  if (in.uncond) return sum_squares(in.count, [&](int i) { return difference<true>(map, in, referenceCond, referenceUncond, i); });
  return sum_squares(in.count, [&](int i) { return difference<false>(map, in, referenceCond, referenceUncond, i); });
}

template <bool kGuided, bool kReference>
void gradient_chunk(const Map& map, const core::Objective& objective, const Inputs& in, const float* next, const float* referenceCond, const float* referenceUncond, float* gradCond,
                    float* gradUncond) {
  for (int i = 0; i < in.count; ++i) {
    const double residual = core::residual(map, in.x[i], output<kGuided>(map, in.cond, in.uncond, i), next[i]);
    const double apart = kReference ? difference<kGuided>(map, in, referenceCond, referenceUncond, i) : 0.0;
    const double g = core::output_gradient(objective, residual, apart);
    gradCond[i] = static_cast<float>(kGuided ? map.guidance * g : g);
    if (kGuided) gradUncond[i] = static_cast<float>((1 - map.guidance) * g);
  }
}

void gradient(const Map& map, const core::Objective& objective, const Inputs& in, const float* next, const float* referenceCond, const float* referenceUncond, float* gradCond,
              float* gradUncond) {
  const auto form = in.uncond ? (referenceCond ? gradient_chunk<true, true> : gradient_chunk<true, false>) : (referenceCond ? gradient_chunk<false, true> : gradient_chunk<false, false>);
  form(map, objective, in, next, referenceCond, referenceUncond, gradCond, gradUncond);
}
}  // namespace

#define ETALON_GETTER_(name) name##_kernels
#define ETALON_GETTER(name) ETALON_GETTER_(name)
const Kernels* ETALON_GETTER(ETALON_KERNELS)() {
  static const Kernels kernels = {ETALON_TEXT(ETALON_KERNELS), normal, rollout, squares, differences, gradient};
  return &kernels;
}
}  // namespace etalon::cpu
