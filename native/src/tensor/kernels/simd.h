// Vectors of one target in GCC's vector extensions (g++ and clang): 16 floats with AVX-512, 8 with AVX2, 4 with NEON and SSE2.
// All lies in a namespace of the target, so that no inline function of one target can stand in for another's.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__clang__)
#define ETALON_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ETALON_UNROLL _Pragma("GCC unroll 64")
#endif
#define ETALON_INLINE inline __attribute__((always_inline))

namespace etalon::tensor::ETALON_TARGET {
#if defined(__AVX512F__)
constexpr int VL = 16;
#elif defined(__AVX2__)
constexpr int VL = 8;
#else
constexpr int VL = 4;
#endif
typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef float loose __attribute__((vector_size(VL * 4), aligned(4), may_alias));

template <typename T>
ETALON_INLINE T least(T a, T b) { return b < a ? b : a; }
template <typename T>
ETALON_INLINE T most(T a, T b) { return a < b ? b : a; }
ETALON_INLINE int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

ETALON_INLINE vf load(const float* p) { return *reinterpret_cast<const loose*>(p); }
ETALON_INLINE void store(float* p, vf v) { *reinterpret_cast<loose*>(p) = v; }
/** A scalar in every lane. Subtracting zeros keeps −0; adding them would not. */
ETALON_INLINE vf all(float s) { return s - vf{}; }

/** The first n < VL floats, zeros behind; nothing behind is touched. */
ETALON_INLINE vf load_part(const float* p, int n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(__AVX2__)
  alignas(32) static const int32_t kOn[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOn + 8 - n)));
#else
  float part[VL] = {};
  for (int i = 0; i < n; ++i) part[i] = p[i];
  return load(part);
#endif
}
ETALON_INLINE void store_part(float* p, vf v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#elif defined(__AVX2__)
  alignas(32) static const int32_t kOn[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  _mm256_maskstore_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOn + 8 - n)), v);
#else
  float part[VL];
  store(part, v);
  for (int i = 0; i < n; ++i) p[i] = part[i];
#endif
}
/** n lanes, n ≤ VL. */
#if defined(__AVX512F__)
ETALON_INLINE vf load_n(const float* p, int n) { return load_part(p, n); }
ETALON_INLINE void store_n(float* p, vf v, int n) { store_part(p, v, n); }
#else
ETALON_INLINE vf load_n(const float* p, int n) { return n == VL ? load(p) : load_part(p, n); }
ETALON_INLINE void store_n(float* p, vf v, int n) { n == VL ? store(p, v) : store_part(p, v, n); }
#endif

/** Calls body(i, lanes) over [0, n) in vectors; lanes is VL but for the last. */
template <typename Body>
ETALON_INLINE void each_vector(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + VL <= n; i += VL) body(i, VL);
  if (i < n) body(i, static_cast<int>(n - i));
}

/** The sum of the lanes, halves onto halves. */
ETALON_INLINE float sum_lanes(vf v) {
  float lane[VL];
  store(lane, v);
  ETALON_UNROLL
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}
/** Lanes n … VL − 1 made zero. */
ETALON_INLINE vf keep(vf v, int n) {
  vi index;
  ETALON_UNROLL
  for (int i = 0; i < VL; ++i) index[i] = i;
  return n == VL ? v : (index < n ? v : vf{});
}

/** max that gives NaN where either is NaN. */
ETALON_INLINE vf larger(vf a, vf b) { return (a < b) | (b != b) ? b : a; }

/** e^x to 2 units in the last place over all of float32; overflow is infinity, NaN is NaN. After Cephes' expf: argument reduced by ln 2, a polynomial of degree 6. */
ETALON_INLINE vf exponential(vf x) {
  const vf low = all(-104.0f), high = all(89.0f), magic = all(12582912.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  const vf shifted = x * 1.44269504088896341f + magic;
  const vf n = shifted - magic;
  const vf r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  vf p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const vi whole = (vi)((vu)shifted - (vu)magic), half = whole >> 1;   // 2^n in two factors: neither leaves the range
  const vu first = ((vu)half + 127u) << 23, second = ((vu)(whole - half) + 127u) << 23;
  return p * (vf)first * (vf)second;
}
/** 2^x for x ≤ 0 (a softmax's terms): 2 units in the last place; below 2^−126 it is 0. NaN is NaN. */
ETALON_INLINE vf power_of_two(vf x) {
  const vf magic = all(12582912.0f);
  const vf bounded = x < -126.0f ? all(-126.0f) : x;
  const vf shifted = bounded + magic;
  const vf f = bounded - (shifted - magic);
  vf p = all(1.534581242594868e-4f);
  p = p * f + 1.3399930903688073e-3f;
  p = p * f + 9.618489071726799e-3f;
  p = p * f + 5.550328642129898e-2f;
  p = p * f + 2.4022646248340607e-1f;
  p = p * f + 6.931471824645996e-1f;
  p = p * f + 1.0f;
  const vf scaled = (vf)((vu)p + ((vu)shifted << 23));
  return x < -126.0f ? vf{} : (x != x ? x : scaled);
}
/** log₂ x for normal x ≥ 0: 0 gives −infinity, NaN and infinity themselves. */
ETALON_INLINE vf log_of_two(vf x) {
  const vu bits = (vu)x, shift = bits - 0x3f3504f3u;   // √½ … √2 around 1
  const vi exponent = (vi)shift >> 23;
  const vf z = (vf)(bits - ((vu)exponent << 23)) - 1.0f;
  vf p = all(0.12583698332309723f);
  p = p * z - 0.20726972818374634f;
  p = p * z + 0.21571561694145203f;
  p = p * z - 0.23894482851028442f;
  p = p * z + 0.28791624307632446f;
  p = p * z - 0.3607036769390106f;
  p = p * z + 0.48091062903404236f;
  p = p * z - 0.7213473320007324f;
  p = p * z + 1.4426950216293335f;
  const vf log = __builtin_convertvector(exponent, vf) + p * z;
  return (x > 3.4028235e38f) | (x != x) ? x : (x > 0.0f ? log : all(-__builtin_inff()));
}
ETALON_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exponential(-x)); }

/** The standard normal's distribution function, ½ erfc(−x/√2), by the Chebyshev fit of Numerical Recipes (relative error 1.2e-7). */
ETALON_INLINE vf normal_cdf(vf x) {
  const vf z = (x < 0.0f ? -x : x) * 0.70710678118654752f;
  const vf t = 1.0f / (1.0f + 0.5f * z);
  vf p = all(0.17087277f);
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  const vf half = 0.5f * t * exponential(p - z * z);
  return x > 0.0f ? 1.0f - half : half;
}

#if defined(__clang__) || __GNUC__ >= 12
#define ETALON_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ETALON_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, vi{__VA_ARGS__})
#endif
template <int... I>
struct Indices {};
template <int N, int... I>
struct Count : Count<N - 1, N - 1, I...> {};
template <int... I>
struct Count<0, I...> {
  using type = Indices<I...>;
};
/** One round of a transposition: rows `Step` apart exchange the halves of their blocks of 2·Step lanes. */
template <int Step, int... I>
ETALON_INLINE void exchange(vf& a, vf& b, Indices<I...>) {
  const vf upper = ETALON_SHUFFLE(a, b, ((I & Step) ? VL + I - Step : I)...);
  b = ETALON_SHUFFLE(a, b, ((I & Step) ? VL + I : I + Step)...);
  a = upper;
}
template <int Step>
ETALON_INLINE void transpose_rounds(vf (&rows)[VL]) {
  ETALON_UNROLL
  for (int i = 0; i < VL; ++i)
    if (!(i & Step)) exchange<Step>(rows[i], rows[i + Step], typename Count<VL>::type{});
  if constexpr (Step > 1) transpose_rounds<Step / 2>(rows);
}
/** rows[i][j] ↔ rows[j][i], in registers. */
ETALON_INLINE void transpose(vf (&rows)[VL]) { transpose_rounds<VL / 2>(rows); }
}  // namespace etalon::tensor::ETALON_TARGET
