// What the C++ tests share: expectations that say what failed and where, repeatable data, a context of a given target.
#pragma once
#include <etalon/etalon.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

inline int failures = 0;
inline void expect(bool holds, const char* what, int64_t at = -1, double got = 0, double want = 0) {
  if (holds) return;
  ++failures;
  std::printf("FAILED %s", what);
  if (at >= 0) std::printf(": at %lld %.17g, expected %.17g", static_cast<long long>(at), got, want);
  std::printf("\n");
}
/** |got − want| ≤ tolerance·scale(want), reported at the worst index. */
template <typename Got, typename Want>
void expect_close(const std::vector<Got>& got, const std::vector<Want>& want, double relative, double absolute, const char* what) {
  expect(got.size() == want.size(), what);
  int64_t worst = -1;
  double excess = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double over = std::fabs(double(got[i]) - double(want[i])) - relative * std::fabs(double(want[i])) - absolute;
    if (!(over <= excess)) worst = static_cast<int64_t>(i), excess = over;
  }
  expect(worst < 0, what, worst, worst < 0 ? 0 : got[worst], worst < 0 ? 0 : want[worst]);
}
inline double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::fabs(value));
  return most;
}
template <typename T>
void expect_same_bits(const std::vector<T>& got, const std::vector<T>& want, const char* what) {
  for (size_t i = 0; i < want.size(); ++i)
    if (std::memcmp(&got[i], &want[i], sizeof(T)) != 0) return expect(false, what, static_cast<int64_t>(i), got[i], want[i]);
}

inline std::vector<float> draws(int64_t length, double salt) {
  std::vector<float> data(length);
  for (int64_t i = 0; i < length; ++i) data[i] = static_cast<float>(std::sin((i + 1) * 12.9898 + salt * 78.233));
  return data;
}

struct Context {
  etalon_context* ctx = nullptr;
  explicit Context(const char* target, int threads = 1) {
    setenv("ETALON_TARGET", target, 1);
    expect(etalon_context_create(&ctx) == ETALON_OK, etalon_last_error(nullptr));
    expect(etalon_set_threads(ctx, threads) == ETALON_OK, "set_threads");
  }
  ~Context() { etalon_context_destroy(ctx); }
};
