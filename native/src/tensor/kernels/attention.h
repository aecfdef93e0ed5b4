// What attention's two directions share: blocks of queries and keys, the scores of a block, how a (batch, head) is packed.
#pragma once
#include "tensor/kernels.h"
#include "tensor/kernels/pack.h"

namespace etalon::tensor::ETALON_TARGET {
/** A block of scores lies turned, [keys][kQueries]: queries run along the vectors, so that a softmax takes no sum across lanes, and a row is a panel of a for p·v. */
constexpr int kKeys = 112;
constexpr float kLog2E = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/** Rows [rows, d] of one (batch, head), by a stride. */
struct Matrix {
  const float* data;
  int64_t row;
};
ETALON_INLINE Matrix matrix_of(const etalon_heads& heads, int64_t batch, int64_t head) { return {heads.data + batch * heads.batch + head * heads.head, heads.row}; }

/** As panels of a: every MR rows a panel [d][rows]. */
struct LeftPanels {
  static int64_t stride(int64_t d) { return round_up(panel_floats(MR, d), 16); }
  static int64_t floats(int64_t rows, int64_t d) { return blocks(rows, MR) * stride(d); }
  static void pack(const Matrix& m, int64_t rows, int64_t d, float* to) {
    for (int64_t r = 0; r < rows; r += MR) pack_rows(m.data + r * m.row, m.row, static_cast<int>(least<int64_t>(MR, rows - r)), d, to + r / MR * stride(d));
  }
};
/** As panels of b, turned, times a factor: every NR rows a panel [d][NR]; a rest of fewer vectors is narrower. */
struct RightTurned {
  static int64_t floats(int64_t rows, int64_t d) { return round_up(rows, VL) * d; }
  static void pack(const Matrix& m, int64_t rows, int64_t d, float factor, float* to) {
    for (int64_t r = 0; r < rows; r += NR) pack_b_turned(m.data + r * m.row, m.row, static_cast<int>(least<int64_t>(NR, rows - r)), d, to + r * d);
    if (factor == 1.0f) return;
    for (int64_t i = 0; i < floats(rows, d); i += VL) store(to + i, load(to + i) * factor);
  }
};
/** As rows of b, each padded with zeros to whole vectors. */
struct RightRows {
  static int64_t stride(int64_t d) { return round_up(d, VL); }
  static int64_t floats(int64_t rows, int64_t d) { return rows * stride(d); }
  static void pack(const Matrix& m, int64_t rows, int64_t d, float* to) {
    for (int64_t r = 0; r < rows; ++r)
      each_vector(d, [&](int64_t i, int lanes) { store(to + r * stride(d) + i, load_n(m.data + r * m.row + i, lanes)); });
  }
};

/** scores[key][query] = left · right: panels of `keys` rows by panels of `queries` columns over d. */
ETALON_INLINE void block_scores(const float* left, const float* right, int64_t keys, int64_t queries, int64_t d, float* scores) {
  for (int64_t i = 0; i < keys; i += MR) {
    const int height = static_cast<int>(least<int64_t>(MR, keys - i));
    for (int64_t j = 0; j < queries; j += NR) {
      const int vectors = static_cast<int>(blocks(least<int64_t>(NR, queries - j), VL));
      const Sink sink{scores + i * kQueries + j, kQueries, nullptr, nullptr};
      tile_of<Packed>(height, vectors)(d, left + i / MR * LeftPanels::stride(d), Packed{height}, right + j * d, vectors * VL, VL, sink);
    }
  }
}

/** c[rows, d] (+)= a·b: a by its layout, `step` from a row of a to the next; b in padded rows. */
template <typename Layout>
ETALON_INLINE void block_product(const float* a, Layout layout, int64_t step, const float* b, int64_t rows, int64_t d, int64_t k, float* c, int64_t ldc, bool add) {
  for (int64_t i = 0; i < rows; i += MR) {
    const int height = static_cast<int>(least<int64_t>(MR, rows - i));
    for (int64_t j = 0; j < d; j += NR) {
      const int64_t width = least<int64_t>(NR, d - j);
      const int vectors = static_cast<int>(blocks(width, VL));
      const Sink sink{c + i * ldc + j, ldc, nullptr, add ? c + i * ldc + j : nullptr};
      tile_of<Layout>(height, vectors)(k, a + i * step, layout, b + j, RightRows::stride(d), static_cast<int>(width - (vectors - 1) * VL), sink);
    }
  }
}

/** Keys that query `query` may see, at most. */
ETALON_INLINE int64_t visible(const etalon_attention_args& args, int64_t query) {
  return args.causal ? most<int64_t>(0, least(args.keys, query + 1 + args.keys - args.queries)) : args.keys;
}

/** Adds bias·log₂e to scores (which are in units of log₂ already: q is packed times scale·log₂e), and −infinity where a key is not seen. */
void mask_scores(const etalon_attention_args& args, int64_t batch, int64_t head, int64_t query, int64_t queries, int64_t key, int64_t keys, float* scores);
}  // namespace etalon::tensor::ETALON_TARGET
