#include "tensor/kernels/pack.h"

namespace etalon::tensor::ETALON_TARGET {
// Blocks of VL × VL are turned in registers; rows store over their neighbours' tails, in order.
void pack_rows(const float* a, int64_t lda, int rows, int64_t k, float* panel) {
  constexpr int G = (MR + VL - 1) / VL;
  const int groups = (rows + VL - 1) / VL;
  for (int64_t p = 0; p < k; p += VL) {
    const int count = static_cast<int>(least<int64_t>(VL, k - p));
    vf turned[G][VL];
    for (int g = 0; g < groups; ++g) {
      const int here = least(VL, rows - g * VL);
      if (count == VL) {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[g][i] = i < here ? load(a + (g * VL + i) * lda + p) : vf{};
      } else {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[g][i] = i < here ? load_part(a + (g * VL + i) * lda + p, count) : vf{};
      }
      transpose(turned[g]);
    }
    if (groups == 1 && count == VL) {
      ETALON_UNROLL
      for (int i = 0; i < VL; ++i) store(panel + (p + i) * rows, turned[0][i]);
    } else {
      for (int i = 0; i < count; ++i)
        for (int g = 0; g < groups; ++g) store(panel + (p + i) * rows + g * VL, turned[g][i]);
    }
  }
}

void pack_columns(const float* a, int64_t lda, int rows, int64_t k, float* panel) {
  constexpr int G = (MR + VL - 1) / VL;
  const int groups = (rows + VL - 1) / VL, last = rows - (groups - 1) * VL;
  if constexpr (G == 1) {
    for (int64_t p = 0; p < k; ++p) store(panel + p * rows, load_n(a + p * lda, last));
  } else {
    for (int64_t p = 0; p < k; ++p)
      for (int g = 0; g < groups; ++g) store(panel + p * rows + g * VL, load_n(a + p * lda + g * VL, g + 1 < groups ? VL : last));
  }
}

void pack_b(const float* b, int64_t ldb, int columns, int64_t k, float* panel) {
  const int vectors = (columns + VL - 1) / VL, last = columns - (vectors - 1) * VL;
  for (int64_t p = 0; p < k; ++p)
    for (int j = 0; j < vectors; ++j)
      store(panel + (p * vectors + j) * VL, load_n(b + p * ldb + j * VL, j + 1 < vectors ? VL : last));
}

void pack_b_turned(const float* b, int64_t ldb, int columns, int64_t k, float* panel) {
  const int vectors = (columns + VL - 1) / VL;
  for (int j = 0; j < vectors; ++j) {
    const int here = least(VL, columns - j * VL);
    for (int64_t p = 0; p < k; p += VL) {
      const int count = static_cast<int>(least<int64_t>(VL, k - p));
      vf turned[VL];
      if (count == VL) {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[i] = i < here ? load(b + (j * VL + i) * ldb + p) : vf{};
      } else {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[i] = i < here ? load_part(b + (j * VL + i) * ldb + p, count) : vf{};
      }
      transpose(turned);
      if (count == VL) {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) store(panel + ((p + i) * vectors + j) * VL, turned[i]);
      } else {
        for (int i = 0; i < count; ++i) store(panel + ((p + i) * vectors + j) * VL, turned[i]);
      }
    }
  }
}
}  // namespace etalon::tensor::ETALON_TARGET
