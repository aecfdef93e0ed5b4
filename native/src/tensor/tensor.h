// What the C functions of the tensor kernels share.
#pragma once
#include <initializer_list>
#include <string>

#include "cpu/context.h"
#include "tensor/kernels.h"

namespace etalon::tensor {
/** The kernels of the context's target. */
const Kernels& kernels_of(const etalon_context& ctx);

/** Refuses an args struct that is NULL or of an older size. */
template <typename Args>
void check_args(const Args* args, const char* init) {
  if (!args || args->struct_size < sizeof(Args)) throw cpu::Refusal{ETALON_INVALID_ARGUMENT, std::string("args is NULL or not set by ") + init};
}
/** Sizes within 0 … 2^40: their products of two can be counted. */
void check_extent(int64_t size, const char* name);
/** Refuses extents whose product is beyond 2^60.   @return the product */
int64_t check_count(std::initializer_list<int64_t> extents);
void check_present(const void* pointer, int64_t elements, const char* name);
void check_activation(const etalon_activation& activation);

/** A call: arguments are checked by `check`, which gives nothing; then run(kernels, work). */
template <typename Check, typename Run>
etalon_status call(etalon_context* ctx, Check&& check, Run&& run) {
  return cpu::guarded(ctx, [&] {
    check();
    ctx->arena.reset();
    run(kernels_of(*ctx), Work{ctx->threads, ctx->arena});
  });
}
}  // namespace etalon::tensor
