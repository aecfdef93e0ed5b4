#include <cmath>

#include "tensor/tensor.h"

using namespace etalon;
using cpu::require;
using tensor::check_present;

namespace {
void check_list(int64_t count, const int64_t* lengths, std::initializer_list<const void*> lists) {
  require(count >= 0, "count is negative");
  check_present(lengths, count, "lengths");
  for (int64_t i = 0; i < count; ++i) tensor::check_extent(lengths[i], "a length");
  for (const void* list : lists) check_present(list, count, "a list");
}
bool in_unit(double x) { return x >= 0 && x < 1; }
}  // namespace

extern "C" {
etalon_status etalon_adamw(etalon_context* ctx, const etalon_adamw_args* args) {
  return tensor::call(
      ctx,
      [&] {
        tensor::check_args(args, "ETALON_ADAMW_ARGS_INIT");
        check_list(args->count, args->lengths, {args->parameters, args->gradients, args->first, args->second});
        require(args->step >= 1, "step is less than 1");
        require(std::isfinite(args->learning_rate) && args->learning_rate >= 0, "learning_rate is negative or not finite");
        require(in_unit(args->beta1) && in_unit(args->beta2), "beta1 or beta2 is outside [0, 1)");
        require(std::isfinite(args->epsilon) && args->epsilon > 0, "epsilon is not above 0");
        require(std::isfinite(args->weight_decay) && args->weight_decay >= 0, "weight_decay is negative or not finite");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.adamw(work, *args); });
}

etalon_status etalon_global_norm(etalon_context* ctx, int64_t count, const float* const* arrays, const int64_t* lengths, double* norm) {
  return tensor::call(
      ctx,
      [&] {
        check_list(count, lengths, {arrays});
        check_present(norm, 1, "norm");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { *norm = std::sqrt(kernels.sum_squares(work, count, arrays, lengths)); });
}

etalon_status etalon_scale(etalon_context* ctx, int64_t count, float* const* arrays, const int64_t* lengths, double factor) {
  return tensor::call(
      ctx, [&] { check_list(count, lengths, {arrays}); },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.scale(work, count, arrays, lengths, static_cast<float>(factor)); });
}

etalon_status etalon_ema(etalon_context* ctx, int64_t count, float* const* averages, const float* const* values, const int64_t* lengths, double decay) {
  return tensor::call(
      ctx,
      [&] {
        check_list(count, lengths, {averages, values});
        require(decay >= 0 && decay <= 1, "decay is outside [0, 1]");
      },
      [&](const tensor::Kernels& kernels, const tensor::Work& work) { kernels.ema(work, count, averages, values, lengths, decay); });
}
}
