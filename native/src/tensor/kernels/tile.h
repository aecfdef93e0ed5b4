// The inner kernel of every matrix product here: a tile of R rows and V vectors of columns, held in registers while k runs. And the packing that feeds it.
#pragma once
#include "tensor/kernels/simd.h"

namespace etalon::tensor::ETALON_TARGET {
/** Rows and vectors of the largest tile: as many accumulators as the registers hold beside V columns of b and one element of a. */
#if defined(__AVX512F__)
constexpr int MR = 14, NV = 2;
#elif defined(__AVX2__)
constexpr int MR = 6, NV = 2;
#elif defined(__aarch64__)
constexpr int MR = 8, NV = 3;
#else
constexpr int MR = 6, NV = 2;
#endif
constexpr int NR = NV * VL;

/** Where a tile's sums go: c = sums (+ c) (+ bias). `lanes` of the last vector are used. */
struct Sink {
  float* c;
  int64_t ldc;
  const float* bias;   // the tile's columns, or null
  bool add;            // c += rather than c =
};

/** Panels of a: element (i, p) of the tile at a[p·step + i]: what pack_rows and pack_columns make. */
struct Packed {
  int64_t step;
  ETALON_INLINE const float* at(const float* a, int i) const { return a + i; }
};
/** Rows of a, Ld elements apart: element (i, p) at a[i·Ld + p]. */
template <int Ld>
struct InRows {
  static constexpr int64_t step = 1;
  ETALON_INLINE const float* at(const float* a, int i) const { return a + i * Ld; }
};

template <int R, int V, typename Layout>
ETALON_INLINE void tile(int64_t k, const float* a, Layout layout, const float* b, int64_t ldb, int lanes, const Sink& sink) {
  vf sum[R][V];
  ETALON_UNROLL
  for (int i = 0; i < R; ++i)
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) sum[i][j] = vf{};
  if (sink.add) {
    ETALON_UNROLL
    for (int i = 0; i < R; ++i) {
      __builtin_prefetch(sink.c + i * sink.ldc, 1);
      if constexpr (V > 1) __builtin_prefetch(sink.c + i * sink.ldc + (V - 1) * VL, 1);
    }
  }
  for (int64_t p = 0; p < k; ++p) {
    vf column[V];
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) column[j] = load(b + j * VL);
    ETALON_UNROLL
    for (int i = 0; i < R; ++i) {
      const vf s = all(*layout.at(a, i));
      ETALON_UNROLL
      for (int j = 0; j < V; ++j) sum[i][j] += s * column[j];
    }
    a += layout.step;
    b += ldb;
  }
  if (sink.bias) {
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) {
      const vf bias = load_n(sink.bias + j * VL, j + 1 < V ? VL : lanes);
      ETALON_UNROLL
      for (int i = 0; i < R; ++i) sum[i][j] += bias;
    }
  }
  if (sink.add) {
    ETALON_UNROLL
    for (int i = 0; i < R; ++i)
      ETALON_UNROLL
      for (int j = 0; j < V; ++j) sum[i][j] += load_n(sink.c + i * sink.ldc + j * VL, j + 1 < V ? VL : lanes);
  }
  ETALON_UNROLL
  for (int i = 0; i < R; ++i)
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) store_n(sink.c + i * sink.ldc + j * VL, sum[i][j], j + 1 < V ? VL : lanes);
}

template <int R, int V, typename Layout>
void tile_at(int64_t k, const float* a, Layout layout, const float* b, int64_t ldb, int lanes, const Sink& sink) {
  tile<R, V>(k, a, layout, b, ldb, lanes, sink);
}
template <typename Layout>
using Tile = void (*)(int64_t k, const float* a, Layout layout, const float* b, int64_t ldb, int lanes, const Sink& sink);

/** All tiles of a layout. */
template <typename Layout>
struct Tiles {
  Tile<Layout> entry[NV][MR] = {};
  constexpr Tiles() { fill<NV, MR>(); }

 private:
  template <int V, int R>
  constexpr void fill() {
    entry[V - 1][R - 1] = tile_at<R, V, Layout>;
    if constexpr (R > 1)
      fill<V, R - 1>();
    else if constexpr (V > 1)
      fill<V - 1, MR>();
  }
};
template <typename Layout>
constexpr Tiles<Layout> kTiles;

/** The tile of `rows` ≤ MR rows and `vectors` ≤ NV vectors. */
template <typename Layout>
ETALON_INLINE Tile<Layout> tile_of(int rows, int vectors) { return kTiles<Layout>.entry[vectors - 1][rows - 1]; }

/** Floats of a packed panel of a: a vector may be stored past its end. */
constexpr int64_t panel_floats(int rows, int64_t k) { return rows * k + VL; }

/**
 * Rows of a to a panel [k][rows], of which it fills columns of k only: row(i) is where row i begins. Blocks of VL × VL are turned in registers.
 * Writes up to VL floats past its last element.
 */
template <typename Row>
ETALON_INLINE void pack_rows_at(Row&& row, int rows, int64_t k, float* panel) {
  constexpr int G = (MR + VL - 1) / VL;
  const int groups = (rows + VL - 1) / VL;
  for (int64_t p = 0; p < k; p += VL) {
    const int count = static_cast<int>(least<int64_t>(VL, k - p));
    vf turned[G][VL];
    for (int g = 0; g < groups; ++g) {
      const int here = least(VL, rows - g * VL);
      if (count == VL) {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[g][i] = i < here ? load(row(g * VL + i) + p) : vf{};
      } else {
        ETALON_UNROLL
        for (int i = 0; i < VL; ++i) turned[g][i] = i < here ? load_part(row(g * VL + i) + p, count) : vf{};
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

/** a's rows, lda apart, to a panel [k][rows]. Writes up to panel_floats. */
ETALON_INLINE void pack_rows(const float* a, int64_t lda, int rows, int64_t k, float* panel) {
  pack_rows_at([=](int i) { return a + i * lda; }, rows, k, panel);
}

/** Columns of a (a transposed operand: element (i, p) at a[p·lda + i]) to a panel [k][rows]. Writes up to panel_floats; reads no more than the rows. */
ETALON_INLINE void pack_columns(const float* a, int64_t lda, int rows, int64_t k, float* panel) {
  constexpr int G = (MR + VL - 1) / VL;
  const int groups = (rows + VL - 1) / VL, last = rows - (groups - 1) * VL;
  if constexpr (G == 1) {
    for (int64_t p = 0; p < k; ++p) store(panel + p * rows, load_n(a + p * lda, last));
  } else {
    for (int64_t p = 0; p < k; ++p)
      for (int g = 0; g < groups; ++g) store(panel + p * rows + g * VL, load_n(a + p * lda + g * VL, g + 1 < groups ? VL : last));
  }
}

/** b's rows to a panel [k][vectors·VL], zeros behind its columns. */
ETALON_INLINE void pack_b(const float* b, int64_t ldb, int columns, int64_t k, float* panel) {
  const int vectors = (columns + VL - 1) / VL, last = columns - (vectors - 1) * VL;
  for (int64_t p = 0; p < k; ++p)
    for (int j = 0; j < vectors; ++j)
      store(panel + (p * vectors + j) * VL, load_n(b + p * ldb + j * VL, j + 1 < vectors ? VL : last));
}

/** A transposed b (element (p, j) at b[j·ldb + p]) to a panel [k][vectors·VL], zeros behind its columns. */
ETALON_INLINE void pack_b_turned(const float* b, int64_t ldb, int columns, int64_t k, float* panel) {
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
