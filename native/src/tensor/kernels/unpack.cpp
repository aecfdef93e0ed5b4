#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
typedef uint16_t vh __attribute__((vector_size(VL * 2), aligned(2), may_alias));

ETALON_INLINE vf wide_bf16(vu bits) { return (vf)(bits << 16); }

/**
 * Exponent and mantissa move into their places in a float32 and its exponent is mended by a multiplication, which is exact and makes infinity of the largest
 * exponent; a subnormal (no exponent) is its mantissa behind the 1 of ½, less ½.
 */
ETALON_INLINE vf wide_f16(vu bits) {
  const vu sign = (bits & 0x8000u) << 16, rest = bits & 0x7fffu;
  const vf normal = (vf)((rest << 13) + (224u << 23)) * 0x1p-112f;
  const vf subnormal = (vf)(rest | (126u << 23)) - 0.5f;
  return (vf)((vu)(rest < 0x400u ? subnormal : normal) | sign);
}

template <typename Widen>
void unpack(const Work& work, int64_t count, const uint16_t* bits, float* out, Widen&& widen) {
  cpu::parallel(threads_for(work, count), blocks(count, kTaskElements), [&](int64_t task) {
    const int64_t last = least(count, task * kTaskElements + kTaskElements);
    int64_t i = task * kTaskElements;
    for (; i + VL <= last; i += VL) store(out + i, widen(__builtin_convertvector(*reinterpret_cast<const vh*>(bits + i), vu)));
    if (i < last) {
      uint16_t part[VL] = {};
      std::memcpy(part, bits + i, static_cast<size_t>(last - i) * sizeof(uint16_t));
      store_n(out + i, widen(__builtin_convertvector(*reinterpret_cast<const vh*>(part), vu)), static_cast<int>(last - i));
    }
  });
}
}  // namespace

void unpack_bf16(const Work& work, int64_t count, const uint16_t* bits, float* out) {
  unpack(work, count, bits, out, [](vu each) { return wide_bf16(each); });
}
void unpack_f16(const Work& work, int64_t count, const uint16_t* bits, float* out) {
  unpack(work, count, bits, out, [](vu each) { return wide_f16(each); });
}
}  // namespace etalon::tensor::ETALON_TARGET
