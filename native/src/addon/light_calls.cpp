#include "addon/light_calls.h"

namespace etalon::addon {
namespace {
using light::Layout;

int64_t count_of(const Layout& layout) {
  int64_t count = 1;
  for (int d = 0; d < layout.rank; ++d)
    if (__builtin_mul_overflow(count, layout.shape[d], &count)) return -1;
  return count;
}

/** Whether every element that the layout steps to lies inside `length` elements from `offset`. */
bool inside(const Layout& layout, int operand, int64_t offset, int64_t length) {
  int64_t first = offset, last = offset;
  for (int d = 0; d < layout.rank; ++d) {
    int64_t way;
    if (__builtin_mul_overflow(layout.shape[d] - 1, layout.stride[operand][d], &way)) return false;
    if (__builtin_add_overflow(way < 0 ? first : last, way, way < 0 ? &first : &last)) return false;
  }
  return first >= 0 && last < length;
}
}  // namespace

Layout layout_from(Napi::Env env, const double* values, int64_t length) {
  Layout layout;
  require(env, length >= 1 && values[0] >= 0 && values[0] <= light::kMaxRank, "the layout's rank is outside 0 ... 8");
  layout.rank = static_cast<int>(values[0]);
  require(env, length >= 1 + 3 * layout.rank, "the layout is too short");
  for (int d = 0; d < layout.rank; ++d) {
    layout.shape[d] = static_cast<int64_t>(values[1 + d]);
    layout.stride[0][d] = static_cast<int64_t>(values[1 + layout.rank + d]);
    layout.stride[1][d] = static_cast<int64_t>(values[1 + 2 * layout.rank + d]);
    require(env, layout.shape[d] >= 0, "an extent of the layout is negative");
  }
  return layout;
}

void run_unary(Napi::Env env, const light::Context& ctx, const light::Unary& kernel, const Array& x, const Array& y, float a, float b) {
  require(env, x.length == y.length && !x.shares(y), "x and y differ in length or share memory");
  light::unary(ctx, kernel, x.data, y.data, x.length, a, b);
}

void run_binary(Napi::Env env, const light::Context& ctx, const light::Binary& kernel, const Array& left, const Array& right, const Array& out,
                const Layout& layout) {
  require(env, count_of(layout) == out.length && !out.shares(left) && !out.shares(right), "out is of another size or shares memory with an operand");
  if (out.length == 0) return;
  for (int d = 0; d < layout.rank; ++d) require(env, layout.stride[0][d] >= 0 && layout.stride[1][d] >= 0, "a stride is negative");
  require(env, inside(layout, 0, 0, left.length) && inside(layout, 1, 0, right.length), "an operand is too short");
  light::binary(ctx, kernel, layout, left.data, right.data, out.data);
}

void run_reduce(Napi::Env env, const light::Context& ctx, int64_t kind, const Array& x, const Array& y, int64_t outer, int64_t n, int64_t inner) {
  require(env, kind <= static_cast<int>(light::Reduction::min), "no such reduction");
  require(env, n > 0 && y.length == outer * inner && x.length == y.length * n && !x.shares(y), "sizes and arrays do not fit");
  const auto reduction = static_cast<light::Reduction>(kind);
  require(env, x.type == napi_float32_array || reduction != light::Reduction::mean, "a mean is of float32");
  if (x.type == napi_float32_array)
    light::reduce(ctx, reduction, static_cast<const float*>(x.data), static_cast<float*>(y.data), outer, n, inner);
  else if (x.type == napi_int32_array)
    light::reduce(ctx, reduction, static_cast<const int32_t*>(x.data), static_cast<int32_t*>(y.data), outer, n, inner);
  else
    light::reduce(ctx, reduction, static_cast<const uint8_t*>(x.data), static_cast<uint8_t*>(y.data), outer, n, inner);
}

void run_copy(Napi::Env env, const light::Context& ctx, const Array& source, int64_t from, const Array& target, int64_t to, const Layout& layout) {
  require(env, !source.shares(target), "source and target share memory");
  if (count_of(layout) == 0) return;
  for (int d = 0; d < layout.rank; ++d) require(env, layout.stride[1][d] >= 0, "a stride of the target is negative");
  require(env, inside(layout, 0, from, source.length) && inside(layout, 1, to, target.length), "the layout leaves an array");
  light::copy(ctx, layout, static_cast<const char*>(source.data) + from * source.bytes(), static_cast<char*>(target.data) + to * target.bytes(),
              source.bytes());
}
}  // namespace etalon::addon
