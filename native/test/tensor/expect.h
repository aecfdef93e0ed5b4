// What the tensor tests share: one context a target and thread count, made-up data, comparison with a float64 reference.
#pragma once
#include <etalon/etalon_tensor.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

inline int failures = 0;
inline std::string where;   // the case at hand

inline void expect(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::printf("FAILED %s: %s\n", where.c_str(), what.c_str());
}

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

/** |got − want| ≤ tolerance·(|want| + scale), NaN where NaN is wanted, reported at the worst index. */
inline void expect_close(const Floats& got, const Doubles& want, double tolerance, double scale, const char* what) {
  if (got.size() != want.size()) return expect(false, std::string(what) + ": size");
  double excess = 0;
  size_t worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]) ? std::isnan(got[i]) : double(got[i]) == want[i]) continue;
    const double over = std::fabs(double(got[i]) - want[i]) / (std::fabs(want[i]) + scale);
    if (!(over <= excess)) excess = over, worst = i;
    if (!(excess == excess)) break;
  }
  if (excess <= tolerance) return;
  char text[160];
  std::snprintf(text, sizeof text, "%s[%zu] is %.9g, expected %.9g (%.2g of the scale, allowed %.2g)", what, worst, double(got[worst]), want[worst], excess, tolerance);
  expect(false, text);
}
inline void expect_same_bits(const Floats& got, const Floats& want, const char* what) {
  if (got.size() != want.size()) return expect(false, std::string(what) + ": size");
  for (size_t i = 0; i < want.size(); ++i)
    if (std::memcmp(&got[i], &want[i], sizeof(float)) != 0) return expect(false, std::string(what) + ": other bits at " + std::to_string(i));
}
inline void ok(etalon_context* ctx, etalon_status status) { expect(status == ETALON_OK, etalon_last_error(ctx)); }

/** Values in ±1, the same at every run. */
inline Floats draws(int64_t length, double salt) {
  Floats data(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) data[i] = static_cast<float>(std::sin(double(i + 1) * 12.9898 + salt * 78.233) * 0.999 + 0.001 * std::cos(double(i) * salt));
  return data;
}

class Context {
 public:
  Context(const char* target, int threads) {
    setenv("ETALON_TARGET", target, 1);
    expect(etalon_context_create(&ctx_) == ETALON_OK, etalon_last_error(nullptr));
    ok(ctx_, etalon_set_threads(ctx_, threads));
  }
  ~Context() { etalon_context_destroy(ctx_); }
  operator etalon_context*() const { return ctx_; }

 private:
  etalon_context* ctx_ = nullptr;
};

/** Calls run(ctx, results) on every target with 1, 2 and 3 threads; check(results) once a target; the threads must agree in every bit. */
template <typename Run, typename Check>
void on_all_targets(const std::string& name, Run&& run, Check&& check) {
  for (int i = 0; const char* target = etalon_available_target(i); ++i) {
    std::vector<Floats> first;
    for (const int threads : {1, 2, 3}) {
      where = name + " on " + target + ", " + std::to_string(threads) + " threads";
      std::vector<Floats> results;
      Context ctx(target, threads);
      run(static_cast<etalon_context*>(ctx), results);
      if (threads == 1) {
        check(results);
        first = results;
      } else {
        for (size_t k = 0; k < results.size(); ++k) expect_same_bits(results[k], first[k], ("result " + std::to_string(k)).c_str());
      }
    }
  }
}
