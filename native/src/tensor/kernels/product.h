// The walk of a matrix product over packed blocks (after Goto and BLIS): columns, then k, then rows; what fills the panels is given, so that a convolution is one too.
#pragma once
#include "cpu/pool.h"
#include "tensor/kernels/activation.h"
#include "tensor/kernels/pack.h"

namespace etalon::tensor::ETALON_TARGET {
/** What becomes of the sums. */
struct Output {
  float* c;
  int64_t ldc;
  const float* bias = nullptr;
  bool add = false;
  etalon_activation activation = ETALON_ACTIVATION_NONE;
  float* preactivation = nullptr;   // laid out as c
};

/** A product's sizes and its blocks. They depend on the sizes alone: so does the order of every sum. */
struct Plan {
  static constexpr int64_t kDepth = 384, kRowPanels = 256, kColumnPanels = 128;   // of a block, at most
  int64_t m, n, k;
  int64_t depth, rowPanels, columnPanels;   // of a block
  Plan(int64_t m_, int64_t n_, int64_t k_) : m(m_), n(n_), k(k_) {
    depth = k == 0 ? 0 : least(k, (blocks(k, blocks(k, kDepth)) + 7) / 8 * 8);
    rowPanels = most<int64_t>(1, even(blocks(m, MR), kRowPanels));
    columnPanels = most<int64_t>(1, even(blocks(n, NR), kColumnPanels));
  }
  int64_t a_panel() const { return (panel_floats(MR, depth) + 15) / 16 * 16; }
  int64_t b_panel() const { return depth * NR; }
  /** Working memory, in floats. */
  int64_t floats() const { return rowPanels * a_panel() + columnPanels * b_panel() + 32; }

 private:
  static int64_t even(int64_t count, int64_t size) { return count == 0 ? 0 : blocks(count, blocks(count, size)); }
};

/** Below this many multiply-adds a product stays on its caller's thread. */
constexpr double kAlone = 65536;

template <typename A>
void activate(const float* x, float* y, int64_t ld, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) activate_row<A>(x + i * ld, columns, y + i * ld);
}

/**
 * packA(i, rows, p, depth, panel) fills a panel [depth][rows] with rows i … of op(a), columns p …; packB(j, columns, p, depth, panel) one [depth][vectors·VL] of op(b).
 * scratch: plan.floats(), 64-byte aligned.
 */
template <typename PackA, typename PackB>
void multiply(int threads, const Plan& plan, float* scratch, const Output& out, PackA&& packA, PackB&& packB) {
  if (plan.m == 0 || plan.n == 0) return;
  if (static_cast<double>(plan.m) * static_cast<double>(plan.n) * static_cast<double>(most<int64_t>(plan.k, 1)) < kAlone) threads = 1;
  float* const panelsA = scratch;
  float* const panelsB = scratch + (plan.rowPanels * plan.a_panel() + 15) / 16 * 16;
  float* const sums = out.preactivation ? out.preactivation : out.c;
  for (int64_t j0 = 0; j0 < plan.n; j0 += plan.columnPanels * NR)
    for (int64_t p0 = 0; p0 == 0 || p0 < plan.k; p0 += most<int64_t>(1, plan.depth))
      for (int64_t i0 = 0; i0 < plan.m; i0 += plan.rowPanels * MR) {
        const int64_t columns = least(plan.n - j0, plan.columnPanels * NR), rows = least(plan.m - i0, plan.rowPanels * MR), depth = least(plan.depth, plan.k - p0);
        const int64_t P = blocks(rows, MR), Q = blocks(columns, NR);
        const bool last = p0 + depth >= plan.k;
        // Pack: b once for all rows.
        constexpr int64_t kPack = 4;
        const int64_t packsB = i0 == 0 ? blocks(Q, kPack) : 0;
        cpu::parallel(threads, packsB + blocks(P, kPack), [&](int64_t task) {
          if (task < packsB) {
            for (int64_t q = task * kPack; q < least(Q, task * kPack + kPack); ++q)
              packB(j0 + q * NR, static_cast<int>(least<int64_t>(NR, columns - q * NR)), p0, depth, panelsB + q * plan.b_panel());
          } else {
            task -= packsB;
            for (int64_t p = task * kPack; p < least(P, task * kPack + kPack); ++p)
              packA(i0 + p * MR, static_cast<int>(least<int64_t>(MR, rows - p * MR)), p0, depth, panelsA + p * plan.a_panel());
          }
        });
        // Multiply: a task is some row panels by as many column panels as half the second cache holds; a panel of a stays in the first.
        const int64_t wide = least(Q, most<int64_t>(1, (int64_t{1} << 16) / most<int64_t>(1, plan.b_panel())));
        const int64_t across = blocks(Q, wide);
        const int64_t tall = most<int64_t>(1, least<int64_t>(12, P * across / (8 * threads)));
        const int64_t down = blocks(P, tall);
        cpu::parallel(threads, across * down, [&](int64_t task) {
          const int64_t q0 = task / down * Q / across, q1 = (task / down + 1) * Q / across;
          const int64_t r0 = task % down * P / down, r1 = (task % down + 1) * P / down;
          for (int64_t r = r0; r < r1; ++r) {
            const int height = static_cast<int>(least<int64_t>(MR, rows - r * MR));
            const float* const a = panelsA + r * plan.a_panel();
            const int64_t at = (i0 + r * MR) * out.ldc + j0;
            for (int64_t q = q0; q < q1; ++q) {
              const int64_t width = least<int64_t>(NR, columns - q * NR);
              const int vectors = static_cast<int>(blocks(width, VL));
              const Sink sink{sums + at + q * NR, out.ldc, last && out.bias ? out.bias + j0 + q * NR : nullptr, out.add || p0 > 0};
              tile_of<Packed>(height, vectors)(depth, a, Packed{height}, panelsB + q * plan.b_panel(), vectors * VL,
                                               static_cast<int>(width - (vectors - 1) * VL), sink);
            }
            if (last)
              with_activation(out.activation, [&](auto activation) {
                activate<decltype(activation)>(sums + at + q0 * NR, out.c + at + q0 * NR, out.ldc, height, least(columns, q1 * NR) - q0 * NR);
              });
          }
        });
      }
}

/** One matrix product by its operands. */
struct Product {
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  bool turnedA;
  const float* b;
  int64_t ldb;
  bool turnedB;
  Output out;
};
/** scratch: Plan(m, n, k).floats() */
void product(int threads, const Product& p, float* scratch);
}  // namespace etalon::tensor::ETALON_TARGET
