#include <cstring>

#include "tensor_light/light.h"

namespace etalon::light {
#if defined(ETALON_X86)
extern const Kernels avx512, avx2;
#elif defined(ETALON_NEON)
extern const Kernels neon;
#endif
extern const Kernels scalar;

const Kernels* kernels_of(const char* target) {
  const Kernels* const all[] = {
#if defined(ETALON_X86)
      &avx512, &avx2,
#elif defined(ETALON_NEON)
      &neon,
#endif
      &scalar};
  for (const Kernels* kernels : all)
    if (std::strcmp(kernels->name, target) == 0) return kernels;
  return nullptr;
}
}  // namespace etalon::light
