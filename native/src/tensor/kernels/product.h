// The walk of a matrix product over packed blocks (after Goto and BLIS): columns, then k, then rows; what fills the panels is given, so that a convolution is one too.
// b is packed first, as much of it along k as a shared cache holds; a task packs its own rows of a, block by block of k, into memory that stays in its core's cache
// together with its part of the result.
#pragma once
#include <type_traits>

#include "cpu/pool.h"
#include "tensor/kernels/activation.h"
#include "tensor/kernels/pack.h"

namespace etalon::tensor::ETALON_TARGET {
/** What becomes of the sums. */
struct Output {
  float* c;
  int64_t ldc;
  const float* bias = nullptr;
  const float* add = nullptr;       // laid out as c: what they are added to; may be c
  etalon_activation activation = ETALON_ACTIVATION_NONE;
  float* preactivation = nullptr;   // laid out as c
  const float* shift = nullptr;     // [rows / shiftRows, n]: a bias for every shiftRows rows, without activation
  int64_t shiftRows = 1;
};

/** Below this many multiply-adds a product stays on its caller's thread. */
constexpr double kAlone = 65536;

/** A product's sizes and blocks. The order of every sum depends on the sizes alone: k is cut the same way for any number of threads. */
struct Plan {
  static constexpr int64_t kDepth = 384, kTall = 12, kColumnPanels = 128;         // of a block of k, a task's row panels, columns at a time: at most
  static constexpr int64_t kShared = int64_t{1} << 19, kOften = int64_t{1} << 16;   // floats of b at a time; those that a task's row panels read one after another
  static constexpr int64_t kPanelA = MR * kRow;   // floats of a panel of a
  static_assert(kRow >= kDepth + VL && kPanelA >= panel_floats(MR, kDepth));
  int64_t m, n, k;
  int threads;
  int64_t depth, passes;         // blocks of k
  int64_t columnPanels, chunk;   // of b at a time, and its blocks of k
  int64_t down, across;          // tasks: pieces of the rows by pieces of the columns. Several across: a too is packed first, for all
  Plan(int64_t m_, int64_t n_, int64_t k_, int threads_) : m(m_), n(n_), k(k_), threads(threads_) {
    if (static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(most<int64_t>(k, 1)) < kAlone) threads = 1;
    depth = k == 0 ? 0 : least(k, (blocks(k, blocks(k, kDepth)) + 7) / 8 * 8);
    passes = k == 0 ? 1 : blocks(k, depth);
    const int64_t P = row_panels(), Q = blocks(n, NR);
    columnPanels = Q == 0 ? 1 : blocks(Q, blocks(Q, kColumnPanels));
    chunk = most<int64_t>(1, least(passes, kShared / most<int64_t>(1, columnPanels * b_panel())));
    const int64_t wanted = threads > 1 ? 8 * threads : 1, tall = most<int64_t>(1, least(kTall, P / wanted));
    down = (blocks(P, tall) + threads - 1) / threads * threads;
    across = most<int64_t>(1, least(columnPanels, wanted / most<int64_t>(1, P)));
    if (across > 1) down = P;
  }
  int64_t row_panels() const { return blocks(m, MR); }
  int64_t b_panel() const { return (depth * NR + 15) / 16 * 16; }
  int64_t b_floats() const { return columnPanels * chunk * b_panel(); }
  /** Of a: of all rows for a chunk, or of a task's. */
  int64_t a_floats() const { return (across > 1 ? row_panels() * chunk : blocks(row_panels(), down)) * kPanelA; }
  /** Working memory, in floats. */
  int64_t floats() const { return m == 0 ? 0 : b_floats() + (across > 1 ? 1 : threads) * a_floats(); }
};

template <typename A>
void activate(const float* x, float* y, int64_t ld, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) activate_row<A>(x + i * ld, columns, y + i * ld);
}

template <typename Layout>
ETALON_INLINE Layout layout_of(int height) {
  if constexpr (std::is_same_v<Layout, Packed>)
    return {height};
  else
    return {};
}

/** Row panels [r0, r1) by column panels [q0, q1), for one block of k, into the result; a and b begin with the first of them. */
template <typename Layout>
void multiply_panels(const Plan& plan, const Output& out, int64_t pass, const float* a, int64_t r0, int64_t r1, const float* b, int64_t q0, int64_t q1) {
  float* const sums = out.preactivation ? out.preactivation : out.c;
  const int64_t depth = least(plan.depth, plan.k - pass * plan.depth), group = most<int64_t>(1, Plan::kOften / most<int64_t>(1, plan.b_panel()));
  const bool last = pass + 1 == plan.passes;
  for (int64_t q = q0; q < q1; q += group) {
    const int64_t until = least(q1, q + group);
    for (int64_t r = r0; r < r1; ++r) {
      const int height = static_cast<int>(least<int64_t>(MR, plan.m - r * MR));
      const int64_t row = r * MR * out.ldc;
      for (int64_t at = q; at < until; ++at) {
        const int64_t width = least<int64_t>(NR, plan.n - at * NR);
        const int vectors = static_cast<int>(blocks(width, VL));
        const float* const from = pass > 0 ? sums : out.add;
        const Sink sink{sums + row + at * NR, out.ldc, last && out.bias ? out.bias + at * NR : nullptr, from ? from + row + at * NR : nullptr};
        tile_of<Layout>(height, vectors)(depth, a + (r - r0) * Plan::kPanelA, layout_of<Layout>(height), b + (at - q0) * plan.b_panel(), vectors * VL,
                                         static_cast<int>(width - (vectors - 1) * VL), sink);
      }
      if (last && out.shift)
        for (int64_t i = 0; i < height; ++i) {
          float* const to = sums + row + i * out.ldc + q * NR;
          const float* const shift = out.shift + (r * MR + i) / out.shiftRows * plan.n + q * NR;
          each_vector(least(plan.n, until * NR) - q * NR, [&](int64_t c, int lanes) { store_n(to + c, load_n(to + c, lanes) + load_n(shift + c, lanes), lanes); });
        }
      if (last)
        with_activation(out.activation, [&](auto activation) {
          activate<decltype(activation)>(sums + row + q * NR, out.c + row + q * NR, out.ldc, height, least(plan.n, until * NR) - q * NR);
        });
    }
  }
}

/**
 * packA(i, rows, p, depth, panels) fills panels of MR rows, kPanelA floats from one to the next and laid out as Layout says, with rows i … of op(a), columns p …;
 * packB(j, columns, p, depth, panel) one panel [depth][vectors·VL] of op(b). scratch: plan.floats(), 64-byte aligned.
 */
template <typename Layout, typename PackA, typename PackB>
void multiply(const Plan& plan, float* scratch, const Output& out, PackA&& packA, PackB&& packB) {
  if (plan.m == 0 || plan.n == 0) return;
  const int64_t P = plan.row_panels(), Q = blocks(plan.n, NR);
  const auto pack_a = [&](int64_t r0, int64_t r1, int64_t pass, float* to) {
    packA(r0 * MR, least(plan.m, r1 * MR) - r0 * MR, pass * plan.depth, least(plan.depth, plan.k - pass * plan.depth), to);
  };
  float* const panelsB = scratch;
  float* const panelsA = scratch + plan.b_floats();
  for (int64_t j = 0; j < Q; j += plan.columnPanels)
    for (int64_t start = 0; start < plan.passes; start += plan.chunk) {
      const int64_t columns = least(plan.columnPanels, Q - j), end = least(plan.passes, start + plan.chunk);
      constexpr int64_t kPack = 4;
      const int64_t panelsOfB = (end - start) * columns, panelsOfA = plan.across > 1 ? (end - start) * P : 0, tasksB = blocks(panelsOfB, kPack);
      cpu::parallel(plan.threads, tasksB + blocks(panelsOfA, kPack), [&](int64_t task) {
        for (int64_t i = task * kPack; task < tasksB && i < least(panelsOfB, task * kPack + kPack); ++i) {
          const int64_t q = j + i % columns, from = (start + i / columns) * plan.depth;
          packB(q * NR, static_cast<int>(least<int64_t>(NR, plan.n - q * NR)), from, least(plan.depth, plan.k - from), panelsB + i * plan.b_panel());
        }
        for (int64_t i = (task - tasksB) * kPack; task >= tasksB && i < least(panelsOfA, (task - tasksB) * kPack + kPack); ++i)
          pack_a(i % P, i % P + 1, start + i / P, panelsA + i * Plan::kPanelA);
      });
      cpu::parallel(plan.threads, plan.down * plan.across, [&](int64_t task, int lane) {
        const int64_t r0 = task % plan.down * P / plan.down, r1 = (task % plan.down + 1) * P / plan.down;
        const int64_t q0 = task / plan.down * columns / plan.across, q1 = (task / plan.down + 1) * columns / plan.across;
        for (int64_t pass = start; pass < end; ++pass) {
          float* const a = panelsA + (plan.across > 1 ? ((pass - start) * P + r0) * Plan::kPanelA : lane * plan.a_floats());
          if (plan.across == 1) pack_a(r0, r1, pass, a);
          multiply_panels<Layout>(plan, out, pass, a, r0, r1, panelsB + ((pass - start) * columns + q0) * plan.b_panel(), j + q0, j + q1);
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
/** scratch: Plan(m, n, k, threads).floats() */
void product(int threads, const Product& p, float* scratch);
}  // namespace etalon::tensor::ETALON_TARGET
