#include "tensor/kernels/activation.h"
#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
void geglu(const Work& work, const etalon_geglu_args& args) {
  const int64_t d = args.width;
  each_rows(work, args.rows, 2 * d, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const x = args.x + r * 2 * d;
      each_vector(d, [&](int64_t i, int lanes) { store_n(args.y + r * d + i, load_n(x + i, lanes) * GeluErf::value(load_n(x + d + i, lanes)), lanes); });
    }
  });
}

void geglu_gradients(const Work& work, const etalon_geglu_gradients_args& args) {
  const int64_t d = args.width;
  each_rows(work, args.rows, 2 * d, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const x = args.x + r * 2 * d;
      float* const dx = args.dx + r * 2 * d;
      each_vector(d, [&](int64_t i, int lanes) {
        const vf value = load_n(x + i, lanes), gate = load_n(x + d + i, lanes), g = load_n(args.dy + r * d + i, lanes);
        store_n(dx + i, g * GeluErf::value(gate), lanes);
        store_n(dx + d + i, g * value * GeluErf::slope(gate), lanes);
      });
    }
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
