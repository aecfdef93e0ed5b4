// The numbers of a call that are no arrays of elements, as one int32 tensor in host memory. A tensor, not attributes: TensorFlow keeps a kernel for every set of attribute values it
// has seen, and a seed or a step changes with each call. int32, as tfjs has no float64: doubles travel as their bits, low word first. lib/tfjs/params.ts writes the same.
//
//   word 0   kLayout            4, 5  seed, low word first
//        1   threads, 0: default  6   step
//        2   batch                7   1: reduction 'mean'
//        3   steps: 1 or batch
//   then doubles   a, b, std, guidance of each step
//   EtalonStep: then words      sample ids [batch]
//   EtalonPolicyGradient: then doubles   clip, kl_weight, old_logp [batch], advantage [batch]
#pragma once
#include <cstring>
#include <vector>

#include "etalon/etalon.h"

namespace etalon::tf {
constexpr int32_t kLayout = 1;
constexpr int64_t kHeader = 8;   // words

enum class Op { step, logProb, policyGradient };

struct Params {
  int threads = 0;
  int64_t batch = 0;
  std::vector<etalon_step> steps;
  uint64_t seed = 0;
  uint32_t step = 0;
  bool mean = false;
  std::vector<uint32_t> samples;
  double clip = 0, klWeight = 0;
  std::vector<double> oldLogp, advantage;
};

/** @return "", or why `words` are no params of this layout for `op` */
inline const char* read_params(Op op, const int32_t* words, int64_t count, Params& params) {
  if (count < kHeader || words[0] != kLayout) return "params are of another layout: two versions of @etalon/native in one process";
  params.threads = words[1];
  params.batch = words[2];
  const int64_t steps = words[3];
  if (params.batch < 1 || (steps != 1 && steps != params.batch)) return "params: batch is below 1, or steps is neither 1 nor batch";
  const int64_t extra = op == Op::step ? params.batch : op == Op::policyGradient ? 2 * (2 + 2 * params.batch) : 0;
  if (count != kHeader + 8 * steps + extra) return "params are of another length than their header says";
  params.seed = static_cast<uint32_t>(words[4]) | static_cast<uint64_t>(static_cast<uint32_t>(words[5])) << 32;
  params.step = static_cast<uint32_t>(words[6]);
  params.mean = words[7] != 0;

  const int32_t* at = words + kHeader;
  const auto doubles = [&](double* to, int64_t n) {
    std::memcpy(to, at, static_cast<size_t>(n) * sizeof(double));
    at += 2 * n;
  };
  params.steps.assign(static_cast<size_t>(steps), etalon_step ETALON_STEP_INIT);
  for (etalon_step& step : params.steps) {
    double four[4];
    doubles(four, 4);
    step.a = four[0], step.b = four[1], step.std = four[2], step.guidance = four[3];
  }
  if (op == Op::step) {
    params.samples.resize(static_cast<size_t>(params.batch));
    std::memcpy(params.samples.data(), at, params.samples.size() * sizeof(uint32_t));
  }
  if (op == Op::policyGradient) {
    params.oldLogp.resize(static_cast<size_t>(params.batch));
    params.advantage.resize(static_cast<size_t>(params.batch));
    doubles(&params.clip, 1);
    doubles(&params.klWeight, 1);
    doubles(params.oldLogp.data(), params.batch);
    doubles(params.advantage.data(), params.batch);
  }
  return "";
}
}  // namespace etalon::tf
