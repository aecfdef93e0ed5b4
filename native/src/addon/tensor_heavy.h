// The heavy tensor kernels' part of the addon.
#pragma once
#include "addon/instance.h"

namespace etalon::addon {
/** The object of the kernels, as lib/tensor/RawHeavyKernels.ts describes it. */
Napi::Object tensor_heavy(Napi::Env env);
/** Its part that goes by rows and elements. */
void add_row_kernels(Napi::Env env, Napi::Object kernels);
}  // namespace etalon::addon
