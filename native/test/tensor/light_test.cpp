// The light kernels: every operation on every target and 1 … 3 threads gives the same bits; reductions, moves and resizes are those of plain loops.
// What each formula gives beside tfjs's own is held by packages/engine (againstJavaScript.test.ts).
#include "tensor_light/launch.h"

#include <array>
#include <functional>
#include <initializer_list>
#include <limits>

#include "expect.h"

namespace {
using namespace etalon::light;
using On = etalon::light::Context;

const int64_t kLong = 2 * kTask + 13;   // three tasks, the last of odd length

int bytes_of(Type type) { return type == Type::u8 ? 1 : 4; }

/** Values of every kind in memory of its own, so that a sanitizer sees what runs past it. */
std::vector<char> operand(Type type, int64_t count, double salt) {
  std::vector<char> memory(static_cast<size_t>(count * bytes_of(type)));
  const float inf = std::numeric_limits<float>::infinity();
  const float ends[] = {0.0f, -0.0f, 1.0f, -1.0f, inf, -inf, std::nanf(""), 1e-40f, 3e38f, -3e9f};
  const int32_t whole[] = {0, 1, -1, INT32_MAX, INT32_MIN, 7};
  const Floats values = draws(count, salt);
  for (int64_t i = 0; i < count; ++i) {
    const float value = i % 7 == 3 ? ends[i / 7 % 10] : 40 * values[i];
    const int32_t number = i % 5 == 3 ? whole[i / 5 % 6] : static_cast<int32_t>(1000 * values[i]);
    if (type == Type::f32) std::memcpy(&memory[i * 4], &value, 4);
    if (type == Type::i32) std::memcpy(&memory[i * 4], &number, 4);
    if (type == Type::u8) memory[i] = values[i] > 0;
  }
  return memory;
}

/** Runs on every target with 1, 2 and 3 threads: `out` bytes that must always be the same; NaN of any bits counts as one. */
std::vector<char> everywhere(const std::string& name, int64_t out, bool floats, const std::function<void(const On&, void*)>& run) {
  std::vector<char> first;
  for (int i = 0; const char* target = etalon_available_target(i); ++i)
    for (const int threads : {1, 2, 3}) {
      where = name + " on " + target + ", " + std::to_string(threads) + " threads";
      std::vector<char> result(static_cast<size_t>(out));
      run({*kernels_of(target), threads}, result.data());
      for (int64_t at = 0; floats && at < out; at += 4) {
        float value;
        std::memcpy(&value, &result[at], 4);
        if (std::isnan(value)) value = std::nanf(""), std::memcpy(&result[at], &value, 4);
      }
      if (first.empty()) first = result;
      expect(result == first, "other bits");
    }
  return first;
}
Floats as_floats(const std::vector<char>& bytes) {
  Floats values(bytes.size() / 4);
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}
const float* floats(const std::vector<char>& bytes) { return reinterpret_cast<const float*>(bytes.data()); }

void elementwise() {
  const Kernels& any = *kernels_of("scalar");
  for (int k = 0; k < any.unaries; ++k) {
    const Unary& f = any.unary[k];
    const std::vector<char> x = operand(f.in, kLong, 1);
    everywhere(f.name, kLong * bytes_of(f.out), f.out == Type::f32, [&](const On& ctx, void* y) { unary(ctx, ctx.kernels.unary[k], x.data(), y, kLong, -2, 3); });
  }
  // [129, 3, 85], right broadcast along the last axis and the first
  Layout layout;
  layout.rank = 3;
  const int64_t shape[] = {129, 3, 85}, right[] = {0, 1, 0}, left[] = {255, 85, 1};
  for (int d = 0; d < 3; ++d) layout.shape[d] = shape[d], layout.stride[0][d] = left[d], layout.stride[1][d] = right[d];
  const int64_t count = 129 * 3 * 85;
  for (int k = 0; k < any.binaries; ++k) {
    const Binary& f = any.binary[k];
    const std::vector<char> x = operand(f.in, count, 1), y = operand(f.in, 3, 2);
    everywhere(f.name, count * bytes_of(f.out), f.out == Type::f32,
               [&](const On& ctx, void* out) { binary(ctx, ctx.kernels.binary[k], layout, x.data(), y.data(), out); });
  }
  const std::vector<char> yes = operand(Type::f32, kLong, 1), no = operand(Type::f32, kLong, 2), which = operand(Type::u8, kLong, 3);
  everywhere("select", kLong * 4, true, [&](const On& ctx, void* y) { select(ctx, reinterpret_cast<const uint8_t*>(which.data()), 1, yes.data(), no.data(), y, kLong, 4); });
  everywhere("select by rows", kLong, false, [&](const On& ctx, void* y) { select(ctx, reinterpret_cast<const uint8_t*>(which.data()), 13, which.data(), which.data(), y, kLong, 1); });
  const auto filled = everywhere("fill", kLong * 4, false, [&](const On& ctx, void* y) { fill(ctx, y, 0x3F800000u, kLong, 4); });
  expect(floats(filled)[0] == 1 && floats(filled)[kLong - 1] == 1, "fill");
}

void reductions() {
  const struct {
    int64_t outer, n, inner;
  } shapes[] = {{3, 70001, 1}, {700, 37, 1}, {2, 1100, 300}, {5, 9, 7}, {1, 1, 1}};
  for (const auto& [outer, n, inner] : shapes) {
    const Floats x = draws(outer * n * inner, 4);
    const std::string size = " [" + std::to_string(outer) + "," + std::to_string(n) + "," + std::to_string(inner) + "]";
    for (const Reduction kind : {Reduction::sum, Reduction::mean, Reduction::prod, Reduction::max, Reduction::min}) {
      const auto y = everywhere("reduction " + std::to_string(static_cast<int>(kind)) + size, outer * inner * 4, true,
                                [&](const On& ctx, void* to) { reduce(ctx, kind, x.data(), static_cast<float*>(to), outer, n, inner); });
      Doubles want;
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < inner; ++i) {
          double value = kind == Reduction::prod ? 1 : kind == Reduction::max ? -2 : kind == Reduction::min ? 2 : 0;
          for (int64_t j = 0; j < n; ++j) {
            const double next = x[(o * n + j) * inner + i];
            value = kind == Reduction::prod ? value * next : kind == Reduction::max ? std::fmax(value, next) : kind == Reduction::min ? std::fmin(value, next) : value + next;
          }
          want.push_back(kind == Reduction::mean ? value / double(n) : value);
        }
      expect_close(as_floats(y), want, 1e-5, kind == Reduction::prod ? 1e-30 : 1, "y");   // long products go to 0
    }
    const std::vector<char> whole = operand(Type::i32, outer * n * inner, 5), bits = operand(Type::u8, outer * n * inner, 6);
    for (const Reduction kind : {Reduction::sum, Reduction::prod, Reduction::max, Reduction::min})
      everywhere("int32 reduction" + size, outer * inner * 4, false,
                 [&](const On& ctx, void* to) { reduce(ctx, kind, reinterpret_cast<const int32_t*>(whole.data()), static_cast<int32_t*>(to), outer, n, inner); });
    for (const Reduction kind : {Reduction::max, Reduction::min})
      everywhere("bool reduction" + size, outer * inner, false,
                 [&](const On& ctx, void* to) { reduce(ctx, kind, reinterpret_cast<const uint8_t*>(bits.data()), static_cast<uint8_t*>(to), outer, n, inner); });
    everywhere("argmax" + size, outer * inner * 4, false, [&](const On& ctx, void* to) { arg_extreme(ctx, true, x.data(), static_cast<int32_t*>(to), outer, n, inner); });
    const int64_t rows = outer * inner;
    for (const bool logarithm : {false, true}) {
      const auto y = everywhere("softmax" + size, rows * n * 4, true, [&](const On& ctx, void* to) { softmax(ctx, x.data(), static_cast<float*>(to), rows, n, logarithm); });
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += logarithm ? std::exp(double(floats(y)[i])) : double(floats(y)[i]);
      expect(std::fabs(total - 1) < 1e-5, "a softmax sums to 1");
    }
    for (const bool reverse : {false, true})
      everywhere("cumsum" + size, rows * n * 4, true, [&](const On& ctx, void* to) { cumulate(ctx, false, reverse, reverse, x.data(), static_cast<float*>(to), rows, n); });
  }
}

void moves() {
  const int64_t a = 150, b = 3, c = 130;
  for (const int bytes : {4, 1}) {
    std::vector<char> x(static_cast<size_t>(a * b * c * bytes));
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<char>(i * 31 % 127);
    Layout layout;   // [a, b, c] → [c, b, a], the middle axis backwards
    layout.rank = 3;
    const int64_t shape[] = {c, b, a}, source[] = {1, -c, b * c}, target[] = {b * a, a, 1};
    for (int d = 0; d < 3; ++d) layout.shape[d] = shape[d], layout.stride[0][d] = source[d], layout.stride[1][d] = target[d];
    const auto y = everywhere("transpose", a * b * c * bytes, false, [&](const On& ctx, void* to) { copy(ctx, layout, x.data() + (b - 1) * c * bytes, to, bytes); });
    bool same = true;
    for (int64_t i = 0; i < c; ++i)
      for (int64_t j = 0; j < b; ++j)
        for (int64_t k = 0; k < a; ++k) same = same && std::memcmp(&y[((i * b + j) * a + k) * bytes], &x[((k * b + b - 1 - j) * c + i) * bytes], static_cast<size_t>(bytes)) == 0;
    expect(same, "transpose");
  }
  const int64_t rows = 40, inner = 500, taken = 90;
  const Floats x = draws(rows * inner, 1);
  std::vector<int32_t> at;
  for (int64_t i = 0; i < taken; ++i) at.push_back(static_cast<int32_t>(i * 17 % rows));
  const auto y = as_floats(everywhere("gather", taken * inner * 4, true, [&](const On& ctx, void* to) {
    expect(gather(ctx, {1, 1, rows, inner, taken}, x.data(), at.data(), to, 4) == -1, "all inside");
  }));
  Doubles sums(static_cast<size_t>(rows * inner));
  for (int64_t i = 0; i < taken; ++i)
    for (int64_t d = 0; d < inner; ++d) {
      if (y[i * inner + d] != x[at[i] * inner + d]) return expect(false, "gather");
      sums[at[i] * inner + d] += y[i * inner + d];
    }
  at[7] = -1;   // left out
  for (int64_t d = 0; d < inner; ++d) sums[7 * 17 % rows * inner + d] -= y[7 * inner + d];
  expect_close(as_floats(everywhere("segment sum", rows * inner * 4, true, [&](const On& ctx, void* to) {
                 segment_sum(ctx, y.data(), at.data(), static_cast<float*>(to), taken, inner, rows);
                 std::vector<char> unused(static_cast<size_t>(taken * inner * 4));
                 expect(gather(ctx, {1, 1, rows, inner, taken}, x.data(), at.data(), unused.data(), 4) == 7, "the first outside");
               })),
               sums, 1e-6, 1, "sums");
}

/** Where a pixel comes from, put plainly; the gradient is the transpose. */
void pictures(const Resize& how) {
  const auto source = [&](int64_t to, int64_t before, int64_t after, int64_t& low, int64_t& high) {
    const bool aligned = how.alignCorners && after > 1;
    const double ratio = aligned ? double(before - 1) / double(after - 1) : double(before) / double(after), last = double(before - 1);
    const double at = how.halfPixelCenters ? (double(to) + 0.5) * ratio - (how.bilinear ? 0.5 : 0.0) : double(to) * ratio;
    if (!how.bilinear) return low = high = static_cast<int64_t>(std::fmin(last, how.alignCorners ? std::floor(at + 0.5) : std::floor(at))), 0.0;
    const double inside = std::fmax(0.0, std::fmin(last, at));
    low = static_cast<int64_t>(std::floor(inside)), high = static_cast<int64_t>(std::ceil(inside));
    return inside - double(low);
  };
  const int64_t before = how.batch * how.rows * how.columns * how.channels, after = how.batch * how.toRows * how.toColumns * how.channels;
  const Floats x = draws(before, 1), dy = draws(after, 2);
  Doubles y(static_cast<size_t>(after)), dx(static_cast<size_t>(before));
  for (int64_t b = 0, at = 0; b < how.batch; ++b)
    for (int64_t r = 0; r < how.toRows; ++r)
      for (int64_t c = 0; c < how.toColumns; ++c) {
        int64_t i[2], j[2];
        const double down = source(r, how.rows, how.toRows, i[0], i[1]), across = source(c, how.columns, how.toColumns, j[0], j[1]);
        for (int64_t d = 0; d < how.channels; ++d, ++at)
          for (const int p : {0, 1})
            for (const int q : {0, 1}) {
              const double weight = (p ? down : 1 - down) * (q ? across : 1 - across);
              const int64_t from = ((b * how.rows + i[p]) * how.columns + j[q]) * how.channels + d;
              y[at] += weight * x[from];
              dx[from] += weight * dy[at];
            }
      }
  const std::string name = "resize [" + std::to_string(how.rows) + "," + std::to_string(how.columns) + "] to [" + std::to_string(how.toRows) + "," + std::to_string(how.toColumns) +
                           "] bilinear " + std::to_string(how.bilinear) + " corners " + std::to_string(how.alignCorners) + " centres " + std::to_string(how.halfPixelCenters);
  expect_close(as_floats(everywhere(name, after * 4, true, [&](const On& ctx, void* to) { resize(ctx, how, x.data(), to); })), y, 2e-7, 1, "y");
  expect_close(as_floats(everywhere(name, before * 4, true, [&](const On& ctx, void* to) { resize_gradient(ctx, how, dy.data(), static_cast<float*>(to)); })), dx, 2e-7, 1, "dx");
}
}  // namespace

int main() {
  elementwise();
  reductions();
  moves();
  for (const bool bilinear : {false, true})
    for (const int kind : {0, 1, 2})
      for (const auto& [rows, columns, toRows, toColumns, channels] : std::initializer_list<std::array<int64_t, 5>>{
               {8, 8, 16, 16, 67}, {5, 7, 13, 4, 3}, {64, 48, 21, 90, 5}, {1, 1, 6, 5, 2}, {9, 4, 1, 1, 130}, {6, 6, 6, 6, 4}})
        pictures({bilinear, 2, rows, columns, toRows, toColumns, channels, kind == 1, kind == 2});
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("light: all hold\n");
  return 0;
}
