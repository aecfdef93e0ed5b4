// The addon's part for tensors, not of the public C interface: exports go into the object `tensor` of the addon.
#pragma once
#include "addon/instance.h"
#include "addon/arrays.h"

namespace etalon::addon {
void init_tensor_memory(Napi::Env env, Napi::Object exports);
void init_tensor_light(Napi::Env env, Napi::Object exports);
}  // namespace etalon::addon
