// Layer, RMS and group norm and gated residual, forward against float64 and backward against central differences of it.
#include "expect.h"
#include "reference/tensor.h"

namespace {
Doubles wide(const Floats& x) { return {x.begin(), x.end()}; }

struct Case {
  int64_t batch, rows, d;
  bool gain, bias, modulate;
  double offset;   // added to x: a large mean
};

void layer_norm(const Case& c) {
  const int64_t n = c.batch * c.rows, stride = 3 * c.d;   // scale and shift are parts of a longer row
  Floats x = draws(n * c.d, 1);
  for (float& value : x) value = static_cast<float>(value + c.offset);
  const Floats gain = draws(c.d, 2), bias = draws(c.d, 3), modulation = draws(c.batch * stride, 4), dy = draws(n * c.d, 5);
  const double epsilon = 1e-3;
  const auto forward = [&](const Doubles& x_, const Doubles& gain_, const Doubles& bias_, const Doubles& modulation_) {
    Doubles y;
    for (int64_t r = 0; r < n; ++r) {
      const double* const part = modulation_.data() + r / c.rows * stride;
      const Doubles row = reference::layer_norm(c.d, x_.data() + r * c.d, epsilon, c.gain ? gain_.data() : nullptr, c.bias ? bias_.data() : nullptr,
                                                c.modulate ? part : nullptr, part + c.d);
      y.insert(y.end(), row.begin(), row.end());
    }
    return y;
  };
  const Doubles X = wide(x), G = wide(gain), B = wide(bias), M = wide(modulation), W = wide(dy), want = forward(X, G, B, M);
  const bool slopes = n * c.d <= 600;   // differences cost a pass an element
  const Doubles dx = slopes ? reference::differences([&](const Doubles& v) { return forward(v, G, B, M); }, X, W) : Doubles{};
  const Doubles dGain = reference::channel_differences([&](const Doubles& v) { return forward(X, v, B, M); }, G, W);
  const Doubles dBias = reference::channel_differences([&](const Doubles& v) { return forward(X, G, v, M); }, B, W);
  const Doubles dM = slopes ? reference::differences([&](const Doubles& v) { return forward(X, G, B, v); }, M, W) : Doubles{};
  on_all_targets(
      "layer_norm [" + std::to_string(c.batch) + "," + std::to_string(c.rows) + "," + std::to_string(c.d) + "] gain " + std::to_string(c.gain) + " modulate " +
          std::to_string(c.modulate),
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(x.size()), Floats(n), Floats(n), dy, Floats(c.d), Floats(c.d), Floats(modulation.size(), 7.0f)};
        etalon_layer_norm_args args = ETALON_LAYER_NORM_ARGS_INIT;
        args.batch = c.batch, args.rows = c.rows, args.d = c.d, args.epsilon = static_cast<float>(epsilon), args.x = x.data(), args.y = results[0].data();
        args.gain = c.gain ? gain.data() : nullptr, args.bias = c.bias ? bias.data() : nullptr;
        if (c.modulate) args.scale = {modulation.data(), stride}, args.shift = {modulation.data() + c.d, stride};
        args.mean = results[1].data(), args.rstd = results[2].data();
        ok(ctx, etalon_layer_norm(ctx, &args));
        etalon_layer_norm_gradients_args g = ETALON_LAYER_NORM_GRADIENTS_ARGS_INIT;
        g.batch = c.batch, g.rows = c.rows, g.d = c.d, g.x = x.data(), g.mean = args.mean, g.rstd = args.rstd, g.gain = args.gain, g.bias = args.bias, g.scale = args.scale;
        g.dy = g.dx = results[3].data();   // in place
        if (c.gain) g.d_gain = results[4].data();
        if (c.bias) g.d_bias = results[5].data();
        if (c.modulate) g.d_scale = {results[6].data(), stride}, g.d_shift = {results[6].data() + c.d, stride};
        ok(ctx, etalon_layer_norm_gradients(ctx, &g));
        Floats sum(x.size());
        g.dy = dy.data(), g.dx = sum.data(), g.residual = x.data();
        ok(ctx, etalon_layer_norm_gradients(ctx, &g));
        for (size_t i = 0; i < x.size(); ++i) expect(sum[i] == results[3][i] + x[i], "dx and a residual");
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], want, 3e-6 + 3e-7 * c.offset, 1, "y");
        if (slopes) expect_close(results[3], dx, 1e-5, 1, "dx");
        if (c.gain) expect_close(results[4], dGain, 3e-6, std::sqrt(double(n)), "dGain");
        if (c.bias) expect_close(results[5], dBias, 3e-6, std::sqrt(double(n)), "dBias");
        if (c.modulate && slopes)
          for (int64_t b = 0; b < c.batch; ++b) {
            const auto part = [&](const auto& all, int64_t at, auto&& out) { return out.assign(all.begin() + b * stride + at, all.begin() + b * stride + at + c.d), out; };
            expect_close(part(results[6], 0, Floats{}), part(dM, 0, Doubles{}), 1e-5, 1, "dScale");
            expect_close(part(results[6], c.d, Floats{}), part(dM, c.d, Doubles{}), 1e-5, 1, "dShift");
            expect(results[6][b * stride + 2 * c.d] == 7.0f, "what lies beside a gradient is left alone");
          }
      });
}

void gated_residual(int64_t batch, int64_t rows, int64_t d) {
  const Floats x = draws(batch * rows * d, 1), y = draws(batch * rows * d, 2), gate = draws(batch * 2 * d, 3), dOut = draws(batch * rows * d, 4);
  Doubles out, dy, dGate(static_cast<size_t>(batch * d));
  for (int64_t r = 0; r < batch * rows; ++r)
    for (int64_t i = 0; i < d; ++i) {
      const double g = gate[r / rows * 2 * d + i];
      out.push_back(double(x[r * d + i]) + double(y[r * d + i]) * g);
      dy.push_back(double(dOut[r * d + i]) * g);
      dGate[r / rows * d + i] += double(dOut[r * d + i]) * double(y[r * d + i]);
    }
  on_all_targets(
      "gated_residual [" + std::to_string(batch) + "," + std::to_string(rows) + "," + std::to_string(d) + "]",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {x, dOut, Floats(batch * d)};
        etalon_gated_residual_args args = ETALON_GATED_RESIDUAL_ARGS_INIT;
        args.batch = batch, args.rows = rows, args.d = d, args.x = args.out = results[0].data(), args.y = y.data(), args.gate = {gate.data(), 2 * d};
        ok(ctx, etalon_gated_residual(ctx, &args));
        etalon_gated_residual_gradients_args g = ETALON_GATED_RESIDUAL_GRADIENTS_ARGS_INIT;
        g.batch = batch, g.rows = rows, g.d = d, g.d_out = g.dy = results[1].data(), g.y = y.data(), g.gate = args.gate, g.d_gate = {results[2].data(), d};
        ok(ctx, etalon_gated_residual_gradients(ctx, &g));
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], out, 2e-7, 1, "out");
        expect_close(results[1], dy, 2e-7, 1, "dy");
        expect_close(results[2], dGate, 2e-6, std::sqrt(double(rows)), "dGate");
      });
}

void rms_norm(int64_t rows, int64_t d, bool gained) {
  const Floats x = draws(rows * d, 1), gain = draws(d, 2), dy = draws(rows * d, 3);
  const double epsilon = 1e-3;
  const auto forward = [&](const Doubles& x_, const Doubles& gain_) {
    Doubles y;
    for (int64_t r = 0; r < rows; ++r) {
      double square = 0;
      for (int64_t i = 0; i < d; ++i) square += x_[r * d + i] * x_[r * d + i] / double(d);
      for (int64_t i = 0; i < d; ++i) y.push_back(x_[r * d + i] / std::sqrt(square + epsilon) * (gained ? gain_[i] : 1));
    }
    return y;
  };
  const Doubles X = wide(x), G = wide(gain), W = wide(dy), want = forward(X, G);
  const bool slopes = rows * d <= 600;
  const Doubles dx = slopes ? reference::differences([&](const Doubles& v) { return forward(v, G); }, X, W) : Doubles{};
  const Doubles dGain = reference::channel_differences([&](const Doubles& v) { return forward(X, v); }, G, W);
  on_all_targets(
      "rms_norm [" + std::to_string(rows) + "," + std::to_string(d) + "]",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(x.size()), Floats(rows), dy, Floats(d)};
        etalon_rms_norm_args args = ETALON_RMS_NORM_ARGS_INIT;
        args.rows = rows, args.d = d, args.epsilon = static_cast<float>(epsilon), args.x = x.data(), args.y = results[0].data(), args.rstd = results[1].data();
        args.gain = gained ? gain.data() : nullptr;
        ok(ctx, etalon_rms_norm(ctx, &args));
        etalon_rms_norm_gradients_args g = ETALON_RMS_NORM_GRADIENTS_ARGS_INIT;
        g.rows = rows, g.d = d, g.x = x.data(), g.rstd = args.rstd, g.gain = args.gain, g.dy = g.dx = results[2].data(), g.d_gain = gained ? results[3].data() : nullptr;
        ok(ctx, etalon_rms_norm_gradients(ctx, &g));
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], want, 2e-6, 1, "y");
        if (slopes) expect_close(results[2], dx, 1e-5, 1, "dx");
        if (gained) expect_close(results[3], dGain, 3e-6, std::sqrt(double(rows)), "dGain");
      });
}

void group_norm(int64_t batch, int64_t pixels, int64_t channels, int64_t groups, bool affine, bool silu, double offset) {
  Floats x = draws(batch * pixels * channels, 1);
  for (float& value : x) value = static_cast<float>(value + offset);
  const Floats gain = draws(channels, 2), bias = draws(channels, 3), dy = draws(batch * pixels * channels, 4);
  const double epsilon = 1e-3;
  const int64_t width = groups ? channels / groups : 0;
  const auto forward = [&](const Doubles& x_, const Doubles& gain_, const Doubles& bias_) {
    Doubles y(x_.size());
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t g = 0; g < groups; ++g) {
        double mean = 0, variance = 0;
        const auto each = [&](auto&& visit) {
          for (int64_t p = 0; p < pixels; ++p)
            for (int64_t i = g * width; i < g * width + width; ++i) visit((b * pixels + p) * channels + i, i);
        };
        const double count = double(pixels * width);
        each([&](int64_t at, int64_t) { mean += x_[at] / count; });
        each([&](int64_t at, int64_t) { variance += (x_[at] - mean) * (x_[at] - mean) / count; });
        each([&](int64_t at, int64_t i) {
          double z = (x_[at] - mean) / std::sqrt(variance + epsilon);
          if (affine) z = z * gain_[i] + bias_[i];
          y[at] = silu ? reference::activation(2, z) : z;
        });
      }
    return y;
  };
  const Doubles X = wide(x), G = wide(gain), B = wide(bias), W = wide(dy), want = forward(X, G, B);
  const bool slopes = batch * pixels * channels <= 600;
  const Doubles dx = slopes ? reference::differences([&](const Doubles& v) { return forward(v, G, B); }, X, W) : Doubles{};
  const Doubles dGain = reference::channel_differences([&](const Doubles& v) { return forward(X, v, B); }, G, W);
  const Doubles dBias = reference::channel_differences([&](const Doubles& v) { return forward(X, G, v); }, B, W);
  on_all_targets(
      "group_norm [" + std::to_string(batch) + "," + std::to_string(pixels) + "," + std::to_string(channels) + "] in " + std::to_string(groups) + " silu " + std::to_string(silu),
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(x.size()), Floats(batch * groups), Floats(batch * groups), dy, Floats(channels), Floats(channels)};
        etalon_group_norm_args args = ETALON_GROUP_NORM_ARGS_INIT;
        args.batch = batch, args.pixels = pixels, args.channels = channels, args.groups = groups, args.epsilon = static_cast<float>(epsilon), args.silu = silu;
        args.x = x.data(), args.y = results[0].data(), args.mean = results[1].data(), args.rstd = results[2].data();
        if (affine) args.gain = gain.data(), args.bias = bias.data();
        ok(ctx, etalon_group_norm(ctx, &args));
        etalon_group_norm_gradients_args g = ETALON_GROUP_NORM_GRADIENTS_ARGS_INIT;
        g.batch = batch, g.pixels = pixels, g.channels = channels, g.groups = groups, g.silu = silu;
        g.x = x.data(), g.mean = args.mean, g.rstd = args.rstd, g.gain = args.gain, g.bias = args.bias, g.dy = g.dx = results[3].data();
        if (affine) g.d_gain = results[4].data(), g.d_bias = results[5].data();
        ok(ctx, etalon_group_norm_gradients(ctx, &g));
        Floats sum(x.size());
        g.dy = dy.data(), g.dx = sum.data(), g.residual = x.data();
        ok(ctx, etalon_group_norm_gradients(ctx, &g));
        for (size_t i = 0; i < x.size(); ++i) expect(sum[i] == results[3][i] + x[i], "dx and a residual");
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], want, 3e-6 + 3e-7 * offset, 1, "y");
        if (slopes) expect_close(results[3], dx, 1e-5, 1, "dx");
        if (affine) expect_close(results[4], dGain, 3e-6 + 1e-6 * offset, std::sqrt(double(batch * pixels)), "dGain");
        if (affine) expect_close(results[5], dBias, 3e-6 + 1e-6 * offset, std::sqrt(double(batch * pixels)), "dBias");
      });
}
}  // namespace

int main() {
  layer_norm({1, 1, 1, true, true, true, 0});
  layer_norm({2, 3, 7, false, false, false, 0});
  layer_norm({2, 3, 33, true, true, false, 0});
  layer_norm({3, 2, 64, false, false, true, 0});
  layer_norm({2, 5, 50, true, true, true, 3});
  layer_norm({2, 70, 3, true, false, true, 0});
  layer_norm({3, 150, 200, true, true, true, 0});
  layer_norm({2, 40, 192, false, false, true, 1000});
  layer_norm({0, 4, 8, true, true, true, 0});
  layer_norm({2, 0, 8, true, true, true, 0});
  gated_residual(1, 1, 1);
  gated_residual(3, 5, 19);
  gated_residual(4, 90, 192);
  gated_residual(2, 0, 8);
  rms_norm(1, 1, true);
  rms_norm(5, 19, false);
  rms_norm(7, 64, true);
  rms_norm(300, 128, true);
  rms_norm(0, 8, true);
  group_norm(1, 1, 1, 1, true, true, 0);
  group_norm(2, 5, 12, 3, true, true, 0);
  group_norm(2, 9, 20, 5, false, true, 0);
  group_norm(3, 7, 24, 24, true, false, 0);
  group_norm(2, 100, 80, 32 / 2, true, true, 0);
  group_norm(2, 64, 320, 32, true, true, 100);
  group_norm(0, 4, 8, 2, true, true, 0);
  group_norm(2, 0, 8, 2, true, true, 0);
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("norm: all hold\n");
  return 0;
}
