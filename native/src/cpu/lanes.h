// Many numbers at once, for the target that a file is compiled for: core's formulas take these in place of float, double and uint32_t.
// The vectors are the compiler's own (g++ and clang: vector_size); intrinsics stand only where there is no operator for it or g++ 12 makes a poor one: the product
// of two words, conversions between float and double, √, exact fused products.
// Several vectors side by side (N) are not for width but for time: a polynomial is one long chain of waiting, and N chains in step fill the wait.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/number.h"
#include "core/sum.h"
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace etalon::cpu {
namespace {
#define ETALON_INLINE __attribute__((always_inline)) inline
#define ETALON_EACH _Pragma("GCC unroll 16") for (int k = 0; k < N; ++k)

template <typename V, int N>
struct Lanes {
  V v[N];
};

template <typename V, int N, typename Scalar>
ETALON_INLINE Lanes<V, N> filled(Scalar value) {
  Lanes<V, N> r;
  ETALON_EACH r.v[k] = value - V{};   // not value + V{}: that would lose the sign of −0
  return r;
}

template <typename Number>
concept Scalar = std::is_arithmetic_v<Number>;

#define ETALON_OPERATOR(op)                                                               \
  template <typename V, int N>                                                            \
  ETALON_INLINE Lanes<V, N> operator op(const Lanes<V, N>& a, const Lanes<V, N>& b) {     \
    Lanes<V, N> r;                                                                        \
    ETALON_EACH r.v[k] = a.v[k] op b.v[k];                                                \
    return r;                                                                             \
  }                                                                                       \
  template <typename V, int N, Scalar S>                                                  \
  ETALON_INLINE Lanes<V, N> operator op(const Lanes<V, N>& a, S b) {                      \
    Lanes<V, N> r;                                                                        \
    ETALON_EACH r.v[k] = a.v[k] op b;                                                     \
    return r;                                                                             \
  }                                                                                       \
  template <typename V, int N, Scalar S>                                                  \
  ETALON_INLINE Lanes<V, N> operator op(S a, const Lanes<V, N>& b) {                      \
    Lanes<V, N> r;                                                                        \
    ETALON_EACH r.v[k] = a op b.v[k];                                                     \
    return r;                                                                             \
  }
ETALON_OPERATOR(+)
ETALON_OPERATOR(-)
ETALON_OPERATOR(*)
ETALON_OPERATOR(&)
ETALON_OPERATOR(^)
ETALON_OPERATOR(<<)
ETALON_OPERATOR(>>)
#undef ETALON_OPERATOR

template <typename V, int N>
ETALON_INLINE Lanes<V, N> operator-(const Lanes<V, N>& a) {
  Lanes<V, N> r;
  ETALON_EACH r.v[k] = -a.v[k];
  return r;
}

template <typename L>
struct Form;
template <typename V, int Count>
struct Form<Lanes<V, Count>> {
  using Vec = V;
  static constexpr int kCount = Count;
};
/** From and to memory, at any address: vector by vector, for a copy of the whole would go through the stack. */
template <typename L, typename T>
ETALON_INLINE L load(const T* from) {
  constexpr int N = Form<L>::kCount;
  L r;
  ETALON_EACH std::memcpy(&r.v[k], reinterpret_cast<const char*>(from) + k * sizeof(typename Form<L>::Vec), sizeof(typename Form<L>::Vec));
  return r;
}
template <typename T, typename V, int N>
ETALON_INLINE void store(T* to, const Lanes<V, N>& lanes) {
  ETALON_EACH std::memcpy(reinterpret_cast<char*>(to) + k * sizeof(V), &lanes.v[k], sizeof(V));
}

// ---- sixteen float64 numbers, as many as core/sum.h has lanes
#if defined(__AVX512F__)
constexpr int kDoubles = 8;
typedef double VecD __attribute__((vector_size(64)));
typedef float VecH __attribute__((vector_size(32)));
ETALON_INLINE VecD widen(VecH v) { return (VecD)_mm512_cvtps_pd((__m256)v); }
ETALON_INLINE VecH narrow(VecD v) { return (VecH)_mm512_cvtpd_ps((__m512d)v); }
#elif defined(__AVX2__)
constexpr int kDoubles = 4;
typedef double VecD __attribute__((vector_size(32)));
typedef float VecH __attribute__((vector_size(16)));
ETALON_INLINE VecD widen(VecH v) { return (VecD)_mm256_cvtps_pd((__m128)v); }
ETALON_INLINE VecH narrow(VecD v) { return (VecH)_mm256_cvtpd_ps((__m256d)v); }
#elif defined(__ARM_NEON) && defined(__aarch64__)
constexpr int kDoubles = 2;
typedef float64x2_t VecD;
typedef float32x2_t VecH;
ETALON_INLINE VecD widen(VecH v) { return vcvt_f64_f32(v); }
ETALON_INLINE VecH narrow(VecD v) { return vcvt_f32_f64(v); }
#else
constexpr int kDoubles = 1;
typedef double VecD;
typedef float VecH;
ETALON_INLINE VecD widen(VecH v) { return v; }
ETALON_INLINE VecH narrow(VecD v) { return static_cast<float>(v); }
#endif
using Doubles = Lanes<VecD, core::kSumLanes / kDoubles>;
using Floats = Lanes<VecH, core::kSumLanes / kDoubles>;   // the same sixteen as float32

template <int N>
ETALON_INLINE Lanes<VecD, N> widened(const Lanes<VecH, N>& a) {
  Lanes<VecD, N> r;
  ETALON_EACH r.v[k] = widen(a.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecH, N> narrowed(const Lanes<VecD, N>& a) {
  Lanes<VecH, N> r;
  ETALON_EACH r.v[k] = narrow(a.v[k]);
  return r;
}

// ---- float32 numbers and words for the noise, where the target has a vector product of words
#if defined(__AVX2__)
#define ETALON_WIDE_NOISE 1
#if defined(__AVX512F__)
constexpr int kWidth = 16, kPolynomials = 8, kPhiloxes = 4;
typedef float VecF __attribute__((vector_size(64)));
typedef int32_t VecI __attribute__((vector_size(64)));
typedef uint32_t VecU __attribute__((vector_size(64)));
typedef uint64_t VecW __attribute__((vector_size(64)));
ETALON_INLINE VecI truncated(VecF v) { return (VecI)_mm512_cvttps_epi32((__m512)v); }
ETALON_INLINE VecF fused(VecF a, VecF b, VecF c) { return (VecF)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
ETALON_INLINE VecF rooted(VecF v) { return (VecF)_mm512_sqrt_ps((__m512)v); }
ETALON_INLINE VecF converted(VecU v) { return (VecF)_mm512_cvtepu32_ps((__m512i)v); }
ETALON_INLINE VecU chosen(VecI q, VecU a, VecU b) {
  return (VecU)_mm512_mask_blend_epi32(_mm512_test_epi32_mask((__m512i)q, _mm512_set1_epi32(1)), (__m512i)b, (__m512i)a);
}
ETALON_INLINE VecW multiplied(VecW a, VecW b) { return (VecW)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
ETALON_INLINE VecW mixed(VecW a, VecW b, VecW c) { return (VecW)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96); }
ETALON_INLINE VecU braided(VecW even, VecW odd) { return (VecU)_mm512_mask_shuffle_epi32((__m512i)even, 0xAAAA, (__m512i)odd, _MM_PERM_CCAA); }
#else
constexpr int kWidth = 8, kPolynomials = 4, kPhiloxes = 2;
typedef float VecF __attribute__((vector_size(32)));
typedef int32_t VecI __attribute__((vector_size(32)));
typedef uint32_t VecU __attribute__((vector_size(32)));
typedef uint64_t VecW __attribute__((vector_size(32)));
ETALON_INLINE VecI truncated(VecF v) { return (VecI)_mm256_cvttps_epi32((__m256)v); }
ETALON_INLINE VecF fused(VecF a, VecF b, VecF c) { return (VecF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
ETALON_INLINE VecF rooted(VecF v) { return (VecF)_mm256_sqrt_ps((__m256)v); }
ETALON_INLINE VecF converted(VecU v) {
  return fused((VecF)_mm256_cvtepi32_ps((__m256i)(v >> 16)), VecF{} + 65536.0f, (VecF)_mm256_cvtepi32_ps((__m256i)(v & 0xFFFFu)));
}
ETALON_INLINE VecU chosen(VecI q, VecU a, VecU b) { return (VecU)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)(q << 31)); }
ETALON_INLINE VecW multiplied(VecW a, VecW b) { return (VecW)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
ETALON_INLINE VecW mixed(VecW a, VecW b, VecW c) { return a ^ b ^ c; }
ETALON_INLINE VecU braided(VecW even, VecW odd) { return (VecU)_mm256_blend_epi32((__m256i)even, (__m256i)(odd << 32), 0xAA); }
#endif

template <int N>
ETALON_INLINE Lanes<VecU, N> bits_of_float(const Lanes<VecF, N>& a) {
  Lanes<VecU, N> r;
  ETALON_EACH r.v[k] = (VecU)a.v[k];
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> float_of_bits(const Lanes<VecU, N>& a) {
  Lanes<VecF, N> r;
  ETALON_EACH r.v[k] = (VecF)a.v[k];
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecI, N> as_int(const Lanes<VecU, N>& a) {
  Lanes<VecI, N> r;
  ETALON_EACH r.v[k] = (VecI)a.v[k];
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecU, N> as_word(const Lanes<VecI, N>& a) {
  Lanes<VecU, N> r;
  ETALON_EACH r.v[k] = (VecU)a.v[k];
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> float_of_int(const Lanes<VecI, N>& a) {
  Lanes<VecF, N> r;
  ETALON_EACH r.v[k] = __builtin_convertvector(a.v[k], VecF);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecI, N> int_of_float(const Lanes<VecF, N>& a) {
  Lanes<VecI, N> r;
  ETALON_EACH r.v[k] = truncated(a.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> float_of_word(const Lanes<VecU, N>& a) {
  Lanes<VecF, N> r;
  ETALON_EACH r.v[k] = converted(a.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> root(const Lanes<VecF, N>& a) {
  Lanes<VecF, N> r;
  ETALON_EACH r.v[k] = rooted(a.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecU, N> choose_odd(const Lanes<VecI, N>& q, const Lanes<VecU, N>& a, const Lanes<VecU, N>& b) {
  Lanes<VecU, N> r;
  ETALON_EACH r.v[k] = chosen(q.v[k], a.v[k], b.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> add_exact_product(const Lanes<VecF, N>& a, float b, const Lanes<VecF, N>& c) {
  Lanes<VecF, N> r;
  ETALON_EACH r.v[k] = fused(a.v[k], VecF{} + b, c.v[k]);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecF, N> add_exact_product(const Lanes<VecF, N>& a, float b, float c) {
  return add_exact_product(a, b, filled<VecF, N>(c));
}

// ---- Philox
// A word of Philox lies in the lower half of 64 bits: there the product wants it, and leaves it. What the upper half holds is never read.
template <int N>
ETALON_INLINE Lanes<VecW, N> product(const Lanes<VecW, N>& a, uint32_t b) {
  Lanes<VecW, N> r;
  ETALON_EACH r.v[k] = multiplied(a.v[k], VecW{} + b);
  return r;
}
template <int N>
ETALON_INLINE Lanes<VecW, N> high_word(const Lanes<VecW, N>& p) {
  return p >> 32;
}
template <int N>
ETALON_INLINE Lanes<VecW, N> low_word(const Lanes<VecW, N>& p) {
  return p;
}
template <int N>
ETALON_INLINE Lanes<VecW, N> mixed(const Lanes<VecW, N>& a, const Lanes<VecW, N>& b, uint32_t key) {
  Lanes<VecW, N> r;
  ETALON_EACH r.v[k] = mixed(a.v[k], b.v[k], VecW{} + key);
  return r;
}
/** Pairs of vectors, of even and of odd elements, each made one vector of 32-bit words. */
template <int N>
ETALON_INLINE Lanes<VecU, N / 2> braided(const Lanes<VecW, N>& a) {
  Lanes<VecU, N / 2> r;
  _Pragma("GCC unroll 16") for (int k = 0; k < N / 2; ++k) r.v[k] = braided(a.v[2 * k], a.v[2 * k + 1]);
  return r;
}
#endif
}  // namespace
}  // namespace etalon::cpu
