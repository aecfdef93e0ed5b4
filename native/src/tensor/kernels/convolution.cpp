// Convolutions as matrix products whose panels are gathered from the image: nothing is unrolled into memory.
#include "tensor/kernels.h"
#include "tensor/kernels/columns.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
/** A place in a batch of images. */
struct Pixel {
  int64_t image, y, x;
};
ETALON_INLINE Pixel pixel_of(int64_t index, int64_t height, int64_t width) { return {index / (height * width), index / width % height, index % width}; }

/** The pixels of a panel's rows: for a tap, where each row's channels lie; `nothing` for those outside. */
template <typename Find>
void gather_rows(int64_t from, int64_t depth, int64_t channels, int rows, float* panel, Find&& find) {
  const float* row[MR];
  for (int64_t p = from; p < from + depth;) {
    const int64_t tap = p / channels, channel = p % channels, here = least(channels - channel, from + depth - p);
    for (int i = 0; i < rows; ++i) row[i] = find(tap, i) + channel;
    pack_rows_at(row, rows, here, panel + (p - from) * rows);
    p += here;
  }
}

struct Geometry {
  const etalon_conv_sizes& s;
  int64_t taps() const { return s.filter_height * s.filter_width; }
  int64_t inputs() const { return s.batch * s.height * s.width; }
  int64_t outputs() const { return s.batch * s.out_height * s.out_width; }
  /** The input pixel that an output pixel reads at a tap, or null. */
  ETALON_INLINE const float* input(const float* x, const Pixel& out, int64_t tap) const {
    const int64_t y = out.y * s.stride_height - s.pad_top + tap / s.filter_width * s.dilation_height;
    const int64_t c = out.x * s.stride_width - s.pad_left + tap % s.filter_width * s.dilation_width;
    if (y < 0 || y >= s.height || c < 0 || c >= s.width) return nullptr;
    return x + ((out.image * s.height + y) * s.width + c) * s.in_channels;
  }
  /** The output pixel that reads an input pixel at a tap, or null. */
  ETALON_INLINE const float* output(const float* dy, const Pixel& in, int64_t tap) const {
    const int64_t y = in.y + s.pad_top - tap / s.filter_width * s.dilation_height, c = in.x + s.pad_left - tap % s.filter_width * s.dilation_width;
    if (y < 0 || c < 0 || y % s.stride_height || c % s.stride_width) return nullptr;
    const int64_t row = y / s.stride_height, column = c / s.stride_width;
    if (row >= s.out_height || column >= s.out_width) return nullptr;
    return dy + ((in.image * s.out_height + row) * s.out_width + column) * s.out_channels;
  }
};

/** Zeros for a pixel outside the image. */
float* zeros(const Work& work, int64_t channels) {
  float* const nothing = work.arena.take(channels);
  std::memset(nothing, 0, static_cast<size_t>(channels) * sizeof(float));
  return nothing;
}
}  // namespace

void conv2d(const Work& work, const etalon_conv2d_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  const Geometry geometry{s};
  const Plan plan(geometry.outputs(), s.out_channels, geometry.taps() * s.in_channels);
  const float* const nothing = zeros(work, s.in_channels);
  const auto packA = [&](int64_t i, int rows, int64_t from, int64_t depth, float* panel) {
    Pixel out[MR];
    for (int r = 0; r < rows; ++r) out[r] = pixel_of(i + r, s.out_height, s.out_width);
    gather_rows(from, depth, s.in_channels, rows, panel, [&](int64_t tap, int r) {
      const float* const found = geometry.input(args.x, out[r], tap);
      return found ? found : nothing;
    });
  };
  const auto packB = [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
    pack_b(args.filter + from * s.out_channels + j, s.out_channels, columns, depth, panel);
  };
  Output out{args.y, s.out_channels};
  out.bias = args.bias;
  out.activation = args.activation;
  multiply(work.threads, plan, work.arena.take(plan.floats()), out, packA, packB);
}

void conv2d_input_gradient(const Work& work, const etalon_conv2d_input_gradient_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  const Geometry geometry{s};
  const Plan plan(geometry.inputs(), s.in_channels, geometry.taps() * s.out_channels);
  const float* const nothing = zeros(work, s.out_channels);
  const auto packA = [&](int64_t i, int rows, int64_t from, int64_t depth, float* panel) {
    Pixel in[MR];
    for (int r = 0; r < rows; ++r) in[r] = pixel_of(i + r, s.height, s.width);
    gather_rows(from, depth, s.out_channels, rows, panel, [&](int64_t tap, int r) {
      const float* const found = geometry.output(args.dy, in[r], tap);
      return found ? found : nothing;
    });
  };
  // Element (tap and output channel, input channel) of the right side is filter[tap][input channel][output channel].
  const auto packB = [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
    const int64_t width = blocks(columns, VL) * VL;
    for (int64_t p = from; p < from + depth;) {
      const int64_t tap = p / s.out_channels, channel = p % s.out_channels, here = least(s.out_channels - channel, from + depth - p);
      pack_b_turned(args.filter + (tap * s.in_channels + j) * s.out_channels + channel, s.out_channels, columns, here, panel + (p - from) * width);
      p += here;
    }
  };
  multiply(work.threads, plan, work.arena.take(plan.floats()), {args.dx, s.in_channels}, packA, packB);
}

void conv2d_filter_gradient(const Work& work, const etalon_conv2d_filter_gradient_args& args) {
  const etalon_conv_sizes& s = args.sizes;
  const Geometry geometry{s};
  const int64_t pixels = geometry.outputs();
  if (args.d_filter) {
    const Plan plan(geometry.taps() * s.in_channels, s.out_channels, pixels);
    const float* const nothing = zeros(work, s.in_channels);
    // A panel's rows are channels of one tap, or the last of one and the first of the next; k runs over output pixels.
    const auto packA = [&](int64_t i, int rows, int64_t from, int64_t depth, float* panel) {
      for (int done = 0; done < rows && depth > 0;) {
        const int64_t tap = (i + done) / s.in_channels, channel = (i + done) % s.in_channels;
        const int here = static_cast<int>(least<int64_t>(s.in_channels - channel, rows - done));
        Pixel out = pixel_of(from, s.out_height, s.out_width);
        for (int64_t p = 0; p < depth; ++p) {
          const float* const found = geometry.input(args.x, out, tap);
          const float* const source = (found ? found : nothing) + channel;
          float* const to = panel + p * rows + done;
          int c = 0;
          for (; c + VL <= here; c += VL) store(to + c, load(source + c));
          if (c < here) store_part(to + c, load_part(source + c, here - c), here - c);
          if (++out.x == s.out_width) {
            out.x = 0;
            if (++out.y == s.out_height) out.y = 0, ++out.image;
          }
        }
        done += here;
      }
    };
    const auto packB = [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
      pack_b(args.dy + from * s.out_channels + j, s.out_channels, columns, depth, panel);
    };
    multiply(work.threads, plan, work.arena.take(plan.floats()), {args.d_filter, s.out_channels}, packA, packB);
  }
  if (args.d_bias) sum_columns(pixels * s.out_channels < 16384 ? 1 : work.threads, args.dy, s.out_channels, pixels, s.out_channels, false, args.d_bias);
}
}  // namespace etalon::tensor::ETALON_TARGET
