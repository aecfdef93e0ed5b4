// The light kernels over whole tensors, shared out among the pool's threads in parts that do not depend on how many there are.
// Preconditions are the caller's: sizes ≥ 0 that fit the arrays; outputs share no memory with inputs.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tensor_light/light.h"

namespace etalon::light {
struct Context {
  const Kernels& kernels;
  int threads;
};

void unary(const Context& ctx, const Unary& kernel, const void* x, void* y, int64_t count, float a, float b);
/** Over the layout's space; out is contiguous. The layout is made simpler first. */
void binary(const Context& ctx, const Binary& kernel, Layout layout, const void* left, const void* right, void* out);
/** out[i] = condition[i / repeat] ? yes[i] : no[i], elements of 4 or 1 bytes. */
void select(const Context& ctx, const uint8_t* condition, int64_t repeat, const void* yes, const void* no, void* out, int64_t count, int bytes);
/** Elements of 4 or 1 bytes, all with these bits. */
void fill(const Context& ctx, void* out, uint32_t bits, int64_t count, int bytes);

/** x [outer, n, inner] over its middle axis into y [outer, inner]; n ≥ 1. */
void reduce(const Context& ctx, Reduction kind, const float* x, float* y, int64_t outer, int64_t n, int64_t inner);
/** The same for int32: sum and prod wrap around. No mean. */
void reduce(const Context& ctx, Reduction kind, const int32_t* x, int32_t* y, int64_t outer, int64_t n, int64_t inner);
/** max is any, min is all. */
void reduce(const Context& ctx, Reduction kind, const uint8_t* x, uint8_t* y, int64_t outer, int64_t n, int64_t inner);
/** The index of the first extreme; NaN is passed over, unless it comes first. */
void arg_extreme(const Context& ctx, bool largest, const float* x, int32_t* y, int64_t outer, int64_t n, int64_t inner);
void softmax(const Context& ctx, const float* x, float* y, int64_t rows, int64_t n, bool logarithm);
/** Running sums or products along the last of [rows, n]. */
void cumulate(const Context& ctx, bool product, bool exclusive, bool reverse, const float* x, float* y, int64_t rows, int64_t n);

/** target[index·stride[1]] = source[index·stride[0]] over the layout's space; strides may be negative in the source. Elements of 4 or 1 bytes. */
void copy(const Context& ctx, Layout layout, const void* source, void* target, int bytes);

/** Rows [first, first + rows) of a weight as files have it into the whole as memory has it, elements of 2 or 4 bytes; see Turn. */
void turn(const Context& ctx, const Turn& turn, int64_t first, const void* x, void* y, int bytes);
/** Where the first NaN or infinity stands; −1: there is none. */
int64_t first_not_finite(const Context& ctx, Float kind, const void* x, int64_t count);

struct Gather {
  int64_t batch, outer, axis, inner, indices;
};
/** y[b, o, i, :] = x[b, o, at[b, i], :]. @return where in `at` the first index outside [0, axis) stands, and nothing is written then; −1: all are inside */
int64_t gather(const Context& ctx, const Gather& sizes, const void* x, const int32_t* at, void* y, int bytes);
/** y[at[r], :] += x[r, :], y [segments, inner] zero before; rows outside are left out. In the order of the rows. */
void segment_sum(const Context& ctx, const float* x, const int32_t* at, float* y, int64_t rows, int64_t inner, int64_t segments);

/** Pictures [batch, rows, columns, channels] to [batch, toRows, toColumns, channels], no extent 0; alignCorners and halfPixelCenters as tfjs means them, not both. */
struct Resize {
  bool bilinear;   // else the nearest pixel
  int64_t batch, rows, columns, toRows, toColumns, channels;
  bool alignCorners, halfPixelCenters;
};
/** Elements of 4 bytes; float32 where bilinear. */
void resize(const Context& ctx, const Resize& how, const void* x, void* y);
/** dx: the transpose of `resize`, whose sums are in float64. */
void resize_gradient(const Context& ctx, const Resize& how, const float* dy, float* dx);

/** Elements in a task of the pool, and below which a call stays on its thread. */
constexpr int64_t kTask = 16384;
}  // namespace etalon::light
