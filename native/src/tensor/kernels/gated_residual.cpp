#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
void gated_residual(const Work& work, const etalon_gated_residual_args& args) {
  const int64_t d = args.d;
  each_rows(work, args.batch * args.rows, d, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const gate = args.gate.data + r / args.rows * args.gate.stride;
      each_vector(d, [&](int64_t i, int lanes) {
        store_n(args.out + r * d + i, load_n(args.x + r * d + i, lanes) + load_n(args.y + r * d + i, lanes) * load_n(gate + i, lanes), lanes);
      });
    }
  });
}

void gated_residual_gradients(const Work& work, const etalon_gated_residual_gradients_args& args) {
  const int64_t d = args.d;
  RowSums<1> sums(work, args.batch, args.rows, d, {{args.d_gate.data, args.d_gate.stride}});
  sums.run([&](int64_t b, int64_t first, int64_t last, float* const (&to)[1]) {
    const float* const gate = args.gate.data + b * args.gate.stride;
    for (int64_t r = b * args.rows + first; r < b * args.rows + last; ++r)
      each_vector(d, [&](int64_t i, int lanes) {
        const vf g = load_n(args.d_out + r * d + i, lanes);
        if (to[0]) store_n(to[0] + i, load_n(to[0] + i, lanes) + g * load_n(args.y + r * d + i, lanes), lanes);
        if (args.dy) store_n(args.dy + r * d + i, g * load_n(gate + i, lanes), lanes);
      });
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
