#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_extent;
using tensor::check_present;

namespace {
struct Elements {
  int64_t x, filter, y;
};
Elements check(const etalon_conv_sizes& s) {
  check_extent(s.batch, "batch"), check_extent(s.in_channels, "in_channels"), check_extent(s.out_channels, "out_channels");
  // Small enough that a pixel's place, an extent times a stride, can be counted.
  const auto small = [](int64_t extent, int64_t from, const char* message) { require(extent >= from && extent < (int64_t{1} << 31), message); };
  for (const int64_t extent : {s.height, s.width, s.filter_height, s.filter_width, s.out_height, s.out_width, s.pad_top, s.pad_left})
    small(extent, 0, "a height, width or padding is outside 0 ... 2^31 - 1");
  for (const int64_t step : {s.stride_height, s.stride_width, s.dilation_height, s.dilation_width}) small(step, 1, "a stride or dilation is outside 1 ... 2^31 - 1");
  return {tensor::check_count({s.batch, s.height, s.width, s.in_channels}), tensor::check_count({s.filter_height, s.filter_width, s.in_channels, s.out_channels}),
          tensor::check_count({s.batch, s.out_height, s.out_width, s.out_channels})};
}
}  // namespace

extern "C" {
etalon_status etalon_conv2d(etalon_context* ctx, const etalon_conv2d_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_CONV2D_ARGS_INIT");
        const Elements elements = check(args->sizes);
        tensor::check_activation(args->activation);
        check_present(args->x, elements.x, "x"), check_present(args->filter, elements.filter, "filter"), check_present(args->y, elements.y, "y");
        require(args->activation == ETALON_ACTIVATION_NONE || (!args->shift && !args->residual), "shift and residual go with no activation");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->sizes.out_channels) kernels.conv2d(work, *args);
      });
}

etalon_status etalon_conv2d_input_gradient(etalon_context* ctx, const etalon_conv2d_input_gradient_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_CONV2D_INPUT_GRADIENT_ARGS_INIT");
        const Elements elements = check(args->sizes);
        check_present(args->dy, elements.y, "dy"), check_present(args->filter, elements.filter, "filter"), check_present(args->dx, elements.x, "dx");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->sizes.in_channels) kernels.conv2d_input_gradient(work, *args);
      });
}

etalon_status etalon_conv2d_filter_gradient(etalon_context* ctx, const etalon_conv2d_filter_gradient_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_CONV2D_FILTER_GRADIENT_ARGS_INIT");
        const Elements elements = check(args->sizes);
        check_present(args->dy, elements.y, "dy");
        if (args->d_filter) check_present(args->x, elements.x, "x");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->sizes.out_channels) kernels.conv2d_filter_gradient(work, *args);
      });
}
}
