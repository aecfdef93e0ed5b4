#include <algorithm>
#include <cstring>
#include <vector>

#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
namespace {
/** As tfjs's JavaScript kernels have it. Both pixels grow with `to`; they are the same one or neighbours. */
Tap tap_of(const Resize& how, int64_t before, int64_t after, int64_t to) {
  const bool aligned = how.alignCorners && after > 1;
  const double ratio = static_cast<double>(aligned ? before - 1 : before) / static_cast<double>(aligned ? after - 1 : after), index = static_cast<double>(to);
  const double centre = how.halfPixelCenters ? ratio * (index + 0.5) : ratio * index;
  const auto inside = [before](double pixel) { return std::clamp(static_cast<int64_t>(pixel), int64_t{0}, before - 1); };
  if (how.bilinear) {
    const double at = how.halfPixelCenters ? centre - 0.5 : centre;
    const int64_t low = inside(__builtin_floor(at));
    return {low, inside(__builtin_ceil(at)), at - static_cast<double>(low)};
  }
  const double below = __builtin_floor(centre);
  const int64_t nearest = inside(how.alignCorners && centre - below >= 0.5 ? below + 1 : below);
  return {nearest, nearest, 0};
}

/** The taps of an axis, and which touch each pixel before it: both ends of them grow. */
struct Axis {
  std::vector<Tap> taps;
  std::vector<Range> touching;
  Axis(const Resize& how, int64_t before, int64_t after) : taps(static_cast<size_t>(after)), touching(static_cast<size_t>(before)) {
    for (int64_t i = 0; i < after; ++i) taps[static_cast<size_t>(i)] = tap_of(how, before, after, i);
    Range range{0, 0};
    for (int64_t pixel = 0; pixel < before; ++pixel) {
      while (range.first < after && taps[static_cast<size_t>(range.first)].high < pixel) ++range.first;
      while (range.end < after && taps[static_cast<size_t>(range.end)].low <= pixel) ++range.end;
      touching[static_cast<size_t>(pixel)] = range;
    }
  }
  operator Resampling() const { return {static_cast<int64_t>(touching.size()), static_cast<int64_t>(taps.size()), taps.data(), touching.data()}; }
};
}  // namespace

void resize(const Context& ctx, const Resize& how, const void* x, void* y) {
  const Axis down(how, how.rows, how.toRows), across(how, how.columns, how.toColumns);
  const Resampling rows = down, columns = across;
  const int64_t channels = how.channels, pitch = how.columns * channels, width = how.toColumns * channels;
  split_units(ctx.threads, how.batch * how.toRows, width, kTask, [&](int64_t unit) {
    const int64_t picture = unit / how.toRows * how.rows * pitch, to = unit % how.toRows;
    if (how.bilinear) return ctx.kernels.blend_row(static_cast<const float*>(x) + picture, rows, to, columns, channels, static_cast<float*>(y) + unit * width);
    const uint32_t* source = static_cast<const uint32_t*>(x) + picture + rows.taps[to].low * pitch;
    uint32_t* target = static_cast<uint32_t*>(y) + unit * width;
    for (int64_t c = 0; c < how.toColumns; ++c)
      std::memcpy(target + c * channels, source + columns.taps[c].low * channels, static_cast<size_t>(channels) * sizeof *target);
  });
}

void resize_gradient(const Context& ctx, const Resize& how, const float* dy, float* dx) {
  const Axis down(how, how.rows, how.toRows), across(how, how.columns, how.toColumns);
  const Resampling rows = down, columns = across;
  const int64_t pitch = how.columns * how.channels, width = how.toColumns * how.channels;
  split_units(ctx.threads, how.batch * how.rows, pitch + (how.toRows / how.rows + 1) * width, kTask, [&](int64_t unit) {
    ctx.kernels.collect_row(dy + unit / how.rows * how.toRows * width, rows, unit % how.rows, columns, how.channels, dx + unit * pitch);
  });
}
}  // namespace etalon::light
