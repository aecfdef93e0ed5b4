#include "tensor/kernels.h"
#include "tensor/kernels/columns.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
/** dy times the activation's slope, rows close. */
template <typename A>
void through_activation(const float* dy, const float* preactivation, int64_t n, float* d) {
  each_vector(n, [&](int64_t i, int lanes) { store_n(d + i, load_n(dy + i, lanes) * A::slope(load_n(preactivation + i, lanes)), lanes); });
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
  const int64_t forDx = args.dx ? Plan(rows, inputs, outputs, work.threads).floats() : 0, forDw = args.dw ? Plan(inputs, outputs, rows, work.threads).floats() : 0;
  float* const scratch = work.arena.take(most(forDx, forDw));
  if (args.dx) product(work.threads, {rows, inputs, outputs, d, ldd, false, args.w, outputs, true, {args.dx, args.lddx, nullptr, args.accumulate_dx ? args.dx : nullptr}}, scratch);
  if (args.dw) product(work.threads, {inputs, outputs, rows, args.x, args.ldx, true, d, ldd, false, {args.dw, outputs, nullptr, args.accumulate ? args.dw : nullptr}}, scratch);
  if (args.db) sum_columns(threads, d, ldd, rows, outputs, args.accumulate != 0, args.db);
}
}  // namespace etalon::tensor::ETALON_TARGET
