// The inner kernel of every matrix product here: a tile of R rows and V vectors of columns, held in registers while k runs. tile.cpp has its body.
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

/** Where a tile's sums go: c = sums (+ add) (+ bias). `lanes` of the last vector are used. */
struct Sink {
  float* c;
  int64_t ldc;
  const float* bias;   // the tile's columns, or null
  const float* add;    // laid out as c, and may be c; or null
};

/** Panels of a: element (i, p) of the tile at a[p·step + i]: what pack_columns makes. */
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

template <typename Layout>
using Tile = void (*)(int64_t k, const float* a, Layout layout, const float* b, int64_t ldb, int lanes, const Sink& sink);
/** All tiles of a layout, by vectors and rows. */
template <typename Layout>
struct Tiles {
  Tile<Layout> entry[NV][MR];
};
/** Queries in a block of attention's scores: a multiple of every target's vector. */
constexpr int kQueries = 112;
/** From a row to the next in a panel of copied rows: more than the longest block of k, and an odd number of cache lines, so that rows share out the cache's sets. */
constexpr int kRow = 400;
extern const Tiles<Packed> kPackedTiles;
extern const Tiles<InRows<kQueries>> kScoreTiles;
extern const Tiles<InRows<kRow>> kRowTiles;

/** The tile of `rows` ≤ MR rows and `vectors` ≤ NV vectors. */
template <typename Layout>
ETALON_INLINE Tile<Layout> tile_of(int rows, int vectors);
template <>
ETALON_INLINE Tile<Packed> tile_of<Packed>(int rows, int vectors) { return kPackedTiles.entry[vectors - 1][rows - 1]; }
template <>
ETALON_INLINE Tile<InRows<kQueries>> tile_of<InRows<kQueries>>(int rows, int vectors) { return kScoreTiles.entry[vectors - 1][rows - 1]; }
template <>
ETALON_INLINE Tile<InRows<kRow>> tile_of<InRows<kRow>>(int rows, int vectors) { return kRowTiles.entry[vectors - 1][rows - 1]; }
}  // namespace etalon::tensor::ETALON_TARGET
