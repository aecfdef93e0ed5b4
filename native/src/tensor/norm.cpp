#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_extent;
using tensor::check_present;

namespace {
/** @return elements */
int64_t check_rows(int64_t batch, int64_t rows, int64_t d) {
  check_extent(batch, "batch"), check_extent(rows, "rows"), check_extent(d, "d");
  tensor::check_count({batch, rows});
  return tensor::check_count({batch, rows, d});
}
void check_apart(const etalon_rows_out& rows, int64_t batch, int64_t d, const char* message) { require(!rows.data || batch <= 1 || rows.stride >= d, message); }
}  // namespace

extern "C" {
etalon_status etalon_layer_norm(etalon_context* ctx, const etalon_layer_norm_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_LAYER_NORM_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->rows, args->d);
        require(args->epsilon > 0, "epsilon is not above 0");
        check_present(args->x, elements, "x"), check_present(args->y, elements, "y");
        require(elements == 0 || !args->scale.data == !args->shift.data, "scale and shift go together");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.layer_norm(work, *args); });
}

etalon_status etalon_layer_norm_gradients(etalon_context* ctx, const etalon_layer_norm_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_LAYER_NORM_GRADIENTS_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->rows, args->d);
        check_present(args->x, elements, "x"), check_present(args->dy, elements, "dy");
        check_present(args->mean, elements, "mean"), check_present(args->rstd, elements, "rstd");
        check_apart(args->d_scale, args->batch, args->d, "d_scale's rows overlap");
        check_apart(args->d_shift, args->batch, args->d, "d_shift's rows overlap");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.layer_norm_gradients(work, *args); });
}

etalon_status etalon_gated_residual(etalon_context* ctx, const etalon_gated_residual_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GATED_RESIDUAL_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->rows, args->d);
        check_present(args->x, elements, "x"), check_present(args->y, elements, "y"), check_present(args->out, elements, "out");
        check_present(args->gate.data, elements, "gate");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.gated_residual(work, *args); });
}

etalon_status etalon_gated_residual_gradients(etalon_context* ctx, const etalon_gated_residual_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GATED_RESIDUAL_GRADIENTS_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->rows, args->d);
        check_present(args->d_out, elements, "d_out");
        if (args->d_gate.data) check_present(args->y, elements, "y");
        if (args->dy) check_present(args->gate.data, elements, "gate");
        check_apart(args->d_gate, args->batch, args->d, "d_gate's rows overlap");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.gated_residual_gradients(work, *args); });
}

etalon_status etalon_rms_norm(etalon_context* ctx, const etalon_rms_norm_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_RMS_NORM_ARGS_INIT");
        const int64_t elements = check_rows(1, args->rows, args->d);
        require(args->epsilon > 0, "epsilon is not above 0");
        check_present(args->x, elements, "x"), check_present(args->y, elements, "y");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.rms_norm(work, *args); });
}

etalon_status etalon_rms_norm_gradients(etalon_context* ctx, const etalon_rms_norm_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_RMS_NORM_GRADIENTS_ARGS_INIT");
        const int64_t elements = check_rows(1, args->rows, args->d);
        check_present(args->x, elements, "x"), check_present(args->dy, elements, "dy"), check_present(args->rstd, elements, "rstd");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->d > 0) kernels.rms_norm_gradients(work, *args); });
}

etalon_status etalon_group_norm(etalon_context* ctx, const etalon_group_norm_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GROUP_NORM_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->pixels, args->channels);
        require(args->groups >= 1 && args->channels % args->groups == 0, "groups does not divide channels");
        require(args->epsilon > 0, "epsilon is not above 0");
        check_present(args->x, elements, "x"), check_present(args->y, elements, "y");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.group_norm(work, *args); });
}

etalon_status etalon_group_norm_gradients(etalon_context* ctx, const etalon_group_norm_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GROUP_NORM_GRADIENTS_ARGS_INIT");
        const int64_t elements = check_rows(args->batch, args->pixels, args->channels);
        require(args->groups >= 1 && args->channels % args->groups == 0, "groups does not divide channels");
        check_present(args->x, elements, "x"), check_present(args->dy, elements, "dy");
        check_present(args->mean, elements, "mean"), check_present(args->rstd, elements, "rstd");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { if (args->channels > 0) kernels.group_norm_gradients(work, *args); });
}
}
