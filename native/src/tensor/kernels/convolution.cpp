// Convolutions as matrix products whose panels are gathered from the image: nothing is unrolled into memory.
#include <vector>

#include "tensor/kernels.h"
#include "tensor/kernels/columns.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
/** Pixels of a batch of images, counted row by row. */
struct Grid {
  int64_t batch, height, width;
  int64_t count() const { return batch * height * width; }
};
struct Pixel {
  int64_t image, y, x;
  Pixel(int64_t index, const Grid& grid) : image(index / (grid.height * grid.width)), y(index / grid.width % grid.height), x(index % grid.width) {}
  void next(const Grid& grid) {
    if (++x < grid.width) return;
    x = 0;
    if (++y == grid.height) y = 0, ++image;
  }
};

/** Where a pixel of the result reads: at its place times `step`, and `tap` further on. */
struct Tap {
  int64_t y, x;
  int64_t index;   // in the filter
};
struct Source {
  const float* data;
  Grid grid;
  int64_t channels, stepY, stepX;
  const float* nothing;   // zeros for a pixel outside
  std::vector<Tap> taps;
  int64_t depth() const { return static_cast<int64_t>(taps.size()) * channels; }
  ETALON_INLINE const float* at(const Pixel& result, const Tap& tap) const {
    const int64_t y = result.y * stepY + tap.y, x = result.x * stepX + tap.x;
    if (y < 0 || y >= grid.height || x < 0 || x >= grid.width) return nothing;
    return data + ((result.image * grid.height + y) * grid.width + x) * channels;
  }
};

Grid inputs(const etalon_conv_sizes& s) { return {s.batch, s.height, s.width}; }
Grid outputs(const etalon_conv_sizes& s) { return {s.batch, s.out_height, s.out_width}; }
/** The convolution is a product of matrices as they lie. */
bool is_pointwise(const etalon_conv_sizes& s) {
  return s.filter_height == 1 && s.filter_width == 1 && s.stride_height == 1 && s.stride_width == 1 && s.pad_top == 0 && s.pad_left == 0 && s.out_height == s.height &&
         s.out_width == s.width;
}

const float* zeros(const Work& work, int64_t channels) {
  float* const nothing = work.arena.take(channels);
  std::memset(nothing, 0, static_cast<size_t>(channels) * sizeof(float));
  return nothing;
}

/** The image that an output pixel reads. */
Source image(const Work& work, const etalon_conv_sizes& s, const float* x) {
  Source source{x, inputs(s), s.in_channels, s.stride_height, s.stride_width, zeros(work, s.in_channels), {}};
  for (int64_t p = 0; p < s.filter_height; ++p)
    for (int64_t q = 0; q < s.filter_width; ++q) source.taps.push_back({p * s.dilation_height - s.pad_top, q * s.dilation_width - s.pad_left, p * s.filter_width + q});
  return source;
}

/** out[pixel, :] = Σ over taps of source(pixel, tap)·b, b by packB as multiply takes it. */
template <typename PackB>
void gathered_product(const Work& work, const Source& source, const Grid& grid, int64_t n, const Output& out, PackB&& packB) {
  const Plan plan(grid.count(), n, source.depth(), work.threads);
  const auto packA = [&](int64_t i, int64_t rows, int64_t from, int64_t depth, float* panels) {
    for (int64_t p = from; p < from + depth;) {
      const Tap& tap = source.taps[static_cast<size_t>(p / source.channels)];
      const int64_t channel = p % source.channels, here = least(source.channels - channel, from + depth - p);
      Pixel pixel(i, grid);
      for (int64_t r = 0; r < rows; ++r, pixel.next(grid)) copy_row(source.at(pixel, tap) + channel, here, panels + r * kRow + p - from);
      p += here;
    }
  };
  multiply<InRows<kRow>>(plan, work.arena.take(plan.floats()), out, packA, packB);
}

/** One axis of the input pixels that are reached by the same taps: first, first + stride …; and how far from a pixel's count each tap's output pixel lies. */
struct Phase {
  int64_t first;
  std::vector<int64_t> taps, offsets;
};
std::vector<Phase> phases(int64_t extent, int64_t taps, int64_t stride, int64_t dilation, int64_t pad) {
  std::vector<Phase> all;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const int64_t shift = tap * dilation - pad, first = (shift % stride + stride) % stride;
    if (first >= extent) continue;
    size_t i = 0;
    while (i < all.size() && all[i].first != first) ++i;
    if (i == all.size()) all.push_back({first, {}, {}});
    all[i].taps.push_back(tap);
    all[i].offsets.push_back((first - shift) / stride);
  }
  return all;
}
}  // namespace

void conv2d(const Work& work, const etalon_conv2d_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  Output out{args.y, s.out_channels};
  out.bias = args.bias;
  out.activation = args.activation;
  out.add = args.residual;
  out.shift = args.shift;
  out.shiftRows = s.out_height * s.out_width;
  if (is_pointwise(s)) {
    const int64_t m = outputs(s).count();
    product(work.threads, {m, s.out_channels, s.in_channels, args.x, s.in_channels, false, args.filter, s.out_channels, false, out},
            work.arena.take(Plan(m, s.out_channels, s.in_channels, work.threads).floats()));
    return;
  }
  gathered_product(work, image(work, s, args.x), outputs(s), s.out_channels, out, [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
    pack_b(args.filter + from * s.out_channels + j, s.out_channels, columns, depth, panel);
  });
}

void conv2d_input_gradient(const Work& work, const etalon_conv2d_input_gradient_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  if (is_pointwise(s)) {
    const int64_t m = inputs(s).count();
    product(work.threads, {m, s.in_channels, s.out_channels, args.dy, s.out_channels, false, args.filter, s.out_channels, true, {args.dx, s.in_channels}},
            work.arena.take(Plan(m, s.in_channels, s.out_channels, work.threads).floats()));
    return;
  }
  const std::vector<Phase> rows = phases(s.height, s.filter_height, s.stride_height, s.dilation_height, s.pad_top);
  const std::vector<Phase> columns = phases(s.width, s.filter_width, s.stride_width, s.dilation_width, s.pad_left);
  const int64_t pixels = inputs(s).count(), reached = static_cast<int64_t>(rows.size() * columns.size());
  if (pixels > 0 && reached < least(s.stride_height, s.height) * least(s.stride_width, s.width)) std::memset(args.dx, 0, static_cast<size_t>(pixels * s.in_channels) * sizeof(float));
  const bool whole = s.stride_height == 1 && s.stride_width == 1;
  const float* const nothing = zeros(work, s.out_channels);
  for (const Phase& row : rows)
    for (const Phase& column : columns) {
      Source source{args.dy, outputs(s), s.out_channels, 1, 1, nothing, {}};
      for (size_t p = 0; p < row.taps.size(); ++p)
        for (size_t q = 0; q < column.taps.size(); ++q) source.taps.push_back({row.offsets[p], column.offsets[q], row.taps[p] * s.filter_width + column.taps[q]});
      const Grid grid{s.batch, blocks(s.height - row.first, s.stride_height), blocks(s.width - column.first, s.stride_width)};
      float* const sums = whole ? args.dx : work.arena.take(grid.count() * s.in_channels);
      // Element (tap and output channel, input channel) of the right side is filter[tap][input channel][output channel].
      gathered_product(work, source, grid, s.in_channels, {sums, s.in_channels}, [&](int64_t j, int wide, int64_t from, int64_t depth, float* panel) {
        const int64_t width = blocks(wide, VL) * VL;
        for (int64_t p = from; p < from + depth;) {
          const int64_t tap = source.taps[static_cast<size_t>(p / s.out_channels)].index, channel = p % s.out_channels, here = least(s.out_channels - channel, from + depth - p);
          pack_b_turned(args.filter + (tap * s.in_channels + j) * s.out_channels + channel, s.out_channels, wide, here, panel + (p - from) * width);
          p += here;
        }
      });
      if (whole) continue;
      cpu::parallel(work.threads, grid.batch * grid.height, [&](int64_t line) {
        const int64_t y = row.first + line % grid.height * s.stride_height;
        for (int64_t x = 0; x < grid.width; ++x)
          std::memcpy(args.dx + ((line / grid.height * s.height + y) * s.width + column.first + x * s.stride_width) * s.in_channels,
                      sums + (line * grid.width + x) * s.in_channels, static_cast<size_t>(s.in_channels) * sizeof(float));
      });
    }
}

void conv2d_filter_gradient(const Work& work, const etalon_conv2d_filter_gradient_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  const Grid grid = outputs(s);
  const int64_t pixels = grid.count();
  if (args.d_filter) {
    const Source source = image(work, s, args.x);
    const Plan plan(source.depth(), s.out_channels, pixels, work.threads);
    // Rows are the channels of one tap, then of the next; k runs over output pixels. A pixel's channels are read on to their end, into all panels.
    const auto packA = [&](int64_t i, int64_t rows, int64_t from, int64_t depth, float* panels) {
      for (int64_t done = 0; done < rows && depth > 0;) {
        const int64_t channel = (i + done) % s.in_channels, end = done + least(s.in_channels - channel, rows - done);
        const Tap& tap = source.taps[static_cast<size_t>((i + done) / s.in_channels)];
        Pixel pixel(from, grid);
        for (int64_t p = 0; p < depth; ++p, pixel.next(grid)) {
          const float* const found = source.at(pixel, tap) + channel - done;
          for (int64_t row = done; row < end;) {
            const int64_t first = row / MR * MR, until = least(first + MR, end);
            float* const to = panels + first * kRow + p * least<int64_t>(MR, rows - first) + row - first;
            each_vector(until - row, [&](int64_t c, int lanes) { store_n(to + c, load_n(found + row + c, lanes), lanes); });
            row = until;
          }
        }
        done = end;
      }
    };
    const auto packB = [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
      pack_b(args.dy + from * s.out_channels + j, s.out_channels, columns, depth, panel);
    };
    multiply<Packed>(plan, work.arena.take(plan.floats()), {args.d_filter, s.out_channels}, packA, packB);
  }
  if (args.d_bias) sum_columns(pixels * s.out_channels < 16384 ? 1 : work.threads, args.dy, s.out_channels, pixels, s.out_channels, false, args.d_bias);
}
}  // namespace etalon::tensor::ETALON_TARGET
