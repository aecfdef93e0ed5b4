#include <cstring>

#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
int64_t gather(const Context& ctx, const Gather& sizes, const void* x, const int32_t* at, void* y, int bytes) {
  for (int64_t i = 0; i < sizes.batch * sizes.indices; ++i)
    if (at[i] < 0 || at[i] >= sizes.axis) return i;
  const size_t run = static_cast<size_t>(sizes.inner * bytes);
  split_units(ctx.threads, sizes.batch * sizes.outer * sizes.indices, sizes.inner, kTask, [&](int64_t unit) {
    const int64_t i = unit % sizes.indices, plane = unit / sizes.indices, b = plane / sizes.outer;
    const int64_t from = (plane * sizes.axis + at[b * sizes.indices + i]) * sizes.inner;
    std::memcpy(static_cast<char*>(y) + unit * static_cast<int64_t>(run), static_cast<const char*>(x) + from * bytes, run);
  });
  return -1;
}

void segment_sum(const Context& ctx, const float* x, const int32_t* at, float* y, int64_t rows, int64_t inner, int64_t segments) {
  fill(ctx, y, 0, segments * inner, 4);
  const int64_t strip = rows * inner < 4 * kTask ? inner : 64;   // threads share the columns: the order within one stays
  split(ctx.threads, inner, strip > 0 ? strip : 1, [&](int64_t start, int64_t end) {
    for (int64_t r = 0; r < rows; ++r)
      if (at[r] >= 0 && at[r] < segments) ctx.kernels.accumulate(x + r * inner + start, y + at[r] * inner + start, end - start);
  });
}
}  // namespace etalon::light
