// The packing that feeds the tiles: operands into panels in the order in which a tile reads them.
#pragma once
#include "tensor/kernels/tile.h"

namespace etalon::tensor::ETALON_TARGET {
/** Floats of a packed panel of a: a vector may be stored past its end. */
constexpr int64_t panel_floats(int rows, int64_t k) { return rows * k + VL; }

/** A row, or a piece of one, into a panel of rows kRow apart. Writes up to VL floats past its last element. */
ETALON_INLINE void copy_row(const float* row, int64_t k, float* to) {
  each_vector(k, [&](int64_t p, int lanes) { store(to + p, load_n(row + p, lanes)); });
}
/** a's rows, lda apart, to a panel [k][rows]. Writes up to panel_floats. */
void pack_rows(const float* a, int64_t lda, int rows, int64_t k, float* panel);
/** Columns of a (a transposed operand: element (i, p) at a[p·lda + i]) to a panel [k][rows]. Writes up to panel_floats; reads no more than the rows. */
void pack_columns(const float* a, int64_t lda, int rows, int64_t k, float* panel);
/** b's rows to a panel [k][vectors·VL], zeros behind its columns. */
void pack_b(const float* b, int64_t ldb, int columns, int64_t k, float* panel);
/** A transposed b (element (p, j) at b[j·ldb + p]) to a panel [k][vectors·VL], zeros behind its columns. */
void pack_b_turned(const float* b, int64_t ldb, int columns, int64_t k, float* panel);
}  // namespace etalon::tensor::ETALON_TARGET
