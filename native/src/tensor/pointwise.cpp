#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_extent;
using tensor::check_present;

extern "C" {
etalon_status etalon_rope(etalon_context* ctx, const etalon_rope_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_ROPE_ARGS_INIT");
        check_extent(args->batch, "batch"), check_extent(args->tokens, "tokens"), check_extent(args->heads, "heads"), check_extent(args->depth, "depth");
        require(args->depth % 2 == 0, "depth is odd");
        tensor::check_count({args->batch, args->tokens, args->heads, args->depth});
        const int64_t any = args->batch && args->heads && args->depth ? args->tokens : 0;
        check_present(args->x.data, any, "x"), check_present(args->y.data, any, "y"), check_present(args->cos, any, "cos"), check_present(args->sin, any, "sin");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->heads && args->depth) kernels.rope(work, *args);
      });
}

etalon_status etalon_geglu(etalon_context* ctx, const etalon_geglu_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GEGLU_ARGS_INIT");
        check_extent(args->rows, "rows"), check_extent(args->width, "width");
        check_present(args->x, args->rows && args->width, "x"), check_present(args->y, args->rows && args->width, "y");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->width) kernels.geglu(work, *args);
      });
}

etalon_status etalon_geglu_gradients(etalon_context* ctx, const etalon_geglu_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GEGLU_GRADIENTS_ARGS_INIT");
        check_extent(args->rows, "rows"), check_extent(args->width, "width");
        const int64_t any = args->rows && args->width;
        check_present(args->x, any, "x"), check_present(args->dy, any, "dy"), check_present(args->dx, any, "dx");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->width) kernels.geglu_gradients(work, *args);
      });
}

etalon_status etalon_unpack_bf16(etalon_context* ctx, int64_t count, const uint16_t* bits, float* out) {
  return tensor::call(
      ctx, [&] { check_extent(count, "count"), check_present(bits, count, "bits"), check_present(out, count, "out"); },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.unpack_bf16(work, count, bits, out); });
}

etalon_status etalon_unpack_f16(etalon_context* ctx, int64_t count, const uint16_t* bits, float* out) {
  return tensor::call(
      ctx, [&] { check_extent(count, "count"), check_present(bits, count, "bits"), check_present(out, count, "out"); },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.unpack_f16(work, count, bits, out); });
}
}
