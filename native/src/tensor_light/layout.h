// What the launchers share: work in fixed parts, and layouts made simpler.
#pragma once
#include <cstdint>

#include "cpu/pool.h"
#include "tensor_light/light.h"

namespace etalon::light {
/** Calls visit(start, end) over [0, count) in parts of `part`, on the pool where there are two parts or more. */
template <typename Visit>
void split(int threads, int64_t count, int64_t part, Visit&& visit) {
  if (count <= 0) return;
  const int64_t parts = (count + part - 1) / part;
  if (parts == 1 || threads == 1) {
    visit(int64_t{0}, count);
    return;
  }
  cpu::parallel(threads, parts, [&](int64_t i) { visit(i * part, (i + 1) * part < count ? (i + 1) * part : count); });
}

/** Units of `size` elements each, several to a task where they are small. */
template <typename Visit>
void split_units(int threads, int64_t units, int64_t size, int64_t task, Visit&& visit) {
  const int64_t together = size < task ? task / (size > 0 ? size : 1) : 1;
  split(threads, units, together > 0 ? together : 1, [&](int64_t start, int64_t end) {
    for (int64_t unit = start; unit < end; ++unit) visit(unit);
  });
}

/** Drops axes of extent 1 and joins neighbours that both operands step through as through one. @return the number of elements; rank is 1 at least */
inline int64_t simplify(Layout& layout) {
  int64_t count = 1;
  int rank = 0;
  for (int d = 0; d < layout.rank; ++d) {
    const int64_t extent = layout.shape[d];
    count *= extent;
    if (extent == 1) continue;
    const int p = rank - 1;
    if (rank > 0 && layout.stride[0][p] == layout.stride[0][d] * extent && layout.stride[1][p] == layout.stride[1][d] * extent) {
      layout.shape[p] *= extent;
      layout.stride[0][p] = layout.stride[0][d];
      layout.stride[1][p] = layout.stride[1][d];
      continue;
    }
    layout.shape[rank] = extent;
    layout.stride[0][rank] = layout.stride[0][d];
    layout.stride[1][rank] = layout.stride[1][d];
    ++rank;
  }
  if (rank == 0) {
    layout.shape[0] = 1;
    layout.stride[0][0] = layout.stride[1][0] = 0;
    rank = 1;
  }
  layout.rank = rank;
  return count;
}
}  // namespace etalon::light
