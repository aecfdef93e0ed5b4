#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
void rms_norm(const Work& work, const etalon_rms_norm_args& args) {
  const int64_t d = args.d;
  each_rows(work, args.rows, d, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const x = args.x + r * d;
      vf square[2] = {};
      each_vector(d, [&](int64_t i, int lanes) {
        const vf value = load_n(x + i, lanes);
        square[(i / VL) & 1] += value * value;
      });
      const float rstd = 1.0f / __builtin_sqrtf(sum_lanes(square[0] + square[1]) / static_cast<float>(d) + args.epsilon);
      if (args.rstd) args.rstd[r] = rstd;
      each_vector(d, [&](int64_t i, int lanes) {
        const vf n = load_n(x + i, lanes) * rstd;
        store_n(args.y + r * d + i, args.gain ? n * load_n(args.gain + i, lanes) : n, lanes);
      });
    }
  });
}

void rms_norm_gradients(const Work& work, const etalon_rms_norm_gradients_args& args) {
  const int64_t d = args.d;
  using Sums = RowSums<1>;
  Sums sums(work, 1, args.rows, d, {{args.d_gain, Sums::kWhole}});
  sums.run([&](int64_t, int64_t first, int64_t last, float* const (&to)[1]) {
    for (int64_t r = first; r < last; ++r) {
      const float *const x = args.x + r * d, *const dy = args.dy + r * d;
      const float rstd = args.rstd[r];
      vf along{};
      each_vector(d, [&](int64_t i, int lanes) {
        const vf n = load_n(x + i, lanes) * rstd, g = load_n(dy + i, lanes);
        if (to[0]) store_n(to[0] + i, load_n(to[0] + i, lanes) + g * n, lanes);
        along += (args.gain ? g * load_n(args.gain + i, lanes) : g) * n;
      });
      if (!args.dx) continue;
      const float mean = sum_lanes(along) / static_cast<float>(d);
      each_vector(d, [&](int64_t i, int lanes) {
        const vf g = load_n(dy + i, lanes), slope = args.gain ? g * load_n(args.gain + i, lanes) : g;
        store_n(args.dx + r * d + i, (slope - load_n(x + i, lanes) * rstd * mean) * rstd, lanes);
      });
    }
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
