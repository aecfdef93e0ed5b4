#include <atomic>

#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
void turn(const Context& ctx, const Turn& turn, int64_t first, const void* x, void* y, int bytes) {
  const int64_t columns = turn.inputs * turn.taps;
  if (turn.rows == 0 || columns == 0) return;
  // A task is some 64 columns: what it writes of a row lies in lines that no other task of this call writes.
  int64_t part = (kTask / turn.rows + 63) / 64 * 64;
  if (part < 64) part = 64;
  split(ctx.threads, columns, part, [&](int64_t start, int64_t end) {
    if (bytes == 2)
      ctx.kernels.turn2(static_cast<const uint16_t*>(x), static_cast<uint16_t*>(y) + first, turn, start, end);
    else
      ctx.kernels.turn4(static_cast<const uint32_t*>(x), static_cast<uint32_t*>(y) + first, turn, start, end);
  });
}

int64_t first_not_finite(const Context& ctx, Float kind, const void* x, int64_t count) {
  const int64_t bytes = kind == Float::f32 ? 4 : 2;
  const auto at = [&](int64_t start) { return static_cast<const char*>(x) + start * bytes; };
  std::atomic<bool> found{false};
  split(ctx.threads, count, kTask * 4, [&](int64_t start, int64_t end) {
    if (ctx.kernels.not_finite(kind, at(start), end - start)) found.store(true, std::memory_order_relaxed);
  });
  if (!found.load(std::memory_order_relaxed)) return -1;
  int64_t i = 0;
  while (!ctx.kernels.not_finite(kind, at(i), 1)) ++i;
  return i;
}
}  // namespace etalon::light
