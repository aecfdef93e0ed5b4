// attention and its gradients against float64: sizes around every block, strided rows, masks, infinities.
#include <limits>

#include "expect.h"
#include "reference/tensor.h"

namespace {

struct Case {
  int64_t batch, heads, queries, keys, depth, width;
  bool rows;      // [batch, n, heads·d] rather than [batch, heads, n, d]
  bool causal;
  int bias;       // 0: none; 1: a row for all queries; 2: the whole; 3: −infinity for some keys, and for all of some queries
  double scale;   // of the scores: large ones show the running maximum
};

struct Tensor {
  Floats data;
  etalon_heads view;
  Tensor(const Case& c, int64_t n, int64_t d, double salt) : data(draws(c.batch * c.heads * n * d, salt)) {
    view = c.rows ? etalon_heads{data.data(), n * c.heads * d, d, c.heads * d} : etalon_heads{data.data(), c.heads * n * d, n * d, d};
  }
  etalon_heads_out out(Floats& to) const { return {to.data(), view.batch, view.head, view.row}; }
};

Doubles take(const etalon_heads& view, int64_t b, int64_t h, int64_t n, int64_t d) {
  Doubles values;
  for (int64_t r = 0; r < n; ++r)
    for (int64_t i = 0; i < d; ++i) values.push_back(view.data[b * view.batch + h * view.head + r * view.row + i]);
  return values;
}
void put(Doubles& all, const etalon_heads& view, int64_t b, int64_t h, int64_t n, int64_t d, const Doubles& values) {
  for (int64_t r = 0; r < n; ++r)
    for (int64_t i = 0; i < d; ++i) all[b * view.batch + h * view.head + r * view.row + i] = values[r * d + i];
}

void attention(const Case& c) {
  const Tensor q(c, c.queries, c.depth, 1), k(c, c.keys, c.depth, 2), v(c, c.keys, c.width, 3), out(c, c.queries, c.width, 4), dOut(c, c.queries, c.width, 5);
  Floats bias = draws(c.bias == 1 ? c.keys : c.batch * c.heads * c.queries * c.keys, 6);
  if (c.bias == 3)
    for (size_t i = 0; i < bias.size(); ++i)
      if (i % 3 == 0 || i / c.keys % 5 == 1) bias[i] = -std::numeric_limits<float>::infinity();
  const etalon_heads biasView = c.bias == 0   ? etalon_heads{nullptr, 0, 0, 0}
                                : c.bias == 1 ? etalon_heads{bias.data(), 0, 0, 0}
                                              : etalon_heads{bias.data(), c.heads * c.queries * c.keys, c.queries * c.keys, c.keys};
  Doubles wantOut(out.data.size()), log, wantQ(q.data.size()), wantK(k.data.size()), wantV(v.data.size());
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t h = 0; h < c.heads; ++h) {
      reference::Attention one{c.queries, c.keys, c.depth, c.width, c.scale, c.causal, take(q.view, b, h, c.queries, c.depth), take(k.view, b, h, c.keys, c.depth),
                               take(v.view, b, h, c.keys, c.width), {}, {}, {}, {}};
      if (c.bias) one.bias = take(biasView, b, h, c.queries, c.keys);
      one.forward();
      put(wantOut, out.view, b, h, c.queries, c.width, one.out);
      log.insert(log.end(), one.log.begin(), one.log.end());
      Doubles dq, dk, dv;
      one.backward(take(dOut.view, b, h, c.queries, c.width), dq, dk, dv);
      put(wantQ, q.view, b, h, c.queries, c.depth, dq), put(wantK, k.view, b, h, c.keys, c.depth, dk), put(wantV, v.view, b, h, c.keys, c.width, dv);
    }
  const std::string name = "attention [" + std::to_string(c.batch) + "," + std::to_string(c.heads) + "," + std::to_string(c.queries) + "," + std::to_string(c.keys) + "," +
                           std::to_string(c.depth) + "," + std::to_string(c.width) + "] causal " + std::to_string(c.causal) + " bias " + std::to_string(c.bias) + " scale " +
                           std::to_string(c.scale);
  on_all_targets(
      name,
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        results = {Floats(out.data.size()), Floats(log.size()), q.data, k.data, v.data};
        etalon_attention_args args = ETALON_ATTENTION_ARGS_INIT;
        args.batch = c.batch, args.heads = c.heads, args.queries = c.queries, args.keys = c.keys, args.depth = c.depth, args.width = c.width;
        args.q = q.view, args.k = k.view, args.v = v.view, args.bias = biasView;
        args.scale = static_cast<float>(c.scale), args.causal = c.causal;
        args.out = out.out(results[0]), args.log_sum_exp = results[1].data();
        ok(ctx, etalon_attention(ctx, &args));
        etalon_attention_gradients_args gradients = ETALON_ATTENTION_GRADIENTS_ARGS_INIT;
        gradients.d_out = dOut.view;
        gradients.dq = q.out(results[2]), gradients.dk = k.out(results[3]), gradients.dv = v.out(results[4]);
        ok(ctx, etalon_attention_gradients(ctx, &args, &gradients));
      },
      [&](const std::vector<Floats>& results) {
        // Scores of size s carry s·2^-24 of error into each exponent.
        const double tolerance = 2e-6 + 4e-7 * c.scale * double(c.depth);
        expect_close(results[0], wantOut, tolerance, 1, "out");
        expect_close(results[1], log, 2e-6, 1, "logSumExp");
        const double size = 1 + c.scale * std::sqrt(double(c.keys));
        expect_close(results[2], wantQ, tolerance, size, "dq");
        expect_close(results[3], wantK, tolerance, size, "dk");
        expect_close(results[4], wantV, tolerance, std::sqrt(double(c.queries)), "dv");
      });
}

void not_finite() {
  on_all_targets(
      "attention with NaN",
      [&](etalon_context* ctx, std::vector<Floats>& results) {
        Floats q = draws(30 * 8, 1), k = draws(40 * 8, 2), v = draws(40 * 8, 3), out(30 * 8);
        q[7 * 8 + 3] = std::nanf("");
        etalon_attention_args args = ETALON_ATTENTION_ARGS_INIT;
        args.batch = args.heads = 1, args.queries = 30, args.keys = 40, args.depth = args.width = 8;
        args.q = {q.data(), 0, 0, 8}, args.k = {k.data(), 0, 0, 8}, args.v = {v.data(), 0, 0, 8}, args.out = {out.data(), 0, 0, 8};
        ok(ctx, etalon_attention(ctx, &args));
        results = {out};
        v[5 * 8 + 2] = std::nanf(""), q[7 * 8 + 3] = 0;
        ok(ctx, etalon_attention(ctx, &args));
        results.push_back(out);
      },
      [&](const std::vector<Floats>& results) {
        for (int i = 0; i < 30; ++i)
          for (int c = 0; c < 8; ++c) {
            expect(std::isnan(results[0][i * 8 + c]) == (i == 7), "NaN in a query stays with it");
            expect(std::isnan(results[1][i * 8 + c]) == (c == 2), "NaN in a value stays in its column");
          }
      });
}
}  // namespace

int main() {
  attention({1, 1, 1, 1, 1, 1, false, false, 0, 1});
  attention({2, 3, 28, 28, 32, 32, true, false, 0, 0.18});
  attention({3, 2, 5, 7, 4, 6, false, false, 0, 0.5});
  attention({2, 2, 17, 33, 19, 21, true, false, 2, 0.3});
  attention({1, 2, 112, 112, 16, 16, true, true, 0, 0.25});
  attention({1, 2, 113, 225, 16, 40, true, false, 1, 0.25});
  attention({1, 2, 230, 130, 24, 24, false, false, 3, 0.25});
  attention({2, 1, 250, 250, 40, 40, true, true, 2, 0.2});
  attention({1, 3, 5, 300, 8, 8, true, true, 0, 0.3});
  attention({1, 1, 130, 20, 8, 8, true, true, 0, 0.3});   // more queries than keys: the first see none
  attention({5, 4, 20, 20, 8, 8, false, false, 3, 0.3});
  attention({1, 2, 150, 230, 64, 64, true, false, 0, 20});   // scores of some hundreds
  attention({1, 2, 0, 5, 4, 4, false, false, 0, 1});
  attention({1, 2, 5, 0, 4, 4, false, false, 0, 1});
  attention({0, 2, 5, 5, 4, 4, false, false, 0, 1});
  not_finite();
  if (failures) return std::printf("%d failures\n", failures), 1;
  std::printf("attention: all hold\n");
  return 0;
}
