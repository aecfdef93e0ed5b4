#include "tensor/tensor.h"

#include <cstring>

namespace etalon::tensor {
#if defined(ETALON_X86)
namespace avx512 {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
#elif defined(ETALON_NEON)
namespace neon {
extern const Kernels kernels;
}
#endif
namespace scalar {
extern const Kernels kernels;
}

const Kernels& kernels_of(const etalon_context& ctx) {
  const char* const name = ctx.kernels->name;
#if defined(ETALON_X86)
  if (std::strcmp(name, "avx512") == 0) return avx512::kernels;
  if (std::strcmp(name, "avx2") == 0) return avx2::kernels;
#elif defined(ETALON_NEON)
  if (std::strcmp(name, "neon") == 0) return neon::kernels;
#endif
  (void)name;
  return scalar::kernels;
}

void check_extent(int64_t size, const char* name) {
  if (size < 0 || size > (int64_t{1} << 40)) throw cpu::Refusal{ETALON_INVALID_ARGUMENT, std::string(name) + " is outside 0 ... 2^40"};
}

int64_t check_count(std::initializer_list<int64_t> extents) {
  int64_t count = 1;
  for (const int64_t extent : extents)
    if (extent == 0) return 0;
  for (const int64_t extent : extents) {
    cpu::require(count <= (int64_t{1} << 60) / extent, "there are more than 2^60 elements");
    count *= extent;
  }
  return count;
}

void check_present(const void* pointer, int64_t elements, const char* name) {
  if (!pointer && elements > 0) throw cpu::Refusal{ETALON_INVALID_ARGUMENT, std::string(name) + " is NULL"};
}

void check_activation(const etalon_activation& activation) {
  int value;   // a caller's int may be none of the enum's, and may not be read as one then
  static_assert(sizeof value == sizeof activation);
  std::memcpy(&value, &activation, sizeof value);
  cpu::require(value >= ETALON_ACTIVATION_NONE && value <= ETALON_ACTIVATION_GELU_ERF, "activation is none of etalon_activation");
}
}  // namespace etalon::tensor
