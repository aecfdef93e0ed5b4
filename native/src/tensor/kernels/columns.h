// Sums over the rows of a matrix: the gradient of a bias.
#pragma once
#include "cpu/pool.h"
#include "tensor/kernels/simd.h"

namespace etalon::tensor::ETALON_TARGET {
/** Sums of columns [first, last), over blocks of rows: sums of few terms first lose less. */
inline void sum_columns(const float* d, int64_t ld, int64_t rows, int64_t first, int64_t last, bool add, float* out) {
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
/** All columns, some to a task. */
inline void sum_columns(int threads, const float* d, int64_t ld, int64_t rows, int64_t columns, bool add, float* out) {
  constexpr int64_t kColumns = 4 * VL;
  cpu::parallel(threads, blocks(columns, kColumns), [&](int64_t task) { sum_columns(d, ld, rows, task * kColumns, least(columns, task * kColumns + kColumns), add, out); });
}
}  // namespace etalon::tensor::ETALON_TARGET
