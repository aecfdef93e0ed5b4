// rope, geglu and the 16-bit formats against float64 or in every bit; the activations over their whole range.
#include <limits>

#include "expect.h"
#include "reference/tensor.h"

namespace {
void rope(int64_t batch, int64_t tokens, int64_t heads, int64_t depth) {
  const int64_t half = depth / 2, row = heads * depth + 3;   // rows with something between
  const Floats x = draws(batch * tokens * row, 1), angles = draws(tokens * half, 2);
  Floats cosines, sines;
  for (const float angle : angles) cosines.push_back(std::cos(3 * angle)), sines.push_back(std::sin(3 * angle));
  Doubles want(x.begin(), x.end());
  for (int64_t r = 0; r < batch * tokens; ++r)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < half; ++i) {
        const int64_t at = r * row + h * depth + 2 * i;
        const double c = cosines[r % tokens * half + i], s = sines[r % tokens * half + i];
        want[at] = x[at] * c - x[at + 1] * s;
        want[at + 1] = x[at] * s + x[at + 1] * c;
      }
  const Doubles back(x.begin(), x.end());
  on_all_targets(
      "rope [" + std::to_string(batch) + "," + std::to_string(tokens) + "," + std::to_string(heads) + "," + std::to_string(depth) + "]",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        Floats y = x;
        etalon_rope_args args = ETALON_ROPE_ARGS_INIT;
        args.batch = batch, args.tokens = tokens, args.heads = heads, args.depth = depth;
        args.x = {y.data(), tokens * row, depth, row}, args.y = {y.data(), tokens * row, depth, row};   // in place
        args.cos = cosines.data(), args.sin = sines.data();
        ok(ctx, etalon_rope(ctx, &args));
        results = {y};
        args.inverse = 1;
        ok(ctx, etalon_rope(ctx, &args));
        results.push_back(y);
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], want, 3e-7, 1, "turned");
        expect_close(results[1], back, 6e-7, 1, "turned back");
      });
}

void geglu(int64_t rows, int64_t width) {
  Floats x = draws(rows * 2 * width, 1);
  for (float& value : x) value *= 3;
  const Floats dy = draws(rows * width, 2);
  Doubles y(dy.size()), dx(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) {
      const double value = x[r * 2 * width + i], gate = x[r * 2 * width + width + i], g = dy[r * width + i];
      y[r * width + i] = value * reference::activation(4, gate);
      dx[r * 2 * width + i] = g * reference::activation(4, gate);
      dx[r * 2 * width + width + i] = g * value * reference::slope(4, gate);
    }
  on_all_targets(
      "geglu [" + std::to_string(rows) + "," + std::to_string(width) + "]",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(dy.size()), x};
        etalon_geglu_args args = ETALON_GEGLU_ARGS_INIT;
        args.rows = rows, args.width = width, args.x = x.data(), args.y = results[0].data();
        ok(ctx, etalon_geglu(ctx, &args));
        etalon_geglu_gradients_args g = ETALON_GEGLU_GRADIENTS_ARGS_INIT;
        g.rows = rows, g.width = width, g.x = g.dx = results[1].data(), g.dy = dy.data();   // in place
        ok(ctx, etalon_geglu_gradients(ctx, &g));
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], y, 1e-6, 1, "y");
        expect_close(results[1], dx, 1e-6, 1, "dx");
      });
}

/** All 65 536 patterns, and a length that is no multiple of a vector. */
void unpack() {
  std::vector<uint16_t> bits(65536 + 5);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  Floats bf16, f16;
  for (const uint16_t b : bits) {
    const uint32_t word = uint32_t{b} << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    bf16.push_back(value);
    const int exponent = b >> 10 & 31, mantissa = b & 1023;
    const double size = exponent == 31 ? (mantissa ? std::nan("") : std::numeric_limits<double>::infinity())
                                       : std::ldexp(exponent ? 1024 + mantissa : mantissa, (exponent ? exponent : 1) - 25);
    f16.push_back(static_cast<float>(b >> 15 ? -size : size));
  }
  on_all_targets(
      "unpack",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(bits.size()), Floats(bits.size())};
        ok(ctx, etalon_unpack_bf16(ctx, static_cast<int64_t>(bits.size()), bits.data(), results[0].data()));
        ok(ctx, etalon_unpack_f16(ctx, static_cast<int64_t>(bits.size()), bits.data(), results[1].data()));
      },
      [&](const std::vector<Floats>& results) {
        expect_same_bits(results[0], bf16, "bf16");
        for (size_t i = 0; i < bits.size(); ++i) {
          const float got = results[1][i], want = f16[i];
          if (std::isnan(want) ? !std::isnan(got) : std::memcmp(&got, &want, sizeof got) != 0) return expect(false, "f16 pattern " + std::to_string(i));
        }
      });
}

/** Through a product with 1: relative to max(|y|, a value in the middle of the range), and at the ends. */
void activations() {
  const float inf = std::numeric_limits<float>::infinity();
  Floats x;
  for (double value = -110; value <= 110; value += 0.0137) x.push_back(static_cast<float>(value));
  for (const float value : {-0.0f, 0.0f, 1e-30f, -1e-30f, -1e30f, 1e30f, inf, std::nanf("")}) x.push_back(value);
  const float one = 1;
  for (const int kind : {1, 2, 3, 4}) {
    Doubles want;
    for (const float value : x) want.push_back(reference::activation(kind, value));
    on_all_targets(
        "activation " + std::to_string(kind),
        [&](etalon_context* ctx, std::vector<Floats>& results) {
          results = {Floats(x.size())};
          etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
          args.m = static_cast<int64_t>(x.size()), args.n = args.k = 1, args.a = x.data(), args.lda = args.ldb = args.ldc = 1, args.b = &one, args.c = results[0].data();
          args.activation = static_cast<etalon_activation>(kind);
          ok(ctx, etalon_gemm(ctx, &args));
        },
        [&](const std::vector<Floats>& results) { expect_close(results[0], want, 5e-7, 0.1, "y"); });
  }
}
}  // namespace

int main() {
  rope(1, 1, 1, 2);
  rope(2, 5, 3, 6);
  rope(1, 30, 4, 32);
  rope(2, 40, 3, 90);
  rope(1, 0, 2, 4);
  geglu(1, 1);
  geglu(5, 37);
  geglu(90, 200);
  geglu(0, 4);
  unpack();
  activations();
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("pointwise: all hold\n");
  return 0;
}
