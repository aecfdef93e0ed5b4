// gemm and linear_gradients against float64: sizes around every tile, both transposes, strides, batches, activations, NaN.
#include <array>

#include "expect.h"
#include "reference/tensor.h"

namespace {
struct Case {
  int64_t m, n, k, batch;
  bool ta, tb, bias, add;
  int activation;
  int64_t pad;   // added to every leading dimension
  bool shareA, shareB;
};

std::string name_of(const Case& c) {
  return "gemm " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k) + " batch " + std::to_string(c.batch) + (c.ta ? " aT" : "") + (c.tb ? " bT" : "") +
         (c.bias ? " bias" : "") + (c.add ? " add" : "") + " act " + std::to_string(c.activation);
}

void gemm(const Case& c) {
  const int64_t rowsA = c.ta ? c.k : c.m, rowsB = c.tb ? c.n : c.k;
  const int64_t lda = (c.ta ? c.m : c.k) + c.pad, ldb = (c.tb ? c.k : c.n) + c.pad, ldc = c.n + c.pad;
  const int64_t sa = c.shareA ? 0 : rowsA * lda, sb = c.shareB ? 0 : rowsB * ldb, sc = c.m * ldc;
  // Exactly as much memory as is there to read: a sanitizer sees a step beyond.
  const auto need = [](int64_t batch, int64_t stride, int64_t rows, int64_t ld, int64_t columns) { return rows && columns ? (batch - 1) * stride + (rows - 1) * ld + columns : 0; };
  const Floats a = draws(need(c.batch, sa, rowsA, lda, lda - c.pad), 1), b = draws(need(c.batch, sb, rowsB, ldb, ldb - c.pad), 2), bias = draws(c.n, 3);
  const Floats before = draws(need(c.batch, sc, c.m, ldc, c.n), 4);
  Doubles want(before.begin(), before.end()), pre = want;
  for (int64_t t = 0; t < c.batch; ++t) {
    const Doubles one = reference::product(c.m, c.n, c.k, a.data() + t * sa, c.ta ? 1 : lda, c.ta ? lda : 1, b.data() + t * sb, c.tb ? 1 : ldb, c.tb ? ldb : 1);
    for (int64_t i = 0; i < c.m; ++i)
      for (int64_t j = 0; j < c.n; ++j) {
        double& to = pre[t * sc + i * ldc + j];
        to = one[i * c.n + j] + (c.bias ? double(bias[j]) : 0) + (c.add ? to : 0);
        want[t * sc + i * ldc + j] = reference::activation(c.activation, to);
      }
  }
  on_all_targets(
      name_of(c),
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        Floats y = before, preactivation = before;
        etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
        args.m = c.m, args.n = c.n, args.k = c.k, args.batch = c.batch;
        args.a = a.data(), args.b = b.data(), args.c = y.data();
        args.lda = lda, args.ldb = ldb, args.ldc = ldc;
        args.stride_a = sa, args.stride_b = sb, args.stride_c = sc;
        args.transpose_a = c.ta, args.transpose_b = c.tb;
        args.bias = c.bias ? bias.data() : nullptr;
        args.accumulate = c.add;
        args.activation = static_cast<etalon_activation>(c.activation);
        ok(ctx, etalon_gemm(ctx, &args));
        results = {y};
        if (c.add) {   // the same from another matrix
          Floats sum(before.size(), std::nanf(""));
          args.accumulate = 0, args.residual = before.data(), args.c = sum.data();
          ok(ctx, etalon_gemm(ctx, &args));
          for (int64_t t = 0; t < c.batch; ++t)
            for (int64_t i = 0; i < c.m; ++i)
              for (int64_t j = t * sc + i * ldc; j < t * sc + i * ldc + c.n; ++j) expect(sum[j] == y[j], "a residual gives what accumulate does");
        }
        if (!c.activation) return;
        args.preactivation = preactivation.data();
        ok(ctx, etalon_gemm(ctx, &args));
        expect_same_bits(y, results[0], "the result beside a preactivation");
        results.push_back(preactivation);
      },
      [&](const std::vector<Floats>& results) {
        const double scale = std::sqrt(double(c.k) + 1);
        expect_close(results[0], want, 1e-6, scale, "c");
        if (c.activation) expect_close(results[1], pre, 1e-6, scale, "preactivation");
      });
}

void linear_gradients(int64_t rows, int64_t inputs, int64_t outputs, int activation, bool add, int64_t pad) {
  const Floats x = draws(rows * (inputs + pad), 1), w = draws(inputs * outputs, 2), dy = draws(rows * (outputs + pad), 3), z = draws(rows * outputs, 4);
  const Floats dx0 = draws(rows * (inputs + pad), 5), dw0 = draws(inputs * outputs, 6), db0 = draws(outputs, 7);
  Floats d(static_cast<size_t>(rows * outputs));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < outputs; ++o) d[r * outputs + o] = float(double(dy[r * (outputs + pad) + o]) * reference::slope(activation, z[r * outputs + o]));
  Doubles dx(dx0.begin(), dx0.end()), dw = reference::product(inputs, outputs, rows, x.data(), 1, inputs + pad, d.data(), outputs, 1), db(static_cast<size_t>(outputs));
  const Doubles toX = reference::product(rows, inputs, outputs, d.data(), outputs, 1, w.data(), 1, outputs);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < inputs; ++i) dx[r * (inputs + pad) + i] = toX[r * inputs + i] + (add ? double(dx0[r * (inputs + pad) + i]) : 0);
    for (int64_t o = 0; o < outputs; ++o) db[o] += d[r * outputs + o];
  }
  if (add) {
    for (size_t i = 0; i < dw.size(); ++i) dw[i] += dw0[i];
    for (size_t i = 0; i < db.size(); ++i) db[i] += db0[i];
  }
  on_all_targets(
      "linear_gradients " + std::to_string(rows) + "x" + std::to_string(inputs) + "x" + std::to_string(outputs) + " act " + std::to_string(activation),
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {dx0, dw0, db0};
        etalon_linear_gradients_args args = ETALON_LINEAR_GRADIENTS_ARGS_INIT;
        args.rows = rows, args.inputs = inputs, args.outputs = outputs;
        args.dy = dy.data(), args.x = x.data(), args.w = w.data(), args.preactivation = z.data();
        args.lddy = outputs + pad, args.ldx = args.lddx = inputs + pad;
        args.activation = static_cast<etalon_activation>(activation);
        args.dx = results[0].data(), args.dw = results[1].data(), args.db = results[2].data();
        args.accumulate = args.accumulate_dx = add;
        ok(ctx, etalon_linear_gradients(ctx, &args));
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], dx, 2e-6, std::sqrt(double(outputs) + 1), "dx");
        expect_close(results[1], dw, 2e-6, std::sqrt(double(rows) + 1), "dw");
        expect_close(results[2], db, 2e-6, std::sqrt(double(rows) + 1), "db");
      });
}

void not_finite() {
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  on_all_targets(
      "gemm with NaN and infinity",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        Floats a = draws(37 * 21, 1), b = draws(21 * 35, 2), c(37 * 35);
        a[3 * 21 + 5] = nan, a[9 * 21 + 20] = inf, b[7 * 35 + 33] = 0, b[20 * 35 + 34] = 0;
        etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
        args.m = 37, args.n = 35, args.k = 21, args.a = a.data(), args.b = b.data(), args.c = c.data(), args.lda = 21, args.ldb = args.ldc = 35;
        ok(ctx, etalon_gemm(ctx, &args));
        results = {c};
        args.activation = ETALON_ACTIVATION_RELU;
        ok(ctx, etalon_gemm(ctx, &args));
        results.push_back(c);
      },
      [&](const std::vector<Floats>& results) {
        for (int i = 0; i < 37; ++i)
          for (int j = 0; j < 35; ++j) {
            const float c = results[0][i * 35 + j], relu = results[1][i * 35 + j];
            if (i == 3)
              expect(std::isnan(c) && std::isnan(relu), "a row of a with NaN gives NaN");
            else if (i == 9)
              expect(j == 34 ? std::isnan(c) : std::isinf(c), "infinity stays, and times 0 is NaN");
            else
              expect(std::isfinite(c), "NaN and infinity stay in their rows");
          }
      });
}

void refusals() {
  where = "refusals";
  Context ctx("scalar", 1);
  float one = 0;
  etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
  args.m = args.n = args.k = 1, args.a = args.b = &one, args.c = &one, args.lda = args.ldb = args.ldc = 1;
  const auto refuses = [&](auto&& change, const char* message) {
    etalon_gemm_args bad = args;
    change(bad);
    expect(etalon_gemm(ctx, &bad) == ETALON_INVALID_ARGUMENT && std::string(etalon_last_error(ctx)) == message, std::string(message) + ", got " + etalon_last_error(ctx));
  };
  refuses([](auto& a) { a.m = -1; }, "m is outside 0 ... 2^40");
  refuses([](auto& a) { a.lda = 0; }, "lda is less than a row of a");
  refuses([](auto& a) { a.b = nullptr; }, "b is NULL");
  const int unknown = 9;
  refuses([&](auto& a) { std::memcpy(&a.activation, &unknown, sizeof unknown); }, "activation is none of etalon_activation");
  refuses([](auto& a) { a.accumulate = 1, a.residual = a.c; }, "residual goes with no activation and no accumulate");
  refuses([](auto& a) { a.accumulate = 1, a.activation = ETALON_ACTIVATION_SILU; }, "accumulate goes with no activation and no preactivation");
  refuses([](auto& a) { a.batch = 2; }, "stride_c is 0: the matrices of c would share memory");
  refuses([](auto& a) { a.struct_size = 8; }, "args is NULL or not set by ETALON_GEMM_ARGS_INIT");
  expect(etalon_gemm(ctx, nullptr) == ETALON_INVALID_ARGUMENT, "NULL args");
  args.m = 0, args.batch = int64_t{1} << 40, args.stride_c = 1;   // nothing, very often
  expect(etalon_gemm(ctx, &args) == ETALON_OK, "an empty product of any batch is done at once");
}
}  // namespace

int main() {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {14, 32, 16}, {15, 33, 17}, {6, 16, 8}, {7, 17, 9}, {29, 5, 40}, {5, 70, 3}, {43, 67, 29}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        gemm({m, n, k, 1, ta, tb, false, false, 0, 0, false, false});
        gemm({m, n, k, 3, ta, tb, true, true, 0, 3, false, false});
      }
  for (const int activation : {1, 2, 3, 4}) gemm({45, 71, 33, 2, false, false, true, false, activation, 1, false, false});
  gemm({100, 130, 1000, 1, true, false, true, false, 2, 0, false, false});   // several blocks of k
  gemm({50, 4500, 20, 1, false, true, true, false, 0, 0, false, false});     // several blocks of columns
  gemm({4000, 40, 20, 1, false, false, true, false, 4, 0, false, false});    // several blocks of rows
  gemm({4000, 9, 400, 1, false, false, true, true, 0, 0, false, false});
  gemm({28, 32, 28, 40, false, true, false, false, 0, 0, false, false});
  gemm({28, 28, 32, 9, false, false, false, false, 0, 0, true, false});
  gemm({28, 28, 32, 9, false, false, true, false, 0, 0, false, true});
  gemm({28, 28, 32, 9, true, false, true, false, 0, 0, false, true});
  for (const Case& zero : {Case{0, 5, 3, 1, false, false, true, false, 0, 0, false, false}, {5, 0, 3, 1, false, false, true, false, 0, 0, false, false},
                           {5, 7, 0, 1, false, false, true, false, 2, 0, false, false}, {5, 7, 0, 2, true, true, false, true, 0, 0, false, false}})
    gemm(zero);
  for (const int activation : {0, 1, 2, 3, 4}) linear_gradients(37, 19, 45, activation, activation == 1, activation);
  linear_gradients(512, 48, 40, 2, false, 0);
  linear_gradients(700, 33, 20, 0, true, 0);
  linear_gradients(0, 3, 4, 0, false, 0);
  not_finite();
  refusals();
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("gemm: all hold\n");
  return 0;
}
