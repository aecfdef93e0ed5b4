// The addon's part for sampler steps: normal, rollout, logProb, policyGradient and inspect; the middle three also off the JavaScript thread.
#pragma once
#include "addon/instance.h"

namespace etalon::addon {
void init_steps(Napi::Env env, Napi::Object exports);
}  // namespace etalon::addon
