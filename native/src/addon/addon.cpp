// etalon.node: the public C interface as JavaScript functions. Reads arguments, calls, turns a status into an error; lib/binding.ts is its typed picture.
// The face has checked types and lengths before it comes here; what is checked again is what would crash.
#include "addon/instance.h"
#include "addon/steps.h"
#include "addon/tensor.h"
#include "addon/tensor_heavy.h"

#include <string>

namespace {
/** Raised, here and in lib/loader.ts, when a function comes, goes, or takes other arguments: an addon older than the face would take no notice of what is new to it. */
constexpr int interface_number = 2;

using etalon::addon::context;
using etalon::addon::Instance;
using etalon::addon::settle;

/** A Uint32Array of `length` words. */
uint32_t* words(const Napi::Value& value, int64_t length, const char* name) {
  const etalon::addon::Array array(value, name, napi_uint32_array);
  if (array.length < length) throw Napi::RangeError::New(value.Env(), std::string(name) + " is too short");
  return static_cast<uint32_t*>(array.data);
}

void philox4x32(const Napi::CallbackInfo& info) {
  settle(info, etalon_philox4x32(words(info[0], 4, "counter"), words(info[1], 2, "key"), words(info[2], 4, "out")));
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
  exports.Set("interface", interface_number);
  exports.Set("philox4x32", Napi::Function::New<philox4x32>(env));
  etalon::addon::init_steps(env, exports);
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
