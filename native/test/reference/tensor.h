// The tensor kernels in float64, as plainly as they can be put. Includes nothing of src/.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace reference {
using Vector = std::vector<double>;

inline double activation(int kind, double x) {
  switch (kind) {
    case 1: return x > 0 || x != x ? x : 0;
    case 2: return x / (1 + std::exp(-x));
    case 3: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case 4: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    default: return x;
  }
}
inline double slope(int kind, double x) {
  switch (kind) {
    case 1: return x > 0 ? 1 : 0;
    case 2: {
      const double s = 1 / (1 + std::exp(-x));
      return s * (1 + x * (1 - s));
    }
    case 3: {
      const double c = std::sqrt(2 / M_PI), t = std::tanh(c * (x + 0.044715 * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
    }
    case 4: return 0.5 * (1 + std::erf(x / std::sqrt(2.0))) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI);
    default: return 1;
  }
}

/** [m, n] = a·b for a(i, p) = a[i·ai + p·ap], b(p, j) = b[p·bp + j·bj]. */
inline Vector product(int64_t m, int64_t n, int64_t k, const float* a, int64_t ai, int64_t ap, const float* b, int64_t bp, int64_t bj) {
  Vector c(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t p = 0; p < k; ++p) c[i * n + j] += double(a[i * ai + p * ap]) * double(b[p * bp + j * bj]);
  return c;
}

/** One (batch, head): q [queries, depth] … with rows close; bias [queries, keys] or empty. */
struct Attention {
  int64_t queries, keys, depth, width;
  double scale;
  bool causal;
  Vector q, k, v, bias;
  Vector p, out, log;
  void forward() {
    p.assign(queries * keys, 0), out.assign(queries * width, 0), log.assign(queries, -std::numeric_limits<double>::infinity());
    for (int64_t i = 0; i < queries; ++i) {
      double sum = 0, top = -std::numeric_limits<double>::infinity();
      Vector s(keys);
      for (int64_t j = 0; j < keys; ++j) {
        for (int64_t c = 0; c < depth; ++c) s[j] += q[i * depth + c] * k[j * depth + c];
        s[j] = s[j] * scale + (bias.empty() ? 0 : bias[i * keys + j]);
        if (causal && j > i + keys - queries) s[j] = -std::numeric_limits<double>::infinity();
        if (!(s[j] <= top)) top = s[j];
      }
      if (top == -std::numeric_limits<double>::infinity()) continue;
      for (int64_t j = 0; j < keys; ++j) sum += p[i * keys + j] = std::exp(s[j] - top);
      for (int64_t j = 0; j < keys; ++j) {
        p[i * keys + j] /= sum;
        for (int64_t c = 0; c < width; ++c) out[i * width + c] += p[i * keys + j] * v[j * width + c];
      }
      log[i] = top + std::log(sum);
    }
  }
  void backward(const Vector& dOut, Vector& dq, Vector& dk, Vector& dv) const {
    dq.assign(queries * depth, 0), dk.assign(keys * depth, 0), dv.assign(keys * width, 0);
    for (int64_t i = 0; i < queries; ++i) {
      double along = 0;
      for (int64_t c = 0; c < width; ++c) along += dOut[i * width + c] * out[i * width + c];
      for (int64_t j = 0; j < keys; ++j) {
        double dp = 0;
        for (int64_t c = 0; c < width; ++c) {
          dp += dOut[i * width + c] * v[j * width + c];
          dv[j * width + c] += p[i * keys + j] * dOut[i * width + c];
        }
        const double ds = p[i * keys + j] * (dp - along) * scale;
        for (int64_t c = 0; c < depth; ++c) {
          dq[i * depth + c] += ds * k[j * depth + c];
          dk[j * depth + c] += ds * q[i * depth + c];
        }
      }
    }
  }
};

/** y = ((x − mean)·rstd·gain + bias)(1 + scale) + shift of one row; null: left out. */
inline Vector layer_norm(int64_t d, const double* x, double epsilon, const double* gain, const double* bias, const double* scale, const double* shift) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < d; ++i) mean += x[i] / double(d);
  for (int64_t i = 0; i < d; ++i) variance += (x[i] - mean) * (x[i] - mean) / double(d);
  Vector y(static_cast<size_t>(d));
  for (int64_t i = 0; i < d; ++i) {
    y[i] = (x[i] - mean) / std::sqrt(variance + epsilon);
    if (gain) y[i] *= gain[i];
    if (bias) y[i] += bias[i];
    if (scale) y[i] = y[i] * (1 + scale[i]) + shift[i];
  }
  return y;
}

/** ∂(Σ weight·f)/∂x by central differences; f: Vector → Vector. */
template <typename F>
Vector differences(F&& f, Vector x, const Vector& weight, double h = 1e-5) {
  Vector gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + h;
    const Vector above = f(x);
    x[i] = kept - h;
    const Vector below = f(x);
    x[i] = kept;
    for (size_t j = 0; j < weight.size(); ++j) gradient[i] += weight[j] * (above[j] - below[j]) / (2 * h);
  }
  return gradient;
}

/** The same where element j of f depends on element j % x.size() of x alone, as it does on a norm's gain and bias: two runs of f in all. */
template <typename F>
Vector channel_differences(F&& f, const Vector& x, const Vector& weight, double h = 1e-5) {
  Vector gradient(x.size()), above = x, below = x;
  for (size_t i = 0; i < x.size(); ++i) above[i] += h, below[i] -= h;
  above = f(above), below = f(below);
  for (size_t j = 0; j < weight.size(); ++j) gradient[j % x.size()] += weight[j] * (above[j] - below[j]) / (2 * h);
  return gradient;
}
}  // namespace reference
