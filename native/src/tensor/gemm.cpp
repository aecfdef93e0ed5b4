#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_extent;
using tensor::check_present;

extern "C" {
etalon_status etalon_gemm(etalon_context* ctx, const etalon_gemm_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_GEMM_ARGS_INIT");
        check_extent(args->m, "m"), check_extent(args->n, "n"), check_extent(args->k, "k"), check_extent(args->batch, "batch");
        const bool any = args->m > 0 && args->n > 0 && args->batch > 0;
        check_present(args->a, any && args->k, "a"), check_present(args->b, any && args->k, "b"), check_present(args->c, any, "c");
        require(args->lda >= (args->transpose_a ? args->m : args->k), "lda is less than a row of a");
        require(args->ldb >= (args->transpose_b ? args->k : args->n), "ldb is less than a row of b");
        require(args->ldc >= args->n, "ldc is less than n");
        tensor::check_activation(args->activation);
        require(!args->accumulate || (args->activation == ETALON_ACTIVATION_NONE && !args->preactivation), "accumulate goes with no activation and no preactivation");
        require(args->activation != ETALON_ACTIVATION_NONE || !args->preactivation, "preactivation needs an activation");
        require(!args->residual || (args->activation == ETALON_ACTIVATION_NONE && !args->accumulate), "residual goes with no activation and no accumulate");
        require(args->stride_c != 0 || args->batch <= 1, "stride_c is 0: the matrices of c would share memory");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->m > 0 && args->n > 0) kernels.gemm(work, *args);
      });
}

etalon_status etalon_linear_gradients(etalon_context* ctx, const etalon_linear_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_LINEAR_GRADIENTS_ARGS_INIT");
        check_extent(args->rows, "rows"), check_extent(args->inputs, "inputs"), check_extent(args->outputs, "outputs");
        const bool any = args->rows > 0;
        check_present(args->dy, any && args->outputs, "dy");
        if (args->dx) check_present(args->w, args->inputs && args->outputs, "w");
        if (args->dw) check_present(args->x, any && args->inputs, "x");
        require(args->lddy >= args->outputs, "lddy is less than outputs");
        require(!args->dw || args->ldx >= args->inputs, "ldx is less than inputs");
        require(!args->dx || args->lddx >= args->inputs, "lddx is less than inputs");
        tensor::check_activation(args->activation);
        if (args->activation != ETALON_ACTIVATION_NONE) check_present(args->preactivation, any && args->outputs, "preactivation");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.linear_gradients(work, *args); });
}
}
