// The light tensor kernels: elementwise operations, reductions, copies, gathers. One table a target; light.cpp shares the work out among threads.
// Elementwise results are the same bits on every target (no fma, no library call in the vector forms); sums have fixed chunks and lanes, so they are the same
// bits for any thread count, and on every target too.
#pragma once
#include <cstdint>

namespace etalon::light {
enum class Type : int { f32, i32, u8 };

constexpr int kMaxRank = 8;

/** The index space of a result, and where each operand's element of an index lies, in elements. Row-major; a stride of 0 broadcasts. */
struct Layout {
  int rank = 0;
  int64_t shape[kMaxRank];
  int64_t stride[2][kMaxRank];
};

/** y[i] = f(x[i]; a, b) for i in [0, count). */
using UnaryFunction = void (*)(const void* x, void* y, int64_t count, float a, float b);
/** out[i] = f(left, right) for i in [start, end) of the layout's space; stride[0] is left's, stride[1] right's. */
using BinaryFunction = void (*)(const Layout& layout, const void* left, const void* right, void* out, int64_t start, int64_t end);

struct Unary {
  const char* name;
  Type in, out;
  /** Nanoseconds an element, roughly: decides how much work is a task. */
  bool costly;
  UnaryFunction run;
};
struct Binary {
  const char* name;
  Type in, out;
  bool costly;
  BinaryFunction run;
};

enum class Reduction : int { sum, mean, prod, max, min };

/** A tile of the copy's inner two axes, see copy.inc. */
struct Tile {
  int64_t rows, columns, source, target;
};

/**
 * Rows of a weight as files have it, [rows, inputs, taps], and where they go: [taps, inputs, outputs]. Of a linear layer taps is 1.
 */
struct Turn {
  int64_t rows, inputs, taps, outputs;
};

/** What a number's bits mean, for a look at NaN and infinity. */
enum class Float : int { f16, bf16, f32 };

/** Between which two pixels of an axis a pixel of the resized one lies, and how far along: x[low] + (x[high] − x[low])·part. */
struct Tap {
  int64_t low, high;
  double part;
};
struct Range {
  int64_t first, end;
};
/** A resized axis: a tap for each of its `after` pixels; which taps touch each of the `before` ones. */
struct Resampling {
  int64_t before, after;
  const Tap* taps;
  const Range* touching;
};

struct Kernels {
  const char* name;
  const Unary* unary;
  int unaries;
  const Binary* binary;
  int binaries;
  /** Sum of a block, in 16 lanes. */
  double (*sum)(const float* x, int64_t count);
  /** Extreme or product of a row's part; `from` is what it starts with. */
  float (*fold)(Reduction kind, const float* x, int64_t count, float from);
  /** into[c] of columns [0, columns): sums in float64, or extremes and products, over `rows` rows of `stride` elements. */
  void (*sum_columns)(const float* x, int64_t rows, int64_t columns, int64_t stride, double* into);
  void (*fold_columns)(Reduction kind, const float* x, int64_t rows, int64_t columns, int64_t stride, float* into);
  /** Softmax of a row, or its logarithm. */
  void (*softmax)(const float* x, float* y, int64_t count, bool logarithm);
  void (*accumulate)(const float* x, float* into, int64_t count);
  /** y[r·target + c] = x[r + c·source]: both sides along their memory. */
  void (*transpose4)(const uint32_t* x, uint32_t* y, const Tile& tile);
  void (*transpose1)(const uint8_t* x, uint8_t* y, const Tile& tile);
  /** y[(t·inputs + i)·outputs + o] = x[(o·inputs + i)·taps + t] for i·taps + t in [start, end) and all rows o. */
  void (*turn2)(const uint16_t* x, uint16_t* y, const Turn& turn, int64_t start, int64_t end);
  void (*turn4)(const uint32_t* x, uint32_t* y, const Turn& turn, int64_t start, int64_t end);
  /** Whether an exponent is all ones: NaN or infinity. */
  bool (*not_finite)(Float kind, const void* x, int64_t count);
  /** A row of a picture resized, and a row of the gradient: see resize.inc. */
  void (*blend_row)(const float* x, const Resampling& rows, int64_t to, const Resampling& columns, int64_t channels, float* y);
  void (*collect_row)(const float* dy, const Resampling& rows, int64_t from, const Resampling& columns, int64_t channels, float* dx);
};

/** The kernels of the target of that name; null where this build has none. */
const Kernels* kernels_of(const char* target);
}  // namespace etalon::light
