#include <cstring>

#include "cpu/pool.h"
#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
namespace {
int size_of(Type type) { return type == Type::u8 ? 1 : 4; }

template <typename T>
void select_as(const Context& ctx, const uint8_t* condition, int64_t repeat, const void* yes, const void* no, void* out, int64_t count) {
  split(ctx.threads, count, kTask, [&](int64_t start, int64_t end) {
    const T* a = static_cast<const T*>(yes);
    const T* b = static_cast<const T*>(no);
    T* y = static_cast<T*>(out);
    if (repeat == 1)
      for (int64_t i = start; i < end; ++i) y[i] = condition[i] ? a[i] : b[i];
    else
      for (int64_t i = start; i < end; ++i) y[i] = condition[i / repeat] ? a[i] : b[i];
  });
}
}  // namespace

void unary(const Context& ctx, const Unary& kernel, const void* x, void* y, int64_t count, float a, float b) {
  const int in = size_of(kernel.in), out = size_of(kernel.out);
  split(ctx.threads, count, kernel.costly ? kTask / 4 : kTask, [&](int64_t start, int64_t end) {
    kernel.run(static_cast<const char*>(x) + start * in, static_cast<char*>(y) + start * out, end - start, a, b);
  });
}

void binary(const Context& ctx, const Binary& kernel, Layout layout, const void* left, const void* right, void* out) {
  const int64_t count = simplify(layout);
  split(ctx.threads, count, kernel.costly ? kTask / 4 : kTask, [&](int64_t start, int64_t end) { kernel.run(layout, left, right, out, start, end); });
}

void select(const Context& ctx, const uint8_t* condition, int64_t repeat, const void* yes, const void* no, void* out, int64_t count, int bytes) {
  if (bytes == 4)
    select_as<uint32_t>(ctx, condition, repeat, yes, no, out, count);
  else
    select_as<uint8_t>(ctx, condition, repeat, yes, no, out, count);
}

void fill(const Context& ctx, void* out, uint32_t bits, int64_t count, int bytes) {
  split(ctx.threads, count, kTask, [&](int64_t start, int64_t end) {
    if (bytes == 1 || bits == 0) {
      std::memset(static_cast<char*>(out) + start * bytes, static_cast<int>(bits & 0xFFu), static_cast<size_t>((end - start) * bytes));
      return;
    }
    uint32_t* y = static_cast<uint32_t*>(out);
    for (int64_t i = start; i < end; ++i) y[i] = bits;
  });
}
}  // namespace etalon::light
