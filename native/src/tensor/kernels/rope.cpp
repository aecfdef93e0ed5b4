#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
template <int... I>
ETALON_INLINE vf swapped(vf x, Indices<I...>) { return ETALON_SHUFFLE(x, x, (I ^ 1)...); }
/** The first half's lanes, each twice. */
template <int... I>
ETALON_INLINE vf doubled(vf x, Indices<I...>) { return ETALON_SHUFFLE(x, x, (I / 2)...); }
}  // namespace

void rope(const Work& work, const etalon_rope_args& args) {
  using All = typename Count<VL>::type;
  const int64_t half = args.depth / 2;
  vf sign;
  ETALON_UNROLL
  for (int i = 0; i < VL; ++i) sign[i] = (i & 1) == (args.inverse ? 1 : 0) ? -1.0f : 1.0f;
  each_rows(work, args.batch * args.tokens, args.heads * args.depth, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t b = r / args.tokens, t = r % args.tokens;
      const float *const cosines = args.cos + t * half, *const sines = args.sin + t * half;
      for (int64_t h = 0; h < args.heads; ++h) {
        const float* const x = args.x.data + b * args.x.batch + h * args.x.head + t * args.x.row;
        float* const y = args.y.data + b * args.y.batch + h * args.y.head + t * args.y.row;
        each_vector(args.depth, [&](int64_t i, int lanes) {
          const vf value = load_n(x + i, lanes), c = doubled(load_n(cosines + i / 2, lanes / 2), All{}), s = doubled(load_n(sines + i / 2, lanes / 2), All{});
          store_n(y + i, value * c + swapped(value, All{}) * (s * sign), lanes);
        });
      }
    }
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
