#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
const Kernels kernels = {gemm,           linear_gradients,         attention, attention_gradients, layer_norm, layer_norm_gradients,
                         gated_residual, gated_residual_gradients, adamw,     sum_squares,         scale,      ema};
}
