#include <vector>

#include "tensor_light/launch.h"
#include "tensor_light/layout.h"

namespace etalon::light {
namespace {
constexpr int64_t kBlock = 65536;   // elements of a row that are summed as one
constexpr int64_t kStrip = 256;     // columns that are summed side by side
constexpr int64_t kRows = 1024;     // rows of a strip that are summed as one

int64_t ceil_of(int64_t a, int64_t b) { return (a + b - 1) / b; }

void sum_rows(const Context& ctx, const float* x, float* y, int64_t outer, int64_t n, double factor) {
  const int64_t blocks = ceil_of(n, kBlock);
  std::vector<double> parts(blocks > 1 ? static_cast<size_t>(outer * blocks) : 0);
  split_units(ctx.threads, outer * blocks, n < kBlock ? n : kBlock, kTask, [&](int64_t unit) {
    const int64_t row = unit / blocks, from = unit % blocks * kBlock, left = n - from;
    const double part = ctx.kernels.sum(x + row * n + from, left < kBlock ? left : kBlock);
    if (blocks == 1)
      y[row] = static_cast<float>(part * factor);
    else
      parts[static_cast<size_t>(unit)] = part;
  });
  if (blocks == 1) return;
  for (int64_t row = 0; row < outer; ++row) {
    double total = 0;
    for (int64_t b = 0; b < blocks; ++b) total += parts[static_cast<size_t>(row * blocks + b)];
    y[row] = static_cast<float>(total * factor);
  }
}

void sum_middle(const Context& ctx, const float* x, float* y, int64_t outer, int64_t n, int64_t inner, double factor) {
  const int64_t strips = ceil_of(inner, kStrip), parts = ceil_of(n, kRows);
  std::vector<double> sums(parts > 1 ? static_cast<size_t>(outer * parts * inner) : 0);
  split_units(ctx.threads, outer * parts * strips, (n < kRows ? n : kRows) * (inner < kStrip ? inner : kStrip), kTask, [&](int64_t unit) {
    const int64_t strip = unit % strips * kStrip, part = unit / strips % parts, o = unit / strips / parts;
    const int64_t rows = n - part * kRows < kRows ? n - part * kRows : kRows, columns = inner - strip < kStrip ? inner - strip : kStrip;
    double local[kStrip];
    double* const into = parts == 1 ? local : sums.data() + (o * parts + part) * inner + strip;
    ctx.kernels.sum_columns(x + (o * n + part * kRows) * inner + strip, rows, columns, inner, into);
    if (parts == 1)
      for (int64_t c = 0; c < columns; ++c) y[o * inner + strip + c] = static_cast<float>(local[c] * factor);
  });
  if (parts == 1) return;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c < inner; ++c) {
      double total = 0;
      for (int64_t p = 0; p < parts; ++p) total += sums[static_cast<size_t>((o * parts + p) * inner + c)];
      y[o * inner + c] = static_cast<float>(total * factor);
    }
}

void fold_middle(const Context& ctx, Reduction kind, const float* x, float* y, int64_t outer, int64_t n, int64_t inner) {
  const float from = kind == Reduction::prod ? 1.0f : (kind == Reduction::max ? -__builtin_inff() : __builtin_inff());
  if (inner == 1) {
    const int64_t blocks = ceil_of(n, kBlock);
    std::vector<float> parts(static_cast<size_t>(outer * blocks));
    split_units(ctx.threads, outer * blocks, n < kBlock ? n : kBlock, kTask, [&](int64_t unit) {
      const int64_t row = unit / blocks, start = unit % blocks * kBlock, left = n - start;
      parts[static_cast<size_t>(unit)] = ctx.kernels.fold(kind, x + row * n + start, left < kBlock ? left : kBlock, from);
    });
    for (int64_t row = 0; row < outer; ++row) y[row] = blocks == 1 ? parts[static_cast<size_t>(row)] : ctx.kernels.fold(kind, parts.data() + row * blocks, blocks, from);
    return;
  }
  const int64_t strips = ceil_of(inner, kStrip);
  split_units(ctx.threads, outer * strips, n * (inner < kStrip ? inner : kStrip), kTask, [&](int64_t unit) {
    const int64_t strip = unit % strips * kStrip, o = unit / strips, columns = inner - strip < kStrip ? inner - strip : kStrip;
    ctx.kernels.fold_columns(kind, x + o * n * inner + strip, n, columns, inner, y + o * inner + strip);
  });
}

/** One result at a time: for the types that are not hot. */
template <typename T, typename F>
void fold_plainly(const Context& ctx, const T* x, T* y, int64_t outer, int64_t n, int64_t inner, F f) {
  split_units(ctx.threads, outer * inner, n, kTask, [&](int64_t unit) {
    const T* at = x + unit / inner * n * inner + unit % inner;
    T value = *at;
    for (int64_t i = 1; i < n; ++i) value = f(value, at[i * inner]);
    y[unit] = value;
  });
}
}  // namespace

void reduce(const Context& ctx, Reduction kind, const float* x, float* y, int64_t outer, int64_t n, int64_t inner) {
  if (kind != Reduction::sum && kind != Reduction::mean) return fold_middle(ctx, kind, x, y, outer, n, inner);
  const double factor = kind == Reduction::mean ? 1.0 / static_cast<double>(n) : 1.0;
  if (inner == 1) return sum_rows(ctx, x, y, outer, n, factor);
  sum_middle(ctx, x, y, outer, n, inner, factor);
}

void reduce(const Context& ctx, Reduction kind, const int32_t* x, int32_t* y, int64_t outer, int64_t n, int64_t inner) {
  const auto wrap = [](uint32_t bits) { return static_cast<int32_t>(bits); };
  if (kind == Reduction::sum)
    fold_plainly(ctx, x, y, outer, n, inner, [&](int32_t a, int32_t b) { return wrap(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); });
  if (kind == Reduction::prod)
    fold_plainly(ctx, x, y, outer, n, inner, [&](int32_t a, int32_t b) { return wrap(static_cast<uint32_t>(a) * static_cast<uint32_t>(b)); });
  if (kind == Reduction::max) fold_plainly(ctx, x, y, outer, n, inner, [](int32_t a, int32_t b) { return a > b ? a : b; });
  if (kind == Reduction::min) fold_plainly(ctx, x, y, outer, n, inner, [](int32_t a, int32_t b) { return a < b ? a : b; });
}

void reduce(const Context& ctx, Reduction kind, const uint8_t* x, uint8_t* y, int64_t outer, int64_t n, int64_t inner) {
  if (kind == Reduction::max)
    fold_plainly(ctx, x, y, outer, n, inner, [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a || b); });
  else
    fold_plainly(ctx, x, y, outer, n, inner, [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a && b); });
}

void arg_extreme(const Context& ctx, bool largest, const float* x, int32_t* y, int64_t outer, int64_t n, int64_t inner) {
  split_units(ctx.threads, outer * inner, n, kTask, [&](int64_t unit) {
    const float* at = x + unit / inner * n * inner + unit % inner;
    float best = *at;
    int64_t where = 0;
    for (int64_t i = 1; i < n; ++i) {
      const float value = at[i * inner];
      if (largest ? value > best : value < best) {
        best = value;
        where = i;
      }
    }
    y[unit] = static_cast<int32_t>(where);
  });
}

void softmax(const Context& ctx, const float* x, float* y, int64_t rows, int64_t n, bool logarithm) {
  split_units(ctx.threads, rows, n, kTask / 4, [&](int64_t row) { ctx.kernels.softmax(x + row * n, y + row * n, n, logarithm); });
}

void cumulate(const Context& ctx, bool product, bool exclusive, bool reverse, const float* x, float* y, int64_t rows, int64_t n) {
  split_units(ctx.threads, rows, n, kTask, [&](int64_t row) {
    float sum = product ? 1.0f : 0.0f;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = row * n + (reverse ? n - 1 - i : i);
      const float value = x[at], next = product ? sum * value : sum + value;
      y[at] = exclusive ? sum : next;
      sum = next;
    }
  });
}
}  // namespace etalon::light
