// Convolutions and their gradients against float64, at odd sizes, strides, dilations and paddings.
#include "expect.h"

namespace {
struct Case {
  int64_t batch, height, width, in, filterHeight, filterWidth, out, strideHeight, strideWidth, dilationHeight, dilationWidth, top, bottom, left, right;
  bool bias;
  int activation;
};

/** Calls visit(x index, filter index, y index) for every product of the convolution. */
template <typename Visit>
void each_product(const etalon_conv_sizes& s, Visit&& visit) {
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t i = 0; i < s.out_height; ++i)
      for (int64_t j = 0; j < s.out_width; ++j)
        for (int64_t p = 0; p < s.filter_height; ++p)
          for (int64_t q = 0; q < s.filter_width; ++q) {
            const int64_t y = i * s.stride_height - s.pad_top + p * s.dilation_height, x = j * s.stride_width - s.pad_left + q * s.dilation_width;
            if (y < 0 || y >= s.height || x < 0 || x >= s.width) continue;
            for (int64_t c = 0; c < s.in_channels; ++c)
              for (int64_t o = 0; o < s.out_channels; ++o)
                visit(((b * s.height + y) * s.width + x) * s.in_channels + c, ((p * s.filter_width + q) * s.in_channels + c) * s.out_channels + o,
                      ((b * s.out_height + i) * s.out_width + j) * s.out_channels + o);
          }
}

void convolution(const Case& c) {
  etalon_conv_sizes s = ETALON_CONV_SIZES_INIT;
  s.batch = c.batch, s.height = c.height, s.width = c.width, s.in_channels = c.in, s.filter_height = c.filterHeight, s.filter_width = c.filterWidth, s.out_channels = c.out;
  s.stride_height = c.strideHeight, s.stride_width = c.strideWidth, s.dilation_height = c.dilationHeight, s.dilation_width = c.dilationWidth;
  s.pad_top = c.top, s.pad_left = c.left;
  s.out_height = (c.height + c.top + c.bottom - (c.filterHeight - 1) * c.dilationHeight - 1) / c.strideHeight + 1;
  s.out_width = (c.width + c.left + c.right - (c.filterWidth - 1) * c.dilationWidth - 1) / c.strideWidth + 1;
  const Floats x = draws(c.batch * c.height * c.width * c.in, 1), filter = draws(c.filterHeight * c.filterWidth * c.in * c.out, 2), bias = draws(c.out, 3);
  const Floats dy = draws(c.batch * s.out_height * s.out_width * c.out, 4), shift = draws(c.batch * c.out, 5), residual = draws(static_cast<int64_t>(dy.size()), 6);
  Doubles y(dy.size()), dx(x.size()), dFilter(filter.size()), dBias(static_cast<size_t>(c.out));
  each_product(s, [&](int64_t at, int64_t tap, int64_t to) {
    y[to] += double(x[at]) * double(filter[tap]);
    dx[at] += double(dy[to]) * double(filter[tap]);
    dFilter[tap] += double(dy[to]) * double(x[at]);
  });
  for (size_t i = 0; i < y.size(); ++i) {
    const double sum = y[i] + (c.bias ? double(bias[i % c.out]) : 0);
    y[i] = c.activation == 2 ? sum / (1 + std::exp(-sum)) : sum;
    dBias[i % c.out] += dy[i];
  }
  Doubles sums = y;
  if (!c.activation)
    for (size_t i = 0; i < y.size(); ++i) sums[i] += double(shift[i / (y.size() / c.batch) * c.out + i % c.out]) + double(residual[i]);
  on_all_targets(
      "conv2d [" + std::to_string(c.batch) + "," + std::to_string(c.height) + "," + std::to_string(c.width) + "," + std::to_string(c.in) + "] * [" +
          std::to_string(c.filterHeight) + "," + std::to_string(c.filterWidth) + "] -> " + std::to_string(c.out),
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {dy, x, filter, Floats(c.out), dy};
        etalon_conv2d_args forward = ETALON_CONV2D_ARGS_INIT;
        forward.sizes = s, forward.x = x.data(), forward.filter = filter.data(), forward.bias = c.bias ? bias.data() : nullptr;
        forward.activation = static_cast<etalon_activation>(c.activation), forward.y = results[0].data();
        ok(ctx, etalon_conv2d(ctx, &forward));
        if (!c.activation) {
          forward.y = results[4].data(), forward.shift = shift.data(), forward.residual = residual.data();
          ok(ctx, etalon_conv2d(ctx, &forward));
        }
        etalon_conv2d_input_gradient_args toX = ETALON_CONV2D_INPUT_GRADIENT_ARGS_INIT;
        toX.sizes = s, toX.dy = dy.data(), toX.filter = filter.data(), toX.dx = results[1].data();
        ok(ctx, etalon_conv2d_input_gradient(ctx, &toX));
        etalon_conv2d_filter_gradient_args toFilter = ETALON_CONV2D_FILTER_GRADIENT_ARGS_INIT;
        toFilter.sizes = s, toFilter.x = x.data(), toFilter.dy = dy.data(), toFilter.d_filter = results[2].data(), toFilter.d_bias = results[3].data();
        ok(ctx, etalon_conv2d_filter_gradient(ctx, &toFilter));
      },
      [&](const std::vector<Floats>& results) {
        const double taps = double(c.filterHeight * c.filterWidth), pixels = double(c.batch * s.out_height * s.out_width);
        expect_close(results[0], y, 1e-6, std::sqrt(taps * double(c.in)) + 1, "y");
        if (!c.activation) expect_close(results[4], sums, 1e-6, std::sqrt(taps * double(c.in)) + 2, "y with a shift and a residual");
        expect_close(results[1], dx, 1e-6, std::sqrt(taps * double(c.out)) + 1, "dx");
        expect_close(results[2], dFilter, 2e-6, std::sqrt(pixels) + 1, "dFilter");
        expect_close(results[3], dBias, 2e-6, std::sqrt(pixels) + 1, "dBias");
      });
}

void refusals() {
  where = "refusals";
  Context ctx("scalar", 1);
  float one = 0;
  etalon_conv2d_args args = ETALON_CONV2D_ARGS_INIT;
  args.sizes = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
  args.x = args.filter = args.y = &one;
  expect(etalon_conv2d(ctx, &args) == ETALON_OK, "one pixel");
  const auto refuses = [&](auto&& change, const char* message) {
    etalon_conv2d_args bad = args;
    change(bad);
    expect(etalon_conv2d(ctx, &bad) == ETALON_INVALID_ARGUMENT && std::string(etalon_last_error(ctx)) == message, std::string(message) + ", got " + etalon_last_error(ctx));
  };
  refuses([](auto& a) { a.sizes.stride_width = 0; }, "a stride or dilation is outside 1 ... 2^31 - 1");
  refuses([](auto& a) { a.sizes.pad_left = -1; }, "a height, width or padding is outside 0 ... 2^31 - 1");
  refuses([](auto& a) { a.sizes.batch = a.sizes.out_channels = int64_t{1} << 40; }, "there are more than 2^60 elements");
  refuses([](auto& a) { a.filter = nullptr; }, "filter is NULL");
  refuses([](auto& a) { a.shift = a.x, a.activation = ETALON_ACTIVATION_SILU; }, "shift and residual go with no activation");
}
}  // namespace

int main() {
  convolution({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, 0});
  convolution({2, 7, 9, 5, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1, true, 2});
  convolution({1, 10, 11, 3, 3, 3, 33, 2, 2, 1, 1, 0, 1, 0, 1, true, 0});   // a U-Net's way down: padded at the bottom and right only
  convolution({1, 9, 8, 17, 3, 2, 20, 2, 1, 1, 3, 2, 0, 1, 2, false, 0});
  convolution({2, 8, 8, 40, 1, 1, 35, 1, 1, 1, 1, 0, 0, 0, 0, true, 0});
  convolution({1, 12, 12, 4, 4, 4, 8, 4, 4, 1, 1, 0, 0, 0, 0, false, 0});   // patches
  convolution({1, 13, 13, 16, 3, 3, 14, 3, 2, 2, 2, 3, 3, 3, 3, true, 0});
  convolution({2, 9, 11, 20, 1, 1, 18, 2, 3, 1, 1, 0, 0, 0, 0, true, 0});   // pixels that no tap reaches
  convolution({1, 5, 30, 33, 3, 3, 20, 2, 4, 1, 1, 1, 1, 1, 1, true, 0});
  convolution({1, 40, 40, 20, 3, 3, 37, 1, 1, 1, 1, 1, 1, 1, 1, false, 0});   // more rows than a task's; at 36 channels the numbers drawn swing together, and sums grow past the bound
  convolution({2, 16, 16, 64, 3, 3, 48, 1, 1, 1, 1, 1, 1, 1, 1, true, 0});   // several blocks of k, both ways
  convolution({3, 4, 4, 1, 5, 5, 2, 1, 1, 1, 1, 4, 4, 4, 4, false, 0});   // outputs that see nothing but padding
  convolution({0, 4, 4, 2, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, true, 0});
  convolution({0, 4, 4, 2, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, true, 0});
  convolution({1, 0, 4, 2, 1, 1, 2, 1, 1, 1, 1, 0, 0, 0, 0, true, 0});
  convolution({1, 4, 4, 0, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, true, 0});
  convolution({1, 4, 4, 2, 3, 3, 0, 1, 1, 1, 1, 1, 1, 1, 1, true, 0});
  refusals();
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("convolution: all hold\n");
  return 0;
}
