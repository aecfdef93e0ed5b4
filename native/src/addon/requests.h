// What a call asks for, read from its JavaScript arguments and then free of them: `run` touches the C interface only, on any thread.
// The memory of typed arrays is the caller's; who runs a request later pins the arguments (job.h).
#pragma once
#include <string>
#include <vector>

#include "addon/arrays.h"
#include "addon/instance.h"

namespace etalon::addon {
/** A typed array of a kind that holds at least `length`; null and undefined give null. */
template <typename T>
T* values(const Napi::Value& value, napi_typedarray_type type, int64_t length, const char* name) {
  if (value.IsNull() || value.IsUndefined()) return nullptr;
  const Array array(value, name, type);
  if (array.length < length) throw Napi::RangeError::New(value.Env(), std::string(name) + " is too short");
  return static_cast<T*>(array.data);
}
inline double* doubles(const Napi::Value& value, int64_t length, const char* name) { return values<double>(value, napi_float64_array, length, name); }

/** A typed array of elements: a Float32Array, or a Uint16Array whose words are of type `half`. Null and undefined are null. */
struct Elements {
  void* data = nullptr;
  etalon_dtype type = ETALON_FLOAT32;

  Elements(const Napi::Value& value, etalon_dtype half, int64_t length, const char* name) {
    if (value.IsNull() || value.IsUndefined()) return;
    const Array array(value, name);
    if (array.type != napi_float32_array && (array.type != napi_uint16_array || half == ETALON_FLOAT32))
      throw Napi::TypeError::New(value.Env(), std::string(name) + " is a typed array of another kind");
    if (array.length < length) throw Napi::RangeError::New(value.Env(), std::string(name) + " is too short");
    data = array.data;
    type = array.type == napi_float32_array ? ETALON_FLOAT32 : half;
  }
  /** Of two arrays of which one may be null, or which must be of one kind. */
  void same(const Elements& other, Napi::Env env, const char* name) const {
    if (data && other.data && type != other.type) throw Napi::TypeError::New(env, std::string(name) + " is a typed array of another kind");
  }
};

inline std::vector<etalon_step> steps_of(const Napi::Value& value) {
  const Array maps(value, "maps", napi_float64_array);
  const double* const numbers = static_cast<const double*>(maps.data);
  std::vector<etalon_step> steps(static_cast<size_t>(maps.length / 4), etalon_step ETALON_STEP_INIT);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].a = numbers[4 * i];
    steps[i].b = numbers[4 * i + 1];
    steps[i].std = numbers[4 * i + 2];
    steps[i].guidance = numbers[4 * i + 3];
  }
  return steps;
}

inline etalon_noise_key key_of(const Napi::Value& seed, const Napi::Value& step, const Napi::Value& samples, int64_t batch) {
  bool lossless = true;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = seed.As<Napi::BigInt>().Uint64Value(&lossless);
  key.step = step.As<Napi::Number>().Uint32Value();
  key.samples = values<uint32_t>(samples, napi_uint32_array, batch, "samples");
  return key;
}

/** The steps and arrays that every call on a policy has. */
struct Policy {
  std::vector<etalon_step> steps;
  etalon_policy policy = ETALON_POLICY_INIT;
  etalon_dtype half;
  int64_t batch, dim;

  /** Arguments that it takes, the first of a call. */
  static constexpr size_t kArguments = 7;

  /** (maps, x, cond, uncond, batch, dim, half, …) */
  explicit Policy(const Napi::CallbackInfo& info) : steps(steps_of(info[0])) {
    batch = info[4].As<Napi::Number>().Int64Value();
    dim = info[5].As<Napi::Number>().Int64Value();
    half = static_cast<etalon_dtype>(info[6].As<Napi::Number>().Int32Value());
    const Elements x = elements(info[1], "x"), cond = elements(info[2], "cond"), uncond = elements(info[3], "uncond");
    uncond.same(cond, info.Env(), "uncond");
    policy.x = x.data, policy.cond = cond.data, policy.uncond = uncond.data;
    policy.state_type = x.type, policy.output_type = cond.type;
  }
  int64_t step_count() const { return static_cast<int64_t>(steps.size()); }
  /** An array of [batch, dim]. */
  Elements elements(const Napi::Value& value, const char* name) const { return Elements(value, half, batch * dim, name); }
  /** A state beside x, of its kind. */
  void* state(const Napi::Value& value, const char* name) const {
    const Elements array = elements(value, name);
    if (array.data && array.type != policy.state_type) throw Napi::TypeError::New(value.Env(), std::string(name) + " is a typed array of another kind");
    return array.data;
  }
};

struct NormalRequest {
  etalon_noise_key key;
  int64_t batch, dim;
  float* out;
  explicit NormalRequest(const Napi::CallbackInfo& info) {
    batch = Array(info[2], "samples").length, dim = info[3].As<Napi::Number>().Int64Value();
    key = key_of(info[0], info[1], info[2], batch);
    out = values<float>(info[4], napi_float32_array, batch * dim, "out");
  }
  etalon_status run(etalon_context* ctx) const { return etalon_normal(ctx, &key, batch, dim, out); }
};

struct RolloutRequest {
  Policy policy;
  etalon_noise_key key;
  void* next;
  double* logp;
  explicit RolloutRequest(const Napi::CallbackInfo& info) : policy(info) {
    constexpr size_t at = Policy::kArguments;
    key = key_of(info[at], info[at + 1], info[at + 2], policy.batch);
    next = policy.state(info[at + 3], "next");
    logp = doubles(info[at + 4], policy.batch, "logp");
  }
  etalon_status run(etalon_context* ctx) const {
    return etalon_rollout(ctx, policy.steps.data(), policy.step_count(), &key, &policy.policy, policy.batch, policy.dim, next, logp);
  }
};

struct LogProbRequest {
  Policy policy;
  const void* next;
  double* logp;
  explicit LogProbRequest(const Napi::CallbackInfo& info) : policy(info) {
    next = policy.state(info[Policy::kArguments], "next");
    logp = doubles(info[Policy::kArguments + 1], policy.batch, "logp");
  }
  etalon_status run(etalon_context* ctx) const {
    return etalon_log_prob(ctx, policy.steps.data(), policy.step_count(), &policy.policy, next, policy.batch, policy.dim, logp);
  }
};

struct PolicyGradientRequest {
  Policy policy;
  const void* next;
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  explicit PolicyGradientRequest(const Napi::CallbackInfo& info) : policy(info) {
    const Napi::Env env = info.Env();
    const int64_t batch = policy.batch;
    size_t at = Policy::kArguments;   // the arguments follow in the order in which they are read here
    next = policy.state(info[at++], "next");
    objective.old_logp = doubles(info[at++], batch, "oldLogp");
    objective.advantage = doubles(info[at++], batch, "advantage");
    objective.clip = info[at++].As<Napi::Number>().DoubleValue();
    objective.mean = info[at++].As<Napi::Boolean>().Value();
    objective.kl_weight = info[at++].As<Napi::Number>().DoubleValue();
    const Elements cond = policy.elements(info[at++], "referenceCond"), uncond = policy.elements(info[at++], "referenceUncond");
    for (const Elements& reference : {cond, uncond})
      if (reference.data && reference.type != policy.policy.output_type) throw Napi::TypeError::New(env, "a reference output is a typed array of another kind");
    objective.reference_cond = cond.data, objective.reference_uncond = uncond.data;
    outcome.loss = doubles(info[at++], batch, "loss");
    outcome.ratio = doubles(info[at++], batch, "ratio");
    outcome.clipped = doubles(info[at++], batch, "clipped");
    outcome.kl = doubles(info[at++], batch, "kl");
    const Elements gradCond = policy.elements(info[at++], "gradCond"), gradUncond = policy.elements(info[at++], "gradUncond");
    gradUncond.same(gradCond, env, "gradUncond");
    outcome.grad_cond = gradCond.data, outcome.grad_uncond = gradUncond.data, outcome.grad_type = gradCond.type;
  }
  etalon_status run(etalon_context* ctx) const {
    return etalon_policy_gradient(ctx, policy.steps.data(), policy.step_count(), &policy.policy, next, &objective, policy.batch, policy.dim, &outcome);
  }
};
}  // namespace etalon::addon
