// The light tensor kernels as JavaScript functions; native/lib/tensor/LightKernels.ts is their typed picture. What would crash is checked here: lengths, kinds,
// offsets, shared memory. What a shape means is the caller's.
#include "addon/light_calls.h"
#include "addon/tensor.h"

namespace etalon::addon {
namespace {
using light::Layout;

light::Context light_context(const Napi::CallbackInfo& info) { return addon::light_context(context(info)); }

template <typename Entry>
const Entry& entry(const Napi::CallbackInfo& info, const Entry* entries, int count) {
  const int64_t index = extent(info, 0);
  require(info, index < count, "no such operation");
  return entries[index];
}

Layout layout_of(const Napi::CallbackInfo& info, size_t index) {
  const Array array(info[index], "layout", napi_float64_array);
  return layout_from(info.Env(), static_cast<const double*>(array.data), array.length);
}

void unary(const Napi::CallbackInfo& info) {
  const light::Context ctx = light_context(info);
  const light::Unary& kernel = entry(info, ctx.kernels.unary, ctx.kernels.unaries);
  const Array x(info[1], "x", kind_of(kernel.in)), y(info[2], "y", kind_of(kernel.out));
  const auto number = [&](size_t index) { return info.Length() > index ? info[index].As<Napi::Number>().FloatValue() : 0.0f; };
  run_unary(info.Env(), ctx, kernel, x, y, number(3), number(4));
}

void binary(const Napi::CallbackInfo& info) {
  const light::Context ctx = light_context(info);
  const light::Binary& kernel = entry(info, ctx.kernels.binary, ctx.kernels.binaries);
  const Array left(info[1], "left", kind_of(kernel.in)), right(info[2], "right", kind_of(kernel.in)), out(info[3], "out", kind_of(kernel.out));
  run_binary(info.Env(), ctx, kernel, left, right, out, layout_of(info, 4));
}

void select(const Napi::CallbackInfo& info) {
  const Array condition(info[0], "condition", napi_uint8_array), yes(info[2], "yes"), no(info[3], "no", yes.type), out(info[4], "out", yes.type);
  const int64_t repeat = extent(info, 1);
  require(info, yes.length == out.length && no.length == out.length && condition.length * repeat == out.length, "lengths differ");
  light::select(light_context(info), static_cast<const uint8_t*>(condition.data), repeat, yes.data, no.data, out.data, out.length, out.bytes());
}

void fill(const Napi::CallbackInfo& info) {
  const Array out(info[0], "out");
  const double value = info[1].As<Napi::Number>().DoubleValue();
  uint32_t bits;
  if (out.type == napi_float32_array) {
    const float number = static_cast<float>(value);
    static_assert(sizeof number == sizeof bits);
    __builtin_memcpy(&bits, &number, 4);
  } else {
    bits = info[1].As<Napi::Number>().Uint32Value();
  }
  light::fill(light_context(info), out.data, bits, out.length, out.bytes());
}

void reduce(const Napi::CallbackInfo& info) {
  const Array x(info[1], "x"), y(info[2], "y", x.type);
  run_reduce(info.Env(), light_context(info), extent(info, 0), x, y, extent(info, 3), extent(info, 4), extent(info, 5));
}

void arg_extreme(const Napi::CallbackInfo& info) {
  const int64_t outer = extent(info, 3), n = extent(info, 4), inner = extent(info, 5);
  const Array x(info[1], "x", napi_float32_array), y(info[2], "y", napi_int32_array);
  require(info, n > 0 && n <= INT32_MAX && y.length == outer * inner && x.length == y.length * n, "sizes and arrays do not fit");
  light::arg_extreme(light_context(info), info[0].As<Napi::Boolean>(), static_cast<const float*>(x.data), static_cast<int32_t*>(y.data), outer, n, inner);
}

void softmax(const Napi::CallbackInfo& info) {
  const Array x(info[0], "x", napi_float32_array), y(info[1], "y", napi_float32_array);
  const int64_t rows = extent(info, 2), n = extent(info, 3);
  require(info, x.length == rows * n && y.length == x.length && !x.shares(y), "sizes and arrays do not fit");
  light::softmax(light_context(info), static_cast<const float*>(x.data), static_cast<float*>(y.data), rows, n, info[4].As<Napi::Boolean>());
}

void cumulate(const Napi::CallbackInfo& info) {
  const Array x(info[3], "x", napi_float32_array), y(info[4], "y", napi_float32_array);
  const int64_t rows = extent(info, 5), n = extent(info, 6);
  require(info, x.length == rows * n && y.length == x.length && !x.shares(y), "sizes and arrays do not fit");
  light::cumulate(light_context(info), info[0].As<Napi::Boolean>(), info[1].As<Napi::Boolean>(), info[2].As<Napi::Boolean>(), static_cast<const float*>(x.data),
                  static_cast<float*>(y.data), rows, n);
}

void copy(const Napi::CallbackInfo& info) {
  const Array source(info[0], "source"), target(info[2], "target", source.type);
  run_copy(info.Env(), light_context(info), source, extent(info, 1), target, extent(info, 3), layout_of(info, 4));
}

void turn(const Napi::CallbackInfo& info) {
  const Array x(info[0], "x"), y(info[1], "y", x.type);
  const light::Turn sizes{extent(info, 2), extent(info, 3), extent(info, 4), extent(info, 5)};
  const int64_t first = extent(info, 6);
  const auto fits = [](int64_t rows, int64_t inputs, int64_t taps, int64_t length) {
    int64_t row, all;
    return !__builtin_mul_overflow(inputs, taps, &row) && !__builtin_mul_overflow(rows, row, &all) && all == length;
  };
  require(info, x.type == napi_float32_array || x.type == napi_uint16_array, "x is neither Float32Array nor Uint16Array");
  require(info, fits(sizes.rows, sizes.inputs, sizes.taps, x.length) && fits(sizes.outputs, sizes.inputs, sizes.taps, y.length) && first <= sizes.outputs &&
                    sizes.rows <= sizes.outputs - first && !x.shares(y),
          "sizes and arrays do not fit");
  light::turn(light_context(info), sizes, first, x.data, y.data, x.bytes());
}

Napi::Value first_not_finite(const Napi::CallbackInfo& info) {
  const int64_t kind = extent(info, 0);
  require(info, kind <= static_cast<int>(light::Float::f32), "no such kind");
  const auto bits = static_cast<light::Float>(kind);
  const Array x(info[1], "x", bits == light::Float::f32 ? napi_float32_array : napi_uint16_array);
  return Napi::Number::New(info.Env(), static_cast<double>(light::first_not_finite(light_context(info), bits, x.data, x.length)));
}

Napi::Value gather(const Napi::CallbackInfo& info) {
  const Array x(info[0], "x"), at(info[1], "at", napi_int32_array), y(info[2], "y", x.type);
  const light::Gather sizes{extent(info, 3), extent(info, 4), extent(info, 5), extent(info, 6), extent(info, 7)};
  require(info, x.length == sizes.batch * sizes.outer * sizes.axis * sizes.inner && at.length == sizes.batch * sizes.indices &&
                    y.length == sizes.batch * sizes.outer * sizes.indices * sizes.inner && !x.shares(y),
          "sizes and arrays do not fit");
  const int64_t wrong = light::gather(light_context(info), sizes, x.data, static_cast<const int32_t*>(at.data), y.data, x.bytes());
  return Napi::Number::New(info.Env(), static_cast<double>(wrong));
}

void segment_sum(const Napi::CallbackInfo& info) {
  const Array x(info[0], "x", napi_float32_array), at(info[1], "at", napi_int32_array), y(info[2], "y", napi_float32_array);
  const int64_t rows = extent(info, 3), inner = extent(info, 4), segments = extent(info, 5);
  require(info, x.length == rows * inner && at.length == rows && y.length == segments * inner && !x.shares(y), "sizes and arrays do not fit");
  light::segment_sum(light_context(info), static_cast<const float*>(x.data), static_cast<const int32_t*>(at.data), static_cast<float*>(y.data), rows, inner,
                     segments);
}

/** What a resize and its gradient have in common: the arrays of the pictures before and after, and eight values from `index` on. */
light::Resize resize_of(const Napi::CallbackInfo& info, const Array& before, const Array& after, size_t index) {
  const auto truth = [&](size_t i) -> bool { return info[i].As<Napi::Boolean>(); };
  const light::Resize how{truth(0),           extent(info, index),     extent(info, index + 1), extent(info, index + 2),
                          extent(info, index + 3), extent(info, index + 4), extent(info, index + 5), truth(index + 6),
                          truth(index + 7)};
  require(info, before.length > 0 && after.length > 0 && before.length == how.batch * how.rows * how.columns * how.channels &&
                    after.length == how.batch * how.toRows * how.toColumns * how.channels && !before.shares(after) && !(how.alignCorners && how.halfPixelCenters),
          "sizes and arrays do not fit");
  return how;
}

void resize(const Napi::CallbackInfo& info) {
  const Array x(info[1], "x"), y(info[2], "y", x.type);
  const light::Resize how = resize_of(info, x, y, 3);
  require(info, x.type == napi_float32_array || (x.type == napi_int32_array && !how.bilinear), "x is a typed array of another kind");
  light::resize(light_context(info), how, x.data, y.data);
}

void resize_gradient(const Napi::CallbackInfo& info) {
  const Array dy(info[1], "dy", napi_float32_array), dx(info[2], "dx", napi_float32_array);
  light::resize_gradient(light_context(info), resize_of(info, dx, dy, 3), static_cast<const float*>(dy.data), static_cast<float*>(dx.data));
}

template <typename Entry>
Napi::Array names(Napi::Env env, const Entry* entries, int count) {
  Napi::Array list = Napi::Array::New(env, static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) list.Set(static_cast<uint32_t>(i), entries[i].name);
  return list;
}

/** The operations by their numbers, as `unary` and `binary` take them. */
Napi::Value operations(const Napi::CallbackInfo& info) {
  const light::Kernels& kernels = light_context(info).kernels;
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("unary", names(info.Env(), kernels.unary, kernels.unaries));
  answer.Set("binary", names(info.Env(), kernels.binary, kernels.binaries));
  return answer;
}
}  // namespace

void init_tensor_light(Napi::Env env, Napi::Object exports) {
  exports.Set("operations", Napi::Function::New<operations>(env));
  exports.Set("unary", Napi::Function::New<unary>(env));
  exports.Set("binary", Napi::Function::New<binary>(env));
  exports.Set("select", Napi::Function::New<select>(env));
  exports.Set("fill", Napi::Function::New<fill>(env));
  exports.Set("reduce", Napi::Function::New<reduce>(env));
  exports.Set("argExtreme", Napi::Function::New<arg_extreme>(env));
  exports.Set("softmax", Napi::Function::New<softmax>(env));
  exports.Set("cumulate", Napi::Function::New<cumulate>(env));
  exports.Set("copy", Napi::Function::New<copy>(env));
  exports.Set("turn", Napi::Function::New<turn>(env));
  exports.Set("firstNotFinite", Napi::Function::New<first_not_finite>(env));
  exports.Set("gather", Napi::Function::New<gather>(env));
  exports.Set("segmentSum", Napi::Function::New<segment_sum>(env));
  exports.Set("resize", Napi::Function::New<resize>(env));
  exports.Set("resizeGradient", Napi::Function::New<resize_gradient>(env));
}
}  // namespace etalon::addon
