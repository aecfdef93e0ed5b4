// The activations of a linear layer and their slopes.
#pragma once
#include "etalon/etalon_tensor.h"
#include "tensor/kernels/simd.h"

namespace etalon::tensor::ETALON_TARGET {
constexpr float kGeluSlope = 1.59576912160573071f, kGeluCubic = 0.044715f;   // 2√(2/π)

struct Relu {
  static ETALON_INLINE vf value(vf x) { return x < 0.0f ? vf{} : x; }
  static ETALON_INLINE vf slope(vf x) { return x > 0.0f ? all(1.0f) : vf{}; }
};
struct Silu {
  static ETALON_INLINE vf value(vf x) { return x / (1.0f + exponential(-x)); }
  static ETALON_INLINE vf slope(vf x) {
    const vf s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};
/** ½x(1 + tanh u) = x·σ(2u), u = √(2/π)(x + 0.044715x³). */
struct GeluTanh {
  static ETALON_INLINE vf value(vf x) { return x / (1.0f + exponential(x * (-kGeluSlope * (1.0f + kGeluCubic * x * x)))); }
  static ETALON_INLINE vf slope(vf x) {
    const vf s = sigmoid(x * (kGeluSlope * (1.0f + kGeluCubic * x * x)));
    return s * (1.0f + x * (1.0f - s) * (kGeluSlope * (1.0f + 3.0f * kGeluCubic * x * x)));
  }
};
struct GeluErf {
  static ETALON_INLINE vf value(vf x) { return x * normal_cdf(x); }
  static ETALON_INLINE vf slope(vf x) { return normal_cdf(x) + x * (0.39894228040143268f * exponential(-0.5f * x * x)); }
};

/** Calls body(Activation{}) for the one that is named; not for ETALON_ACTIVATION_NONE. */
template <typename Body>
ETALON_INLINE void with_activation(etalon_activation activation, Body&& body) {
  switch (activation) {
    case ETALON_ACTIVATION_RELU: return body(Relu{});
    case ETALON_ACTIVATION_SILU: return body(Silu{});
    case ETALON_ACTIVATION_GELU_TANH: return body(GeluTanh{});
    case ETALON_ACTIVATION_GELU_ERF: return body(GeluErf{});
    case ETALON_ACTIVATION_NONE: return;
  }
}

template <typename A>
void activate_row(const float* x, int64_t n, float* y) {
  each_vector(n, [&](int64_t i, int lanes) { store_n(y + i, A::value(load_n(x + i, lanes)), lanes); });
}
}  // namespace etalon::tensor::ETALON_TARGET
