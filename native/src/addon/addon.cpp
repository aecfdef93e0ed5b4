// etalon.node: the public C interface as JavaScript functions. Reads arguments, calls, turns a status into an error; lib/binding.ts is its typed picture.
// The face has checked types and lengths before it comes here; what is checked again is what would crash. Calls run on the caller's thread.
#include "addon/instance.h"
#include "addon/tensor.h"
#include "addon/tensor_heavy.h"

#include <string>
#include <vector>

namespace {
using etalon::addon::context;
using etalon::addon::Instance;

void settle(const Napi::CallbackInfo& info, etalon_status status) {
  if (status != ETALON_OK) throw Instance::failure(info.Env(), status, etalon_last_error(context(info)));
}

template <typename T>
struct Span {
  T* data = nullptr;
  size_t length = 0;
};

/** A typed array's memory; null and undefined give a null span. */
template <typename T>
Span<T> span(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (value.IsNull() || value.IsUndefined()) return {};
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw Napi::TypeError::New(value.Env(), std::string(name) + " is a typed array of another kind");
  auto array = value.As<Napi::TypedArrayOf<T>>();
  return {array.Data(), array.ElementLength()};
}
Span<float> floats(const Napi::Value& value, const char* name) { return span<float>(value, napi_float32_array, name); }
Span<double> doubles(const Napi::Value& value, const char* name) { return span<double>(value, napi_float64_array, name); }
Span<uint32_t> words(const Napi::Value& value, const char* name) { return span<uint32_t>(value, napi_uint32_array, name); }

/** The memory, if it holds as much as the library will touch. */
template <typename T>
T* holding(const Napi::Env& env, const Span<T>& span, int64_t length, const char* name) {
  if (span.data && span.length < static_cast<size_t>(length)) throw Napi::RangeError::New(env, std::string(name) + " is too short");
  return span.data;
}

std::vector<etalon_step> steps_of(const Napi::Value& value) {
  const Span<double> maps = doubles(value, "maps");
  std::vector<etalon_step> steps(maps.length / 4, etalon_step ETALON_STEP_INIT);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].a = maps.data[4 * i];
    steps[i].b = maps.data[4 * i + 1];
    steps[i].std = maps.data[4 * i + 2];
    steps[i].guidance = maps.data[4 * i + 3];
  }
  return steps;
}

struct Policy {
  etalon_policy policy = ETALON_POLICY_INIT;
  int64_t batch, dim;
  explicit Policy(const Napi::Value& value) {
    const Napi::Object object = value.As<Napi::Object>();
    const Napi::Env env = value.Env();
    batch = object.Get("batch").As<Napi::Number>().Int64Value();
    dim = object.Get("dim").As<Napi::Number>().Int64Value();
    policy.x = holding(env, floats(object.Get("x"), "x"), batch * dim, "x");
    policy.cond = holding(env, floats(object.Get("cond"), "cond"), batch * dim, "cond");
    policy.uncond = holding(env, floats(object.Get("uncond"), "uncond"), batch * dim, "uncond");
  }
};

etalon_noise_key key_of(const Napi::Value& seed, const Napi::Value& step, const uint32_t* samples) {
  bool lossless = true;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = seed.As<Napi::BigInt>().Uint64Value(&lossless);
  key.step = step.As<Napi::Number>().Uint32Value();
  key.samples = samples;
  return key;
}

void philox4x32(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  settle(info, etalon_philox4x32(holding(env, words(info[0], "counter"), 4, "counter"), holding(env, words(info[1], "key"), 2, "key"),
                                 holding(env, words(info[2], "out"), 4, "out")));
}

void normal(const Napi::CallbackInfo& info) {
  const Span<uint32_t> samples = words(info[2], "samples");
  const etalon_noise_key key = key_of(info[0], info[1], samples.data);
  const int64_t batch = static_cast<int64_t>(samples.length), dim = info[3].As<Napi::Number>().Int64Value();
  settle(info, etalon_normal(context(info), &key, batch, dim, holding(info.Env(), floats(info[4], "out"), batch * dim, "out")));
}

void rollout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<etalon_step> steps = steps_of(info[0]);
  const Policy policy(info[4]);
  const etalon_noise_key key = key_of(info[1], info[2], holding(env, words(info[3], "samples"), policy.batch, "samples"));
  float* const next = holding(env, floats(info[5], "next"), policy.batch * policy.dim, "next");
  double* const logp = holding(env, doubles(info[6], "logp"), policy.batch, "logp");
  settle(info, etalon_rollout(context(info), steps.data(), static_cast<int64_t>(steps.size()), &key, &policy.policy, policy.batch, policy.dim, next, logp));
}

void log_prob(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<etalon_step> steps = steps_of(info[0]);
  const Policy policy(info[1]);
  const float* const next = holding(env, floats(info[2], "next"), policy.batch * policy.dim, "next");
  double* const logp = holding(env, doubles(info[3], "logp"), policy.batch, "logp");
  settle(info, etalon_log_prob(context(info), steps.data(), static_cast<int64_t>(steps.size()), &policy.policy, next, policy.batch, policy.dim, logp));
}

void policy_gradient(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<etalon_step> steps = steps_of(info[0]);
  const Policy policy(info[1]);
  const int64_t batch = policy.batch, elements = policy.batch * policy.dim;
  const Napi::Object given = info[2].As<Napi::Object>(), wanted = info[3].As<Napi::Object>();
  const auto values = [&](const Napi::Object& object, const char* name) { return holding(env, doubles(object.Get(name), name), batch, name); };
  const auto array = [&](const Napi::Object& object, const char* name) { return holding(env, floats(object.Get(name), name), elements, name); };
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = values(given, "oldLogp");
  objective.advantage = values(given, "advantage");
  objective.clip = given.Get("clip").As<Napi::Number>().DoubleValue();
  objective.mean = given.Get("mean").As<Napi::Boolean>().Value();
  objective.kl_weight = given.Get("klWeight").As<Napi::Number>().DoubleValue();
  objective.reference_cond = array(given, "referenceCond");
  objective.reference_uncond = array(given, "referenceUncond");
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.loss = values(wanted, "loss");
  outcome.ratio = values(wanted, "ratio");
  outcome.clipped = values(wanted, "clipped");
  outcome.kl = values(wanted, "kl");
  outcome.grad_cond = array(wanted, "gradCond");
  outcome.grad_uncond = array(wanted, "gradUncond");
  settle(info, etalon_policy_gradient(context(info), steps.data(), static_cast<int64_t>(steps.size()), &policy.policy, array(given, "next"), &objective, batch,
                                      policy.dim, &outcome));
}

void set_threads(const Napi::CallbackInfo& info) { settle(info, etalon_set_threads(context(info), info[0].As<Napi::Number>().Int32Value())); }

Napi::Value describe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const etalon_context* ctx = context(info);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("name", etalon_target(ctx));
  answer.Set("threads", etalon_threads(ctx));
  Napi::Array available = Napi::Array::New(env);
  for (int i = 0; const char* name = etalon_available_target(i); ++i) available.Set(static_cast<uint32_t>(i), name);
  answer.Set("available", available);
  return answer;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Instance);
  exports.Set("philox4x32", Napi::Function::New<philox4x32>(env));
  exports.Set("normal", Napi::Function::New<normal>(env));
  exports.Set("rollout", Napi::Function::New<rollout>(env));
  exports.Set("logProb", Napi::Function::New<log_prob>(env));
  exports.Set("policyGradient", Napi::Function::New<policy_gradient>(env));
  exports.Set("setThreads", Napi::Function::New<set_threads>(env));
  exports.Set("info", Napi::Function::New<describe>(env));
  Napi::Object light = Napi::Object::New(env);
  etalon::addon::init_tensor_memory(env, light);
  etalon::addon::init_tensor_light(env, light);
  exports.Set("light", light);
  exports.Set("heavy", etalon::addon::tensor_heavy(env));
  return exports;
}
}  // namespace

NODE_API_MODULE(etalon, init)
