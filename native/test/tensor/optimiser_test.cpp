// AdamW, the global norm, scale and ema over lists of arrays, against float64.
#include "expect.h"

namespace {
const std::vector<int64_t> lengths = {1, 17, 0, 40000, 16384, 33};

std::vector<Floats> lists(double salt) {
  std::vector<Floats> arrays;
  for (const int64_t length : lengths) arrays.push_back(draws(length, salt++));
  return arrays;
}
std::vector<float*> pointers(std::vector<Floats>& arrays) {
  std::vector<float*> each;
  for (Floats& array : arrays) each.push_back(array.data());
  return each;
}
Floats joined(const std::vector<Floats>& arrays) {
  Floats all;
  for (const Floats& array : arrays) all.insert(all.end(), array.begin(), array.end());
  return all;
}

void adamw() {
  const double rate = 1e-2, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-6, decay = 0.1, scale = 0.7;
  Doubles p, m, v;
  for (const float value : joined(lists(1))) p.push_back(value);
  m.assign(p.size(), 0), v = m;
  for (int step = 1; step <= 3; ++step) {
    const Floats g = joined(lists(10.0 * step));
    for (size_t i = 0; i < p.size(); ++i) {
      const double gradient = g[i] * scale;
      m[i] = beta1 * m[i] + (1 - beta1) * gradient;
      v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
      p[i] -= rate * decay * p[i] + rate * (m[i] / (1 - std::pow(beta1, step))) / (std::sqrt(v[i] / (1 - std::pow(beta2, step))) + epsilon);
    }
  }
  on_all_targets(
      "adamw",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        std::vector<Floats> parameters = lists(1), first, second;
        for (const int64_t length : lengths) first.emplace_back(length), second.emplace_back(length);
        for (int step = 1; step <= 3; ++step) {
          std::vector<Floats> gradients = lists(10.0 * step);
          const auto P = pointers(parameters), G = pointers(gradients), M = pointers(first), V = pointers(second);
          etalon_adamw_args args = ETALON_ADAMW_ARGS_INIT;
          args.count = static_cast<int64_t>(lengths.size()), args.lengths = lengths.data();
          args.parameters = P.data(), args.gradients = G.data(), args.first = M.data(), args.second = V.data();
          args.step = step, args.learning_rate = rate, args.beta1 = beta1, args.beta2 = beta2, args.epsilon = epsilon, args.weight_decay = decay, args.gradient_scale = scale;
          ok(ctx, etalon_adamw(ctx, &args));
        }
        results = {joined(parameters), joined(first), joined(second)};
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], p, 1e-6, 1, "parameters");
        expect_close(results[1], m, 1e-6, 0.1, "first moments");
        expect_close(results[2], v, 1e-6, 0.01, "second moments");
      });
}

void others() {
  const Floats all = joined(lists(1)), other = joined(lists(20));
  Doubles scaled, averaged;
  double squares = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    squares += double(all[i]) * double(all[i]);
    scaled.push_back(0.3 * all[i]);
    averaged.push_back(0.9 * all[i] + 0.1 * other[i]);
  }
  on_all_targets(
      "global_norm, scale, ema",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        std::vector<Floats> a = lists(1), b = lists(1), values = lists(20);
        const auto A = pointers(a), B = pointers(b), V = pointers(values);
        const int64_t count = static_cast<int64_t>(lengths.size());
        double norm = 0;
        ok(ctx, etalon_global_norm(ctx, count, A.data(), lengths.data(), &norm));
        expect(std::fabs(norm - std::sqrt(squares)) < 1e-12 * norm, "the norm is that of float64");
        ok(ctx, etalon_scale(ctx, count, A.data(), lengths.data(), 0.3));
        ok(ctx, etalon_ema(ctx, count, B.data(), V.data(), lengths.data(), 0.9));
        results = {joined(a), joined(b), Floats{static_cast<float>(norm)}};
        a[3][12345] = 1e30f;
        ok(ctx, etalon_global_norm(ctx, count, A.data(), lengths.data(), &norm));
        expect(std::fabs(norm / 1e30 - 1) < 1e-6, "squares beyond float32 are counted");
        a[3][777] = std::nanf("");
        ok(ctx, etalon_global_norm(ctx, count, A.data(), lengths.data(), &norm));
        expect(std::isnan(norm), "NaN is seen");
        ok(ctx, etalon_global_norm(ctx, 0, nullptr, nullptr, &norm));
        expect(norm == 0, "no array: 0");
      },
      [&](const std::vector<Floats>& results) {
        expect_close(results[0], scaled, 2e-7, 0, "scale");
        expect_close(results[1], averaged, 2e-7, 1, "ema");
      });
}
}  // namespace

int main() {
  adamw();
  others();
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("optimiser: all hold\n");
  return 0;
}
