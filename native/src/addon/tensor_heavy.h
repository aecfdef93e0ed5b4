// The heavy tensor kernels' part of the addon.
#pragma once
#include "addon/instance.h"

#include <vector>

namespace etalon::addon {
struct Kernel;

/** The object of the kernels, as lib/tensor/RawHeavyKernels.ts describes it. */
Napi::Object tensor_heavy(Napi::Env env);
/** Those made of products; those that go by rows and elements. */
const std::vector<Kernel>& product_kernels();
const std::vector<Kernel>& row_kernels();
/** Functions that are no steps of a program: they take lists, or give a number. */
void add_list_kernels(Napi::Env env, Napi::Object kernels);
/** The way to run many in one call, as lib/tensor/Recorder.ts writes them down. */
void add_program(Napi::Env env, Napi::Object kernels);
}  // namespace etalon::addon
