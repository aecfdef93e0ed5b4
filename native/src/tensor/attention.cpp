#include <cmath>

#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_extent;
using tensor::check_present;

namespace {
/** Outputs of one (batch, head) that are another's as well would be written twice. */
void check_apart(const etalon_heads_out& out, const etalon_attention_args& args, int64_t rows) {
  require(rows == 0 || ((out.batch != 0 || args.batch <= 1) && (out.head != 0 || args.heads <= 1) && (out.row != 0 || rows <= 1)),
          "a stride of an output is 0: its parts would share memory");
}

void check(const etalon_attention_args* args) {
  tensor::check_args(args, "ETALON_ATTENTION_ARGS_INIT");
  check_extent(args->batch, "batch"), check_extent(args->heads, "heads"), check_extent(args->queries, "queries"), check_extent(args->keys, "keys");
  require(args->depth >= 1 && args->depth <= 1024, "depth is outside 1 ... 1024");
  require(args->width >= 1 && args->width <= 1024, "width is outside 1 ... 1024");
  require(std::isfinite(args->scale), "scale is not finite");
  const int64_t queries = args->batch && args->heads ? args->queries : 0, keys = queries ? args->keys : 0;
  check_present(args->q.data, queries, "q"), check_present(args->k.data, keys, "k"), check_present(args->v.data, keys, "v");
  check_present(args->out.data, queries, "out");
  tensor::check_count({args->batch, args->heads, args->queries}), tensor::check_count({args->batch, args->heads, args->keys});
  check_apart(args->out, *args, queries);
}
}  // namespace

extern "C" {
etalon_status etalon_attention(etalon_context* ctx, const etalon_attention_args* args) {
  return tensor::call(
      ctx, [&] { check(args); },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (args->batch && args->heads) kernels.attention(work, *args);
      });
}

etalon_status etalon_attention_gradients(etalon_context* ctx, const etalon_attention_args* forward, const etalon_attention_gradients_args* args) {
  return tensor::call(
      ctx,
      [&] {
        check(forward);
        tensor::check_args(args, "ETALON_ATTENTION_GRADIENTS_ARGS_INIT");
        const bool any = forward->batch && forward->heads;
        const int64_t queries = any ? forward->queries : 0, keys = any ? forward->keys : 0;
        check_present(forward->log_sum_exp, queries, "log_sum_exp");
        check_present(args->d_out.data, queries, "d_out"), check_present(args->dq.data, queries, "dq");
        check_present(args->dk.data, keys, "dk"), check_present(args->dv.data, keys, "dv");
        check_apart(args->dq, *forward, queries), check_apart(args->dk, *forward, keys), check_apart(args->dv, *forward, keys);
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) {
        if (forward->batch && forward->heads) kernels.attention_gradients(work, *forward, *args);
      });
}
}
