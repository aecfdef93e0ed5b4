#include "cpu/pool.h"
#include "tensor/kernels/simd.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
constexpr int64_t kPiece = 16384;   // elements

/** Calls body(array, first, last, piece) for every piece of a list of arrays, on the call's threads. @param pieces  how many there are */
template <typename Body>
void each_piece(const Work& work, int64_t count, const int64_t* lengths, int64_t pieces, Body&& body) {
  int64_t* const starts = reinterpret_cast<int64_t*>(work.arena.take(2 * (count + 1)));   // each array's first piece
  starts[0] = 0;
  for (int64_t i = 0; i < count; ++i) starts[i + 1] = starts[i] + blocks(lengths[i], kPiece);
  cpu::parallel(work.threads, pieces, [&](int64_t piece) {
    int64_t low = 0, high = count;   // starts[low] ≤ piece < starts[high]
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (starts[middle] <= piece ? low : high) = middle;
    }
    const int64_t first = (piece - starts[low]) * kPiece;
    body(low, first, least(lengths[low], first + kPiece), piece);
  });
}
int64_t pieces_of(int64_t count, const int64_t* lengths) {
  int64_t pieces = 0;
  for (int64_t i = 0; i < count; ++i) pieces += blocks(lengths[i], kPiece);
  return pieces;
}

ETALON_INLINE vf root(vf x) {
#if defined(__AVX512F__)
  return _mm512_sqrt_ps(x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#else
  vf y;
  ETALON_UNROLL
  for (int i = 0; i < VL; ++i) y[i] = __builtin_sqrtf(x[i]);
  return y;
#endif
}
}  // namespace

void adamw(const Work& work, const etalon_adamw_args& args) {
  const double t = static_cast<double>(args.step);
  const float rate = static_cast<float>(args.learning_rate / (1.0 - __builtin_pow(args.beta1, t)));
  const float toRoot = static_cast<float>(1.0 / __builtin_sqrt(1.0 - __builtin_pow(args.beta2, t)));
  const float epsilon = static_cast<float>(args.epsilon), kept = static_cast<float>(1.0 - args.learning_rate * args.weight_decay);
  const float beta1 = static_cast<float>(args.beta1), beta2 = static_cast<float>(args.beta2), scale = static_cast<float>(args.gradient_scale);
  const float rest1 = static_cast<float>(1.0 - args.beta1), rest2 = static_cast<float>(1.0 - args.beta2);
  each_piece(work, args.count, args.lengths, pieces_of(args.count, args.lengths), [&](int64_t array, int64_t first, int64_t last, int64_t) {
    float *const p = args.parameters[array] + first, *const m = args.first[array] + first, *const v = args.second[array] + first;
    const float* const g = args.gradients[array] + first;
    each_vector(last - first, [&](int64_t i, int lanes) {
      const vf gradient = load_n(g + i, lanes) * scale;
      const vf first_ = load_n(m + i, lanes) * beta1 + gradient * rest1;
      const vf second = load_n(v + i, lanes) * beta2 + gradient * gradient * rest2;
      store_n(m + i, first_, lanes);
      store_n(v + i, second, lanes);
      store_n(p + i, load_n(p + i, lanes) * kept - first_ * rate / (root(second) * toRoot + epsilon), lanes);
    });
  });
}

double sum_squares(const Work& work, int64_t count, const float* const* arrays, const int64_t* lengths) {
  typedef double vd __attribute__((vector_size(VL * 4)));
  typedef float half __attribute__((vector_size(VL * 2), aligned(4), may_alias));
  constexpr int D = VL / 2;
  const int64_t pieces = pieces_of(count, lengths);
  double* const parts = reinterpret_cast<double*>(work.arena.take(2 * pieces));
  each_piece(work, count, lengths, pieces, [&](int64_t array, int64_t first, int64_t last, int64_t piece) {
    const float* const x = arrays[array];
    vd sums[4] = {};
    int64_t i = first;
    for (; i + 4 * D <= last; i += 4 * D) {
      ETALON_UNROLL
      for (int u = 0; u < 4; ++u) {
        const vd wide = __builtin_convertvector(*reinterpret_cast<const half*>(x + i + u * D), vd);
        sums[u] += wide * wide;
      }
    }
    const vd whole = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double total = 0;
    for (int l = 0; l < D; ++l) total += whole[l];
    for (; i < last; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    parts[piece] = total;
  });
  for (int64_t size = 1; size < pieces; size *= 2)   // pairs, then pairs of pairs
    for (int64_t i = 0; i + size < pieces; i += 2 * size) parts[i] += parts[i + size];
  return pieces ? parts[0] : 0.0;
}

void scale(const Work& work, int64_t count, float* const* arrays, const int64_t* lengths, float factor) {
  each_piece(work, count, lengths, pieces_of(count, lengths), [&](int64_t array, int64_t first, int64_t last, int64_t) {
    float* const x = arrays[array] + first;
    each_vector(last - first, [&](int64_t i, int lanes) { store_n(x + i, load_n(x + i, lanes) * factor, lanes); });
  });
}

void ema(const Work& work, int64_t count, float* const* averages, const float* const* values, const int64_t* lengths, double decay) {
  const float kept = static_cast<float>(decay), taken = static_cast<float>(1.0 - decay);
  each_piece(work, count, lengths, pieces_of(count, lengths), [&](int64_t array, int64_t first, int64_t last, int64_t) {
    float* const average = averages[array] + first;
    const float* const value = values[array] + first;
    each_vector(last - first, [&](int64_t i, int lanes) { store_n(average + i, load_n(average + i, lanes) * kept + load_n(value + i, lanes) * taken, lanes); });
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
