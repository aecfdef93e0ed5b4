// The light tensor kernels that are also steps of a program, on arrays: what they need of these is checked here, whoever calls.
#pragma once
#include "addon/arrays.h"
#include "addon/instance.h"
#include "tensor_light/launch.h"

namespace etalon::addon {
inline light::Context light_context(etalon_context* ctx) { return {*light::kernels_of(etalon_target(ctx)), etalon_threads(ctx)}; }

inline napi_typedarray_type kind_of(light::Type type) {
  return type == light::Type::f32 ? napi_float32_array : (type == light::Type::i32 ? napi_int32_array : napi_uint8_array);
}

/** [rank, shape …, strides of the one …, strides of the other …] */
light::Layout layout_from(Napi::Env env, const double* values, int64_t length);

/** y = f(x; a, b); the arrays are of the kernel's kinds. */
void run_unary(Napi::Env env, const light::Context& ctx, const light::Unary& kernel, const Array& x, const Array& y, float a, float b);
void run_binary(Napi::Env env, const light::Context& ctx, const light::Binary& kernel, const Array& left, const Array& right, const Array& out,
                const light::Layout& layout);
void run_reduce(Napi::Env env, const light::Context& ctx, int64_t kind, const Array& x, const Array& y, int64_t outer, int64_t n, int64_t inner);
void run_copy(Napi::Env env, const light::Context& ctx, const Array& source, int64_t from, const Array& target, int64_t to, const light::Layout& layout);
}  // namespace etalon::addon
