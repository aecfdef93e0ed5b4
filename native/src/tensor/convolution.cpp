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
  check_extent(s.batch, "batch"), check_extent(s.height, "height"), check_extent(s.width, "width"), check_extent(s.in_channels, "in_channels");
  check_extent(s.filter_height, "filter_height"), check_extent(s.filter_width, "filter_width");
  check_extent(s.out_height, "out_height"), check_extent(s.out_width, "out_width"), check_extent(s.out_channels, "out_channels");
  check_extent(s.pad_top, "pad_top"), check_extent(s.pad_left, "pad_left");
  check_extent(s.stride_height, "stride_height"), check_extent(s.stride_width, "stride_width");
  check_extent(s.dilation_height, "dilation_height"), check_extent(s.dilation_width, "dilation_width");
  require(s.stride_height >= 1 && s.stride_width >= 1, "a stride is less than 1");
  require(s.dilation_height >= 1 && s.dilation_width >= 1, "a dilation is less than 1");
  const auto some = [](std::initializer_list<int64_t> extents) {
    for (const int64_t extent : extents)
      if (extent == 0) return int64_t{0};
    return int64_t{1};
  };
  return {some({s.batch, s.height, s.width, s.in_channels}), some({s.filter_height, s.filter_width, s.in_channels, s.out_channels}),
          some({s.batch, s.out_height, s.out_width, s.out_channels})};
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
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.conv2d(work, *args); });
}

etalon_status etalon_conv2d_input_gradient(etalon_context* ctx, const etalon_conv2d_input_gradient_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_CONV2D_INPUT_GRADIENT_ARGS_INIT");
        const Elements elements = check(args->sizes);
        check_present(args->dy, elements.y, "dy"), check_present(args->filter, elements.filter, "filter"), check_present(args->dx, elements.x, "dx");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.conv2d_input_gradient(work, *args); });
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
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.conv2d_filter_gradient(work, *args); });
}
}
