#include <cstring>

#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
namespace {
/** Orders the axes by how far the target steps, the widest first. */
void order_by_target(Layout& layout) {
  for (int i = 1; i < layout.rank; ++i)
    for (int d = i; d > 0 && layout.stride[1][d - 1] < layout.stride[1][d]; --d) {
      const auto swap = [d](int64_t* values) {
        const int64_t kept = values[d];
        values[d] = values[d - 1];
        values[d - 1] = kept;
      };
      swap(layout.shape);
      swap(layout.stride[0]);
      swap(layout.stride[1]);
    }
}

/** Where unit number `unit` of the first `axes` axes begins in both. */
struct Place {
  int64_t source = 0, target = 0;
  Place(const Layout& layout, int axes, int64_t unit) {
    for (int d = axes - 1; d >= 0; --d) {
      const int64_t index = unit % layout.shape[d];
      unit /= layout.shape[d];
      source += index * layout.stride[0][d];
      target += index * layout.stride[1][d];
    }
  }
};

int64_t product(const Layout& layout, int axes) {
  int64_t count = 1;
  for (int d = 0; d < axes; ++d) count *= layout.shape[d];
  return count;
}

template <typename T>
void run_of(const T* x, int64_t xStride, T* y, int64_t yStride, int64_t count) {
  if (xStride == 1 && yStride == 1)
    std::memcpy(y, x, static_cast<size_t>(count) * sizeof(T));
  else if (xStride == 0 && yStride == 1)
    for (int64_t i = 0; i < count; ++i) y[i] = *x;
  else
    for (int64_t i = 0; i < count; ++i) y[i * yStride] = x[i * xStride];
}

/** Units are runs along the innermost axis; a long one is cut. */
template <typename T>
void copy_runs(const Context& ctx, const Layout& layout, const T* x, T* y) {
  const int last = layout.rank - 1;
  const int64_t length = layout.shape[last], piece = length < kTask ? length : kTask, pieces = (length + piece - 1) / piece;
  split_units(ctx.threads, product(layout, last) * pieces, piece, kTask, [&](int64_t unit) {
    const Place place(layout, last, unit / pieces);
    const int64_t from = unit % pieces * piece, count = length - from < piece ? length - from : piece;
    run_of(x + place.source + from * layout.stride[0][last], layout.stride[0][last], y + place.target + from * layout.stride[1][last],
           layout.stride[1][last], count);
  });
}

void transpose(const Kernels& kernels, const uint32_t* x, uint32_t* y, const Tile& tile) { kernels.transpose4(x, y, tile); }
void transpose(const Kernels& kernels, const uint8_t* x, uint8_t* y, const Tile& tile) { kernels.transpose1(x, y, tile); }

/** Axis `row` is dense in the source, the last axis in the target: units are tiles of 64 of the one by all of the other. */
template <typename T>
void copy_tiles(const Context& ctx, Layout layout, int row, const T* x, T* y) {
  const int last = layout.rank - 1;
  const int64_t rows = layout.shape[row], columns = layout.shape[last], source = layout.stride[0][last], target = layout.stride[1][row];
  for (int d = row; d < last - 1; ++d) {
    layout.shape[d] = layout.shape[d + 1];
    layout.stride[0][d] = layout.stride[0][d + 1];
    layout.stride[1][d] = layout.stride[1][d + 1];
  }
  constexpr int64_t kTile = 64;
  const int64_t tiles = (rows + kTile - 1) / kTile;
  split_units(ctx.threads, product(layout, last - 1) * tiles, (rows < kTile ? rows : kTile) * columns, kTask, [&](int64_t unit) {
    const Place place(layout, last - 1, unit / tiles);
    const int64_t from = unit % tiles * kTile;
    transpose(ctx.kernels, x + place.source + from, y + place.target + from * target, {rows - from < kTile ? rows - from : kTile, columns, source, target});
  });
}

template <typename T>
void copy_as(const Context& ctx, const Layout& layout, const T* x, T* y) {
  const int last = layout.rank - 1;
  if (layout.stride[1][last] == 1 && layout.stride[0][last] > 1)
    for (int d = 0; d < last; ++d)
      if (layout.stride[0][d] == 1 && layout.shape[d] > 1) return copy_tiles(ctx, layout, d, x, y);
  copy_runs(ctx, layout, x, y);
}
}  // namespace

void copy(const Context& ctx, Layout layout, const void* source, void* target, int bytes) {
  order_by_target(layout);
  if (simplify(layout) == 0) return;
  if (bytes == 4)
    copy_as(ctx, layout, static_cast<const uint32_t*>(source), static_cast<uint32_t*>(target));
  else
    copy_as(ctx, layout, static_cast<const uint8_t*>(source), static_cast<uint8_t*>(target));
}
}  // namespace etalon::light
