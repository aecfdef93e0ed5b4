// The heavy kernels of one target: arguments are checked, working memory and threads come with the call. src/tensor/kernels/ has their bodies, compiled once a target.
#pragma once
#include "etalon/etalon_tensor.h"
#include "tensor/arena.h"

namespace etalon::tensor {
/** What a call works with. */
struct Work {
  int threads;
  Arena& arena;
};

struct Kernels {
  void (*gemm)(const Work& work, const etalon_gemm_args& args);
  void (*linear_gradients)(const Work& work, const etalon_linear_gradients_args& args);
  void (*attention)(const Work& work, const etalon_attention_args& args);
  void (*attention_gradients)(const Work& work, const etalon_attention_args& args, const etalon_attention_gradients_args& gradients);
  void (*layer_norm)(const Work& work, const etalon_layer_norm_args& args);
  void (*layer_norm_gradients)(const Work& work, const etalon_layer_norm_gradients_args& args);
  void (*gated_residual)(const Work& work, const etalon_gated_residual_args& args);
  void (*gated_residual_gradients)(const Work& work, const etalon_gated_residual_gradients_args& args);
  void (*conv2d)(const Work& work, const etalon_conv2d_args& args);
  void (*conv2d_input_gradient)(const Work& work, const etalon_conv2d_input_gradient_args& args);
  void (*conv2d_filter_gradient)(const Work& work, const etalon_conv2d_filter_gradient_args& args);
  void (*rms_norm)(const Work& work, const etalon_rms_norm_args& args);
  void (*rms_norm_gradients)(const Work& work, const etalon_rms_norm_gradients_args& args);
  void (*group_norm)(const Work& work, const etalon_group_norm_args& args);
  void (*group_norm_gradients)(const Work& work, const etalon_group_norm_gradients_args& args);
  void (*rope)(const Work& work, const etalon_rope_args& args);
  void (*geglu)(const Work& work, const etalon_geglu_args& args);
  void (*geglu_gradients)(const Work& work, const etalon_geglu_gradients_args& args);
  void (*unpack_bf16)(const Work& work, int64_t count, const uint16_t* bits, float* out);
  void (*unpack_f16)(const Work& work, int64_t count, const uint16_t* bits, float* out);
  void (*adamw)(const Work& work, const etalon_adamw_args& args);
  double (*sum_squares)(const Work& work, int64_t count, const float* const* arrays, const int64_t* lengths);
  void (*scale)(const Work& work, int64_t count, float* const* arrays, const int64_t* lengths, float factor);
  void (*ema)(const Work& work, int64_t count, float* const* averages, const float* const* values, const int64_t* lengths, double decay);
};
}  // namespace etalon::tensor
