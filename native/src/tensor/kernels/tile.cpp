#include "tensor/kernels/tile.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
template <int R, int V, typename Layout>
void tile(int64_t k, const float* a, Layout layout, const float* b, int64_t ldb, int lanes, const Sink& sink) {
  vf sum[R][V];
  ETALON_UNROLL
  for (int i = 0; i < R; ++i)
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) sum[i][j] = vf{};
  if (sink.add) {
    ETALON_UNROLL
    for (int i = 0; i < R; ++i) {
      __builtin_prefetch(sink.add + i * sink.ldc, 1);
      if constexpr (V > 1) __builtin_prefetch(sink.add + i * sink.ldc + (V - 1) * VL, 1);
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
      for (int j = 0; j < V; ++j) sum[i][j] += load_n(sink.add + i * sink.ldc + j * VL, j + 1 < V ? VL : lanes);
  }
  ETALON_UNROLL
  for (int i = 0; i < R; ++i)
    ETALON_UNROLL
    for (int j = 0; j < V; ++j) store_n(sink.c + i * sink.ldc + j * VL, sum[i][j], j + 1 < V ? VL : lanes);
}

template <typename Layout, int V = NV, int R = MR>
constexpr void fill(Tiles<Layout>& tiles) {
  tiles.entry[V - 1][R - 1] = tile<R, V, Layout>;
  if constexpr (R > 1)
    fill<Layout, V, R - 1>(tiles);
  else if constexpr (V > 1)
    fill<Layout, V - 1, MR>(tiles);
}
template <typename Layout>
constexpr Tiles<Layout> all_tiles() {
  Tiles<Layout> tiles{};
  fill(tiles);
  return tiles;
}
}  // namespace

constinit const Tiles<Packed> kPackedTiles = all_tiles<Packed>();
constinit const Tiles<InRows<kQueries>> kScoreTiles = all_tiles<InRows<kQueries>>();
constinit const Tiles<InRows<kRow>> kRowTiles = all_tiles<InRows<kRow>>();
}  // namespace etalon::tensor::ETALON_TARGET
