#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
struct Moments {
  float mean, rstd;
};

/** In two passes, the second of which mends the first one's mean: plain sums lose digits where the mean is large. */
Moments moments(const float* x, int64_t d, float epsilon) {
  vf sum[4] = {}, rest[4] = {}, square[4] = {};
  int64_t i = 0;
  for (; i + 4 * VL <= d; i += 4 * VL) {
    ETALON_UNROLL
    for (int u = 0; u < 4; ++u) sum[u] += load(x + i + u * VL);
  }
  for (int u = 0; i < d; i += VL, ++u) sum[u] += load_n(x + i, static_cast<int>(least<int64_t>(VL, d - i)));
  const float inverse = 1.0f / static_cast<float>(d), about = sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3])) * inverse;
  for (i = 0; i + 4 * VL <= d; i += 4 * VL) {
    ETALON_UNROLL
    for (int u = 0; u < 4; ++u) {
      const vf centred = load(x + i + u * VL) - about;
      rest[u] += centred;
      square[u] += centred * centred;
    }
  }
  for (int u = 0; i < d; i += VL, ++u) {
    const int lanes = static_cast<int>(least<int64_t>(VL, d - i));
    const vf centred = keep(load_n(x + i, lanes) - about, lanes);
    rest[u] += centred;
    square[u] += centred * centred;
  }
  const float off = sum_lanes((rest[0] + rest[1]) + (rest[2] + rest[3])) * inverse;
  const float variance = sum_lanes((square[0] + square[1]) + (square[2] + square[3])) * inverse - off * off;
  return {about + off, 1.0f / __builtin_sqrtf((variance < 0.0f ? 0.0f : variance) + epsilon)};
}
}  // namespace

void layer_norm(const Work& work, const etalon_layer_norm_args& args) {
  const int64_t d = args.d;
  each_rows(work, args.batch * args.rows, d, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const x = args.x + r * d;
      float* const y = args.y + r * d;
      const auto [mean, rstd] = moments(x, d, args.epsilon);
      if (args.mean) args.mean[r] = mean;
      if (args.rstd) args.rstd[r] = rstd;
      const float* const scale = args.scale.data ? args.scale.data + r / args.rows * args.scale.stride : nullptr;
      const float* const shift = args.scale.data ? args.shift.data + r / args.rows * args.shift.stride : nullptr;
      each_vector(d, [&](int64_t i, int lanes) {
        vf n = (load_n(x + i, lanes) - mean) * rstd;
        if (args.gain) n *= load_n(args.gain + i, lanes);
        if (args.bias) n += load_n(args.bias + i, lanes);
        if (scale) n = n * (load_n(scale + i, lanes) + 1.0f) + load_n(shift + i, lanes);
        store_n(y + i, n, lanes);
      });
    }
  });
}

void layer_norm_gradients(const Work& work, const etalon_layer_norm_gradients_args& args) {
  const int64_t d = args.d;
  using Sums = RowSums<4>;
  Sums sums(work, args.batch, args.rows, d,
            {{args.d_scale.data, args.d_scale.stride}, {args.d_shift.data, args.d_shift.stride}, {args.d_gain, Sums::kWhole}, {args.d_bias, Sums::kWhole}});
  sums.run([&](int64_t b, int64_t first, int64_t last, float* const (&to)[4]) {
    const float* const scale = args.scale.data ? args.scale.data + b * args.scale.stride : nullptr;
    for (int64_t r = b * args.rows + first; r < b * args.rows + last; ++r) {
      const float *const x = args.x + r * d, *const dy = args.dy + r * d;
      const float mean = args.mean[r], rstd = args.rstd[r];
      const auto normal = [&](int64_t i, int lanes) { return (load_n(x + i, lanes) - mean) * rstd; };
      const auto slope = [&](int64_t i, int lanes) {   // ∂ by the normalised
        vf g = load_n(dy + i, lanes);
        if (scale) g *= load_n(scale + i, lanes) + 1.0f;
        if (args.gain) g *= load_n(args.gain + i, lanes);
        return g;
      };
      vf sum{}, along{};
      each_vector(d, [&](int64_t i, int lanes) {
        const vf n = normal(i, lanes), g = load_n(dy + i, lanes);
        const auto gather = [&](float* sums, vf term) {
          if (sums) store_n(sums + i, load_n(sums + i, lanes) + term, lanes);
        };
        vf inner = n;
        if (to[0]) {
          if (args.gain) inner *= load_n(args.gain + i, lanes);
          if (args.bias) inner += load_n(args.bias + i, lanes);
          gather(to[0], g * inner);
        }
        gather(to[1], g);
        const vf outer = scale ? g * (load_n(scale + i, lanes) + 1.0f) : g;
        gather(to[2], outer * n);
        gather(to[3], outer);
        const vf s = args.gain ? outer * load_n(args.gain + i, lanes) : outer;
        sum += s;   // lanes behind the end are 0: dy is
        along += s * n;
      });
      if (!args.dx) continue;
      const float meanSlope = sum_lanes(sum) / static_cast<float>(d), meanAlong = sum_lanes(along) / static_cast<float>(d);
      float* const dx = args.dx + r * d;
      each_vector(d, [&](int64_t i, int lanes) {
        const vf value = (slope(i, lanes) - meanSlope - normal(i, lanes) * meanAlong) * rstd;
        store_n(dx + i, args.residual ? value + load_n(args.residual + r * d + i, lanes) : value, lanes);
      });
    }
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
