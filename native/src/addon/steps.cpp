#include "addon/steps.h"

#include "addon/job.h"
#include "addon/requests.h"

namespace etalon::addon {
namespace {
/** On the caller's thread. */
template <typename Request>
void inline_call(const Napi::CallbackInfo& info) {
  const Request request(info);
  settle(info, request.run(context(info)));
}

template <typename Request>
Napi::Value async_call(const Napi::CallbackInfo& info) {
  return Job<Request>::start(info);
}

/** (array, half, found: six float64 numbers): counts of NaN, infinite and subnormal numbers, then the first index of each or −1. */
void inspect(const Napi::CallbackInfo& info) {
  const Array array(info[0], "array");
  const Elements elements(info[0], static_cast<etalon_dtype>(info[1].As<Napi::Number>().Int32Value()), 0, "array");
  double* const out = doubles(info[2], 6, "found");
  etalon_findings found = ETALON_FINDINGS_INIT;
  settle(info, etalon_inspect(context(info), elements.type, elements.data, array.length, &found));
  const int64_t numbers[6] = {found.nans, found.infinities, found.subnormals, found.first_nan, found.first_infinity, found.first_subnormal};
  for (int i = 0; i < 6; ++i) out[i] = static_cast<double>(numbers[i]);
}
}  // namespace

void init_steps(Napi::Env env, Napi::Object exports) {
  exports.Set("normal", Napi::Function::New<inline_call<NormalRequest>>(env));
  exports.Set("rollout", Napi::Function::New<inline_call<RolloutRequest>>(env));
  exports.Set("logProb", Napi::Function::New<inline_call<LogProbRequest>>(env));
  exports.Set("policyGradient", Napi::Function::New<inline_call<PolicyGradientRequest>>(env));
  exports.Set("rolloutAsync", Napi::Function::New<async_call<RolloutRequest>>(env));
  exports.Set("logProbAsync", Napi::Function::New<async_call<LogProbRequest>>(env));
  exports.Set("policyGradientAsync", Napi::Function::New<async_call<PolicyGradientRequest>>(env));
  exports.Set("inspect", Napi::Function::New<inspect>(env));
}
}  // namespace etalon::addon
