#include "tensor/kernels.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
/** dy times the activation's slope, rows close. */
template <typename A>
void through_activation(const float* dy, const float* preactivation, int64_t n, float* d) {
  each_vector(n, [&](int64_t i, int lanes) { store_n(d + i, load_n(dy + i, lanes) * A::slope(load_n(preactivation + i, lanes)), lanes); });
}

/** Sums of columns [first, last), over blocks of rows: sums of few terms first lose less. */
void sum_columns(const float* d, int64_t ld, int64_t rows, int64_t first, int64_t last, bool add, float* out) {
  constexpr int64_t kBlock = 64;
  each_vector(last - first, [&](int64_t i, int lanes) {
    const float* const column = d + first + i;
    vf total{};
    for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
      vf part[4] = {};
      int64_t r = r0;
      const int64_t end = least(rows, r0 + kBlock);
      for (; r + 4 <= end; r += 4) {
        ETALON_UNROLL
        for (int u = 0; u < 4; ++u) part[u] += load_n(column + (r + u) * ld, lanes);
      }
      for (; r < end; ++r) part[0] += load_n(column + r * ld, lanes);
      total += (part[0] + part[1]) + (part[2] + part[3]);
    }
    if (add) total += load_n(out + first + i, lanes);
    store_n(out + first + i, total, lanes);
  });
}
}  // namespace

void linear_gradients(const Work& work, const etalon_linear_gradients_args& args) {
  const int64_t rows = args.rows, inputs = args.inputs, outputs = args.outputs;
  const float* d = args.dy;
  int64_t ldd = args.lddy;
  const int threads = static_cast<double>(rows) * static_cast<double>(outputs) < 16384 ? 1 : work.threads;
  if (args.activation != ETALON_ACTIVATION_NONE) {
    float* const own = work.arena.take(rows * outputs);
    const int64_t group = most<int64_t>(1, 8192 / most<int64_t>(1, outputs));
    with_activation(args.activation, [&](auto activation) {
      cpu::parallel(threads, blocks(rows, group), [&](int64_t task) {
        for (int64_t r = task * group; r < least(rows, task * group + group); ++r)
          through_activation<decltype(activation)>(args.dy + r * args.lddy, args.preactivation + r * outputs, outputs, own + r * outputs);
      });
    });
    d = own;
    ldd = outputs;
  }
  const int64_t forDx = args.dx ? Plan(rows, inputs, outputs).floats() : 0, forDw = args.dw ? Plan(inputs, outputs, rows).floats() : 0;
  float* const scratch = work.arena.take(most(forDx, forDw));
  if (args.dx) product(work.threads, {rows, inputs, outputs, d, ldd, false, args.w, outputs, true, {args.dx, args.lddx, nullptr, args.accumulate_dx != 0}}, scratch);
  if (args.dw) product(work.threads, {inputs, outputs, rows, args.x, args.ldx, true, d, ldd, false, {args.dw, outputs, nullptr, args.accumulate != 0}}, scratch);
  if (args.db) {
    constexpr int64_t kColumns = 4 * VL;
    cpu::parallel(threads, blocks(outputs, kColumns),
                  [&](int64_t task) { sum_columns(d, ldd, rows, task * kColumns, least(outputs, task * kColumns + kColumns), args.accumulate != 0, args.db); });
  }
}
}  // namespace etalon::tensor::ETALON_TARGET
