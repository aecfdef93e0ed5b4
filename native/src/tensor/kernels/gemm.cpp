#include "tensor/kernels.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
void product(int threads, const Product& p, float* scratch) {
  const auto packB = [&](int64_t j, int columns, int64_t from, int64_t depth, float* panel) {
    p.turnedB ? pack_b_turned(p.b + j * p.ldb + from, p.ldb, columns, depth, panel) : pack_b(p.b + from * p.ldb + j, p.ldb, columns, depth, panel);
  };
  const Plan plan(p.m, p.n, p.k, threads);
  const auto packTurned = [&](int64_t i, int64_t rows, int64_t from, int64_t depth, float* panels) {
    for (int64_t r = 0; r < rows; r += MR)
      pack_columns(p.a + from * p.lda + i + r, p.lda, static_cast<int>(least<int64_t>(MR, rows - r)), depth, panels + r * kRow);
  };
  const auto packRows = [&](int64_t i, int64_t rows, int64_t from, int64_t depth, float* panels) {
    for (int64_t r = 0; r < rows; ++r) copy_row(p.a + (i + r) * p.lda + from, depth, panels + r * kRow);
  };
  p.turnedA ? multiply<Packed>(plan, scratch, p.out, packTurned, packB) : multiply<InRows<kRow>>(plan, scratch, p.out, packRows, packB);
}

void gemm(const Work& work, const etalon_gemm_args& args) {
  Product whole{args.m,   args.n,   args.k,           args.a,
                args.lda, args.transpose_a != 0, args.b, args.ldb,
                args.transpose_b != 0, {args.c, args.ldc, args.bias, args.accumulate ? args.c : args.residual, args.activation, args.preactivation}};
  int64_t batch = args.batch;
  if (batch > 1 && args.stride_b == 0 && !whole.turnedA && args.stride_a == args.m * args.lda && args.stride_c == args.m * args.ldc) {
    whole.m *= batch;   // one matrix for all: the batch is more rows
    batch = 1;
  }
  const auto at = [&](int64_t i) {
    Product one = whole;
    one.a += i * args.stride_a;
    one.b += i * args.stride_b;
    one.out.c += i * args.stride_c;
    if (one.out.preactivation) one.out.preactivation += i * args.stride_c;
    if (one.out.add) one.out.add += i * args.stride_c;
    return one;
  };
  const double each = static_cast<double>(whole.m) * static_cast<double>(whole.n) * static_cast<double>(whole.k);
  if (batch >= 4 * work.threads && each < 1e8 && work.threads > 1 && each * static_cast<double>(batch) > kAlone) {   // many: whole matrices to a thread
    const int64_t floats = Plan(whole.m, whole.n, whole.k, 1).floats();
    float* const scratch = work.arena.take(floats * work.threads);
    const int64_t group = most<int64_t>(1, least<int64_t>(batch / (4 * work.threads), static_cast<int64_t>(2e6 / most(each, 1.0))));
    cpu::parallel(work.threads, blocks(batch, group), [&](int64_t task, int lane) {
      for (int64_t i = task * group; i < least(batch, task * group + group); ++i) product(1, at(i), scratch + lane * floats);
    });
    return;
  }
  float* const scratch = work.arena.take(Plan(whole.m, whole.n, whole.k, work.threads).floats());
  for (int64_t i = 0; i < batch; ++i) product(work.threads, at(i), scratch);
}
}  // namespace etalon::tensor::ETALON_TARGET
