#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
const Kernels kernels = {gemm,           linear_gradients,         attention,  attention_gradients, layer_norm, layer_norm_gradients,
                         gated_residual, gated_residual_gradients, conv2d,     conv2d_input_gradient, conv2d_filter_gradient, rms_norm,
                         rms_norm_gradients, group_norm,           group_norm_gradients, rope,      geglu,      geglu_gradients,
                         unpack_bf16,    unpack_f16,               adamw,      sum_squares,         scale,      ema};
}
